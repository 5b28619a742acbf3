#include "milters/verify/story.h"

#include "common/base/base64.h"
#include "common/base/mem.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/dns/trace.h"

enum story_counter {
	COUNT_ACTION,				/* by enum verdict_action */
	COUNT_CAUSE = COUNT_ACTION + 5,
	COUNT_SPF = COUNT_CAUSE + VERIFY_CAUSES,
	COUNT_DKIM = COUNT_SPF + SPF_PERMERROR + 1,
	COUNT_ARC = COUNT_DKIM + DKIM_PERMERROR + 1,
	COUNT_DMARC = COUNT_ARC + ARC_TEMPERROR + 1,
	COUNT_REMOVED = COUNT_DMARC + DMARC_PERMERROR + 1,
	COUNT_MONITORED,
	COUNT_QUERIES,
	COUNT_ROWS
};

#define ROW(name, label, word)	{ "postern_verify_" name "_total", \
	    label "=\"" word "\"", NULL, COUNTER }
#define FIRST(name, label, word, help) { "postern_verify_" name "_total", \
	    label "=\"" word "\"", help, COUNTER }

static const struct counter_row counter_rows[COUNT_ROWS] = {
	FIRST("messages", "action", "accept",
	    "Messages by what happened to them."),
	ROW("messages", "action", "tempfail"),
	ROW("messages", "action", "reject"),
	ROW("messages", "action", "discard"),
	ROW("messages", "action", "quarantine"),
	[COUNT_CAUSE] = FIRST("decisions", "cause", "none",
	    "Messages by what decided, MonitorOnly or not."),
	ROW("decisions", "cause", "exempt"),
	ROW("decisions", "cause", "bad-message"),
	ROW("decisions", "cause", "bad-from"),
	ROW("decisions", "cause", "spf-policy"),
	ROW("decisions", "cause", "dmarc-policy"),
	ROW("decisions", "cause", "dns-error"),
	ROW("decisions", "cause", "internal-error"),
	[COUNT_SPF] = FIRST("spf", "result", "none",
	    "SPF results of MAIL FROM."),
	ROW("spf", "result", "neutral"),
	ROW("spf", "result", "pass"),
	ROW("spf", "result", "fail"),
	ROW("spf", "result", "softfail"),
	ROW("spf", "result", "temperror"),
	ROW("spf", "result", "permerror"),
	[COUNT_DKIM] = FIRST("dkim", "result", "none",
	    "DKIM results, one a signature (none: one a message)."),
	ROW("dkim", "result", "pass"),
	ROW("dkim", "result", "fail"),
	ROW("dkim", "result", "policy"),
	ROW("dkim", "result", "neutral"),
	ROW("dkim", "result", "temperror"),
	ROW("dkim", "result", "permerror"),
	[COUNT_ARC] = FIRST("arc", "result", "none", "ARC results."),
	ROW("arc", "result", "pass"),
	ROW("arc", "result", "fail"),
	ROW("arc", "result", "temperror"),
	[COUNT_DMARC] = FIRST("dmarc", "result", "none", "DMARC results."),
	ROW("dmarc", "result", "pass"),
	ROW("dmarc", "result", "fail"),
	ROW("dmarc", "result", "temperror"),
	ROW("dmarc", "result", "permerror"),
	[COUNT_REMOVED] = { "postern_verify_removed_fields_total", NULL,
	    "Forged Authentication-Results fields deleted.", COUNTER },
	[COUNT_MONITORED] = { "postern_verify_monitored_total", NULL,
	    "Messages that MonitorOnly let pass.", COUNTER },
	[COUNT_QUERIES] = { "postern_verify_dns_questions_total", NULL,
	    "DNS questions, cached ones too.", COUNTER },
};

const struct counter_schema story_counters = {
	counter_rows, ARRAY_LEN(counter_rows)
};

/* ---- counting ---- */

static size_t
action_row(const struct verify_decision *decision)
{
	static const size_t rows[] = {
		[VERDICT_TEMPFAIL] = COUNT_ACTION + 1,
		[VERDICT_REJECT] = COUNT_ACTION + 2,
		[VERDICT_DISCARD] = COUNT_ACTION + 3,
		[VERDICT_QUARANTINE] = COUNT_ACTION + 4,
	};

	return decision->is_monitored ? COUNT_ACTION :
	    rows[decision->verdict.action];
}

