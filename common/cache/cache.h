/*
 * cache.h - counters and small records that outlive a message: rates,
 * greylisting, reputation. One interface, two backends: an embedded store of
 * this process, saved to a file; or memcached servers that many machines share.
 *
 * A cache never stops mail. What it cannot tell it says so (CACHE_TROUBLE), at
 * once once it knows that the servers are away, and the caller decides. A wrong
 * answer is worse than none: what does not bear the key's own check is a miss.
 *
 * Any thread may use a cache. Times are seconds.
 */
#ifndef POSTERN_CACHE_CACHE_H
#define POSTERN_CACHE_CACHE_H

#include "common/base/strbuf.h"
#include "common/cache/cachekey.h"

enum {
	CACHE_VALUE_MAX = 32,		/* octets of a record */
	CACHE_BATCH_MAX = 1024,		/* items of one call */
	CACHE_TTL_MAX = 400 * 86400	/* longer ones are cut to this */
};
#define CACHE_COUNTER_MAX	((int64_t)1 << 38)	/* counters stop there */

enum cache_kind { CACHE_RECORD, CACHE_COUNTER };

enum cache_state {
	CACHE_MISS,	/* nothing there: a counter is 0 */
	CACHE_HIT,
	CACHE_TROUBLE	/* not known; a counter's number is what this process
			   alone has counted meanwhile */
};

/* A question and its answer. A zeroed one asks for a record. A record and a
 * counter with one key are two things. */
struct cache_item {
	struct cache_key key;
	enum cache_kind kind;
	int64_t add;			/* cache_increment(): see there */
	int64_t ttl;
	/* the answer */
	enum cache_state state;
	int64_t number;			/* of a counter, 0..CACHE_COUNTER_MAX */
	unsigned char value[CACHE_VALUE_MAX];
	size_t len;			/* of value */
	uint64_t version;		/* for cache_update() */
};

struct cache;

struct cache_options {
	const char *spec;	/* "local"; "memcached HOST[:PORT], ..." or
				   "memcached /path/of/socket, ..." */
	size_t size;		/* local: octets it may take */
	const char *file;	/* local: where it is saved; NULL: nowhere */
	struct cache_secret secret;
	bool is_logged;		/* the log hears of trouble */
	/* Monotonic milliseconds; NULL: clock_monotonic_ms(). For tests. */
	int64_t (*clock)(void);
	/* Wall clock seconds, for times to live in the file; NULL:
	 * clock_wall(). */
	int64_t (*wall)(void);
};

/*
 * NULL, a sentence in err, where spec is no good. Nothing is read, written or
 * connected to yet. While a cache with an equal spec, file and secret is in
 * use, it is that one, with the new size: a reload keeps what is known.
 * cache_close() gives it back; the last one saves a local cache.
 */
struct cache *cache_open(const struct cache_options *options,
    struct strbuf *err);
void cache_close(struct cache *cache);

/*
 * The cache is in service from now on: a local one is read from its file (a
 * damaged one is renamed to FILE.damaged, with a log line) and saved every
 * minute by a thread; memcached servers are tried. May be called again. Not
 * before fork(). Without it, a local cache begins empty and is never saved.
 */
void cache_serve(struct cache *cache);

/* Reads a local cache's file as it is, and never saves: for looking. False, a
 * sentence in err, where there is a file that cannot be read. A memcached one
 * needs nothing: true. */
bool cache_look(struct cache *cache, struct strbuf *err);

/* Saves a local cache now. -1, a sentence in err. Memcached: 0. */
int cache_save(struct cache *cache, struct strbuf *err);

/* The key of something: see cachekey.h. */
void cache_name(const struct cache *cache, const char *kind,
    const struct span *parts, size_t count, struct cache_key *key);

/*
 * Fills the answers of all items, in one round trip whatever their number and
 * the number of servers. False where any is in trouble. add is not looked at.
 */
bool cache_get(struct cache *cache, struct cache_item *items, size_t count);

/*
 * The same for counters, each of which is first changed by its add (0: only
 * read; negative: back, not below 0); one that is not there is made, with its
 * ttl, which later additions do not prolong. Still one round trip for all. An
 * answer holds the item's own addition and every one before it; several who
 * add at the same moment may each see the others', never less than the truth.
 * HIT: there is such a counter now. A negative add makes none.
 */
bool cache_increment(struct cache *cache, struct cache_item *items,
    size_t count);

/* Takes back what cache_increment() added to these. Nobody waits. */
void cache_take_back(struct cache *cache, const struct cache_item *items,
    size_t count);

enum cache_outcome { CACHE_DONE, CACHE_NOT_DONE, CACHE_FAILED };

/* Stores a record (a counter: its number) where there is none: NOT_DONE where
 * there is one. One round trip. */
enum cache_outcome cache_add(struct cache *cache,
    const struct cache_item *item);

/*
 * Stores item's value where the record still is what item was read as (its
 * state HIT with that version, or MISS): NOT_DONE where it has changed
 * meanwhile. One round trip.
 */
enum cache_outcome cache_update(struct cache *cache,
    const struct cache_item *item);

/* Stores it whatever was there; deletes it. Nobody waits for an answer. */
void cache_put(struct cache *cache, const struct cache_item *item);
void cache_delete(struct cache *cache, const struct cache_key *key,
    enum cache_kind kind);

/* Whether a call costs a round trip on a network. */
bool cache_is_remote(const struct cache *cache);

/* Seconds for which the state has been complete: since it was empty, lost a
 * part, or was reached for the first time. -1: not known now. */
int64_t cache_age(struct cache *cache);

struct cache_stats {
	uint64_t hits, misses, troubles;	/* items asked for */
	uint64_t failures;		/* operations that failed or timed out */
	uint64_t entries;		/* local: live ones; 0 else */
	uint64_t bytes;			/* local: memory in use */
	uint64_t evictions;		/* local: thrown out for want of room */
	unsigned servers, servers_away;	/* memcached */
};

void cache_count(struct cache *cache, struct cache_stats *stats);

/* "local, 64 MB, /var/lib/..." or "memcached a:11211, b:11211". */
void cache_describe(const struct cache *cache, struct strbuf *out);

/*
 * A warning for the admin where a server is neither on loopback nor a Unix
 * socket: memcached has no password. Empty out: nothing to say.
 */
void cache_warn(const struct cache *cache, struct strbuf *out);

#endif
