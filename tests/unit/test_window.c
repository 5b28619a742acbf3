/* Sliding windows: what counts, how long, and what a clock's jump does. */
#include "tests/unit/unit.h"

#include "common/cache/window.h"

enum { NOW = 1798761600, HOUR = 3600, DAY = 86400 };	/* 2027-01-01 */

/* Counters by slot, as a cache would keep them for ever. */
static struct {
	uint64_t slot;
	int64_t number;
} store[4096];
static size_t stored;

static int64_t *
counter(uint64_t slot)
{
	size_t i;

	for (i = 0; i < stored; i++)
		if (store[i].slot == slot)
			return &store[i].number;
	assert_true(stored < ARRAY_LEN(store));
	store[stored].slot = slot;
	store[stored].number = 0;
	return &store[stored++].number;
}

static size_t
ask(int64_t period, int64_t now, int64_t add, struct cache_item *items)
{
	struct cache_key key = { .slot = 7 };
	size_t count = window_count(period), i;
	int64_t *number;

	window_items(&key, period, now, add, items);
	for (i = 0; i < count; i++) {
		number = counter(items[i].key.slot);
		*number += items[i].add;
		items[i].number = *number;
	}
	return count;
}

static int64_t
sum(int64_t period, int64_t now, int64_t add)
{
	struct cache_item items[WINDOW_ITEMS];
	size_t count = ask(period, now, add, items);

	return window_sum(items, count);
}

static const int64_t periods[] = {
	1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 60, 61, 100, 599, HOUR, DAY,
	30 * DAY, 350 * DAY,
};

static void
fits_its_items(void **state)
{
	struct cache_item items[WINDOW_ITEMS];
	size_t i, count;

	(void)state;
	for (i = 0; i < ARRAY_LEN(periods); i++) {
		count = window_count(periods[i]);
		assert_in_range(count, 2, WINDOW_ITEMS);
		assert_true(window_part(periods[i]) * WINDOW_PARTS >=
		    periods[i]);
		stored = 0;
		ask(periods[i], NOW, 3, items);
		assert_int_equal(items[0].add, 3);
		assert_int_equal(items[count - 1].add, 0);
		assert_int_equal(items[0].kind, CACHE_COUNTER);
		assert_int_equal(items[0].key.slot,
		    items[count - 1].key.slot + count - 1);
		assert_true(items[0].ttl <= CACHE_TTL_MAX);
		assert_true(items[0].ttl * 8 >= periods[i] * 9);
	}
}

/* One event at each of many seconds: it counts while it is at most a period
 * old, and no longer than an eighth more. */
static void
counts_a_period_and_an_eighth_at_most(void **state)
{
	int64_t start, age, period, step, longest;
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(periods); i++) {
		period = periods[i];
		step = period / 50 + 1;
		longest = period < 8 ? period : (period * 9 - 1) / 8;
		for (n = 0; n < 40; n++) {
			start = NOW + (int64_t)n * (period / 37 + 1);
			stored = 0;
			assert_int_equal(sum(period, start, 1), 1);
			for (age = 0; age <= period; age += step)
				assert_int_equal(sum(period, start + age, 0),
				    1);
			assert_int_equal(sum(period, start + period, 0), 1);
			assert_int_equal(sum(period, start + longest + 1, 0),
			    0);
		}
	}
}

/* A greedy sender over a limit: in no span of a period more than that pass. */
static void
a_limit_holds_in_every_span(void **state)
{
	static int64_t passed[100000];
	int64_t now, limit = 13;
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(periods) - 4; i++) {
		stored = 0;
		n = 0;
		for (now = NOW; now < NOW + periods[i] * 20; now++) {
			while (n < ARRAY_LEN(passed) &&
			    sum(periods[i], now, 0) < limit) {
				sum(periods[i], now, 1);
				passed[n++] = now;
				if ((now ^ (int64_t)n) % 17 == 0)
					break;
			}
			if (stored > ARRAY_LEN(store) - 20)
				break;
		}
		assert_true(n > (size_t)limit * 4);
		while (n-- > (size_t)limit)
			assert_true(passed[n] - passed[n - (size_t)limit] >
			    periods[i]);
	}
}

