#include "admin/help.h"

#include "common/base/mem.h"

enum { HELP_COLUMN = 26 };

static void
print_option(const struct cli_option *option, FILE *fp)
{
	struct strbuf head = STRBUF_INIT;
	struct span rest = span_of(option->help), line;

	if (option->letter != '\0')
		strbuf_addf(&head, "-%c, ", option->letter);
	strbuf_addf(&head, "--%s", option->name);
	if (option->argument != NULL)
		strbuf_addf(&head, option->kind == CLI_OPTIONAL ? "[=%s]" :
		    " %s", option->argument);
	fprintf(fp, "  %-*s", HELP_COLUMN - 2, head.s);
	if (head.len + 2 >= HELP_COLUMN)
		fprintf(fp, "\n%*s", HELP_COLUMN, "");
	while (span_line(&rest, &line))
		fprintf(fp, "%.*s\n%*s", SPAN_ARG(line),
		    rest.len > 0 ? HELP_COLUMN : 0, "");
	strbuf_clear(&head);
}

const struct cli_option help_option = {
	.name = "help", .letter = 'h', .kind = CLI_FLAG,
	.help = "this text",
};

void
help_usage(const struct cli_group *group, const struct cli_command *command,
    FILE *fp)
{
	fprintf(fp, "usage: postern %s%s%s%s%s%s\n", group->name,
	    command->name != NULL ? " " : "",
	    command->name != NULL ? command->name : "",
	    command->option_count > 0 ? " [OPTION...]" : "",
	    command->arguments[0] != '\0' ? " " : "", command->arguments);
}

void
help_command(const struct cli_group *group, const struct cli_command *command)
{
	size_t i;

	help_usage(group, command, stdout);
	printf("\n%s\n\noptions:\n", command->description);
	for (i = 0; i < command->option_count; i++)
		print_option(&command->options[i], stdout);
	print_option(&help_option, stdout);
	printf("\nexamples:\n%s", command->examples);
}

void
help_group(const struct cli_group *group, FILE *fp)
{
	size_t i;

	fprintf(fp, "usage: postern %s COMMAND\n\n%s\n\ncommands:\n",
	    group->name, group->summary);
	for (i = 0; i < group->count; i++)
		fprintf(fp, "  %-12s%s\n", group->commands[i]->name,
		    group->commands[i]->summary);
	fprintf(fp, "\n\"postern %s COMMAND --help\" says more, with "
	    "examples.\n", group->name);
}

static void
print_summary(const struct cli_group *group, const struct cli_command *command,
    FILE *fp)
{
	fprintf(fp, "  %-12s%-12s%s\n", group->name,
	    command->name != NULL ? command->name : "", command->summary);
}

void
help_all(const struct cli_group *const *groups, size_t count, FILE *fp)
{
	size_t i, k;

	fputs("usage: postern GROUP [COMMAND] [OPTION...] [ARGUMENT...]\n"
	    "       postern help [GROUP [COMMAND]]\n"
	    "       postern --version\n\n"
	    "Looks after the keys, tables and decisions of the Postern mail filters.\n",
	    fp);
	for (i = 0; i < count; i++) {
		if (i == 0 || strcmp(groups[i]->summary,
		    groups[i - 1]->summary) != 0)
			fprintf(fp, "\n%s:\n", groups[i]->summary);
		if (groups[i]->only != NULL)
			print_summary(groups[i], groups[i]->only, fp);
		for (k = 0; k < groups[i]->count; k++)
			print_summary(groups[i], groups[i]->commands[k], fp);
	}
	fputs("\n\"postern GROUP [COMMAND] --help\" says more, with examples; so "
	    "does postern(8).\n\n"
	    "exit status: 0 done; 1 it ran and the answer is no; 64 wrong "
	    "usage; 65 bad data;\n66 no such input; 69 no daemon answers; "
	    "70 internal trouble; 73 not written;\n74 read or write error; "
	    "75 try again (DNS, cache); 77 no permission;\n"
	    "78 configuration\n", fp);
}
