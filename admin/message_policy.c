#include "admin/message.h"

#include "admin/trialload.h"
#include "common/base/mem.h"
#include "common/dns/trace.h"
#include "milters/policy/check.h"
#include "milters/policy/engine.h"
#include "milters/policy/score.h"
#include "milters/policy/story.h"

struct values {
	struct trialload load;
	bool json;
	struct trial_options trial;
};

/* ---- in words ---- */

static const char *
recipient_word(const struct policy_recipient *recipient)
{
	if (recipient->is_refused)
		return "refused";
	if (recipient->is_discarded)
		return "discarded";
	return recipient->is_exempt ? "exempt" : "accepted";
}

static void
add_findings(struct strbuf *out, const struct policy_state *report)
{
	const struct policy_finding *finding;

	for (finding = report->findings; finding != NULL;
	    finding = finding->next) {
		strbuf_addf(out, "%s ", finding->check->name);
		story_add_finding(out, finding);
		strbuf_adds(out, "\n");
	}
	strbuf_adds(out, "score ");
	score_add(out, report->facts.score);
	strbuf_addf(out, "%s\n", report->is_exempt ? " (exempt)" : "");
}

/* Where they do not all fare alike. */
static void
add_recipients(struct strbuf *out, const struct policy_facts *facts)
{
	const struct policy_recipient *recipient;
	bool differ = false;
	size_t i;

	for (i = 1; i < facts->recipient_count; i++)
		differ |= strcmp(recipient_word(&facts->recipients[i]),
		    recipient_word(&facts->recipients[0])) != 0;
	for (i = 0; i < facts->recipient_count && differ; i++) {
		recipient = &facts->recipients[i];
		strbuf_addf(out, "recipient %s: %s\n",
		    cli_escape(recipient->path), recipient_word(recipient));
	}
}

static void
add_field(struct strbuf *out, const struct edit *edit)
{
	strbuf_addf(out, "%.*s: ", SPAN_ARG(edit->name));
	trial_unfold(edit->value, out);
}

static void
add_text(struct strbuf *out, const struct trial *trial,
    const struct filter_context *ctx)
{
	const struct policy_state *report = policy_report_of(ctx);
	const struct edit *edit;
	struct strbuf field = STRBUF_INIT;

	add_findings(out, report);
	add_recipients(out, &report->facts);
	for (edit = ctx->edits->first; edit != NULL; edit = edit->next) {
		if (edit->kind != EDIT_INSERT_HEADER)
			continue;
		strbuf_reset(&field);
		add_field(&field, edit);
		strbuf_addf(out, "%s\n", cli_escape(strbuf_span(&field)));
	}
	strbuf_clear(&field);
	trial_add_verdict(out, "verdict", &trial->result.verdict);
}

/* ---- in JSON ---- */

static void
json_findings(const struct policy_state *report, struct json *json)
{
	const struct policy_finding *finding;

	json_array(json, "findings");
	for (finding = report->findings; finding != NULL;
	    finding = finding->next) {
		json_object(json, NULL);
		json_cstring(json, "check", finding->check->name);
		json_string(json, "rule", finding->rule);
		json_hundredths(json, "weight", finding->weight);
		json_cstring(json, "action",
		    policy_action_word(finding->action));
		json_string(json, "reason", finding->reason);
		json_bool(json, "monitored", finding->is_monitored);
		json_bool(json, "for_recipient", finding->is_for_recipient);
		json_object_end(json);
	}
	json_array_end(json);
}

static void
json_recipients(const struct policy_facts *facts, struct json *json)
{
	size_t i;

	json_array(json, "recipients");
	for (i = 0; i < facts->recipient_count; i++) {
		json_object(json, NULL);
		json_string(json, "path", facts->recipients[i].path);
		json_cstring(json, "result",
		    recipient_word(&facts->recipients[i]));
		json_object_end(json);
	}
	json_array_end(json);
}

