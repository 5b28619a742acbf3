#include "common/cache/shard.h"

#include "common/base/mem.h"

#include <stdlib.h>

enum {
	/* A chunk goes when that many places are free. */
	SLACK = SHARD_CHUNK + SHARD_CHUNK / 2,
	/* Entries that one new entry looks at for expired ones. */
	SWEEP = 4,
	/* Entries that are looked at where one has to go: for an expired one,
	 * for one that was not used. */
	LOOK_EXPIRED = 16,
	LOOK_UNUSED = 64,
	/* Entries that go in a step. */
	STEP = 64
};

#define NONE	UINT32_MAX

/* ---- places and buckets ---- */

static uint32_t *
head_at(const struct shard *shard, uint32_t bucket)
{
	struct chunk *chunk = shard->chunks[bucket / SHARD_CHUNK];

	return &chunk->heads[bucket % SHARD_CHUNK];
}

static uint32_t
places(const struct shard *shard)
{
	return shard->chunk_count * SHARD_CHUNK;
}

static uint32_t *
head_of(const struct shard *shard, const uint64_t id[2])
{
	uint32_t bucket = (uint32_t)id[0] & shard->mask;

	if (bucket >= places(shard))
		bucket &= shard->mask >> 1;
	return head_at(shard, bucket);
}

/* What points to entry i. */
static uint32_t *
link_to(const struct shard *shard, uint32_t i)
{
	uint32_t *at = head_of(shard, shard_entry(shard, i)->id);

	while (*at != i)
		at = &shard_entry(shard, *at)->next;
	return at;
}

static void
unlink_entry(const struct shard *shard, uint32_t i)
{
	uint32_t *at = link_to(shard, i);

	*at = shard_entry(shard, i)->next;
}

static void
link_entry(const struct shard *shard, uint32_t i)
{
	struct entry *entry = shard_entry(shard, i);
	uint32_t *head = head_of(shard, entry->id);

	entry->next = *head;
	*head = i;
}

/* ---- growing and shrinking ---- */

static void
set_mask(struct shard *shard)
{
	uint32_t size = SHARD_CHUNK;

	while (size < places(shard))
		size *= 2;
	shard->mask = size - 1;
}

/* The bucket that the last half of the round has bucket's entries from. */
static uint32_t
origin_of(const struct shard *shard, uint32_t bucket)
{
	return bucket & shard->mask >> 1;
}

/* Moves to bucket what belongs there now. */
static void
split_bucket(const struct shard *shard, uint32_t bucket)
{
	uint32_t *at = head_at(shard, origin_of(shard, bucket));
	uint32_t *to = head_at(shard, bucket);
	struct entry *entry;
	uint32_t i;

	while ((i = *at) != NONE) {
		entry = shard_entry(shard, i);
		if (((uint32_t)entry->id[0] & shard->mask) != bucket) {
			at = &entry->next;
			continue;
		}
		*at = entry->next;
		entry->next = *to;
		*to = i;
	}
}

static void
merge_bucket(const struct shard *shard, uint32_t bucket)
{
	uint32_t *head = head_at(shard, origin_of(shard, bucket));
	uint32_t *at = head;

	while (*at != NONE)
		at = &shard_entry(shard, *at)->next;
	*at = *head_at(shard, bucket);
}

static void
add_chunk(struct shard *shard)
{
	enum { FIRST_CHUNKS = 4 };
	uint32_t bucket = places(shard);
	struct chunk *chunk;

	if (shard->chunk_count == shard->chunk_cap) {
		shard->chunk_cap = shard->chunk_cap > 0 ?
		    shard->chunk_cap * 2 : FIRST_CHUNKS;
		shard->chunks = xreallocarray(shard->chunks, shard->chunk_cap,
		    sizeof(struct chunk *));
	}
	chunk = xnonnull(aligned_alloc(SHARD_LINE, sizeof(*chunk)));
	memset(chunk->heads, 0xff, sizeof(chunk->heads));	/* NONE */
	shard->chunks[shard->chunk_count++] = chunk;
	set_mask(shard);
	for (; bucket > 0 && bucket < places(shard); bucket++)
		split_bucket(shard, bucket);
}

static void
drop_chunk(struct shard *shard)
{
	uint32_t bucket = places(shard) - SHARD_CHUNK;

	for (; bucket < places(shard); bucket++)
		merge_bucket(shard, bucket);
	free(shard->chunks[--shard->chunk_count]);
	set_mask(shard);
}

