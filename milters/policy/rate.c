#include "milters/policy/rate.h"

#include "common/base/clock.h"
#include "milters/policy/alert.h"
#include "milters/policy/condition.h"
#include "milters/policy/identity.h"

#include <inttypes.h>

/* A message's. */
struct rate_own {
	struct identities set;
	struct retry retry;
	bool *is_crowded;	/* by rule: too many identities; NULL: none */
};

static struct rate_own *
own(struct policy_state *state)
{
	return policy_own(state, &rate_check, sizeof(struct rate_own));
}

struct retry *
rate_retry(struct policy_state *state)
{
	return &own(state)->retry;
}

/* ---- asking ---- */

static struct identity *
find(struct policy_state *state, const struct rate_rule *rule,
    const struct span *values)
{
	return identities_find(&own(state)->set, state, rule, "rate",
	    rule->name, rule->period, &rule->key, values);
}

static bool
is_in_trouble(const struct identity *identity)
{
	size_t i;

	for (i = 0; i < identity->item_count; i++)
		if (identity->items[i].state == CACHE_TROUBLE)
			return true;
	return false;
}

/* What was asked for at RCPT is asked for again only where it may have grown:
 * nothing is added to parts that are over. */
static bool
is_known_but_newest(const struct policy_state *state,
    const struct identity *identity)
{
	const struct rate_rule *rule = identity->rule;

	return identity->item_count != 0 && !is_in_trouble(identity) &&
	    window_is_current(identity->items, rule->period,
	    state->facts.now);
}

static void
ask(struct policy_state *state, struct identity *identity, int64_t add)
{
	if (is_known_but_newest(state, identity)) {
		identity->items[0].add = add;
		policy_want(state, identity->items, 1);
		return;
	}
	if (identity->items == NULL)
		identity->items = arena_alloc(policy_arena(state),
		    RATE_ITEMS * sizeof(*identity->items));
	identity->item_count = rate_items(identity->rule, &identity->name,
	    state->facts.now, add, identity->items);
	policy_want(state, identity->items, identity->item_count);
}

/* Only a rule that could refuse here, and is known here, is looked at. */
static bool
is_for_recipients(const struct rate_rule *rule)
{
	return rule->proposal >= POLICY_DEFER && rule->stage <= POLICY_RCPT;
}

static void
prepare_recipient(struct policy_state *state)
{
	const struct policy_conf *conf = state->conf;
	const struct policy_facts *facts = &state->facts;
	struct span values[KEYPARTS_MAX];
	const struct rate_rule *rule;
	struct identity *identity;
	size_t i;

	identities_begin(&own(state)->set);
	if (facts->recipient_count > IDENTITIES_MAX)
		return;
	for (i = 0; i < conf->rate_count; i++) {
		rule = &conf->rates[i];
		if (!is_for_recipients(rule) ||
		    condition_holds(rule->condition, facts,
		    state->recipient) != CONDITION_YES ||
		    !keyparts_values(&rule->key, facts, state->recipient, 0,
		    values))
			continue;
		identity = find(state, rule, values);
		identity_touch(identity, facts);
		identities_take(&own(state)->set, identity);
		if (rule->proposal == POLICY_REJECT)
			retry_ask_pair(&own(state)->retry, state);
		if (identity->items == NULL)
			ask(state, identity, 0);
	}
}

static void
crowd(struct policy_state *state, const struct rate_rule *rule)
{
	struct rate_own *mine = own(state);

	if (mine->is_crowded == NULL)
		mine->is_crowded = arena_zalloc(policy_arena(state),
		    state->conf->rate_count * sizeof(*mine->is_crowded));
	mine->is_crowded[rule - state->conf->rates] = true;
}

/* The identities of the message, or of one of its recipients. False where
 * there are too many of the rule. */
static bool
gather(struct policy_state *state, const struct rate_rule *rule,
    const struct policy_recipient *recipient, size_t *count)
{
	const struct policy_facts *facts = &state->facts;
	struct span values[KEYPARTS_MAX];
	struct identity *identity;
	size_t i;

	if (condition_holds(rule->condition, facts, recipient) !=
	    CONDITION_YES)
		return true;
	for (i = 0; i < keyparts_variants(&rule->key, facts); i++) {
		if (!keyparts_values(&rule->key, facts, recipient, i, values))
			continue;
		identity = find(state, rule, values);
		if (!identity->is_taken) {
			if (++*count > IDENTITIES_MAX)
				return false;
			identity->is_taken = true;
			identity->recipients = 0;
			identities_take(&own(state)->set, identity);
		}
		identity->recipients++;
	}
	return true;
}

