#include "milters/policy/story.h"

#include "milters/policy/engine.h"
#include "milters/policy/score.h"

#include "common/base/log.h"
#include "common/base/mem.h"

enum { LOGGED_FINDINGS = 32, LOGGED_RECIPIENTS = 5 };

enum {
	COUNT_ACTION,		/* accept, tempfail, reject, discard,
				   quarantine */
	COUNT_CHECK = COUNT_ACTION + 5,
	COUNT_REFUSED = COUNT_CHECK + POLICY_CHECKS_MAX,
	COUNT_MONITORED,
	COUNT_CACHE_FAILED,
	COUNT_QUERIES,
	COUNT_HITS,
	COUNT_MISSES,
	COUNT_TROUBLES,
	COUNT_FAILURES,
	COUNT_ENTRIES,
	COUNT_BYTES,
	COUNT_EVICTIONS,
	COUNT_SERVERS_AWAY,
	COUNT_LIMITED,
	COUNT_CUT_SHORT,
	COUNT_ROWS
};

#define NAMED(name, label, word, help, kind) { "postern_policy_" name, \
	    label "=\"" word "\"", help, kind }
#define PLAIN(name, help, kind) { "postern_policy_" name, NULL, help, kind }

static const struct counter_row counter_rows[COUNT_ROWS] = {
	NAMED("messages_total", "action", "accept",
	    "Messages by what happened to them.", COUNTER),
	NAMED("messages_total", "action", "tempfail", NULL, COUNTER),
	NAMED("messages_total", "action", "reject", NULL, COUNTER),
	NAMED("messages_total", "action", "discard", NULL, COUNTER),
	NAMED("messages_total", "action", "quarantine", NULL, COUNTER),
	/* In the order of policy_checks[], the score last. */
	[COUNT_CHECK] = NAMED("decisions_total", "check", "access",
	    "Messages and recipients not simply accepted, by what decided.",
	    COUNTER),
	NAMED("decisions_total", "check", "rate", NULL, COUNTER),
	NAMED("decisions_total", "check", "warmup", NULL, COUNTER),
	NAMED("decisions_total", "check", "reputation", NULL, COUNTER),
	NAMED("decisions_total", "check", "greylist", NULL, COUNTER),
	NAMED("decisions_total", "check", "hostname", NULL, COUNTER),
	NAMED("decisions_total", "check", "dnslist", NULL, COUNTER),
	NAMED("decisions_total", "check", "score", NULL, COUNTER),
	[COUNT_REFUSED] = PLAIN("refused_recipients_total",
	    "Recipients refused or deferred one by one.", COUNTER),
	[COUNT_MONITORED] = PLAIN("monitored_total",
	    "Findings that MonitorOnly kept from having an effect.", COUNTER),
	[COUNT_CACHE_FAILED] = PLAIN("cache_failed_total",
	    "Messages decided while the cache did not answer.", COUNTER),
	[COUNT_QUERIES] = PLAIN("dns_questions_total",
	    "DNS questions, cached ones too.", COUNTER),
	[COUNT_HITS] = NAMED("cache_items_total", "result", "hit",
	    "What was asked of the cache.", COUNTER),
	NAMED("cache_items_total", "result", "miss", NULL, COUNTER),
	NAMED("cache_items_total", "result", "trouble", NULL, COUNTER),
	[COUNT_FAILURES] = PLAIN("cache_failures_total",
	    "Operations that failed or timed out.", COUNTER),
	[COUNT_ENTRIES] = PLAIN("cache_entries",
	    "Entries of the embedded cache.", GAUGE),
	[COUNT_BYTES] = PLAIN("cache_bytes",
	    "Memory that the embedded cache takes.", GAUGE),
	[COUNT_EVICTIONS] = PLAIN("cache_evictions_total",
	    "Entries thrown out of the embedded cache for want of room.",
	    COUNTER),
	[COUNT_SERVERS_AWAY] = PLAIN("cache_servers_away",
	    "Memcached servers that do not answer.", GAUGE),
	[COUNT_LIMITED] = PLAIN("patterns_limited_total",
	    "Matches of access tables' patterns that ran into a limit.",
	    COUNTER),
	[COUNT_CUT_SHORT] = PLAIN("patterns_cut_short_total",
	    "Messages for which patterns took too long to ask them all.",
	    COUNTER),
};

const struct counter_schema policy_counters = {
	counter_rows, ARRAY_LEN(counter_rows)
};

void
story_cache(const struct policy_conf *conf, struct counters *counters)
{
	struct cache_stats stats = { 0 };

	cache_count(conf->cache, &stats);
	counters_set(counters, COUNT_HITS, (int64_t)stats.hits);
	counters_set(counters, COUNT_MISSES, (int64_t)stats.misses);
	counters_set(counters, COUNT_TROUBLES, (int64_t)stats.troubles);
	counters_set(counters, COUNT_FAILURES, (int64_t)stats.failures);
	counters_set(counters, COUNT_ENTRIES, (int64_t)stats.entries);
	counters_set(counters, COUNT_BYTES, (int64_t)stats.bytes);
	counters_set(counters, COUNT_EVICTIONS, (int64_t)stats.evictions);
	counters_set(counters, COUNT_SERVERS_AWAY,
	    (int64_t)stats.servers_away);
	counters_set(counters, COUNT_LIMITED, (int64_t)access_map_limited());
}

