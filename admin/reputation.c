#include "admin/policy.h"

#include "common/base/mem.h"

#include <inttypes.h>
#include <stdio.h>

enum { COUNT_MAX = 1000000 };

struct learn_values {
	struct ask_options ask;
	int64_t times;
};

static const struct cli_option options[] = { ASK_ROWS };

#define KINDS								\
	"KIND is dkim-domain, spf-domain, client-net or sasl-user; NAME a "	\
	"domain, an\naddress or network, or a user."

static int
show(const void *values, const char *const *args, size_t count)
{
	return ask_run(values, "reputation", "show", args, count);
}

static const struct cli_command show_command = {
	.name = "show",
	.arguments = "KIND NAME",
	.least = 2,
	.most = 2,
	.summary = "what is known of a sender",
	.description =
	    "Prints how much good and bad mail came of late, and what that "
	    "adds to a score.\n" KINDS,
	.examples =
	    "  postern reputation show dkim-domain example.org\n"
	    "  postern reputation show client-net 192.0.2.1 --json\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct ask_options),
	.run = show,
};

/* The daemon has the name first: as in its other commands. */
static int
learn(const void *arg, const char *const *args, size_t count)
{
	const struct learn_values *values = arg;
	char times[24];
	const char *words[] = { args[1], args[2], args[0], times };

	if (strcmp(args[0], "good") != 0 && strcmp(args[0], "bad") != 0) {
		cli_error("%s: must be good or bad", cli_quote(span_of(
		    args[0])));
		return EX_USAGE;
	}
	snprintf(times, sizeof(times), "%" PRId64, values->times);
	return ask_run(&values->ask, "reputation", "learn", words, count + 1);
}

static const struct learn_values learn_defaults = { .times = 1 };

static const struct cli_option learn_options[] = {
	{ .name = "count", .kind = CLI_NUMBER,
	    .offset = offsetof(struct learn_values, times),
	    .argument = "N", .help = "as many messages (default: 1)",
	    .min = 1, .max = COUNT_MAX },
	ASK_ROWS,
};

static const struct cli_command learn_command = {
	.name = "learn",
	.arguments = "good|bad KIND NAME",
	.least = 3,
	.most = 3,
	.summary = "count mail as good or bad",
	.description =
	    "Counts a message, as if the filter had found it good or bad: for "
	    "what users\nreport.\n" KINDS,
	.examples =
	    "  postern reputation learn bad dkim-domain example.org\n"
	    "  postern reputation learn good spf-domain example.com "
	    "--count 50\n",
	.options = learn_options,
	.option_count = ARRAY_LEN(learn_options),
	.values_size = sizeof(struct learn_values),
	.defaults = &learn_defaults,
	.run = learn,
};

static int
forget(const void *values, const char *const *args, size_t count)
{
	return ask_run(values, "reputation", "forget", args, count);
}

static const struct cli_command forget_command = {
	.name = "forget",
	.arguments = "KIND NAME",
	.least = 2,
	.most = 2,
	.summary = "forget all of a sender",
	.description =
	    "Whoever it is begins anew, as one of whom nothing is known.\n"
	    KINDS,
	.examples =
	    "  postern reputation forget sasl-user joe\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct ask_options),
	.run = forget,
};

static const struct cli_command *const commands[] = {
	&show_command, &learn_command, &forget_command,
};

const struct cli_group reputation_group = {
	.name = "reputation",
	.summary = POLICY_SUMMARY,
	.commands = commands,
	.count = ARRAY_LEN(commands),
};
