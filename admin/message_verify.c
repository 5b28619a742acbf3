#include "admin/message.h"

#include "admin/trial.h"
#include "admin/verifyreport.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct values {
	const char *config;
	bool json;
	const char *nameservers;
	int64_t timeout;
	struct trial_options trial;
};

/* What the report becomes while it is there. */
struct view {
	const struct trial *trial;
	bool wants_json;
	struct strbuf text;
};

/* ---- what is printed ---- */

/* "reject 550 5.7.1 because", as the client is answered; "quarantine (because)"
 * where it need not know. */
static void
add_verdict(struct strbuf *out, const char *label,
    const struct verdict *verdict)
{
	unsigned code = verifyreport_code(verdict);

	strbuf_addf(out, "%s: %s", label, verdict_word(verdict));
	if (code >= 400)
		strbuf_addf(out, " %u %s", code, verdict->enhanced != NULL ?
		    verdict->enhanced : code >= 500 ? "5.7.1" : "4.7.1");
	if (verdict->text != NULL)
		strbuf_addf(out, code >= 400 ? " %s" : " (%s)",
		    cli_escape(span_of(verdict->text)));
}

static void
add_text(struct view *view, const struct verify_report *report)
{
	struct span rest = report != NULL ? report->authres : SPAN_LIT("");
	const char *fold = "";
	struct span line;

	if (rest.len > 0)
		strbuf_adds(&view->text, "Authentication-Results: ");
	for (; span_line(&rest, &line); fold = "\t")
		strbuf_addf(&view->text, "%s%s\n", fold,
		    cli_escape(span_trim(line)));
	add_verdict(&view->text, "verdict", &view->trial->result.verdict);
	if (report != NULL && report->decision.is_monitored)
		add_verdict(&view->text, "\nwithout MonitorOnly",
		    &report->decision.verdict);
}

static void
observe(void *arg, const struct filter_context *ctx)
{
	struct view *view = arg;
	const struct verify_report *report = verify_report_of(ctx);
	struct json json;

	if (!view->wants_json) {
		add_text(view, report);
		return;
	}
	json_start(&json, &view->text);
	json_object(&json, NULL);
	verifyreport_json(report, &view->trial->result.verdict, &json);
	json_object_end(&json);
}

static int
run_trial(struct trial *trial, const struct values *values,
    const struct snapshot *snapshot)
{
	struct view view = { .trial = trial, .wants_json = values->json };
	int rc;

	trial->envelope.observe = observe;
	trial->envelope.observe_arg = &view;
	rc = trial_run(trial, &verify_filter, snapshot);
	if (rc == EX_OK) {
		if (values->trial.explain && !values->json)
			trial_print_path(trial);
		cli_print(&view.text);
		rc = trial_status(trial, EX_OK);
	}
	strbuf_clear(&view.text);
	return rc;
}

/* ---- the configuration ---- */

/* NULL: there is none, and the defaults do. */
static const char *
choose_file(const char *wanted, struct arena *arena)
{
	const char *file = arena_printf(arena, "%s/postern/%s", SYSCONFDIR,
	    verify_filter.default_config);

	if (wanted != NULL)
		return wanted;
	return access(file, F_OK) != 0 && errno == ENOENT ? NULL : file;
}

/* MessageTimeout as the file has it; what is wrong with the file is told when
 * it is loaded. */
static int64_t
message_timeout(const char *file, struct arena *arena)
{
	struct config_origin *origins = arena_zalloc(arena,
	    verify_schema.count * sizeof(*origins));
	struct diag diag = DIAG_INIT;
	struct verify_conf conf;

	memset(&conf, 0, sizeof(conf));
	config_load(file, &verify_schema, &conf, origins, arena, &diag);
	diag_clear(&diag);
	return conf.message_timeout;
}

static struct snapshot *
load(const struct values *values, struct arena *arena, struct diag *diag)
{
	struct snapshot_override overrides[3];
	struct snapshot_options options = {
		.file = choose_file(values->config, arena),
		.uid = geteuid(),
		.gid = getegid(),
		.overrides = overrides,
	};
	const char *seconds = arena_printf(arena, "%lld",
	    (long long)values->timeout);

	if (values->nameservers != NULL)
		overrides[options.override_count++] =
		    (struct snapshot_override){ "Nameservers",
		    values->nameservers };
	if (values->timeout != 0)
		overrides[options.override_count++] =
		    (struct snapshot_override){ "DNSTimeout", seconds };
	/* All of a message is not to end before one answer. */
	if (message_timeout(options.file, arena) < values->timeout)
		overrides[options.override_count++] =
		    (struct snapshot_override){ "MessageTimeout", seconds };
	return snapshot_load(&verify_filter, &options, diag);
}

/* ---- the command ---- */

/* Without these there is nothing to check, or something else than was meant. */
static int
check_envelope(const struct trial_options *trial)
{
	if (trial->client_address == NULL)
		cli_error("--client-addr is missing: the address that the "
		    "message came from");
	else if (trial->helo == NULL)
		cli_error("--helo is missing: what the client said in EHLO");
	else if (trial->sender == NULL)
		cli_error("--mail-from is missing: the envelope's sender; "
		    "\"\" for a bounce");
	else
		return EX_OK;
	return EX_USAGE;
}

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct trial trial = { .macros = NULL };
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot = NULL;
	int rc = check_envelope(&values->trial);

	(void)count;
	/* What is printed says it all; the log line would say it again. */
	log_open("postern", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	if (rc == EX_OK)
		rc = trial_start(&trial, &values->trial, args[0]);
	if (rc == EX_OK) {
		snapshot = load(values, &trial.arena, &diag);
		rc = snapshot != NULL ? run_trial(&trial, values, snapshot) :
		    cli_report(&diag);
	}
	snapshot_unref(snapshot);
	diag_clear(&diag);
	trial_clear(&trial);
	return rc;
}

static const struct cli_option options[] = {
	TRIAL_ENVELOPE(struct values, trial,
	    "the client, as in the log; needed",
	    "its name (default: unknown, or localhost)"),
	TRIAL_AT(struct values, trial, "check"),
	TRIAL_ROW(struct values, trial, explain, "explain", CLI_FLAG, NULL,
	    "print how it was found out and decided, too"),
	{ .name = "config", .letter = 'c', .kind = CLI_TEXT,
	    .offset = offsetof(struct values, config), .argument = "FILE",
	    .help = "the verifier's configuration (default:\n"
	    SYSCONFDIR "/postern/verify.conf; without one,\n"
	    "the defaults)" },
	{ .name = "nameserver", .kind = CLI_TEXT,
	    .offset = offsetof(struct values, nameservers),
	    .argument = "ADDR[@PORT]",
	    .help = "instead of Nameservers (several: with commas)" },
	{ .name = "timeout", .kind = CLI_SECONDS,
	    .offset = offsetof(struct values, timeout),
	    .argument = "SECONDS",
	    .help = "for one answer, instead of DNSTimeout", .min = 1,
	    .max = 60 },
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