void
story_count(struct filter_context *ctx, const struct verify_report *report)
{
	struct counters *counters = ctx->counters;
	size_t i;

	counters_add(counters, action_row(&report->decision), 1);
	counters_add(counters, COUNT_CAUSE + (size_t)report->decision.cause,
	    1);
	if (report->mailfrom != NULL)
		counters_add(counters, COUNT_SPF +
		    (size_t)report->mailfrom->result, 1);
	if (report->has_dkim && report->dkim_count == 0)
		counters_add(counters, COUNT_DKIM, 1);
	for (i = 0; i < report->dkim_count; i++)
		counters_add(counters, COUNT_DKIM +
		    (size_t)report->dkim[i].result, 1);
	if (report->arc != NULL)
		counters_add(counters, COUNT_ARC +
		    (size_t)report->arc->result, 1);
	if (report->has_dmarc)
		counters_add(counters, COUNT_DMARC +
		    (size_t)report->dmarc.result, 1);
	if (report->removed != 0)
		counters_add(counters, COUNT_REMOVED,
		    (int64_t)report->removed);
	if (report->decision.is_monitored)
		counters_add(counters, COUNT_MONITORED, 1);
	if (report->lookups != NULL)
		counters_add(counters, COUNT_QUERIES,
		    (int64_t)lookups_count(report->lookups));
}

/* ---- the log line ---- */

static void
log_results(struct log_event *event, const struct verify_report *report)
{
	const struct dkim_outcome *dkim;
	size_t i;

	if (report->has_iprev)
		log_event_adds(event, "iprev",
		    iprev_result_name(report->iprev.result));
	if (report->helo != NULL)
		log_event_adds(event, "spf_helo",
		    spf_result_name(report->helo->result));
	if (report->mailfrom != NULL) {
		log_event_adds(event, "spf",
		    spf_result_name(report->mailfrom->result));
		log_event_add(event, "spf_domain", report->mailfrom->domain);
		if (*report->mailfrom->reason != '\0')
			log_event_adds(event, "spf_reason",
			    report->mailfrom->reason);
	}
	if (report->has_dkim && report->dkim_count == 0)
		log_event_adds(event, "dkim", "none");
	for (i = 0; i < report->dkim_count && i < 8; i++) {
		dkim = &report->dkim[i];
		log_event_adds(event, "dkim", dkim_result_name(dkim->result));
		log_event_add(event, "d", dkim->domain);
		log_event_add(event, "s", dkim->selector);
		if (*dkim->reason != '\0')
			log_event_adds(event, "dkim_reason", dkim->reason);
	}
	if (report->arc != NULL && report->arc->result != ARC_NONE) {
		log_event_adds(event, "arc",
		    arc_result_name(report->arc->result));
		if (*report->arc->reason != '\0')
			log_event_adds(event, "arc_reason",
			    report->arc->reason);
	}
}

static void
log_dmarc(struct log_event *event, const struct verify_report *report)
{
	const struct dmarc_outcome *dmarc = &report->dmarc;

	if (!report->has_dmarc)
		return;
	log_event_adds(event, "dmarc", dmarc_result_name(dmarc->result));
	log_event_add(event, "from", dmarc->from);
	if (dmarc->walk.record != NULL) {
		log_event_add(event, "policy_domain",
		    dmarc->walk.policy_domain);
		log_event_adds(event, "policy",
		    dmarc_policy_name(dmarc->walk.policy));
	}
	if (dmarc->result == DMARC_FAIL)
		log_event_adds(event, "disposition",
		    dmarc_policy_name(report->decision.disposition));
	if (report->decision.override != NULL) {
		log_event_adds(event, "override", report->decision.override);
		log_event_adds(event, "by",
		    report->decision.override_comment);
	}
}

void
story_log(struct filter_context *ctx, const struct verify_report *report)
{
	const struct verify_decision *decision = &report->decision;
	struct strbuf client = STRBUF_INIT;
	struct log_event event;

	log_event_start(&event, report->internal_error != NULL ?
	    LOG_LEVEL_ERROR : LOG_LEVEL_INFO, ctx->message->queue_id);
	if (!event.wanted)
		return log_event_end(&event);
	log_event_adds(&event, "action",
	    verdict_word(&decision->verdict));
	log_event_adds(&event, "cause", verify_cause_word(decision->cause));
	if (decision->is_monitored)
		log_event_adds(&event, "monitor", "yes");
	ipaddr_add(&client, &ctx->session->client);
	log_event_add(&event, "client", strbuf_span(&client));
	strbuf_clear(&client);
	log_event_add(&event, "helo", ctx->session->helo);
	log_event_add(&event, "sender", ctx->message->sender_text);
	log_results(&event, report);
	log_dmarc(&event, report);
	if (report->removed != 0)
		log_event_number(&event, "removed",
		    (int64_t)report->removed);
	if (*decision->reason != '\0')
		log_event_adds(&event, "reason", decision->reason);
	if (report->internal_error != NULL)
		log_event_adds(&event, "error", report->internal_error);
	log_event_end(&event);
}

