/*
 * decay.h - two counts, of good and of bad, that lose half of themselves with
 * every half-life: a reputation. Kept as a record of a cache.
 */
#ifndef POSTERN_CACHE_DECAY_H
#define POSTERN_CACHE_DECAY_H

#include "common/cache/cache.h"

struct decay {
	double good, bad;
	int64_t updated;	/* wall clock, seconds */
};

/* What an answered item holds; zeros where it is no such record. */
void decay_read(const struct cache_item *item, struct decay *decay);
/* Puts it into item's value, clamped to what fits. */
void decay_write(const struct decay *decay, struct cache_item *item);

/* Brings both counts to now. A clock that was set back changes nothing but
 * updated. half_life: seconds, at least 1. */
void decay_forward(struct decay *decay, int64_t now, int64_t half_life);

/*
 * Reads the record, adds, and writes it back, anew where another has changed
 * it meanwhile (a few times, then FAILED).
 */
enum cache_outcome decay_add(struct cache *cache, const struct cache_key *key,
    double good, double bad, int64_t now, int64_t half_life, int64_t ttl);

#endif