static void
recent_is_the_last_eighth(void **state)
{
	static const struct {
		const char *name;
		int64_t age, recent;
	} rows[] = {
		{ "now", 0, 1 },
		{ "an eighth ago", HOUR / 8, 1 },
		{ "a quarter ago", HOUR / 4, 0 },
		{ "an hour ago", HOUR, 0 },
	};
	struct cache_item items[WINDOW_ITEMS];
	size_t i, count;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		stored = 0;
		sum(HOUR, NOW + 10 - rows[i].age, 1);
		count = ask(HOUR, NOW + 10, 0, items);
		ROW_IS(rows[i].name, window_recent(items, count) ==
		    rows[i].recent);
	}
}

static void
test_current(void **state)
{
	struct cache_item items[WINDOW_ITEMS];

	(void)state;
	ask(HOUR, NOW, 0, items);
	assert_true(window_is_current(items, HOUR, NOW));
	assert_true(window_is_current(items, HOUR, NOW + HOUR / 8 - 1));
	assert_false(window_is_current(items, HOUR, NOW + HOUR / 8));
	assert_false(window_is_current(items, HOUR, NOW - 1));
}

/* It is exact: a second before it is over the limit still. */
static void
wait_is_the_first_second_that_fits(void **state)
{
	struct cache_item items[WINDOW_ITEMS];
	int64_t at, wait, limit;
	size_t i, n, count;

	(void)state;
	for (i = 0; i < ARRAY_LEN(periods); i++) {
		stored = 0;
		for (n = 0; n < 10; n++)
			sum(periods[i], NOW + (int64_t)n * periods[i] / 9,
			    (int64_t)n % 4 + 1);
		at = NOW + periods[i];
		for (limit = -1; limit < 25; limit++) {
			count = ask(periods[i], at, 0, items);
			wait = window_wait(items, count, periods[i], at,
			    limit);
			assert_in_range(wait, 0, periods[i] * 9 / 8 + 2);
			if (limit >= 0)
				assert_true(sum(periods[i], at + wait, 0) <=
				    limit);
			if (wait > 0)
				assert_true(sum(periods[i], at + wait - 1, 0) >
				    limit);
		}
	}
}

static void
a_jump_of_the_clock(void **state)
{
	static const struct {
		const char *name;
		int64_t period, jump, left;
	} rows[] = {
		{ "an hour's window, a day on: empty", HOUR, DAY, 0 },
		{ "an hour's window, a day back: empty", HOUR, -DAY, 0 },
		{ "a week's window, a day on: all counts", 7 * DAY, DAY, 5 },
		{ "a day's window, a day on: all counts", DAY, DAY, 5 },
		{ "a day's window, two days on: empty", DAY, 2 * DAY, 0 },
		{ "before 1970", HOUR, -NOW - 10, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		stored = 0;
		sum(rows[i].period, NOW, 5);
		ROW_IS(rows[i].name, sum(rows[i].period, NOW + rows[i].jump,
		    0) == rows[i].left);
		/* What is counted there is a window like any other... */
		sum(rows[i].period, NOW + rows[i].jump, 2);
		ROW_IS(rows[i].name, sum(rows[i].period, NOW + rows[i].jump,
		    0) == rows[i].left + 2);
		/* ... and back at the right time the first count is there. */
		ROW_IS(rows[i].name, sum(rows[i].period, NOW, 0) >= 5);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits_its_items),
		cmocka_unit_test(counts_a_period_and_an_eighth_at_most),
		cmocka_unit_test(a_limit_holds_in_every_span),
		cmocka_unit_test(recent_is_the_last_eighth),
		cmocka_unit_test(test_current),
		cmocka_unit_test(wait_is_the_first_second_that_fits),
		cmocka_unit_test(a_jump_of_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
