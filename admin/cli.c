#include "admin/cli.h"

#include "admin/help.h"
#include "common/base/escape.h"
#include "common/base/mem.h"
#include "common/base/nearest.h"
#include "common/base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Texts made for messages: they last as long as the process. */
static struct arena texts = ARENA_INIT;

/* ---- what commands say ---- */

void
cli_error(const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT, line = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	escape_add(&line, strbuf_span(&text), SIZE_MAX,
	    ESCAPE_UTF8 | ESCAPE_AGAIN);
	fflush(stdout);
	fprintf(stderr, "postern: %s\n", strbuf_str(&line));
	strbuf_clear(&text);
	strbuf_clear(&line);
}

static const char *
escaped(struct span s, const char *quote, unsigned flags)
{
	struct strbuf out = STRBUF_INIT;
	const char *text;

	strbuf_adds(&out, quote);
	escape_add(&out, s, ESCAPE_MAX, flags);
	strbuf_adds(&out, quote);
	text = arena_strdup(&texts, strbuf_str(&out));
	strbuf_clear(&out);
	return text;
}

const char *
cli_quote(struct span s)
{
	return escaped(s, "\"", ESCAPE_QUOTE | ESCAPE_UTF8);
}

const char *
cli_escape(struct span s)
{
	return escaped(s, "", ESCAPE_UTF8);
}

int
cli_report(const struct diag *diag)
{
	fflush(stdout);
	diag_print(diag, stderr);
	return diag_failed(diag) ? EX_CONFIG : EX_OK;
}

void
cli_print(struct strbuf *out)
{
	fwrite(strbuf_str(out), 1, out->len, stdout);
	putchar('\n');
	strbuf_clear(out);
}

/* ---- one option ---- */

static int
bad_value(const struct cli_option *option, const char *value, const char *want)
{
	cli_error("--%s: %s: %s", option->name, cli_quote(span_of(value)),
	    want);
	return EX_USAGE;
}

static int
set_number(const struct cli_option *option, const char *text, int64_t *value)
{
	uint64_t n;
	bool ok;

	if (option->kind == CLI_SECONDS) {
		ok = units_seconds(span_of(text), value);
	} else {
		ok = span_number(span_of(text), INT64_MAX, &n);
		*value = ok ? (int64_t)n : 0;
	}
	if (ok && *value >= option->min && *value <= option->max)
		return 0;
	cli_error("--%s: %s: must be %" PRId64 " to %" PRId64 "%s",
	    option->name, cli_quote(span_of(text)), option->min, option->max,
	    option->kind == CLI_SECONDS ? " seconds" : "");
	return EX_USAGE;
}

static int
set_word(const struct cli_option *option, const char *text, int *value)
{
	struct strbuf want = STRBUF_INIT;
	int i, rc;

	for (i = 0; option->words[i] != NULL; i++) {
		if (span_is_nocase(span_of(text), option->words[i])) {
			*value = i;
			strbuf_clear(&want);
			return 0;
		}
		strbuf_addf(&want, "%s%s", i == 0 ? "must be " :
		    option->words[i + 1] == NULL ? " or " : ", ",
		    option->words[i]);
	}
	rc = bad_value(option, text, strbuf_str(&want));
	strbuf_clear(&want);
	return rc;
}

static void
add_to_list(struct cli_list *list, const char *text)
{
	list->items = xreallocarray(list->items, list->count + 1,
	    sizeof(*list->items));
	list->items[list->count++] = text;
}

static int
set_value(const struct cli_option *option, const char *text, void *values)
{
	void *value = (char *)values + option->offset;

	switch (option->kind) {
	case CLI_FLAG:
		*(bool *)value = true;
		return 0;
	case CLI_TEXT:
		if (text[0] == '\0')
			return bad_value(option, text, "must not be empty");
		*(const char **)value = text;
		return 0;
	case CLI_STRING:
		*(const char **)value = text;
		return 0;
	case CLI_OPTIONAL:
		*(const char **)value = text != NULL ? text :
		    option->argument;
		return 0;
	case CLI_NUMBER:
	case CLI_SECONDS:
		return set_number(option, text, value);
	case CLI_WORD:
		return set_word(option, text, value);
	case CLI_LIST:
		add_to_list(value, text);
		return 0;
	}
	return EX_SOFTWARE;
}

