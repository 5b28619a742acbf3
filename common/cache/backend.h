/*
 * backend.h - what the two backends of a cache look like to cache.c, and what
 * it does for both. Nobody else includes this.
 *
 * cache.c shares equal caches, counts answers, splits calls that are over
 * CACHE_BATCH_MAX, empties the answers before a backend fills them, refuses
 * what cannot be stored, and keeps this process's own count of counters that
 * are in trouble. So a backend sees: count 1..CACHE_BATCH_MAX; items of
 * increment and take_back that are all counters; values of at most
 * CACHE_VALUE_MAX octets; an update of records only, read as HIT or MISS.
 *
 * A record and a counter with one key are two things: a backend names them
 * apart.
 */
#ifndef POSTERN_CACHE_BACKEND_H
#define POSTERN_CACHE_BACKEND_H

#include "common/cache/cache.h"

struct cache_backend {
	bool is_remote;

	/*
	 * The state that the other functions get, for a spec of that backend's
	 * word and rest (trimmed, perhaps empty); NULL, a sentence in err.
	 * options lives no longer than the call; its clocks are never NULL.
	 * Nothing is read, written or connected to yet.
	 */
	void *(*make)(const struct cache_options *options, struct span rest,
	    struct strbuf *err);
	void (*free)(void *state);

	/* See cache.h. NULL: nothing to do. */
	void (*serve)(void *state);
	bool (*look)(void *state, struct strbuf *err);
	int (*save)(void *state, struct strbuf *err);
	void (*resize)(void *state, size_t size);
	void (*warn)(const void *state, struct strbuf *out);

	/*
	 * Fill state of every item, and where that is HIT number, or value,
	 * len and version. After increment a counter is a HIT wherever there
	 * is one now. An add that is negative makes none. CACHE_TROUBLE: only
	 * the state needs to be set.
	 */
	void (*get)(void *state, struct cache_item *items, size_t count);
	void (*increment)(void *state, struct cache_item *items, size_t count);
	void (*take_back)(void *state, const struct cache_item *items,
	    size_t count);
	enum cache_outcome (*add)(void *state, const struct cache_item *item);
	enum cache_outcome (*update)(void *state,
	    const struct cache_item *item);
	void (*put)(void *state, const struct cache_item *item);
	void (*remove)(void *state, const struct cache_key *key,
	    enum cache_kind kind);

	int64_t (*age)(void *state);
	/* Everything but hits, misses and troubles. stats is zeroed. */
	void (*count)(void *state, struct cache_stats *stats);
	void (*describe)(const void *state, struct strbuf *out);
};

extern const struct cache_backend *const cache_local_backend;
extern const struct cache_backend *const cache_memcached_backend;

/* The item's time to live as it is meant: 1..CACHE_TTL_MAX. */
static inline int64_t
cache_item_ttl(const struct cache_item *item)
{
	if (item->ttl < 1)
		return 1;
	return item->ttl < CACHE_TTL_MAX ? item->ttl : CACHE_TTL_MAX;
}

/* number (0..CACHE_COUNTER_MAX) changed by add, inside those bounds. */
static inline int64_t
cache_counter_add(int64_t number, int64_t add)
{
	if (add < 0)
		return add > -number ? number + add : 0;
	return add < CACHE_COUNTER_MAX - number ? number + add :
	    CACHE_COUNTER_MAX;
}

/* The same without what add had added. */
static inline int64_t
cache_counter_take_back(int64_t number, int64_t add)
{
	if (add < -CACHE_COUNTER_MAX)
		add = -CACHE_COUNTER_MAX;
	return cache_counter_add(number, -add);
}

#endif