/* ---- the decision path ---- */

/* s escaped, for "%s". */
static const char *
quote(struct filter_context *ctx, struct span s)
{
	struct strbuf out = STRBUF_INIT;
	const char *copy;

	escape_add(&out, s, ESCAPE_MAX, 0);
	copy = arena_strdup(&ctx->message->arena, strbuf_str(&out));
	strbuf_clear(&out);
	return copy;
}

static void
explain_spf(struct filter_context *ctx, const struct spf_outcome *spf,
    const char *scope)
{
	const struct spf_step *step;
	size_t i;

	if (spf == NULL)
		return;
	filter_explain(ctx, "spf %s %s: %s%s%s%s", scope,
	    quote(ctx, spf->domain), spf_result_name(spf->result),
	    *spf->reason != '\0' ? " (" : "", spf->reason,
	    *spf->reason != '\0' ? ")" : "");
	for (i = 0; i < spf->step_count; i++) {
		step = &spf->steps[i];
		filter_explain(ctx, "  %*s%s: %s: %s", (int)step->depth * 2,
		    "", quote(ctx, step->domain),
		    step->term.len != 0 ? quote(ctx, step->term) : "record",
		    step->outcome);
	}
	if (spf->term.len != 0)
		filter_explain(ctx, "  decided by %s of %s",
		    quote(ctx, spf->term), quote(ctx, spf->term_domain));
	if (spf->explanation.len != 0)
		filter_explain(ctx, "  it says: %s",
		    quote(ctx, spf->explanation));
}

/* A hash that differs: what was hashed, so that an admin can compare. */
static void
explain_body(struct filter_context *ctx, const struct dkim_signature *signature,
    const unsigned char hash[BODYHASH_SIZE], uint64_t octets)
{
	struct strbuf text = STRBUF_INIT;

	base64_encode(span_make(hash, BODYHASH_SIZE), &text);
	strbuf_adds(&text, ", bh= says ");
	base64_encode(signature->body_hash, &text);
	filter_explain(ctx, "  body hash %s (%s, %llu octets)",
	    strbuf_str(&text), canon_name(signature->body_canon),
	    (unsigned long long)octets);
	strbuf_clear(&text);
}

static void
explain_header(struct filter_context *ctx, struct span rest)
{
	struct span line;

	while (span_line(&rest, &line))
		filter_explain(ctx, "  hashed: %s", quote(ctx, line));
}

static void
explain_hashes(struct filter_context *ctx, const struct dkim_outcome *dkim)
{
	if (dkim->has_body_hash && dkim->is_readable)
		explain_body(ctx, &dkim->signature, dkim->body_hash,
		    dkim->body_octets);
	explain_header(ctx, dkim->header_text);
}

static void
explain_dkim(struct filter_context *ctx, const struct verify_report *report)
{
	const struct dkim_outcome *dkim;
	size_t i;

	if (report->has_dkim && report->dkim_count == 0)
		filter_explain(ctx, "dkim: no signature");
	for (i = 0; i < report->dkim_count; i++) {
		dkim = &report->dkim[i];
		filter_explain(ctx, "dkim d=%s s=%s a=%s: %s%s%s%s",
		    quote(ctx, dkim->domain), quote(ctx, dkim->selector),
		    quote(ctx, dkim->algorithm),
		    dkim_result_name(dkim->result),
		    *dkim->reason != '\0' ? " (" : "", dkim->reason,
		    *dkim->reason != '\0' ? ")" : "");
		if (dkim->result != DKIM_PASS && !dkim->is_skipped)
			explain_hashes(ctx, dkim);
	}
}

static void
explain_arc(struct filter_context *ctx, const struct verify_report *report)
{
	const struct arc_outcome *arc = report->arc;
	size_t i;

	if (arc == NULL)
		return;
	filter_explain(ctx, "arc: %s%s%s%s (%zu sets)",
	    arc_result_name(arc->result), *arc->reason != '\0' ? ": " : "",
	    arc->reason, arc->failed_instance != 0 ? arena_printf(
	    &ctx->message->arena, " at i=%u", arc->failed_instance) : "",
	    arc->count);
	for (i = 0; i < arc->sealer_count; i++)
		filter_explain(ctx, "  i=%zu sealed by %s", i + 1,
		    quote(ctx, arc->sealers[i]));
	if (arc->message_signature != NULL)
		explain_body(ctx, arc->message_signature, arc->body_hash,
		    arc->body_octets);
	explain_header(ctx, arc->header_text);
}

