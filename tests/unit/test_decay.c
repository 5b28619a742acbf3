/*
 * Decaying counts: the record, the half-life, clocks that jump, and an
 * addition while others add, over a cache of one record kept in this file.
 */
#include "tests/unit/unit.h"

#include "common/cache/decay.h"

#include <math.h>

enum { NOW = 1798761600, DAY = 86400, HALF_LIFE = 14 * DAY };

/* ---- a cache that holds one record ---- */

struct cache {
	struct cache_item record;	/* version 0: none */
	unsigned conflicts;		/* so many others are faster */
	bool is_away;
	unsigned gets;
};

bool
cache_get(struct cache *cache, struct cache_item *items, size_t count)
{
	assert_int_equal(count, 1);
	cache->gets++;
	if (cache->is_away) {
		items->state = CACHE_TROUBLE;
		return false;
	}
	items->state = cache->record.version != 0 ? CACHE_HIT : CACHE_MISS;
	items->version = cache->record.version;
	items->len = cache->record.len;
	memcpy(items->value, cache->record.value, sizeof(items->value));
	return true;
}

/* Somebody else adds 1 to good. */
static void
interfere(struct cache *cache)
{
	struct decay decay;

	cache->record.state = cache->record.version != 0 ? CACHE_HIT :
	    CACHE_MISS;
	decay_read(&cache->record, &decay);
	decay_forward(&decay, NOW, HALF_LIFE);
	decay.good++;
	decay_write(&decay, &cache->record);
	cache->record.version++;
}

enum cache_outcome
cache_update(struct cache *cache, const struct cache_item *item)
{
	uint64_t version = cache->record.version;

	if (cache->conflicts > 0) {
		cache->conflicts--;
		interfere(cache);
		version = cache->record.version;
	}
	if (item->version != version)
		return CACHE_NOT_DONE;
	cache->record = *item;
	cache->record.version = version + 1;
	return CACHE_DONE;
}

/* ---- the record ---- */

static void
kept(struct decay *decay)
{
	struct cache_item item = { .state = CACHE_HIT };

	decay_write(decay, &item);
	assert_true(item.len <= CACHE_VALUE_MAX);
	decay_read(&item, decay);
}

static void
test_record(void **state)
{
	static const struct row {
		const char *name;
		struct decay decay, want;
	} rows[] = {
		{ "nothing", { 0, 0, 0 }, { 0, 0, 0 } },
		{ "parts of one", { 1.25, 0.001, NOW }, { 1.25, 0.001, NOW } },
		{ "less than is kept", { 0.0004, 0.0006, NOW },
		    { 0, 0.001, NOW } },
		{ "more than fits", { 1e12, INFINITY, INT64_MAX },
		    { 4294967.295, 4294967.295, INT64_MAX } },
		{ "below zero", { -1, NAN, -5 }, { 0, 0, 0 } },
	};
	struct decay got;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		got = rows[i].decay;
		kept(&got);
		ROW_IS(rows[i].name,
		    fabs(got.good - rows[i].want.good) < 1e-6);
		ROW_IS(rows[i].name, fabs(got.bad - rows[i].want.bad) < 1e-6);
		ROW_IS(rows[i].name, got.updated == rows[i].want.updated);
	}
}

static void
test_other_values(void **state)
{
	static const struct row {
		const char *name, *value;
		size_t len;
		enum cache_state state;
	} rows[] = {
		{ "a miss", "d\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\1", 17,
		    CACHE_MISS },
		{ "trouble", "d\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\1", 17,
		    CACHE_TROUBLE },
		{ "another's record", "x\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\1", 17,
		    CACHE_HIT },
		{ "too short", "d\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0", 16,
		    CACHE_HIT },
		{ "too long", "d\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0", 18,
		    CACHE_HIT },
		{ "empty", "", 0, CACHE_HIT },
		{ "no time", "d\200\0\0\0\0\0\0\1\0\0\0\1\0\0\0\1", 17,
		    CACHE_HIT },
	};
	struct cache_item item;
	struct decay got;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		item = (struct cache_item){ .state = rows[i].state,
		    .len = rows[i].len };
		memcpy(item.value, rows[i].value, rows[i].len);
		got = (struct decay){ 1, 1, 1 };
		decay_read(&item, &got);
		ROW_IS(rows[i].name, got.good == 0 && got.bad == 0 &&
		    got.updated == 0);
	}
}

