#include "milters/policy/identity.h"

#include "common/base/map.h"
#include "common/base/mem.h"

#include <inttypes.h>
#include <stdio.h>

void
identities_begin(struct identities *set)
{
	set->stage = NULL;
	set->tail = &set->stage;
}

void
identity_name(const struct cache *cache, const char *kind,
    struct span rule_name, int64_t period, const struct keyparts *key,
    const struct span *values, struct cache_key *name)
{
	struct span parts[KEYPARTS_MAX + 2];
	char digits[24];
	size_t i;

	parts[0] = rule_name;
	parts[1] = span_make(digits, (size_t)snprintf(digits, sizeof(digits),
	    "%" PRId64, period));
	for (i = 0; i < key->count; i++)
		parts[i + 2] = values[i];
	cache_name(cache, kind, parts, key->count + 2, name);
	name->slot = 0;
}

static bool
is_same(const struct identity *identity, const void *rule,
    const struct span *values)
{
	size_t i;

	if (identity->rule != rule)
		return false;
	for (i = 0; i < identity->key->count; i++)
		if (!span_eq(identity->values[i], values[i]))
			return false;
	return true;
}

static size_t
bucket_of(const void *rule, const struct keyparts *key,
    const struct span *values)
{
	uint64_t hash = (uintptr_t)rule / 64;
	size_t i;

	for (i = 0; i < key->count; i++)
		hash = hash * 31 + map_hash(values[i]);
	return hash % IDENTITY_BUCKETS;
}

static struct identity *
make(struct policy_state *state, const void *rule, const struct keyparts *key,
    const struct span *values)
{
	struct arena *arena = policy_arena(state);
	struct identity *made = arena_zalloc(arena, sizeof(*made));
	struct span *copy = arena_alloc(arena, KEYPARTS_MAX * sizeof(*copy));

	made->rule = rule;
	made->key = key;
	made->values = copy;
	memcpy(copy, values, key->count * sizeof(*copy));
	return made;
}

struct identity *
identities_find(struct identities *set, struct policy_state *state,
    const void *rule, const char *kind, struct span rule_name, int64_t period,
    const struct keyparts *key, const struct span *values)
{
	size_t bucket = bucket_of(rule, key, values);
	struct identity *found = set->buckets[bucket];

	while (found != NULL && !is_same(found, rule, values))
		found = found->in_bucket;
	if (found != NULL)
		return found;
	found = make(state, rule, key, values);
	identity_name(state->conf->cache, kind, rule_name, period, key, values,
	    &found->name);
	found->in_bucket = set->buckets[bucket];
	set->buckets[bucket] = found;
	return found;
}

void
identities_take(struct identities *set, struct identity *identity)
{
	identity->next = NULL;
	*set->tail = identity;
	set->tail = &identity->next;
}

void
identity_touch(struct identity *identity, const struct policy_facts *facts)
{
	if (identity->last != 0 &&
	    policy_recipient_is_live(
	    &facts->recipients[identity->last - 1]))
		identity->recipients++;
	identity->last = facts->recipient_count;
}

void
identities_learn(struct identities *set, struct policy_state *state)
{
	struct cache_item items[64];
	const struct identity *identity;
	size_t count = 0;

	if (state->passes || !policy_may_learn(state))
		return;
	for (identity = set->stage; identity != NULL;
	    identity = identity->next) {
		/* All that was added went to the first item. */
		items[count++] = identity->items[0];
		if (count < ARRAY_LEN(items) && identity->next != NULL)
			continue;
		cache_take_back(state->conf->cache, items, count);
		count = 0;
	}
}

struct span
identity_text(const struct identity *identity, struct policy_state *state)
{
	struct strbuf text = STRBUF_INIT;
	struct span copy;

	keyparts_add_values(identity->key, identity->values, &text);
	copy = arena_dup(policy_arena(state), strbuf_span(&text));
	strbuf_clear(&text);
	return copy;
}
