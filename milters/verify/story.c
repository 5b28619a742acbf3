#include "milters/verify/story.h"

#include "common/base/log.h"
#include "common/base/mem.h"

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
