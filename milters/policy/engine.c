#include "milters/policy/engine.h"

#include "milters/policy/score.h"

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/mem.h"

enum { REASON_MAX = 300 };	/* octets of a reason */

struct policy_want {
	struct policy_want *next;
	struct cache_item *items;
	size_t count;
};

size_t
policy_check_place(const struct policy_check *check)
{
	size_t i;

	for (i = 0; i < policy_check_count; i++)
		if (policy_checks[i] == check)
			break;
	return i;
}

const char *
policy_action_word(enum policy_action action)
{
	static const char *const words[] = {
		[POLICY_NONE] = "none",
		[POLICY_OK] = "ok",
		[POLICY_TAG] = "tag",
		[POLICY_QUARANTINE] = "quarantine",
		[POLICY_DEFER] = "tempfail",
		[POLICY_REJECT] = "reject",
		[POLICY_DISCARD] = "discard",
	};

	return words[action];
}

/* ---- what checks call ---- */

void *
policy_own(struct policy_state *state, const struct policy_check *check,
    size_t size)
{
	void **slot = &state->own[policy_check_place(check)];

	if (*slot == NULL)
		*slot = arena_zalloc(policy_arena(state), size);
	return *slot;
}

void
policy_want(struct policy_state *state, struct cache_item *items,
    size_t count)
{
	struct policy_want *want;

	if (count == 0)
		return;
	want = arena_alloc(policy_arena(state), sizeof(*want));
	*want = (struct policy_want){ state->wants, items, count };
	state->wants = want;
}

struct lookups *
policy_lookups(struct policy_state *state)
{
	const struct policy_conf *conf = state->conf;
	struct lookups_options options = {
		.dns = conf->dns,
		.source = conf->source,
		.source_arg = conf->source_arg,
		.query_ms = conf->dns_timeout * 1000,
		.message_ms = conf->message_timeout * 1000,
		.no_shares = true,
	};

	if (state->lookups == NULL)
		state->lookups = lookups_new(&options);
	return state->lookups;
}

/* Whether nobody is left who is not. */
static bool
are_all_exempt(const struct policy_facts *facts)
{
	bool any = false;
	size_t i;

	for (i = 0; i < facts->recipient_count; i++) {
		if (facts->recipients[i].is_refused)
			continue;
		if (!facts->recipients[i].is_exempt)
			return false;
		any = true;
	}
	return any;
}

bool
policy_is_exempt(const struct policy_state *state)
{
	if (state->is_exempt || state->stage < POLICY_RCPT)
		return state->is_exempt;
	return state->recipient != NULL ? state->recipient->is_exempt :
	    are_all_exempt(&state->facts);
}

static bool
is_monitored(const struct policy_conf *conf, const struct policy_check *check)
{
	if (conf->all_monitored)
		return true;
	if (check == &score_check)
		return conf->score_is_monitored;
	return (conf->monitored & 1u << policy_check_place(check)) != 0;
}

static void
explain_finding(struct policy_state *state,
    const struct policy_finding *finding)
{
	struct strbuf weight = STRBUF_INIT;

	if (state->ctx->explain == NULL)
		return;
	if (finding->weight != 0) {
		strbuf_adds(&weight, " weight ");
		score_add(&weight, finding->weight);
	}
	filter_explain(state->ctx, "%s %.*s:%s%s%s%s %.*s",
	    finding->check->name, SPAN_ARG(finding->rule), strbuf_str(&weight),
	    finding->action != POLICY_NONE ? " " : "",
	    finding->action != POLICY_NONE ?
	    policy_action_word(finding->action) : "",
	    finding->is_monitored ? " (MonitorOnly)" : "",
	    SPAN_ARG(finding->reason));
	strbuf_clear(&weight);
}

/* A rule's name as it may stand in a log or a field. */
static struct span
printable(struct policy_state *state, struct span rule)
{
	struct strbuf clean = STRBUF_INIT;
	struct span copy;
	size_t i;

	for (i = 0; i < rule.len; i++)
		if (rule.p[i] <= ' ' || rule.p[i] > '~')
			break;
	if (i == rule.len && i <= REASON_MAX)
		return rule;
	escape_add(&clean, rule, REASON_MAX, 0);
	copy = arena_dup(policy_arena(state), strbuf_span(&clean));
	strbuf_clear(&clean);
	return copy;
}

struct policy_finding *
policy_find(struct policy_state *state, const struct policy_check *check,
    enum policy_action action, int32_t weight, struct span rule,
    const char *fmt, ...)
{
	struct policy_finding *finding;
	struct strbuf reason = STRBUF_INIT, clean = STRBUF_INIT;
	va_list ap;

	finding = arena_zalloc(policy_arena(state), sizeof(*finding));
	va_start(ap, fmt);
	strbuf_vaddf(&reason, fmt, ap);
	va_end(ap);
	escape_add(&clean, strbuf_span(&reason), REASON_MAX, ESCAPE_AGAIN);
	*finding = (struct policy_finding){
		.check = check,
		.action = action,
		.weight = weight,
		.rule = printable(state, rule),
		.reason = arena_dup(policy_arena(state), strbuf_span(&clean)),
		.is_monitored = is_monitored(state->conf, check),
	};
	strbuf_clear(&reason);
	strbuf_clear(&clean);
	*state->tail = finding;
	state->tail = &finding->next;
	state->finding_count++;
	if (weight != 0 && !finding->is_monitored)
		state->facts.score += weight;
	if (check == &reputation_check && !finding->is_monitored)
		state->facts.reputation += weight;
	explain_finding(state, finding);
	return finding;
}

