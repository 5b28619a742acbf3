#include "common/cache/decay.h"

#include "common/cache/octets.h"

#include <math.h>

/* A record: a letter, when, good, bad; the counts in thousandths. */
enum {
	RECORD_LETTER = 'd',
	TIME_AT = 1,
	GOOD_AT = TIME_AT + 8,
	BAD_AT = GOOD_AT + 4,
	RECORD_OCTETS = BAD_AT + 4,
	FRACTION = 1000,
	TRIES = 5
};

void
decay_read(const struct cache_item *item, struct decay *decay)
{
	uint64_t when;

	*decay = (struct decay){ 0, 0, 0 };
	if (item->state != CACHE_HIT || item->len != RECORD_OCTETS ||
	    item->value[0] != RECORD_LETTER)
		return;
	when = octets_get(item->value + TIME_AT, 8);
	if (when > INT64_MAX)
		return;
	decay->updated = (int64_t)when;
	decay->good = (double)octets_get(item->value + GOOD_AT, 4) / FRACTION;
	decay->bad = (double)octets_get(item->value + BAD_AT, 4) / FRACTION;
}

static uint64_t
to_thousandths(double count)
{
	if (!(count > 0))
		return 0;
	if (count >= (double)UINT32_MAX / FRACTION)
		return UINT32_MAX;
	return (uint64_t)(count * FRACTION + 0.5);
}

void
decay_write(const struct decay *decay, struct cache_item *item)
{
	item->len = RECORD_OCTETS;
	item->value[0] = RECORD_LETTER;
	octets_put(item->value + TIME_AT, 8, decay->updated > 0 ?
	    (uint64_t)decay->updated : 0);
	octets_put(item->value + GOOD_AT, 4, to_thousandths(decay->good));
	octets_put(item->value + BAD_AT, 4, to_thousandths(decay->bad));
}

void
decay_forward(struct decay *decay, int64_t now, int64_t half_life)
{
	double part;

	if (now > decay->updated) {
		part = exp2(-(double)(now - decay->updated) /
		    (double)half_life);
		decay->good *= part;
		decay->bad *= part;
	}
	decay->updated = now;
}

static enum cache_outcome
add_once(struct cache *cache, struct cache_item *item,
    const struct decay *more, int64_t now, int64_t half_life)
{
	struct decay decay;

	if (!cache_get(cache, item, 1))
		return CACHE_FAILED;
	decay_read(item, &decay);
	decay_forward(&decay, now, half_life);
	decay.good += more->good;
	decay.bad += more->bad;
	decay_write(&decay, item);
	return cache_update(cache, item);
}

enum cache_outcome
decay_add(struct cache *cache, const struct cache_key *key, double good,
    double bad, int64_t now, int64_t half_life, int64_t ttl)
{
	const struct decay more = { .good = good, .bad = bad };
	struct cache_item item = { .key = *key, .ttl = ttl };
	enum cache_outcome outcome;
	unsigned try;

	for (try = 0; try < TRIES; try++) {
		outcome = add_once(cache, &item, &more, now, half_life);
		if (outcome != CACHE_NOT_DONE)
			return outcome;
	}
	return CACHE_FAILED;
}
