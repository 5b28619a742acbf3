#include "milters/policy/reputation.h"

#include "milters/policy/learn.h"

#include "common/base/mem.h"

enum { NAMES_MAX = FACTS_DOMAINS_MAX + REPUTATION_KINDS };

/* What was asked for a message: names and, beside them, their items. */
struct own {
	struct cache_item items[NAMES_MAX];
	struct span names[NAMES_MAX];
	enum reputation_kind kinds[NAMES_MAX];
	size_t count;
	bool has_session, has_header;	/* their names are among them */
	int32_t added;			/* to the score */
};

/* ---- a message's names ---- */

static bool
is_asked(const struct own *own, enum reputation_kind kind, struct span name)
{
	size_t i;

	for (i = 0; i < own->count; i++)
		if (own->kinds[i] == kind && span_eq(own->names[i], name))
			return true;
	return false;
}

static void
ask_for(struct policy_state *state, struct own *own,
    enum reputation_kind kind, struct span name)
{
	size_t i = own->count;

	if (name.len == 0 || i == NAMES_MAX ||
	    reputation_half_life(state->conf, kind) == 0 ||
	    is_asked(own, kind, name))
		return;
	own->names[i] = name;
	own->kinds[i] = kind;
	reputation_item(state->conf, kind, name, &own->items[i]);
	own->count++;
}

void
reputation_ask(struct policy_state *state)
{
	const struct policy_facts *facts = &state->facts;
	struct own *own;
	size_t first, i;

	if (state->conf->reputation_count == 0 || state->stage < POLICY_RCPT)
		return;
	own = policy_own(state, &reputation_check, sizeof(*own));
	first = own->count;
	if (!own->has_session) {
		ask_for(state, own, REPUTATION_CLIENT_NET, facts->client_net);
		ask_for(state, own, REPUTATION_SASL_USER, facts->user);
	}
	own->has_session = true;
	if (!own->has_header && state->stage >= POLICY_HEADERS) {
		ask_for(state, own, REPUTATION_SPF_DOMAIN, facts->spf_domain);
		for (i = 0; i < facts->dkim_count; i++)
			ask_for(state, own, REPUTATION_DKIM_DOMAIN,
			    facts->dkim_domains[i]);
		own->has_header = true;
	}
	policy_want(state, own->items + first, own->count - first);
}

bool
reputation_is_known_good(struct policy_state *state,
    enum reputation_kind kind, struct span name)
{
	struct decay decay;
	struct own *own;
	size_t i;

	if (state->conf->reputation_count == 0)
		return false;
	own = policy_own(state, &reputation_check, sizeof(*own));
	for (i = 0; i < own->count; i++) {
		if (own->kinds[i] != kind || !span_eq(own->names[i], name))
			continue;
		reputation_read(state->conf, kind, &own->items[i],
		    state->facts.now, &decay);
		return reputation_is_good(state->conf, kind, &decay);
	}
	return false;
}

/* ---- the score ---- */

static enum condition_result
row_holds(const struct policy_state *state, const struct reputation *row)
{
	if (row->when != NULL)
		return condition_holds(row->when, &state->facts, NULL);
	return state->facts.is_out == (row->kind == REPUTATION_SASL_USER) ?
	    CONDITION_YES : CONDITION_NO;
}

/* The name whose record counts for the row: the worst where one is bad, else
 * the best. count where none is known. */
static size_t
choose(const struct policy_state *state, const struct own *own,
    const struct reputation *row, struct decay *chosen)
{
	double ratio, lowest = 0, highest = 0;
	size_t best = own->count, worst = own->count, i;
	struct decay decay, worst_decay = { 0, 0, 0 };

	for (i = 0; i < own->count; i++) {
		if (own->kinds[i] != row->kind)
			continue;
		reputation_read(state->conf, row->kind, &own->items[i],
		    state->facts.now, &decay);
		if (decay.good + decay.bad < (double)row->minimum)
			continue;
		ratio = reputation_ratio(&decay);
		if (ratio < lowest) {
			lowest = ratio;
			worst = i;
			worst_decay = decay;
		} else if (ratio > highest) {
			highest = ratio;
			best = i;
			*chosen = decay;
		}
	}
	if (worst == own->count)
		return best;
	*chosen = worst_decay;
	return worst;
}