/* ---- findings that decide ---- */

static bool
is_final(const struct policy_finding *finding)
{
	return finding->action >= POLICY_DEFER && !finding->is_monitored;
}

/*
 * Looks at what was found since the last call. A final finding about the
 * message decides for it, one about the recipient is returned; of the others
 * the strongest is what happens to the message if nothing else does.
 */
static struct policy_finding *
take_notice(struct policy_state *state)
{
	struct policy_finding *finding;

	for (; (finding = *state->unseen) != NULL;
	    state->unseen = &finding->next) {
		if (is_final(finding)) {
			if (!finding->is_for_recipient)
				state->decided = finding;
			state->unseen = &finding->next;
			return finding;
		}
		if (!finding->is_monitored && !finding->is_for_recipient &&
		    finding->action >= POLICY_TAG && (state->decided == NULL ||
		    finding->action > state->decided->action))
			state->decided = finding;
	}
	return NULL;
}

/* ---- a stage ---- */

/* Counters get what is added in a trial too, but it stays with us. */
static void
pretend(struct cache_item *items, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (items[i].kind == CACHE_COUNTER)
			items[i].number += items[i].add;
}

static void
ask_cache(struct policy_state *state, struct cache_item *items, size_t count)
{
	struct cache *cache = state->conf->cache;
	bool is_end = state->stage == POLICY_END;
	size_t n;

	/* A batch is bounded; no sane configuration needs two. */
	for (; count > 0; items += n, count -= n) {
		n = count < CACHE_BATCH_MAX ? count : CACHE_BATCH_MAX;
		if (!(is_end && policy_may_learn(state) ? cache_increment :
		    cache_get)(cache, items, n))
			state->cache_failed = true;
		if (is_end && !policy_may_learn(state))
			pretend(items, n);
	}
}

static void
fetch(struct policy_state *state)
{
	struct policy_want *want;
	struct cache_item *all;
	size_t count = 0, n;

	state->cache_failed = false;
	for (want = state->wants; want != NULL; want = want->next)
		count += want->count;
	if (count == 0)
		return;
	want = state->wants;
	if (want->next == NULL) {
		ask_cache(state, want->items, count);
	} else {
		all = arena_alloc(policy_arena(state), count * sizeof(*all));
		for (n = 0; want != NULL; n += want->count, want = want->next)
			memcpy(all + n, want->items,
			    want->count * sizeof(*all));
		ask_cache(state, all, count);
		want = state->wants;
		for (n = 0; want != NULL; n += want->count, want = want->next)
			memcpy(want->items, all + n,
			    want->count * sizeof(*all));
	}
	state->wants = NULL;
}

static bool
waits_for_score(const struct policy_state *state,
    const struct policy_check *check)
{
	return check->waits_for_score != NULL &&
	    check->waits_for_score(state->conf);
}

/* What is final of what the checks say by judge(), of those that wait for the
 * score, or do not. */
static struct policy_finding *
judge(struct policy_state *state, bool waiting_ones)
{
	struct policy_finding *found;
	size_t i;

	for (i = 0; i < policy_check_count; i++) {
		if (policy_checks[i]->judge == NULL ||
		    waits_for_score(state, policy_checks[i]) != waiting_ones)
			continue;
		policy_checks[i]->judge(state);
		found = take_notice(state);
		if (found != NULL)
			return found;
	}
	return NULL;
}

static bool
resolve_all(struct policy_state *state)
{
	bool is_done = true;
	size_t i;

	for (i = 0; i < policy_check_count; i++)
		if (policy_checks[i]->resolve != NULL)
			is_done &= policy_checks[i]->resolve(state);
	return is_done;
}

static struct policy_finding *
resolve(struct policy_state *state)
{
	while (!resolve_all(state)) {
		if (!state->has_waited)
			filter_will_wait(state->ctx);
		state->has_waited = true;
		if (state->lookups == NULL || !lookups_wait(state->lookups)) {
			state->internal_error = "a check waits for no "
			    "question of DNS";
			break;
		}
	}
	return take_notice(state);
}

static void
prepare(struct policy_state *state, enum policy_stage stage)
{
	size_t i;

	state->stage = stage;
	for (i = 0; i < policy_check_count; i++)
		if (policy_checks[i]->prepare != NULL)
			policy_checks[i]->prepare(state);
}

