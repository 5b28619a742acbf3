#include "milters/policy/greylist.h"

#include "milters/policy/reputation.h"

#include "common/mail/domain.h"

#include <inttypes.h>

enum {
	RECIPIENTS_MAX = 100,	/* that are looked at, of a message at once */
	CORRESPONDENTS_MAX = 100,	/* learned from one message */
	DOMAINS_MAX = FACTS_DOMAINS_MAX + 1,
	DOMAIN_SUCCESSES = 1	/* that are enough */
};

/* What was asked for a message. */
struct own {
	struct grey_case *cases;	/* of the stage under way */
	size_t count;
	struct cache_item client;	/* its network's successes */
	bool has_client;
	struct cache_item *domains;	/* successes of aligned domains */
	struct span domain_names[DOMAINS_MAX];
	size_t domain_count;
	bool has_come_through;		/* by waiting, or by having waited */
};

static bool
greylist_waits_for_score(const struct policy_conf *conf)
{
	return conf->greylist != NULL &&
	    condition_needs_score(conf->greylist->when);
}

/* ---- questions ---- */

static bool
is_aligned(const struct policy_facts *facts, struct span domain)
{
	size_t i;

	for (i = 0; i < facts->from_count; i++)
		if (domain_is_within(domain, facts->from_domains[i]) ||
		    domain_is_within(facts->from_domains[i], domain))
			return true;
	return false;
}

static void
ask_domain(struct policy_state *state, struct own *own, struct span domain)
{
	size_t i;

	if (domain.len == 0 || !is_aligned(&state->facts, domain))
		return;
	for (i = 0; i < own->domain_count; i++)
		if (span_eq(own->domain_names[i], domain))
			return;
	own->domain_names[own->domain_count] = domain;
	grey_ask_domain(state->conf, domain,
	    &own->domains[own->domain_count++]);
}

static void
ask_domains(struct policy_state *state, struct own *own)
{
	const struct policy_facts *facts = &state->facts;
	size_t i;

	if (!facts->has_results || own->domains != NULL)
		return;
	own->domains = arena_zalloc(policy_arena(state),
	    DOMAINS_MAX * sizeof(*own->domains));
	for (i = 0; i < facts->dkim_count; i++)
		ask_domain(state, own, facts->dkim_domains[i]);
	ask_domain(state, own, facts->spf_domain);
	policy_want(state, own->domains, own->domain_count);
}

static void
ask_client(struct policy_state *state, struct own *own)
{
	if (own->has_client || state->conf->greylist->autowhitelist == 0)
		return;
	grey_ask_client(state->conf, state->facts.client_net, &own->client);
	policy_want(state, &own->client, 1);
	own->has_client = true;
}

static void
add_case(struct policy_state *state, struct own *own,
    const struct policy_recipient *recipient, struct cache_item *items)
{
	struct grey_case *gc = &own->cases[own->count++];

	*gc = (struct grey_case){
		.conf = state->conf,
		.facts = &state->facts,
		.recipient = recipient,
		.arena = policy_arena(state),
		.patterns = &state->patterns,
		.triplet = items,
		.wrote = state->facts.sender.domain.len != 0 ? items + 1 :
		    NULL,
	};
	grey_case_ask(gc);
	policy_want(state, items, gc->wrote != NULL ? 2 : 1);
}

/* At RCPT the one recipient; later all that are left. */
static void
ask_cases(struct policy_state *state, struct own *own)
{
	const struct policy_facts *facts = &state->facts;
	size_t i, most = state->recipient != NULL ? 1 :
	    facts->recipient_count < RECIPIENTS_MAX ? facts->recipient_count :
	    RECIPIENTS_MAX;
	struct cache_item *items;

	own->count = 0;
	own->cases = arena_alloc(policy_arena(state),
	    most * sizeof(*own->cases));
	items = arena_alloc(policy_arena(state), 2 * most * sizeof(*items));
	if (state->recipient != NULL) {
		add_case(state, own, state->recipient, items);
		return;
	}
	for (i = 0; i < facts->recipient_count && own->count < most; i++)
		if (!facts->recipients[i].is_refused &&
		    !facts->recipients[i].is_discarded)
			add_case(state, own, &facts->recipients[i],
			    items + 2 * own->count);
}

