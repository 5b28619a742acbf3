#include "common/cache/window.h"

/*
 * Part n begins at n * period / WINDOW_PARTS, which need not be a whole second:
 * so parts of any period are even, and now - then < period means that then's
 * part is at most WINDOW_PARTS before now's. Below WINDOW_PARTS seconds a part
 * is a second.
 */
static int64_t
part_of(int64_t time, int64_t period)
{
	return period < WINDOW_PARTS ? time : time * WINDOW_PARTS / period;
}

/* The first second of a part. */
static int64_t
part_start(int64_t part, int64_t period)
{
	int64_t scaled = part * period;

	if (period < WINDOW_PARTS)
		return part;
	return scaled / WINDOW_PARTS + (scaled % WINDOW_PARTS > 0);
}

size_t
window_count(int64_t period)
{
	return (size_t)(period < WINDOW_PARTS ? period : WINDOW_PARTS) + 1;
}

int64_t
window_part(int64_t period)
{
	return (period + WINDOW_PARTS - 1) / WINDOW_PARTS;
}

/* A part is looked at from its start until it has left the window; one more
 * is for machines whose clocks differ. */
static int64_t
part_ttl(int64_t period)
{
	int64_t ttl = period + 2 * window_part(period);

	return ttl < CACHE_TTL_MAX ? ttl : CACHE_TTL_MAX;
}

void
window_items(const struct cache_key *key, int64_t period, int64_t now,
    int64_t add, struct cache_item *items)
{
	int64_t newest = part_of(now, period), ttl = part_ttl(period);
	size_t count = window_count(period), i;

	for (i = 0; i < count; i++) {
		items[i] = (struct cache_item){
			.key = *key, .kind = CACHE_COUNTER, .ttl = ttl,
			.add = i == 0 ? add : 0,
		};
		items[i].key.slot = (uint64_t)(newest - (int64_t)i);
	}
}

bool
window_is_current(const struct cache_item *items, int64_t period, int64_t now)
{
	return items[0].key.slot == (uint64_t)part_of(now, period);
}

int64_t
window_sum(const struct cache_item *items, size_t count)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		sum += items[i].number;
	return sum;
}

int64_t
window_recent(const struct cache_item *items, size_t count)
{
	return window_sum(items, count < 2 ? count : 2);
}

int64_t
window_wait(const struct cache_item *items, size_t count, int64_t period,
    int64_t now, int64_t limit)
{
	int64_t sum = window_sum(items, count), gone;
	size_t left = count;

	if (sum <= limit)
		return 0;
	while (left > 1 && sum > limit)
		sum -= items[--left].number;
	if (sum > limit)
		left--;
	/* items[left] is out when the newest part is count behind it. */
	gone = part_of(now, period) - (int64_t)left + (int64_t)count;
	return part_start(gone, period) - now;
}
