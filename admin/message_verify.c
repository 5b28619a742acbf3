#include "admin/message.h"

#include "admin/trialload.h"
#include "admin/verifyreport.h"
#include "common/base/mem.h"

struct values {
	struct trialload load;
	bool json;
	struct trial_options trial;
};

/* ---- what is printed ---- */

static void
add_text(struct strbuf *out, const struct trial *trial,
    const struct filter_context *ctx)
{
	const struct verify_report *report = verify_report_of(ctx);
	struct span rest = report != NULL ? report->authres : SPAN_LIT("");
	const char *fold = "";
	struct span line;

	if (rest.len > 0)
		strbuf_adds(out, "Authentication-Results: ");
	for (; span_line(&rest, &line); fold = "\t")
		strbuf_addf(out, "%s%s\n", fold,
		    cli_escape(span_trim(line)));
	trial_add_verdict(out, "verdict", &trial->result.verdict);
	if (report != NULL && report->decision.is_monitored)
		trial_add_verdict(out, "\nwithout MonitorOnly",
		    &report->decision.verdict);
}

static void
add_json(struct json *json, const struct trial *trial,
    const struct filter_context *ctx)
{
	verifyreport_json(verify_report_of(ctx), &trial->result.verdict, json);
}

/* ---- the command ---- */

static int
run(const void *arg, const char *const *args, size_t count)
{
	static const struct trialload_judge judge = {
		.filter = &verify_filter,
		.add_text = add_text,
		.add_json = add_json,
	};
	const struct values *values = arg;
	int rc = trial_check_envelope(&values->trial);

	(void)count;
	return rc != EX_OK ? rc : trialload_run(&judge, &values->load,
	    &values->trial, values->json, args[0]);
}

static const struct cli_option options[] = {
	TRIAL_ENVELOPE(struct values, trial,
	    "the client, as in the log; needed",
	    "its name (default: unknown, or localhost)"),
	TRIAL_AT(struct values, trial, "check"),
	TRIAL_ROW(struct values, trial, explain, "explain", CLI_FLAG, NULL,
	    "print how it was found out and decided, too"),
	TRIALLOAD(struct values, load, "the verifier's", "verify.conf"),
	{ .name = "json", .kind = CLI_FLAG,
	    .offset = offsetof(struct values, json), .help = "print JSON" },
};

const struct cli_command message_verify_command = {
	.name = "verify",
	.arguments = "FILE",
	.least = 1,
	.most = 1,
	.summary = "check a message file as postern-verify would",
	.description =
	    "Hands a message (FILE, or - for standard input) to the "
	    "verifier's own code, with its\nconfiguration and the envelope "
	    "given here, and prints the Authentication-Results field\nthat "
	    "it would get and what would happen with it. DNS is really "
	    "asked.\n\n"
	    "--client-addr, --helo and --mail-from stand in the log line and "
	    "in the message's\nReceived and Return-Path fields. A message "
	    "that was delivered has changed since it\ncame: take off what "
	    "your own servers added. --at brings back the time at which\n"
	    "signatures were checked.\n\n"
	    "Exit status: 0 it would be accepted or held; 65 rejected or "
	    "discarded; 75 deferred.",
	.examples =
	    "  postern message verify --client-addr 192.0.2.1 --helo "
	    "mx.example.com \\\n"
	    "      --mail-from alice@example.com message.eml\n"
	    "  postern message verify --client-addr 192.0.2.1 --helo "
	    "mx.example.com \\\n"
	    "      --mail-from \"\" --explain --nameserver 127.0.0.1@5353 - "
	    "< message.eml\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.run = run,
};