static void
judge_row(struct policy_state *state, struct own *own,
    const struct reputation *row)
{
	struct policy_finding *finding;
	struct decay decay;
	int32_t weight;
	size_t i;

	i = choose(state, own, row, &decay);
	if (i == own->count || (weight = reputation_weight(row, &decay)) == 0)
		return;
	finding = policy_find(state, &reputation_check, POLICY_NONE, weight,
	    row->kind_word, "%.*s has %.1f good, %.1f bad",
	    SPAN_ARG(own->names[i]), decay.good, decay.bad);
	if (!finding->is_monitored)
		own->added += weight;
}

static void
reputation_judge(struct policy_state *state)
{
	const struct policy_conf *conf = state->conf;
	enum policy_stage stage;
	struct own *own;
	size_t i;

	if (conf->reputation_count == 0 || state->stage < POLICY_HEADERS ||
	    policy_is_exempt(state))
		return;
	own = policy_own(state, &reputation_check, sizeof(*own));
	for (i = 0; i < conf->reputation_count; i++) {
		stage = condition_stage(conf->reputations[i].when);
		if (stage < POLICY_HEADERS)
			stage = POLICY_HEADERS;
		if (stage == state->stage &&
		    row_holds(state, &conf->reputations[i]) == CONDITION_YES)
			judge_row(state, own, &conf->reputations[i]);
	}
}

/* ---- learning ---- */

static int32_t
lowest_limit(const struct policy_conf *conf)
{
	const int32_t limits[] = { conf->score_tag, conf->score_quarantine,
	    conf->score_defer, conf->score_reject };
	int32_t lowest = POLICY_SCORE_OFF;
	size_t i;

	for (i = 0; i < ARRAY_LEN(limits); i++)
		if (limits[i] < lowest)
			lowest = limits[i];
	return lowest;
}

static bool
is_condemned(const struct policy_finding *finding)
{
	if (finding == NULL || finding->is_monitored)
		return false;
	/* What is refused for trouble (OnBadMessage) is not the score's. */
	if (finding->check == &score_check)
		return finding->action >= POLICY_TAG &&
		    finding->action != POLICY_DEFER &&
		    span_starts(finding->rule, SPAN_LIT("Score"));
	return finding->check == &access_check &&
	    finding->action >= POLICY_REJECT;
}

/* What the message says of its names. */
static void
weigh(const struct policy_state *state, const struct own *own, double *good,
    double *bad)
{
	int32_t limit = lowest_limit(state->conf);

	*bad = state->is_banned || is_condemned(state->decided) ||
	    is_condemned(state->by_score) ? 1 : 0;
	*good = *bad == 0 && state->passes && (limit == POLICY_SCORE_OFF ||
	    state->facts.score - own->added < limit / 2) ? 1 : 0;
}

static bool
kind_holds(const struct policy_state *state, enum reputation_kind kind)
{
	const struct policy_conf *conf = state->conf;
	size_t i;

	for (i = 0; i < conf->reputation_count; i++)
		if (conf->reputations[i].kind == kind &&
		    row_holds(state, &conf->reputations[i]) == CONDITION_YES)
			return true;
	return false;
}

static void
reputation_learn(struct policy_state *state)
{
	const struct policy_conf *conf = state->conf;
	struct learn_addition addition;
	struct own *own;
	size_t i;

	if (conf->reputation_count == 0 || !policy_may_learn(state))
		return;
	own = policy_own(state, &reputation_check, sizeof(*own));
	addition = (struct learn_addition){ .now = state->facts.now };
	weigh(state, own, &addition.good, &addition.bad);
	if (addition.good == 0 && addition.bad == 0)
		return;
	for (i = 0; i < own->count; i++) {
		if (!kind_holds(state, own->kinds[i]))
			continue;
		addition.key = own->items[i].key;
		addition.half_life = reputation_half_life(conf,
		    own->kinds[i]);
		addition.ttl = REPUTATION_TTL * addition.half_life;
		learn_add(conf->cache, &addition);
	}
}

static bool
reputation_waits_for_score(const struct policy_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->reputation_count; i++)
		if (condition_needs_score(conf->reputations[i].when))
			return true;
	return false;
}

const struct policy_check reputation_check = {
	.name = "reputation",
	.load = reputation_load,
	.unload = reputation_unload,
	.prepare = reputation_ask,
	.judge = reputation_judge,
	.waits_for_score = reputation_waits_for_score,
	.learn = reputation_learn,
};
