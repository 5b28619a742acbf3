/*
 * window.h - how often something happened in the last PERIOD, counted in a
 * cache: a sliding window made of counters, each for an eighth of the period.
 *
 * What is added counts for at least PERIOD, and for an eighth of it more at the
 * most (for periods under 8 s: a second more). So a limit on the sum is never
 * exceeded in any span of that length; what it costs is that something may be
 * refused up to an eighth of the period too long. Whole machines share the
 * parts, so they begin by the wall clock: where that is set by more than
 * PERIOD the window is empty, and what was counted "later" counts again when
 * that time comes.
 */
#ifndef POSTERN_CACHE_WINDOW_H
#define POSTERN_CACHE_WINDOW_H

#include "common/cache/cache.h"

enum {
	WINDOW_PARTS = 8,
	WINDOW_ITEMS = WINDOW_PARTS + 1
};

/* How many of items a window of that period (seconds, at least 1) takes, at
 * most WINDOW_ITEMS. */
size_t window_count(int64_t period);
/* Seconds of a part. */
int64_t window_part(int64_t period);

/*
 * Fills items (window_count() of them), the newest part first, which gets add.
 * key's slot is not looked at. now: wall clock.
 */
void window_items(const struct cache_key *key, int64_t period, int64_t now,
    int64_t add, struct cache_item *items);

/* Whether items made earlier still begin with the newest part: then that one
 * alone tells what has been added since. */
bool window_is_current(const struct cache_item *items, int64_t period,
    int64_t now);

/* The sum of answered items; that of the newest two parts, which is what
 * happened within the last part's length and perhaps a little more. */
int64_t window_sum(const struct cache_item *items, size_t count);
int64_t window_recent(const struct cache_item *items, size_t count);

/* Seconds from now until the sum has fallen to at most limit, if nothing is
 * added. */
int64_t window_wait(const struct cache_item *items, size_t count,
    int64_t period, int64_t now, int64_t limit);

#endif