static void
json_fields(const struct edits *edits, struct json *json)
{
	struct strbuf field = STRBUF_INIT;
	const struct edit *edit;

	json_array(json, "fields");
	for (edit = edits->first; edit != NULL; edit = edit->next) {
		if (edit->kind != EDIT_INSERT_HEADER)
			continue;
		strbuf_reset(&field);
		add_field(&field, edit);
		json_string(json, NULL, strbuf_span(&field));
	}
	json_array_end(json);
	strbuf_clear(&field);
}

static void
add_json(struct json *json, const struct trial *trial,
    const struct filter_context *ctx)
{
	const struct policy_state *report = policy_report_of(ctx);

	trial_json_verdict(&trial->result.verdict, json);
	json_cstring(json, "direction", report->facts.is_out ? "out" : "in");
	json_bool(json, "exempt", report->is_exempt);
	json_hundredths(json, "score", report->facts.score);
	json_findings(report, json);
	json_recipients(&report->facts, json);
	json_fields(ctx->edits, json);
	if (report->lookups != NULL) {
		lookups_add_json(json, "queries", report->lookups);
	} else {
		json_array(json, "queries");
		json_array_end(json);
	}
	trial_json_path(trial, json);
}

/* ---- the command ---- */

/* Nothing is counted; a local cache is as the daemon saved it last, or, where
 * that cannot be read, an empty one. */
static void
only_look(void *arg)
{
	struct policy_conf *conf = arg;
	struct strbuf err = STRBUF_INIT;

	conf->is_trial = true;
	if (!cache_look(conf->cache, &err))
		cli_error("%s; judged as with an empty cache", err.s);
	strbuf_clear(&err);
}

static int
check_envelope(const struct trial_options *trial)
{
	int rc = trial_check_envelope(trial);

	if (rc == EX_OK && trial->recipients.count == 0) {
		cli_error("--rcpt is missing: who is to get the message");
		rc = EX_USAGE;
	}
	return rc;
}

static int
run(const void *arg, const char *const *args, size_t count)
{
	static const struct trialload_judge judge = {
		.filter = &policy_filter,
		.looks_only = true,
		.prepare = only_look,
		.add_text = add_text,
		.add_json = add_json,
	};
	const struct values *values = arg;
	int rc = check_envelope(&values->trial);

	(void)count;
	return rc != EX_OK ? rc : trialload_run(&judge, &values->load,
	    &values->trial, values->json, args[0]);
}

static const struct cli_option options[] = {
	TRIAL_ENVELOPE(struct values, trial,
	    "the client, as in the log; needed",
	    "its name (default: unknown, or localhost)"),
	TRIAL_AT(struct values, trial, "judge"),
	TRIAL_ROW(struct values, trial, explain, "explain", CLI_FLAG, NULL,
	    "print how it was decided, too"),
	TRIALLOAD(struct values, load, "the policy daemon's", "policy.conf"),
	{ .name = "json", .kind = CLI_FLAG,
	    .offset = offsetof(struct values, json), .help = "print JSON" },
};

const struct cli_command message_policy_command = {
	.name = "policy",
	.arguments = "FILE",
	.least = 1,
	.most = 1,
	.summary = "judge a message file as postern-policy would",
	.description =
	    "Hands a message (FILE, or - for standard input) to the policy "
	    "daemon's own code, with\nits configuration and the envelope "
	    "given here, and prints what was found, the score and\nwhat would "
	    "happen with it. DNS and memcached are really asked; of a local "
	    "cache the file\nis read, which the daemon saves once a minute. "
	    "Nothing is counted, learned or saved.\n\n"
	    "--client-addr, --helo, --mail-from and --rcpt stand in the log "
	    "line. The cache's secret\nand file must be readable for you.\n\n"
	    "Exit status: 0 it would be accepted or held; 65 rejected or "
	    "discarded; 75 deferred.",
	.examples =
	    "  postern message policy --client-addr 192.0.2.1 --helo "
	    "mx.example.com \\\n"
	    "      --mail-from alice@example.com --rcpt bob@example.net "
	    "message.eml\n"
	    "  postern message policy --client-addr 192.0.2.1 --helo "
	    "mx.example.com --auth=bob \\\n"
	    "      --mail-from \"\" --rcpt alice@example.com --explain - "
	    "< message.eml\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.run = run,
};