/* ---- entries ---- */

void
shard_remove(struct shard *shard, uint32_t i)
{
	uint32_t last = shard->count - 1, *link;

	unlink_entry(shard, i);
	if (i != last) {
		link = link_to(shard, last);
		*shard_entry(shard, i) = *shard_entry(shard, last);
		*link = i;
	}
	shard->count--;
	if (places(shard) - shard->count >= SLACK)
		drop_chunk(shard);
}

struct entry *
shard_find(struct shard *shard, const uint64_t id[2], uint32_t now)
{
	struct entry *entry;
	uint32_t i;

	if (shard->chunk_count == 0)
		return NULL;
	for (i = *head_of(shard, id); i != NONE; i = entry->next) {
		entry = shard_entry(shard, i);
		if (entry->id[0] != id[0] || entry->id[1] != id[1])
			continue;
		if (entry_is_over(entry, now)) {
			shard_remove(shard, i);
			return NULL;
		}
		if (!entry->is_used)
			entry->is_used = true;
		return entry;
	}
	return NULL;
}

/* Looks at the next few; the first that has expired, or NONE. */
static uint32_t
find_expired(struct shard *shard, unsigned most, uint32_t now)
{
	for (; most > 0 && shard->count > 0; most--) {
		if (shard->sweep >= shard->count)
			shard->sweep = 0;
		if (entry_is_over(shard_entry(shard, shard->sweep), now))
			return shard->sweep;
		shard->sweep++;
	}
	return NONE;
}

/* The next that was not used since the hand passed it; shard has one at
 * least. */
static uint32_t
find_unused(struct shard *shard)
{
	struct entry *entry;
	unsigned n = 0;
	uint32_t i;

	do {
		i = shard->hand < shard->count ? shard->hand : 0;
		shard->hand = i + 1;
		entry = shard_entry(shard, i);
		if (!entry->is_used)
			break;
		entry->is_used = false;
	} while (++n < LOOK_UNUSED);
	return i;
}

/* Who has to go where there is no room. */
static uint32_t
find_victim(struct shard *shard, uint32_t now)
{
	uint32_t i = find_expired(shard, LOOK_EXPIRED, now);

	if (i != NONE)
		return i;
	shard->evictions++;
	return find_unused(shard);
}

static void
sweep(struct shard *shard, uint32_t now)
{
	uint32_t i;
	unsigned n;

	for (n = 0; n < SWEEP; n++)
		if ((i = find_expired(shard, 1, now)) != NONE)
			shard_remove(shard, i);
}

static uint32_t
take_place(struct shard *shard, uint32_t now)
{
	uint32_t i;

	if (shard->count < shard->limit) {
		if (shard->count == places(shard))
			add_chunk(shard);
		return shard->count++;
	}
	i = find_victim(shard, now);
	unlink_entry(shard, i);
	return i;
}

struct entry *
shard_make(struct shard *shard, const uint64_t id[2], uint32_t now,
    uint32_t expires)
{
	struct entry *entry;
	uint32_t i;

	sweep(shard, now);
	i = take_place(shard, now);
	entry = shard_entry(shard, i);
	*entry = (struct entry){ .id = { id[0], id[1] }, .expires = expires };
	link_entry(shard, i);
	return entry;
}

bool
shard_delete(struct shard *shard, const uint64_t id[2])
{
	const struct entry *entry;
	uint32_t i;

	if (shard->chunk_count == 0)
		return false;
	for (i = *head_of(shard, id); i != NONE; i = entry->next) {
		entry = shard_entry(shard, i);
		if (entry->id[0] == id[0] && entry->id[1] == id[1]) {
			shard_remove(shard, i);
			return true;
		}
	}
	return false;
}

bool
shard_limit(struct shard *shard, uint32_t limit, uint32_t now)
{
	unsigned n;

	shard->limit = limit;
	for (n = 0; n < STEP && shard->count > limit; n++)
		shard_remove(shard, find_victim(shard, now));
	if (shard->count > limit)
		return true;
	while (places(shard) > limit)
		drop_chunk(shard);
	return false;
}

void
shard_clear(struct shard *shard)
{
	while (shard->chunk_count > 0)
		free(shard->chunks[--shard->chunk_count]);
	free(shard->chunks);
	shard->chunks = NULL;
	shard->count = shard->chunk_cap = 0;
}