/* ---- the command line ---- */

struct line {
	const struct cli_group *group;
	const struct cli_command *command;
	char **argv;
	int argc;
	int at;			/* the word under way */
	bool wants_help;
};

static const struct cli_option *
find_option(const struct cli_command *command, struct span name)
{
	size_t i;

	for (i = 0; i < command->option_count; i++)
		if (span_is(name, command->options[i].name))
			return &command->options[i];
	return span_is(name, help_option.name) ? &help_option : NULL;
}

static const struct cli_option *
find_letter(const struct cli_command *command, char letter)
{
	size_t i;

	for (i = 0; i < command->option_count; i++)
		if (command->options[i].letter == letter)
			return &command->options[i];
	return letter == help_option.letter ? &help_option : NULL;
}

static int
unknown_option(const struct line *line, struct span name)
{
	const struct cli_command *command = line->command;
	struct nearest nearest;
	size_t i;

	nearest_start(&nearest, name);
	for (i = 0; i < command->option_count; i++)
		nearest_offer(&nearest, command->options[i].name);
	cli_error("unknown option %s%s%s%s; see: postern %s%s%s --help",
	    cli_quote(span_of(line->argv[line->at])),
	    nearest.best != NULL ? "; did you mean --" : "",
	    nearest.best != NULL ? nearest.best : "",
	    nearest.best != NULL ? "?" : "",
	    line->group->name, command->name != NULL ? " " : "",
	    command->name != NULL ? command->name : "");
	return EX_USAGE;
}

/* One word that starts with '-'; takes the next one where it is the value. */
static int
read_option(struct line *line, void *values)
{
	struct span rest = span_of(line->argv[line->at]), name;
	const struct cli_option *option;
	const char *value = NULL;

	if (span_starts(rest, SPAN_LIT("--"))) {
		rest = span_skip(rest, 2);
		if (span_cut(&rest, '=', &name))
			value = rest.p;
		option = find_option(line->command, name);
	} else {
		name = span_skip(rest, 1);
		option = find_letter(line->command, rest.p[1]);
		if (rest.len > 2)
			value = rest.p + 2;
	}
	if (option == NULL)
		return unknown_option(line, name);
	if (option->kind == CLI_FLAG && value != NULL)
		return bad_value(option, value, "the option takes no value");
	if (option == &help_option) {
		line->wants_help = true;
		return 0;
	}
	if (value == NULL && option->kind != CLI_FLAG &&
	    option->kind != CLI_OPTIONAL) {
		value = line->argv[line->at + 1];
		if (value == NULL) {
			cli_error("--%s: its value (%s) is missing",
			    option->name, option->argument);
			return EX_USAGE;
		}
		line->at++;
	}
	return set_value(option, value, values);
}

/* The options into values, the arguments into args. */
static int
read_line(struct line *line, void *values, const char **args, size_t *count)
{
	bool options = true;
	const char *word;
	int rc;

	*count = 0;
	for (; line->at < line->argc; line->at++) {
		word = line->argv[line->at];
		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && word[0] == '-' && word[1] != '\0') {
			rc = read_option(line, values);
			if (rc != 0)
				return rc;
		} else {
			args[(*count)++] = word;
		}
	}
	args[*count] = NULL;
	return 0;
}

static int
check_count(const struct line *line, const char *const *args, size_t count)
{
	if (count >= line->command->least && count <= line->command->most)
		return 0;
	if (count > line->command->most)
		cli_error("unexpected argument %s",
		    cli_quote(span_of(args[line->command->most])));
	else
		cli_error("%s is missing", line->command->arguments);
	help_usage(line->group, line->command, stderr);
	return EX_USAGE;
}

static int
finish_output(int rc)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return rc;
	cli_error("standard output: cannot be written");
	return rc == EX_OK ? EX_IOERR : rc;
}

static void
free_lists(const struct cli_command *command, void *values)
{
	size_t i;

	for (i = 0; i < command->option_count; i++)
		if (command->options[i].kind == CLI_LIST)
			free(((struct cli_list *)(void *)((char *)values +
			    command->options[i].offset))->items);
}

