#include "milters/policy/warmup.h"

#include "milters/policy/condition.h"
#include "milters/policy/identity.h"
#include "milters/policy/rate.h"

#include <inttypes.h>

/* A message's. */
struct warmup_own {
	struct identities set;
};

static struct identities *
own_set(struct policy_state *state)
{
	struct warmup_own *own = policy_own(state, &warmup_check,
	    sizeof(*own));

	return &own->set;
}

/* ---- asking ---- */

/* The recipient's group; NULL: none, or (at RCPT) it is not known yet. */
static const struct warmup_rule *
group_of(const struct policy_state *state,
    const struct policy_recipient *recipient)
{
	const struct policy_conf *conf = state->conf;
	const struct warmup_rule *rule;
	enum condition_result holds;
	size_t i;

	if (recipient->address.domain.len == 0)
		return NULL;
	for (i = 0; i < conf->warmup_count; i++) {
		rule = &conf->warmups[i];
		if (!namelist_match(rule->domains, &recipient->address, NULL))
			continue;
		holds = condition_holds(rule->condition, &state->facts,
		    recipient);
		if (holds != CONDITION_NO)
			return holds == CONDITION_YES ? rule : NULL;
	}
	return NULL;
}

static struct identity *
find(struct policy_state *state, const struct policy_recipient *recipient)
{
	const struct warmup_rule *rule = group_of(state, recipient);
	struct span values[KEYPARTS_MAX];

	if (rule == NULL || !keyparts_values(&rule->key, &state->facts,
	    recipient, 0, values))
		return NULL;
	return identities_find(own_set(state), state, rule, "warmup",
	    rule->name, 0, &rule->key, values);
}

static void
ask(struct policy_state *state, struct identity *identity, int64_t add)
{
	if (identity->items == NULL)
		identity->items = arena_alloc(policy_arena(state),
		    sizeof(*identity->items));
	identity->item_count = 1;
	warmup_item(&identity->name, state->facts.now, add, identity->items);
	policy_want(state, identity->items, 1);
}

static void
prepare_recipient(struct policy_state *state)
{
	struct identity *identity = find(state, state->recipient);
	const struct warmup_rule *rule;

	identities_begin(own_set(state));
	if (identity == NULL)
		return;
	rule = identity->rule;
	if (rule->action != 0)
		return;		/* what is held is held at the end */
	identity_touch(identity, &state->facts);
	identities_take(own_set(state), identity);
	if (identity->items == NULL)
		ask(state, identity, 0);
}

static void
gather(struct policy_state *state)
{
	const struct policy_facts *facts = &state->facts;
	struct identity *identity;
	size_t i;

	for (i = 0; i < facts->recipient_count; i++) {
		if (!policy_recipient_is_live(&facts->recipients[i]))
			continue;
		identity = find(state, &facts->recipients[i]);
		if (identity == NULL)
			continue;
		if (!identity->is_taken) {
			identity->is_taken = true;
			identity->recipients = 0;
			identities_take(own_set(state), identity);
		}
		identity->recipients++;
	}
}

static void
prepare_end(struct policy_state *state)
{
	struct retry *retry = rate_retry(state);
	struct identity *identity;

	identities_begin(own_set(state));
	if (!retry_counts(retry))
		return;
	gather(state);
	for (identity = own_set(state)->stage; identity != NULL;
	    identity = identity->next)
		ask(state, identity, (int64_t)identity->recipients);
	if (own_set(state)->stage != NULL)
		retry_add(retry, state);
}

static void
warmup_prepare(struct policy_state *state)
{
	if (state->conf->warmup_count == 0 || !state->facts.is_out)
		return;
	if (state->stage == POLICY_RCPT)
		prepare_recipient(state);
	else if (state->stage == POLICY_END)
		prepare_end(state);
}

/* ---- judging ---- */

/* more: what is not counted yet. */
static void
judge_group(struct policy_state *state, const struct identity *identity,
    int64_t more)
{
	const struct warmup_rule *rule = identity->rule;
	int64_t allowance = warmup_allowance(rule, state->facts.now);
	int64_t count = identity->items[0].number + more;
	struct policy_finding *finding;

	filter_explain(state->ctx, "warmup %.*s: %" PRId64 " of today's %"
	    PRId64, SPAN_ARG(rule->name), count, allowance);
	if (count <= allowance)
		return;
	finding = policy_find(state, &warmup_check, rule->action == 0 ?
	    POLICY_DEFER : POLICY_QUARANTINE, 0, rule->name,
	    "%" PRId64 " recipients, today's allowance is %" PRId64, count,
	    allowance);
	finding->text = arena_printf(policy_arena(state), "Too many "
	    "recipients for today (warm-up %.*s); try again later",
	    SPAN_ARG(rule->name));
	finding->is_for_recipient = state->stage == POLICY_RCPT;
}

static void
warmup_judge(struct policy_state *state)
{
	const struct identity *identity;

	if (state->conf->warmup_count == 0 || !state->facts.is_out ||
	    (state->stage != POLICY_RCPT && state->stage != POLICY_END))
		return;
	for (identity = own_set(state)->stage; identity != NULL;
	    identity = identity->next)
		judge_group(state, identity, state->stage == POLICY_RCPT ?
		    (int64_t)identity->recipients + 1 : 0);
}

static void
warmup_learn(struct policy_state *state)
{
	if (state->conf->warmup_count != 0 && state->facts.is_out &&
	    state->stage == POLICY_END)
		identities_learn(own_set(state), state);
}

const struct policy_check warmup_check = {
	.name = "warmup",
	.load = warmup_load,
	.unload = warmup_unload,
	.prepare = warmup_prepare,
	.judge = warmup_judge,
	.learn = warmup_learn,
};
