#include "admin/policy.h"

#include "common/base/mem.h"

enum {
	FOR_MAX = 400 * 86400,
	WORDS_MAX = 16		/* a rule, and a key of several parts */
};

struct set_values {
	struct ask_options ask;
	int64_t seconds;
};

static const struct cli_option options[] = { ASK_ROWS };

static int
show(const void *values, const char *const *args, size_t count)
{
	return ask_run(values, "limit", "show", args, count);
}

static const struct cli_command show_command = {
	.name = "show",
	.arguments = "[RULE [KEY...]]",
	.least = 0,
	.most = WORDS_MAX,
	.summary = "what is counted, and how much is left",
	.description =
	    "Prints the limits, one of them, or what is counted of one KEY: "
	    "a user, an\naddress, a network, whatever the RULE's key= names; "
	    "where it names several\nthings, each is a word, in the same "
	    "order.",
	.examples =
	    "  postern limit show\n"
	    "  postern limit show users joe\n"
	    "  postern limit show pairs 192.0.2.0/24 alice@example.com "
	    "--json\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct ask_options),
	.run = show,
};

static int
release(const void *values, const char *const *args, size_t count)
{
	return ask_run(values, "limit", "release", args, count);
}

static const struct cli_command release_command = {
	.name = "release",
	.arguments = "RULE KEY...",
	.least = 2,
	.most = WORDS_MAX,
	.summary = "forget what was counted of one",
	.description =
	    "What was counted of KEY is forgotten, so that it may send again "
	    "at once. Whether\nit should is a question to ask first: a "
	    "password that others know is changed\nbefore.",
	.examples =
	    "  postern limit release users joe\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct ask_options),
	.run = release,
};

static int
set(const void *arg, const char *const *args, size_t count)
{
	const struct set_values *values = arg;
	struct ask ask;

	ask_start(&ask, &values->ask, "limit", "set", args, count);
	if (values->seconds != 0)
		ask_number(&ask, "for", values->seconds);
	return ask_end(&ask);
}

static const struct cli_option set_options[] = {
	{ .name = "for", .kind = CLI_SECONDS,
	    .offset = offsetof(struct set_values, seconds),
	    .argument = "TIME", .help = "such as 90m, 1d (default: 400d)",
	    .min = 1, .max = FOR_MAX },
	ASK_ROWS,
};

static const struct cli_command set_command = {
	.name = "set",
	.arguments = "RULE KEY... LIMIT",
	.least = 3,
	.most = WORDS_MAX,
	.summary = "another limit for one, for a time",
	.description =
	    "KEY has this limit instead of the RULE's, in the RULE's period; "
	    "\"default\" as the\nLIMIT takes it back.",
	.examples =
	    "  postern limit set users joe 2000 --for 1d\n"
	    "  postern limit set users joe default\n",
	.options = set_options,
	.option_count = ARRAY_LEN(set_options),
	.values_size = sizeof(struct set_values),
	.run = set,
};

static const struct cli_command *const commands[] = {
	&show_command, &release_command, &set_command,
};

const struct cli_group limit_group = {
	.name = "limit",
	.summary = POLICY_SUMMARY,
	.commands = commands,
	.count = ARRAY_LEN(commands),
};