static void
gather_all(struct policy_state *state, const struct rate_rule *rule)
{
	const struct policy_facts *facts = &state->facts;
	size_t i, count = 0;
	bool fits = true;

	if (!rule->is_per_recipient) {
		gather(state, rule, NULL, &count);
		return;
	}
	for (i = 0; i < facts->recipient_count && fits; i++)
		if (policy_recipient_is_live(&facts->recipients[i]))
			fits = gather(state, rule, &facts->recipients[i],
			    &count);
	if (!fits)
		crowd(state, rule);
}

static int64_t
weigh(const struct policy_state *state, const struct identity *identity)
{
	const struct rate_rule *rule = identity->rule;
	uint64_t size = state->facts.size;

	switch (rule->count) {
	case RATE_RECIPIENTS:
		return (int64_t)identity->recipients;
	case RATE_BYTES:
		return size < (uint64_t)CACHE_COUNTER_MAX ? (int64_t)size :
		    CACHE_COUNTER_MAX;
	default:
		return 1;
	}
}

static void
prepare_end(struct policy_state *state)
{
	struct rate_own *mine = own(state);
	struct identity *identity;
	size_t i;

	identities_begin(&mine->set);
	if (!retry_counts(&mine->retry)) {
		filter_explain(state->ctx, "rate: this message has passed "
		    "before, and is not counted again");
		retry_add(&mine->retry, state);
		return;
	}
	for (i = 0; i < state->conf->rate_count; i++)
		gather_all(state, &state->conf->rates[i]);
	for (identity = mine->set.stage; identity != NULL;
	    identity = identity->next)
		ask(state, identity, weigh(state, identity));
	if (mine->set.stage != NULL)
		retry_add(&mine->retry, state);
}

static void
rate_prepare(struct policy_state *state)
{
	const struct policy_conf *conf = state->conf;

	if (conf->rate_count + conf->warmup_count == 0)
		return;
	if (state->stage == POLICY_RCPT)
		prepare_recipient(state);
	else if (state->stage == POLICY_HEADERS)
		retry_ask(&own(state)->retry, state);
	else if (state->stage == POLICY_END)
		prepare_end(state);
}

/* ---- judging ---- */

/* The first overrun of an identity in a period, on all machines. While the
 * cache is away nobody knows which is the first, and none is told. */
static void
tell_overrun(struct policy_state *state, struct identity *identity,
    int64_t count, int64_t limit)
{
	const struct rate_rule *rule = identity->rule;
	struct alert alert = {
		.rule = rule->name,
		.queue_id = state->ctx->message->queue_id,
		.count = count, .limit = limit, .period = rule->period,
	};
	struct cache_item item;

	if (!policy_may_learn(state) || !rule->alert || identity->is_told)
		return;
	identity->is_told = true;
	rate_alert_item(rule, &identity->name, &item);
	if (cache_add(state->conf->cache, &item) != CACHE_DONE)
		return;
	alert.key = identity_text(identity, state);
	alert_raise(state->conf->alert_command, &alert, clock_monotonic_ms());
}

/* What the client is told: not whom we count. */
static const char *
answer(struct policy_state *state, const struct rate_rule *rule, int64_t wait)
{
	const char *what = rate_count_words[rule->count];

	if (rule->proposal != POLICY_DEFER || wait <= 0)
		return arena_printf(policy_arena(state),
		    "Too many %s (limit %.*s)%s", what, SPAN_ARG(rule->name),
		    rule->proposal == POLICY_DEFER ? "; try again later" : "");
	return arena_printf(policy_arena(state), "Too many %s (limit %.*s); "
	    "try again in %" PRId64 " seconds", what, SPAN_ARG(rule->name),
	    wait);
}

static void
propose(struct policy_state *state, struct identity *identity,
    const struct rate_use *use, int64_t count, int64_t wait, bool is_burst)
{
	const struct rate_rule *rule = identity->rule;
	struct span key = identity_text(identity, state);
	struct span period = rule->limit_text;
	struct policy_finding *finding;

	period = span_skip(period, span_find(period, '/'));
	finding = policy_find(state, &rate_check, rule->proposal, 0,
	    rule->name, "%.*s: %" PRId64 " %s, %s %" PRId64 "%.*s%s",
	    SPAN_ARG(key), count, rate_count_words[rule->count],
	    is_burst ? "burst" : "limit",
	    is_burst ? rule->burst : use->limit, SPAN_ARG(period),
	    !is_burst && use->is_set ? " (set)" : "");
	finding->text = answer(state, rule, wait);
	finding->is_for_recipient = state->stage == POLICY_RCPT &&
	    rule->is_per_recipient;
}