static void
explain_step(struct filter_context *ctx, const struct dmarc_step *step)
{
	const char *note = step->found.note;
	const struct dmarc_record *record = step->found.record;

	filter_explain(ctx, "  asked _dmarc.%s: %s%s%s",
	    quote(ctx, step->domain), record != NULL ?
	    quote(ctx, record->text) : note,
	    record != NULL && *note != '\0' ? "; " : "",
	    record != NULL ? note : "");
}

static void
explain_walk(struct filter_context *ctx, const struct dmarc_walk *walk)
{
	size_t i;

	for (i = 0; i < walk->step_count; i++)
		explain_step(ctx, &walk->steps[i]);
	if (walk->record != NULL)
		filter_explain(ctx, "  policy of %s applies: %s=%s",
		    quote(ctx, walk->policy_domain), walk->source,
		    dmarc_policy_name(walk->policy));
	if (walk->organizational_domain.len > 0)
		filter_explain(ctx, "  organizational domain: %s",
		    quote(ctx, walk->organizational_domain));
}

static void
explain_dmarc(struct filter_context *ctx, const struct verify_report *report)
{
	const struct dmarc_outcome *dmarc = &report->dmarc;
	const struct dmarc_alignment_step *step;
	size_t i;

	if (!report->has_dmarc)
		return;
	filter_explain(ctx, "dmarc From %s: %s%s%s", quote(ctx, dmarc->from),
	    dmarc_result_name(dmarc->result),
	    *dmarc->reason != '\0' ? ": " : "", dmarc->reason);
	if (report->authors.trouble != NULL)
		filter_explain(ctx, "  From: %s", report->authors.trouble);
	for (i = 0; i < dmarc->walk_count && dmarc->walk_count > 1; i++)
		explain_walk(ctx, &dmarc->walks[i]);
	if (dmarc->walk_count <= 1)
		explain_walk(ctx, &dmarc->walk);
	for (i = 0; i < dmarc->step_count; i++) {
		step = &dmarc->steps[i];
		filter_explain(ctx, "  %s %s: %s (%s%s%s)",
		    step->identifier.method == DMARC_BY_SPF ? "spf" : "dkim",
		    quote(ctx, step->identifier.domain),
		    step->is_aligned ? "aligned" : "not aligned", step->how,
		    step->meeting.len != 0 ? ": " : "",
		    quote(ctx, step->meeting));
	}
}

static void
explain_dns(struct filter_context *ctx, const struct lookups *lookups)
{
	struct strbuf line = STRBUF_INIT;
	size_t i;

	for (i = 0; lookups != NULL && i < lookups_count(lookups); i++) {
		strbuf_reset(&line);
		lookup_add(&line, lookups_at(lookups, i));
		filter_explain(ctx, "dns %s", strbuf_str(&line));
	}
	strbuf_clear(&line);
}

void
story_explain(struct filter_context *ctx, const struct verify_report *report)
{
	const struct verify_decision *decision = &report->decision;

	if (ctx->explain == NULL)
		return;
	explain_dns(ctx, report->lookups);
	if (report->has_iprev)
		filter_explain(ctx, "iprev: %s%s%s%s",
		    iprev_result_name(report->iprev.result),
		    *report->iprev.reason != '\0' ? ": " : "",
		    report->iprev.reason, report->iprev.name.len != 0 ?
		    quote(ctx, report->iprev.name) : "");
	explain_spf(ctx, report->helo, "helo");
	explain_spf(ctx, report->mailfrom, "mailfrom");
	explain_dkim(ctx, report);
	explain_arc(ctx, report);
	if (report->has_adsp)
		filter_explain(ctx, "dkim-adsp: %s%s%s",
		    adsp_result_name(report->adsp.result),
		    *report->adsp.reason != '\0' ? ": " : "",
		    report->adsp.reason);
	explain_dmarc(ctx, report);
	if (report->removed != 0)
		filter_explain(ctx, "%zu forged Authentication-Results fields "
		    "deleted", report->removed);
	if (decision->override != NULL)
		filter_explain(ctx, "override: %s (%s)", decision->override,
		    quote(ctx, span_of(decision->override_comment)));
	filter_explain(ctx, "action: %s%s%s%s%s",
	    verdict_word(&decision->verdict),
	    decision->is_monitored ? ", not carried out: MonitorOnly" : "",
	    *decision->reason != '\0' ? " (" : "", decision->reason,
	    *decision->reason != '\0' ? ")" : "");
}