/* Who reads the log is to know that the tables were not asked to the end. */
static void
tell_of_patterns(struct policy_state *state)
{
	if (state->patterns.unasked == 0 || state->is_cut_short)
		return;
	state->is_cut_short = true;
	policy_find(state, &access_check, POLICY_NONE, 0,
	    SPAN_LIT("patterns"), "took %d ms and are asked no more",
	    REGEX_BUDGET_US / 1000);
}

/* The finding that is final, or NULL. */
static struct policy_finding *
run_stage(struct policy_state *state, enum policy_stage stage)
{
	struct policy_finding *found;

	prepare(state, stage);
	fetch(state);
	found = judge(state, false);
	if (found == NULL)
		found = resolve(state);
	if (found == NULL)
		found = judge(state, true);
	tell_of_patterns(state);
	return found;
}

/* ---- the message ---- */

struct policy_state *
engine_start(struct filter_context *ctx)
{
	struct policy_state *state;

	state = arena_zalloc(&ctx->message->arena, sizeof(*state));
	state->ctx = ctx;
	state->conf = ctx->conf;
	state->tail = &state->findings;
	state->unseen = &state->findings;
	state->patterns.rough = clock_monotonic_us;
	state->patterns.exact = clock_thread_us;
	facts_start(ctx, &state->facts);
	prepare(state, POLICY_MAIL);
	return state;
}

/* The score is one for all recipients, but some are spared it. */
static struct policy_finding *
judge_score_at_rcpt(struct policy_state *state)
{
	if (state->conf->score_at_end || policy_is_exempt(state))
		return NULL;
	if (state->by_score == NULL) {
		state->by_score = score_judge(state, true);
		if (state->by_score != NULL)
			state->by_score->is_for_recipient = true;
		take_notice(state);
	}
	return state->by_score != NULL && is_final(state->by_score) ?
	    state->by_score : NULL;
}

static struct policy_finding *
judge_recipient(struct policy_state *state)
{
	struct policy_finding *found;

	if (state->decided != NULL && is_final(state->decided))
		return state->decided;
	found = run_stage(state, POLICY_RCPT);
	return found != NULL ? found : judge_score_at_rcpt(state);
}

struct policy_finding *
engine_recipient(struct policy_state *state, struct span path)
{
	struct policy_recipient *recipient;
	struct policy_finding *found;

	recipient = facts_recipient(state->ctx, &state->facts, path);
	state->recipient = recipient;
	found = judge_recipient(state);
	state->recipient = NULL;
	if (found == NULL)
		return NULL;
	if (found->action == POLICY_DISCARD) {
		recipient->is_discarded = found->is_for_recipient;
		return found->is_for_recipient ? NULL : found;
	}
	if (state->facts.is_local) {
		/* Nothing can be told here: the whole message waits for it. */
		found->is_for_recipient = false;
		state->decided = found;
		return NULL;
	}
	recipient->is_refused = true;
	state->refused++;
	return found;
}

static bool
is_decided(const struct policy_state *state)
{
	return state->decided != NULL && is_final(state->decided);
}

void
engine_headers(struct policy_state *state)
{
	facts_header(state->ctx, &state->facts);
	if (!is_decided(state))
		run_stage(state, POLICY_HEADERS);
}

/* One who is to get everything is not kept from it by the others' sake. */
static bool
has_exempt_recipient(const struct policy_state *state)
{
	size_t i;

	for (i = 0; i < state->facts.recipient_count; i++)
		if (state->facts.recipients[i].is_exempt &&
		    !state->facts.recipients[i].is_refused)
			return true;
	return false;
}

static void
judge_score_at_end(struct policy_state *state)
{
	if (state->is_exempt || has_exempt_recipient(state))
		return;
	score_judge(state, false);
	take_notice(state);
}

void
engine_end(struct policy_state *state)
{
	facts_end(state->ctx, &state->facts);
	if (!is_decided(state))
		judge_score_at_end(state);
	if (!is_decided(state))
		run_stage(state, POLICY_END);
}

struct verdict
engine_verdict(const struct policy_finding *decided)
{
	static const enum verdict_action actions[] = {
		[POLICY_NONE] = VERDICT_ACCEPT,
		[POLICY_OK] = VERDICT_ACCEPT,
		[POLICY_TAG] = VERDICT_ACCEPT,
		[POLICY_QUARANTINE] = VERDICT_QUARANTINE,
		[POLICY_DEFER] = VERDICT_TEMPFAIL,
		[POLICY_REJECT] = VERDICT_REJECT,
		[POLICY_DISCARD] = VERDICT_DISCARD,
	};

	if (decided == NULL || actions[decided->action] == VERDICT_ACCEPT)
		return VERDICT(ACCEPT);
	return (struct verdict){
		.action = actions[decided->action],
		.code = decided->code,
		.enhanced = decided->enhanced,
		.text = decided->text != NULL ? decided->text :
		    decided->reason.p,
	};
}

void
engine_learn(struct policy_state *state, bool passes)
{
	size_t i;

	state->passes = passes;
	for (i = 0; i < policy_check_count; i++)
		if (policy_checks[i]->learn != NULL)
			policy_checks[i]->learn(state);
}

void
engine_free(struct policy_state *state)
{
	lookups_free(state->lookups);
}