static int
run_command(struct line *line)
{
	const struct cli_command *command = line->command;
	const char **args = xcalloc((size_t)line->argc + 1, sizeof(*args));
	void *values = xcalloc(1, command->values_size);
	size_t count;
	int rc;

	if (command->defaults != NULL)
		memcpy(values, command->defaults, command->values_size);
	rc = read_line(line, values, args, &count);
	if (rc == 0 && line->wants_help)
		help_command(line->group, command);
	else if (rc == 0)
		rc = check_count(line, args, count);
	if (rc == 0 && !line->wants_help)
		rc = command->run(values, args, count);
	free_lists(command, values);
	free(values);
	free(args);
	return finish_output(rc);
}

static const struct cli_command *
find_command(const struct cli_group *group, const char *name)
{
	struct nearest nearest;
	size_t i;

	nearest_start(&nearest, span_of(name));
	for (i = 0; i < group->count; i++) {
		if (strcmp(name, group->commands[i]->name) == 0)
			return group->commands[i];
		nearest_offer(&nearest, group->commands[i]->name);
	}
	cli_error("unknown command %s%s%s%s; see: postern %s --help",
	    cli_quote(span_of(name)),
	    nearest.best != NULL ? "; did you mean " : "",
	    nearest.best != NULL ? nearest.best : "",
	    nearest.best != NULL ? "?" : "", group->name);
	return NULL;
}

static const struct cli_group *
find_group(const struct cli_group *const *groups, size_t count,
    const char *name)
{
	struct nearest nearest;
	size_t i;

	nearest_start(&nearest, span_of(name));
	for (i = 0; i < count; i++) {
		if (strcmp(name, groups[i]->name) == 0)
			return groups[i];
		nearest_offer(&nearest, groups[i]->name);
	}
	cli_error("unknown command %s%s%s%s; see: postern --help",
	    cli_quote(span_of(name)),
	    nearest.best != NULL ? "; did you mean " : "",
	    nearest.best != NULL ? nearest.best : "",
	    nearest.best != NULL ? "?" : "");
	return NULL;
}

static bool
is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int
run_group(const struct cli_group *group, int argc, char **argv)
{
	struct line line = { .group = group, .argc = argc, .argv = argv,
	    .at = 3 };

	if (group->only != NULL) {
		line.command = group->only;
		line.at = 2;
		return run_command(&line);
	}
	if (argc < 3) {
		help_group(group, stderr);
		return EX_USAGE;
	}
	if (is_help(argv[2])) {
		help_group(group, stdout);
		return finish_output(EX_OK);
	}
	line.command = find_command(group, argv[2]);
	return line.command != NULL ? run_command(&line) : EX_USAGE;
}

/* postern help [GROUP [COMMAND]]; a group that is one command has its own. */
static int
help(int argc, char **argv, const struct cli_group *const *groups,
    size_t count)
{
	const struct cli_group *group;
	const struct cli_command *command;

	if (argc < 3) {
		help_all(groups, count, stdout);
		return finish_output(EX_OK);
	}
	group = find_group(groups, count, argv[2]);
	if (group == NULL)
		return EX_USAGE;
	if (argc < 4 && group->only == NULL) {
		help_group(group, stdout);
		return finish_output(EX_OK);
	}
	command = group->only != NULL ? group->only :
	    find_command(group, argv[3]);
	if (command == NULL)
		return EX_USAGE;
	help_command(group, command);
	return finish_output(EX_OK);
}

int
cli_main(int argc, char **argv, const struct cli_group *const *groups,
    size_t count)
{
	const struct cli_group *group;

	if (argc < 2) {
		help_all(groups, count, stderr);
		return EX_USAGE;
	}
	if (strcmp(argv[1], "help") == 0)
		return help(argc, argv, groups, count);
	if (is_help(argv[1])) {
		help_all(groups, count, stdout);
		return finish_output(EX_OK);
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("postern " VERSION_TEXT);
		return finish_output(EX_OK);
	}
	group = find_group(groups, count, argv[1]);
	return group != NULL ? run_group(group, argc, argv) : EX_USAGE;
}