/* ---- time ---- */

static void
test_forward(void **state)
{
	static const struct row {
		const char *name;
		int64_t updated, now;
		double good;		/* of 8 */
	} rows[] = {
		{ "no time", NOW, NOW, 8 },
		{ "a half-life", NOW, NOW + HALF_LIFE, 4 },
		{ "three of them", NOW, NOW + 3 * HALF_LIFE, 1 },
		{ "half of one", NOW, NOW + HALF_LIFE / 2, 5.656854 },
		{ "a century", NOW, NOW + (int64_t)36525 * DAY, 0 },
		{ "a jump of a day", NOW, NOW + DAY, 7.613561 },
		{ "a clock set back a day", NOW, NOW - DAY, 8 },
		{ "a clock before all times", NOW, INT64_MIN, 8 },
		{ "the last second", 0, INT64_MAX, 0 },
	};
	struct decay decay;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		decay = (struct decay){ 8, 16, rows[i].updated };
		decay_forward(&decay, rows[i].now, HALF_LIFE);
		ROW_IS(rows[i].name, fabs(decay.good - rows[i].good) < 1e-5);
		ROW_IS(rows[i].name,
		    fabs(decay.bad - 2 * rows[i].good) < 1e-5);
		ROW_IS(rows[i].name, decay.updated == rows[i].now);
	}
}

/* There and back costs what the day costs, once. */
static void
test_jump_and_back(void **state)
{
	struct decay decay = { 8, 0, NOW };

	(void)state;
	decay_forward(&decay, NOW + DAY, HALF_LIFE);
	decay_forward(&decay, NOW + 1, HALF_LIFE);
	decay_forward(&decay, NOW + 1, HALF_LIFE);
	assert_true(fabs(decay.good - 7.613561) < 1e-5);
	/* time goes on from where the clock is now */
	decay_forward(&decay, NOW + 1 + HALF_LIFE, HALF_LIFE);
	assert_true(fabs(decay.good - 7.613561 / 2) < 1e-5);
}

/* ---- additions ---- */

static void
test_add(void **state)
{
	static const struct row {
		const char *name;
		unsigned conflicts;
		bool is_away;
		enum cache_outcome want;
		double good;
		unsigned gets;
	} rows[] = {
		{ "alone", 0, false, CACHE_DONE, 2, 1 },
		{ "another is faster", 1, false, CACHE_DONE, 3, 2 },
		{ "four are", 4, false, CACHE_DONE, 6, 5 },
		{ "too many are", 5, false, CACHE_FAILED, 5, 5 },
		{ "the cache is away", 0, true, CACHE_FAILED, 0, 1 },
	};
	struct cache_key key = { .slot = 0 };
	struct cache cache;
	struct decay decay;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		cache = (struct cache){ .conflicts = rows[i].conflicts,
		    .is_away = rows[i].is_away };
		ROW_IS(rows[i].name, decay_add(&cache, &key, 2, 0, NOW,
		    HALF_LIFE, 10 * HALF_LIFE) == rows[i].want);
		ROW_IS(rows[i].name, cache.gets == rows[i].gets);
		cache.record.state = CACHE_HIT;
		decay_read(&cache.record, &decay);
		ROW_IS(rows[i].name, fabs(decay.good - rows[i].good) < 1e-6);
	}
}

static void
test_add_to_older(void **state)
{
	struct cache cache = { .record.version = 0 };
	struct cache_key key = { .slot = 0 };
	struct decay decay;

	(void)state;
	assert_int_equal(decay_add(&cache, &key, 4, 2, NOW, HALF_LIFE, DAY),
	    CACHE_DONE);
	assert_int_equal(decay_add(&cache, &key, 0, 1, NOW + HALF_LIFE,
	    HALF_LIFE, DAY), CACHE_DONE);
	assert_int_equal(cache.record.ttl, DAY);
	cache.record.state = CACHE_HIT;
	decay_read(&cache.record, &decay);
	assert_true(fabs(decay.good - 2) < 1e-6);
	assert_true(fabs(decay.bad - 2) < 1e-6);
	assert_int_equal(decay.updated, NOW + HALF_LIFE);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_other_values),
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_jump_and_back),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_add_to_older),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
