/*
 * store.h - the embedded store: counters and records in this process's memory,
 * bounded, expiring. Any thread may use it; a call holds the lock of one of 64
 * parts for well under a microsecond, or some while a part grows by a step.
 *
 * What it takes follows what is in it, at about 70 bytes an entry, both ways.
 * Where it is full, what has expired goes first, then what was not used lately.
 * Entries expire by the monotonic clock, up to a second late, never early.
 */
#ifndef POSTERN_CACHE_STORE_H
#define POSTERN_CACHE_STORE_H

#include "common/cache/cache.h"

struct store;

/* clock: monotonic milliseconds. size: octets; see STORE_SIZE_MIN. */
struct store *store_new(size_t size, int64_t (*clock)(void));
void store_free(struct store *store);

enum {
	STORE_SIZE_MIN = 1 << 20	/* a smaller size is taken as this */
};

/* What is over the new size goes at once. */
void store_resize(struct store *store, size_t size);

/* These are what backend.h asks of a backend. */
void store_get(struct store *store, struct cache_item *items, size_t count);
void store_increment(struct store *store, struct cache_item *items,
    size_t count);
void store_take_back(struct store *store, const struct cache_item *items,
    size_t count);
enum cache_outcome store_add(struct store *store,
    const struct cache_item *item);
enum cache_outcome store_update(struct store *store,
    const struct cache_item *item);
void store_put(struct store *store, const struct cache_item *item);
void store_remove(struct store *store, const struct cache_key *key,
    enum cache_kind kind);

/* entries, bytes and evictions. */
void store_count(struct store *store, struct cache_stats *stats);

/* Goes up with everything that is changed. */
uint64_t store_changes(struct store *store);

/* ---- for a file ---- */

enum {
	STORE_ID_OCTETS = 16,
	STORE_STEP = 64			/* entries of one step, at most */
};

struct store_entry {
	unsigned char id[STORE_ID_OCTETS];	/* of key, slot and kind */
	enum cache_kind kind;
	int64_t ttl;			/* seconds left, at least 1 */
	int64_t number;			/* of a counter */
	unsigned char value[CACHE_VALUE_MAX];
	size_t len;			/* of value */
};

struct store_cursor {
	unsigned shard;
	size_t left;			/* of this shard, once is_inside */
	bool is_inside;
};

/*
 * Copies the next entries, STORE_STEP at most, and sets *count, which may come
 * out as 0; false at the end. Start with a zeroed cursor. Others may use the
 * store between the steps: what is there from the first step to the last is
 * copied at least once. What has expired is removed on the way.
 */
bool store_next(struct store *store, struct store_cursor *cursor,
    struct store_entry entries[STORE_STEP], size_t *count);

/* Puts an entry where there is none with its id. */
void store_restore(struct store *store, const struct store_entry *entry);

#endif