static void
propose_for_trouble(struct policy_state *state, const struct identity *identity)
{
	const struct rate_rule *rule = identity->rule;
	struct policy_finding *finding;

	finding = policy_find(state, &rate_check, POLICY_DEFER, 0, rule->name,
	    "the cache does not answer");
	finding->text = "Cannot be counted now; try again later";
	finding->is_for_recipient = state->stage == POLICY_RCPT &&
	    rule->is_per_recipient;
}

static void
explain(struct policy_state *state, const struct identity *identity,
    const struct rate_use *use, int64_t count)
{
	const struct rate_rule *rule = identity->rule;

	if (state->ctx->explain != NULL)
		filter_explain(state->ctx, "rate %.*s: %.*s: %" PRId64 " of %"
		    PRId64 " %s%s", SPAN_ARG(rule->name),
		    SPAN_ARG(identity_text(identity, state)), count,
		    use->limit, rate_count_words[rule->count],
		    use->is_set ? " (set)" : "");
}

/* weight is what this message counts; more is what of it the items do not tell
 * yet. */
static void
judge_use(struct policy_state *state, struct identity *identity, int64_t more,
    int64_t weight)
{
	const struct rate_rule *rule = identity->rule;
	struct rate_use use;
	int64_t count, wait;
	bool is_burst;

	rate_read(rule, identity->items, &use);
	if (use.has_trouble && rule->on_error == 1) {
		propose_for_trouble(state, identity);
		return;
	}
	count = use.count + more;
	explain(state, identity, &use, count);
	is_burst = rule->burst != 0 && use.recent + more > rule->burst;
	if (count <= use.limit && !is_burst)
		return;
	wait = rate_wait(rule, identity->items, &use, state->facts.now, more,
	    weight);
	is_burst &= count <= use.limit;
	if (is_burst)
		count = use.recent + more;
	propose(state, identity, &use, count, wait, is_burst);
	tell_overrun(state, identity, count, is_burst ? rule->burst :
	    use.limit);
}

static void
judge_recipient(struct policy_state *state)
{
	const struct rate_rule *rule;
	struct identity *identity;
	int64_t weight;

	for (identity = own(state)->set.stage; identity != NULL;
	    identity = identity->next) {
		rule = identity->rule;
		if (rule->proposal == POLICY_REJECT &&
		    retry_may_be(&own(state)->retry, state))
			continue;
		weight = rule->count == RATE_RECIPIENTS ?
		    (int64_t)identity->recipients + 1 : 1;
		judge_use(state, identity, weight, weight);
	}
}

static void
judge_crowds(struct policy_state *state)
{
	const struct policy_conf *conf = state->conf;
	const bool *is_crowded = own(state)->is_crowded;
	size_t i;

	for (i = 0; is_crowded != NULL && i < conf->rate_count; i++)
		if (is_crowded[i])
			policy_find(state, &rate_check,
			    conf->rates[i].proposal, 0, conf->rates[i].name,
			    "the message is to be counted for more than %d",
			    IDENTITIES_MAX);
}

static void
rate_judge(struct policy_state *state)
{
	struct identity *identity;

	if (state->conf->rate_count == 0)
		return;
	if (state->stage == POLICY_RCPT) {
		judge_recipient(state);
	} else if (state->stage == POLICY_END) {
		for (identity = own(state)->set.stage; identity != NULL;
		    identity = identity->next)
			judge_use(state, identity, 0, weigh(state, identity));
		judge_crowds(state);
	}
}

/* What did not pass us is not counted. */
static void
rate_learn(struct policy_state *state)
{
	const struct policy_conf *conf = state->conf;

	if (conf->rate_count + conf->warmup_count == 0 ||
	    state->stage != POLICY_END)
		return;
	retry_learn(&own(state)->retry, state);
	identities_learn(&own(state)->set, state);
}

const struct policy_check rate_check = {
	.name = "rate",
	.load = rate_load,
	.unload = rate_unload,
	.prepare = rate_prepare,
	.judge = rate_judge,
	.learn = rate_learn,
};