/* Whether there is a reason to ask at all. */
static bool
may_apply(const struct policy_state *state)
{
	const struct greylist *rule = state->conf->greylist;

	return rule != NULL && state->stage == rule->stage &&
	    !state->facts.is_out && state->facts.client.family != 0 &&
	    !policy_is_exempt(state) && (condition_needs_score(rule->when) ||
	    condition_holds(rule->when, &state->facts, state->recipient) ==
	    CONDITION_YES);
}

static void
greylist_prepare(struct policy_state *state)
{
	struct own *own;

	if (state->conf->greylist == NULL ||
	    state->stage != state->conf->greylist->stage)
		return;
	own = policy_own(state, &greylist_check, sizeof(*own));
	own->count = 0;
	if (!may_apply(state))
		return;
	ask_cases(state, own);
	ask_client(state, own);
	ask_domains(state, own);
	reputation_ask(state);
}

/* ---- judging ---- */

static struct span
find_good_domain(struct policy_state *state, const struct own *own)
{
	struct span name;
	size_t i;

	for (i = 0; i < own->domain_count; i++) {
		name = own->domain_names[i];
		if (grey_successes(&own->domains[i]) >= DOMAIN_SUCCESSES ||
		    reputation_is_known_good(state, REPUTATION_DKIM_DOMAIN,
		    name) || reputation_is_known_good(state,
		    REPUTATION_SPF_DOMAIN, name))
			return name;
	}
	return span_of("");
}

static void
judge_case(struct policy_state *state, struct own *own, struct grey_case *gc,
    struct span good_domain)
{
	gc->is_exempt = gc->recipient->is_exempt;
	gc->client_successes = grey_successes(&own->client);
	gc->client_is_good = reputation_is_known_good(state,
	    REPUTATION_CLIENT_NET, state->facts.client_net);
	gc->good_domain = good_domain;
	grey_case_judge(gc);
	if (gc->ground != NULL && gc->ground->is_success)
		own->has_come_through = true;
	if (policy_may_learn(state) && grey_case_is_changed(gc))
		cache_put(state->conf->cache, gc->triplet);
}

/* The case that speaks for all: one that passes; else one that the cache does
 * not know; else the one that has to wait least. */
static const struct grey_case *
choose(const struct own *own)
{
	const struct grey_case *chosen = own->cases, *gc;
	size_t i;

	for (i = 0; i < own->count; i++) {
		gc = &own->cases[i];
		if (gc->ground != NULL)
			return gc;
		if (grey_case_is_unknown(chosen))
			continue;
		if (grey_case_is_unknown(gc) ||
		    gc->outcome.wait < chosen->outcome.wait)
			chosen = gc;
	}
	return chosen;
}

static struct policy_finding *
find(struct policy_state *state, enum policy_action action, const char *word,
    const char *reason)
{
	struct policy_finding *finding = policy_find(state, &greylist_check,
	    action, 0, span_of(word), "%s", reason);

	finding->is_for_recipient = state->recipient != NULL &&
	    action != POLICY_TAG;
	return finding;
}

static const char *
answer(struct policy_state *state, int64_t wait)
{
	const char *text = state->conf->greylist->text.p;
	const char *hole = strstr(text, "%s");

	if (hole == NULL)
		return text;
	return arena_printf(policy_arena(state), "%.*s%" PRId64 "%s",
	    (int)(hole - text), text, wait, hole + 2);
}

static void
tell_trouble(struct policy_state *state)
{
	const char *reason = "the cache does not answer";
	struct policy_finding *finding;

	if (state->conf->greylist->on_error == GREYLIST_ACCEPT) {
		find(state, POLICY_NONE, "unknown", reason);
		return;
	}
	finding = find(state, POLICY_DEFER, "unknown", reason);
	finding->enhanced = "4.3.0";
	finding->text = "Temporary local problem, please try again later";
}

