#include "admin/policy.h"

#include "common/base/mem.h"

static int
show(const void *values, const char *const *args, size_t count)
{
	return ask_run(values, "warmup", "show", args, count);
}

enum { WORDS_MAX = 16 };	/* a rule, and a key of several parts */

static const struct cli_option options[] = { ASK_ROWS };

static const struct cli_command show_command = {
	.name = "show",
	.arguments = "[RULE [KEY...]]",
	.least = 0,
	.most = WORDS_MAX,
	.summary = "today's allowance of a new address",
	.description =
	    "Prints for each group of domains what may be sent today and what "
	    "was, and the\nlines for Postfix that spread the allowance over "
	    "the day: a filter can only say\nyes or not yet. Where the RULE "
	    "has key=, what one KEY has used is shown if it is\nnamed: an "
	    "address, a user.",
	.examples =
	    "  postern warmup show\n"
	    "  postern warmup show gmail --json\n"
	    "  postern warmup show gmail 192.0.2.1\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct ask_options),
	.run = show,
};

static const struct cli_command *const commands[] = { &show_command };

const struct cli_group warmup_group = {
	.name = "warmup",
	.summary = POLICY_SUMMARY,
	.commands = commands,
	.count = ARRAY_LEN(commands),
};