static void
count(struct policy_state *state, const struct policy_finding *decided)
{
	static const size_t rows[] = {
		[POLICY_NONE] = COUNT_ACTION,
		[POLICY_OK] = COUNT_ACTION,
		[POLICY_TAG] = COUNT_ACTION,
		[POLICY_DEFER] = COUNT_ACTION + 1,
		[POLICY_REJECT] = COUNT_ACTION + 2,
		[POLICY_DISCARD] = COUNT_ACTION + 3,
		[POLICY_QUARANTINE] = COUNT_ACTION + 4,
	};
	struct counters *counters = state->ctx->counters;
	const struct policy_finding *finding;

	counters_add(counters, rows[decided != NULL ? decided->action :
	    POLICY_NONE], 1);
	for (finding = state->findings; finding != NULL;
	    finding = finding->next) {
		if (finding->is_monitored)
			counters_add(counters, COUNT_MONITORED, 1);
		else if (finding->action >= POLICY_TAG)
			counters_add(counters, COUNT_CHECK +
			    policy_check_place(finding->check), 1);
	}
	counters_add(counters, COUNT_REFUSED, (int64_t)state->refused);
	if (state->cache_failed)
		counters_add(counters, COUNT_CACHE_FAILED, 1);
	if (state->is_cut_short)
		counters_add(counters, COUNT_CUT_SHORT, 1);
	if (state->lookups != NULL)
		counters_add(counters, COUNT_QUERIES,
		    (int64_t)lookups_count(state->lookups));
}

/* ---- the log line ---- */

/* The first ones by name. */
static void
log_recipients(struct log_event *event, const struct policy_facts *facts)
{
	struct span names[LOGGED_RECIPIENTS];
	size_t i;

	for (i = 0; i < facts->recipient_count && i < LOGGED_RECIPIENTS; i++)
		names[i] = facts->recipients[i].text;
	log_event_list(event, "rcpt", names, i);
	if (facts->recipient_count != 1)
		log_event_number(event, "recipients",
		    (int64_t)facts->recipient_count);
}

static void
log_envelope(struct log_event *event, const struct policy_state *state)
{
	const struct policy_facts *facts = &state->facts;

	log_event_adds(event, "direction", facts->is_out ? "out" : "in");
	log_event_add(event, "client", facts->client_text);
	log_event_add(event, "helo", facts->helo);
	log_event_add(event, "sender", facts->sender_text);
	if (facts->user.len != 0)
		log_event_add(event, "user", facts->user);
	log_recipients(event, facts);
	if (state->refused != 0)
		log_event_number(event, "refused", (int64_t)state->refused);
}

void
story_add_finding(struct strbuf *out, const struct policy_finding *finding)
{
	strbuf_addf(out, "%.*s", SPAN_ARG(finding->rule));
	if (finding->weight != 0) {
		strbuf_adds(out, finding->weight > 0 ? " +" : " ");
		score_add(out, finding->weight);
	}
	if (finding->action != POLICY_NONE)
		strbuf_addf(out, " %s", policy_action_word(finding->action));
	if (finding->is_monitored)
		strbuf_adds(out, " monitored");
	if (finding->reason.len != 0)
		strbuf_addf(out, ": %.*s", SPAN_ARG(finding->reason));
}

/* The sum has the score's own name. */
static const char *
finding_key(const struct policy_check *check)
{
	return check == &score_check ? "threshold" : check->name;
}

/* Those of the same check as the n-th, unless an earlier one was. */
static void
log_findings_of(struct log_event *event, const struct policy_finding **all,
    size_t count, size_t n)
{
	struct span values[LOGGED_FINDINGS];
	struct strbuf text = STRBUF_INIT;
	size_t ends[LOGGED_FINDINGS], i, found = 0;

	for (i = 0; i < n; i++)
		if (all[i]->check == all[n]->check)
			return;
	for (i = n; i < count; i++) {
		if (all[i]->check != all[n]->check)
			continue;
		story_add_finding(&text, all[i]);
		ends[found++] = text.len;
	}
	for (i = 0; i < found; i++)
		values[i] = span_skip(span_first(strbuf_span(&text), ends[i]),
		    i == 0 ? 0 : ends[i - 1]);
	log_event_list(event, finding_key(all[n]->check), values, found);
	strbuf_clear(&text);
}

static void
log_findings(struct log_event *event, const struct policy_state *state)
{
	const struct policy_finding *all[LOGGED_FINDINGS], *finding;
	size_t count = 0, i;

	for (finding = state->findings; finding != NULL &&
	    count < LOGGED_FINDINGS; finding = finding->next)
		all[count++] = finding;
	for (i = 0; i < count; i++)
		log_findings_of(event, all, count, i);
	if (state->finding_count > count)
		log_event_number(event, "more_findings",
		    (int64_t)(state->finding_count - count));
}

static void
log_line(struct policy_state *state, const struct policy_finding *decided)
{
	struct strbuf score = STRBUF_INIT;
	struct log_event event;

	log_event_start(&event, state->internal_error != NULL ?
	    LOG_LEVEL_ERROR : LOG_LEVEL_INFO, state->ctx->message->queue_id);
	if (!event.wanted)
		return log_event_end(&event);
	log_event_adds(&event, "action", decided == NULL ? "accept" :
	    policy_action_word(decided->action));
	if (decided != NULL)
		log_event_adds(&event, "cause", decided->check->name);
	log_envelope(&event, state);
	score_add(&score, state->facts.score);
	log_event_add(&event, "score", strbuf_span(&score));
	strbuf_clear(&score);
	if (state->is_exempt)
		log_event_adds(&event, "exempt", "yes");
	log_findings(&event, state);
	if (state->cache_failed)
		log_event_adds(&event, "cache", "away");
	if (state->internal_error != NULL)
		log_event_adds(&event, "error", state->internal_error);
	log_event_end(&event);
}

void
story_tell(struct policy_state *state, const struct policy_finding *decided)
{
	if (state->is_told)
		return;
	state->is_told = true;
	count(state, decided);
	log_line(state, decided);
}
