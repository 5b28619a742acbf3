/*
 * shard.h - one of the parts of the embedded store: entries without holes, and
 * the buckets that find them. Only store.c uses it. The caller holds lock for
 * every function.
 */
#ifndef POSTERN_CACHE_SHARD_H
#define POSTERN_CACHE_SHARD_H

#include "common/cache/cache.h"

#include <pthread.h>

/*
 * An array without holes: who leaves is replaced by the last one. Its buckets
 * are lists of indexes into the array. There are as many buckets as places, a
 * chunk has 32 of either, and both come and go a chunk at a time, by linear
 * hashing: a new bucket takes its part out of one older one. So nothing is ever
 * copied as a whole, and memory follows the number of entries.
 */
enum {
	SHARD_CHUNK = 32,
	SHARD_LINE = 64		/* of the processor's cache */
};

struct entry {
	uint64_t id[2];
	uint32_t next;			/* in its bucket */
	uint32_t expires;		/* seconds since the store's start */
	uint32_t version;
	uint8_t kind;
	uint8_t len;			/* of a record */
	bool is_used;			/* lately */
	union {
		int64_t number;
		unsigned char value[CACHE_VALUE_MAX];
	} u;
};

struct chunk {
	struct entry entries[SHARD_CHUNK];
	uint32_t heads[SHARD_CHUNK];
};

_Static_assert(sizeof(struct entry) == SHARD_LINE, "an entry is one line");
_Static_assert(sizeof(struct chunk) % SHARD_LINE == 0,
    "as aligned_alloc wants it");

/* With its pointer and what malloc() needs. */
#define CHUNK_COST \
	(sizeof(struct chunk) + SHARD_LINE + sizeof(struct chunk *))

/* A zeroed one but for its lock is empty, and without room. */
struct shard {
	pthread_mutex_t lock;
	struct chunk **chunks;
	uint32_t chunk_count, chunk_cap;
	uint32_t mask;			/* of a hash: buckets, rounded up */
	uint32_t count;			/* of entries */
	uint32_t limit;
	uint32_t hand, sweep;		/* where either goes on */
	uint64_t changes;		/* of content; the caller's */
	uint64_t evictions;
} __attribute__((aligned(SHARD_LINE)));

/* The last entry takes the place of i. */
void shard_remove(struct shard *shard, uint32_t i);

/* The entry with that id, now used; NULL where it is not there or over. */
struct entry *shard_find(struct shard *shard, const uint64_t id[2],
    uint32_t now);

/* A new one, zeroed; another may go for it. There is none with its id. Entries
 * move: one that was found before is not to be used after. */
struct entry *shard_make(struct shard *shard, const uint64_t id[2],
    uint32_t now, uint32_t expires);

/* False where there is none. */
bool shard_delete(struct shard *shard, const uint64_t id[2]);

/* At most limit entries (a multiple of SHARD_CHUNK) from now on. Does a step of
 * what there is to do; false when it was the last. */
bool shard_limit(struct shard *shard, uint32_t limit, uint32_t now);

/* Frees the memory of all entries. */
void shard_clear(struct shard *shard);

static inline struct entry *
shard_entry(const struct shard *shard, uint32_t i)
{
	return &shard->chunks[i / SHARD_CHUNK]->entries[i % SHARD_CHUNK];
}

static inline bool
entry_is_over(const struct entry *entry, uint32_t now)
{
	return entry->expires <= now;
}

#endif