static void
tell_waiting(struct policy_state *state, const struct grey_outcome *outcome)
{
	struct policy_finding *finding;
	const char *reason;

	if (outcome->answer == GREY_NEW)
		reason = arena_printf(policy_arena(state),
		    "first seen, %" PRId64 " s to wait", outcome->wait);
	else
		reason = arena_printf(policy_arena(state),
		    "came again too early, %" PRId64 " s to wait",
		    outcome->wait);
	finding = find(state, state->conf->greylist->action == GREYLIST_TAG ?
	    POLICY_TAG : POLICY_DEFER, grey_answer_word(outcome->answer),
	    reason);
	finding->code = 450;
	finding->enhanced = "4.7.1";
	finding->text = answer(state, outcome->wait);
}

/* What is worth a word in the log: who came again, and who was spared. */
static void
tell_passing(struct policy_state *state, const struct grey_case *gc)
{
	const struct grey_outcome *outcome = &gc->outcome;
	const char *word = gc->ground->word;

	if (outcome->answer == GREY_RETRIED)
		find(state, POLICY_NONE, word, arena_printf(
		    policy_arena(state), "came again after %" PRId64 " s",
		    state->facts.now - outcome->since));
	else if (outcome->answer == GREY_KNOWN)
		filter_explain(state->ctx, "greylist: %s", gc->ground->text);
	else
		find(state, POLICY_NONE, word, gc->ground->text);
}

static void
greylist_judge(struct policy_state *state)
{
	const struct grey_case *chosen;
	struct span good_domain;
	struct own *own;
	size_t i;

	if (!may_apply(state))
		return;
	own = policy_own(state, &greylist_check, sizeof(*own));
	if (own->count == 0 || condition_holds(state->conf->greylist->when,
	    &state->facts, state->recipient) != CONDITION_YES)
		return;
	good_domain = find_good_domain(state, own);
	for (i = 0; i < own->count; i++)
		judge_case(state, own, &own->cases[i], good_domain);
	chosen = choose(own);
	if (grey_case_is_unknown(chosen))
		tell_trouble(state);
	else if (chosen->ground == NULL)
		tell_waiting(state, &chosen->outcome);
	else
		tell_passing(state, chosen);
}

/* ---- learning ---- */

/* Whom our users write to may write to them. */
static void
learn_correspondents(struct policy_state *state)
{
	const struct policy_conf *conf = state->conf;
	const struct policy_facts *facts = &state->facts;
	struct cache_item item;
	size_t i, count = 0;

	if (facts->sender.domain.len == 0)
		return;
	for (i = 0; i < facts->recipient_count && count < CORRESPONDENTS_MAX;
	    i++) {
		if (facts->recipients[i].is_refused ||
		    facts->recipients[i].address.domain.len == 0)
			continue;
		grey_ask_wrote(conf, &facts->sender,
		    &facts->recipients[i].address, policy_arena(state),
		    &item);
		grey_mark(&item, conf->greylist->times.lifetime);
		cache_put(conf->cache, &item);
		count++;
	}
}

static void
succeed(struct policy_state *state, struct cache_item *item)
{
	const struct policy_conf *conf = state->conf;

	if (item->state != CACHE_TROUBLE && grey_succeed(item,
	    conf->greylist->times.lifetime, state->facts.now))
		cache_put(conf->cache, item);
}

static void
learn_successes(struct policy_state *state, struct own *own)
{
	size_t i;

	if (!own->has_come_through)
		return;
	if (own->has_client)
		succeed(state, &own->client);
	for (i = 0; i < own->domain_count; i++)
		succeed(state, &own->domains[i]);
}

static void
greylist_learn(struct policy_state *state)
{
	bool is_clean = state->decided == NULL ||
	    state->decided->check == &greylist_check;

	if (state->conf->greylist == NULL || !state->passes ||
	    !policy_may_learn(state))
		return;
	if (state->facts.is_out)
		learn_correspondents(state);
	else if (is_clean)
		learn_successes(state, policy_own(state, &greylist_check,
		    sizeof(struct own)));
}

const struct policy_check greylist_check = {
	.name = "greylist",
	.load = greylist_load,
	.unload = greylist_unload,
	.prepare = greylist_prepare,
	.judge = greylist_judge,
	.waits_for_score = greylist_waits_for_score,
	.learn = greylist_learn,
};
