#include "milters/policy/retry.h"

#include "common/base/mem.h"

#include <stdlib.h>

/* The field's value, trimmed; empty where there is none. */
static struct span
field(const struct message *message, const char *name)
{
	size_t i = header_find(message->headers, message->header_count,
	    span_of(name), 0);

	if (i == message->header_count)
		return span_of("");
	return span_trim(message->headers[i].value);
}

static int
compare(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* The recipients in an order of their own: an MTA may change it. */
static struct span *
sorted_recipients(struct policy_state *state, size_t fixed, size_t *count)
{
	const struct policy_facts *facts = &state->facts;
	struct span *parts;
	size_t i, n = fixed;

	parts = arena_alloc(policy_arena(state),
	    (fixed + facts->recipient_count) * sizeof(*parts));
	for (i = 0; i < facts->recipient_count; i++)
		if (policy_recipient_is_live(&facts->recipients[i]))
			parts[n++] = facts->recipients[i].text;
	qsort(parts + fixed, n - fixed, sizeof(*parts), compare);
	*count = n;
	return parts;
}

static bool
name_message(struct policy_state *state, struct cache_key *key)
{
	const struct message *message = state->ctx->message;
	struct span id = field(message, "Message-ID");
	struct span date = field(message, "Date");
	struct span *parts;
	size_t count;

	if (id.len == 0 && date.len == 0)
		return false;
	parts = sorted_recipients(state, 5, &count);
	parts[0] = state->facts.sender_text;
	parts[1] = id;
	parts[2] = date;
	parts[3] = field(message, "From");
	parts[4] = field(message, "Subject");
	cache_name(state->conf->cache, "seen", parts, count, key);
	return true;
}

static void
start_counter(struct cache_item *item, int64_t memory)
{
	item->kind = CACHE_COUNTER;
	item->ttl = memory;
}

void
retry_ask_pair(struct retry *retry, struct policy_state *state)
{
	const struct span parts[] = { state->facts.sender_text,
	    state->recipient->text };
	size_t place = state->facts.recipient_count;
	int64_t memory = state->conf->retry_memory;
	struct retry_pair *pair;

	if (memory == 0 || (retry->pairs != NULL &&
	    retry->pairs->place == place))
		return;
	pair = arena_zalloc(policy_arena(state), sizeof(*pair));
	pair->place = place;
	pair->next = retry->pairs;
	retry->pairs = pair;
	cache_name(state->conf->cache, "pair", parts, ARRAY_LEN(parts),
	    &pair->item.key);
	start_counter(&pair->item, memory);
	policy_want(state, &pair->item, 1);
}

bool
retry_may_be(const struct retry *retry, const struct policy_state *state)
{
	return retry->pairs != NULL &&
	    retry->pairs->place == state->facts.recipient_count &&
	    retry->pairs->item.number > 0;
}

void
retry_ask(struct retry *retry, struct policy_state *state)
{
	int64_t memory = state->conf->retry_memory;

	if (memory == 0 || !name_message(state, &retry->item.key))
		return;
	retry->is_known = true;
	start_counter(&retry->item, memory);
	policy_want(state, &retry->item, 1);
}

bool
retry_counts(struct retry *retry)
{
	if (!retry->is_known)
		return true;
	if (!retry->is_added)
		retry->seen = retry->item.number;
	return retry->seen == 0 || retry->seen > RETRY_FREE;
}

void
retry_add(struct retry *retry, struct policy_state *state)
{
	const struct policy_facts *facts = &state->facts;
	struct retry_pair *pair;

	if (!retry->is_known || retry->is_added)
		return;
	retry->is_added = true;
	retry->item.add = 1;
	policy_want(state, &retry->item, 1);
	for (pair = retry->pairs; pair != NULL; pair = pair->next) {
		if (!policy_recipient_is_live(
		    &facts->recipients[pair->place - 1]))
			continue;
		pair->item.add = 1;
		policy_want(state, &pair->item, 1);
	}
}

void
retry_learn(struct retry *retry, struct policy_state *state)
{
	const struct retry_pair *pair;

	if (!retry->is_added || state->passes || !policy_may_learn(state))
		return;
	cache_take_back(state->conf->cache, &retry->item, 1);
	for (pair = retry->pairs; pair != NULL; pair = pair->next)
		if (pair->item.add != 0)
			cache_take_back(state->conf->cache, &pair->item, 1);
}
