#include "admin/policy.h"

#include "common/base/mem.h"

static const struct cli_option options[] = { ASK_ROWS };

static int
why(const void *values, const char *const *args, size_t count)
{
	return ask_run(values, "greylist", "why", args, count);
}

static const struct cli_command why_command = {
	.name = "why",
	.arguments = "CLIENT SENDER RECIPIENT",
	.least = 3,
	.most = 3,
	.summary = "why a message has to wait, or not",
	.description =
	    "Tells whether a message from SENDER to RECIPIENT has to wait "
	    "now, how long, since\nwhen it is known, and which of the reasons "
	    "not to wait hold. CLIENT is an address,\nor name[address] as the "
	    "log has it; \"<>\" is the null sender.",
	.examples =
	    "  postern greylist why 192.0.2.1 joe@example.org "
	    "you@example.com\n"
	    "  postern greylist why 'mail.example.org[192.0.2.1]' '<>' "
	    "you@example.com\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct ask_options),
	.run = why,
};

static int
release(const void *values, const char *const *args, size_t count)
{
	return ask_run(values, "greylist", "release", args, count);
}

static const struct cli_command release_command = {
	.name = "release",
	.arguments = "CLIENT SENDER RECIPIENT",
	.least = 3,
	.most = 3,
	.summary = "let a message in when it comes again",
	.description =
	    "What is asked for by these three is known from now on: the next "
	    "attempt need not\nwait.",
	.examples =
	    "  postern greylist release 192.0.2.1 joe@example.org "
	    "you@example.com\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct ask_options),
	.run = release,
};

static const struct cli_command *const commands[] = {
	&why_command, &release_command,
};

const struct cli_group greylist_group = {
	.name = "greylist",
	.summary = POLICY_SUMMARY,
	.commands = commands,
	.count = ARRAY_LEN(commands),
};
