#include "common/cache/store.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>

static _Atomic int64_t now_ms;

static int64_t
fake_clock(void)
{
	return now_ms;
}

/* Digests are as good as random: so are these. */
static struct cache_key
key_of(uint64_t number)
{
	struct cache_key key = { .slot = 0 };
	uint64_t x = number + UINT64_C(0x9e3779b97f4a7c15);
	size_t i;

	for (i = 0; i < CACHE_KEY_OCTETS; i += sizeof(x)) {
		x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
		x ^= x >> 31;
		memcpy(key.digest + i, &x, sizeof(x));
	}
	return key;
}

static int64_t
add(struct store *store, uint64_t number, int64_t by, int64_t ttl)
{
	struct cache_item item = { .key = key_of(number),
	    .kind = CACHE_COUNTER, .add = by, .ttl = ttl };

	store_increment(store, &item, 1);
	return item.number;
}

static int64_t
count_of(struct store *store, uint64_t number)
{
	struct cache_item item = { .key = key_of(number),
	    .kind = CACHE_COUNTER };

	store_get(store, &item, 1);
	return item.state == CACHE_HIT ? item.number : -1;
}

static struct cache_stats
stats_of(struct store *store)
{
	struct cache_stats stats = { .hits = 0 };

	store_count(store, &stats);
	return stats;
}

/* ---- memory ---- */

enum { LARGE = 256 << 20, BYTES_PER_KEY = 100 };

/* From then on the parts of a store that are not full do not count for much. */
enum { FIRST_FILL = 8000 };

static void
check_memory(struct store *store, size_t keys)
{
	struct cache_stats stats = stats_of(store);

	assert_int_equal(stats.entries, keys);
	if (keys >= FIRST_FILL && stats.bytes > keys * BYTES_PER_KEY)
		fail_msg("%zu keys: %zu octets", keys, (size_t)stats.bytes);
}

/* At every fill, up and down. */
static void
test_memory(void **state)
{
	enum { KEYS = 150000, STEP = 997 };
	struct store *store = store_new(LARGE, fake_clock);
	struct cache_key key;
	size_t i;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		assert_int_equal(add(store, i, 1 + (int64_t)i, 1000), 1 + i);
		if (i % STEP == 0)
			check_memory(store, i + 1);
	}
	for (i = 0; i < KEYS; i++)
		assert_int_equal(count_of(store, i), 1 + i);
	for (i = 0; i < KEYS; i++) {
		if (i % STEP == 0)
			check_memory(store, KEYS - i);
		key = key_of(i);
		store_remove(store, &key, CACHE_COUNTER);
		assert_int_equal(count_of(store, i), -1);
		assert_int_equal(count_of(store, KEYS - 1), i == KEYS - 1 ?
		    -1 : KEYS);
	}
	assert_int_equal(stats_of(store).entries, 0);
	assert_true(stats_of(store).bytes < 400000);
	assert_int_equal(stats_of(store).evictions, 0);
	store_free(store);
}

/* Never over the size, whatever comes; a smaller size is there at once. */
static void
test_bounded(void **state)
{
	enum { SIZE = 4 << 20, SMALLER = 2 << 20, KEYS = 200000 };
	struct store *store = store_new(SIZE, fake_clock);
	struct cache_stats stats;
	size_t i, found = 0;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		add(store, i, 1, 1000);
		if (i % 1000 == 0)
			assert_true(stats_of(store).bytes <= SIZE);
	}
	stats = stats_of(store);
	assert_true(stats.bytes > SIZE / 10 * 9);
	assert_int_equal(stats.evictions, KEYS - stats.entries);
	store_resize(store, SMALLER);
	stats = stats_of(store);
	assert_true(stats.bytes <= SMALLER && stats.bytes > SMALLER / 10 * 8);
	for (i = 0; i < KEYS; i++)
		found += count_of(store, i) == 1;
	assert_int_equal(found, stats.entries);
	store_resize(store, 0);
	assert_true(stats_of(store).bytes <= STORE_SIZE_MIN);
	store_free(store);
}

/* ---- what goes when it is full ---- */

/* What is used stays while ten times its room goes by. */
static void
test_used_stay(void **state)
{
	enum { USED = 2000, PASSING = 200000 };
	struct store *store = store_new(2 << 20, fake_clock);
	size_t i, n, found = 0;

	(void)state;
	for (i = 0; i < USED; i++)
		add(store, i, 1, 1000);
	for (i = 0; i < PASSING; i++) {
		add(store, USED + i, 1, 1000);
		for (n = 0; n < 2; n++)
			count_of(store, (2 * i + n) % USED);
	}
	for (i = 0; i < USED; i++)
		found += count_of(store, i) == 1;
	if (found < USED / 100 * 98)
		fail_msg("%zu of %d are there", found, USED);
	assert_true(stats_of(store).evictions > PASSING / 2);
	store_free(store);
}

/* What has expired makes room: nobody else is thrown out. */
static void
test_expired_first(void **state)
{
	enum { LASTING = 5000, ROUND = 10000 };
	struct store *store = store_new(2 << 20, fake_clock);
	size_t i, round;

	(void)state;
	for (i = 0; i < LASTING; i++)
		add(store, i, 1, 100000);
	for (round = 1; round <= 20; round++) {
		now_ms += 11000;
		for (i = 0; i < ROUND; i++)
			add(store, round * 100000 + i, 1, 10);
	}
	assert_int_equal(stats_of(store).evictions, 0);
	for (i = 0; i < LASTING; i++)
		assert_int_equal(count_of(store, i), 1);
	store_free(store);
}

/* New ones carry away what expired, so memory goes down by itself. */
static void
test_swept(void **state)
{
	enum { KEYS = 100000 };
	struct store *store = store_new(LARGE, fake_clock);
	size_t i;

	(void)state;
	for (i = 0; i < KEYS; i++)
		add(store, i, 1, 10);
	assert_int_equal(stats_of(store).entries, KEYS);
	now_ms += 11000;
	for (i = 0; i < KEYS; i++)
		add(store, KEYS + i % 1000, 1, 100);
	assert_true(stats_of(store).entries > KEYS - 10000);
	for (i = 0; i < KEYS; i++)
		add(store, 2 * KEYS + i, 1, 1);
	assert_true(stats_of(store).entries < KEYS + 10000);
	store_free(store);
}

/* ---- time ---- */

static void
test_expiry(void **state)
{
	static const struct {
		int64_t start_ms, ttl, later_ms;
		bool is_there;
	} rows[] = {
		{ 0, 1, 999, true },
		{ 0, 1, 1000, false },
		{ 1, 1, 999, true },		/* not early */
		{ 1, 1, 1999, false },		/* a second late at most */
		{ 999, 1, 1000, true },
		{ 500, 10, 9999, true },
		{ 500, 10, 11000, false },
		{ 0, 86400, 86399999, true },
		{ 0, 86400, 86400000, false },
		{ 0, INT64_MAX, CACHE_TTL_MAX * INT64_C(1000) - 1, true },
		{ 0, INT64_MAX, CACHE_TTL_MAX * INT64_C(1000), false },
		{ 0, INT64_MIN, 999, true },
		{ 0, INT64_MIN, 1000, false },
		/* this clock does not go back; if it did, nothing is lost */
		{ 10000, 5, -86400000, true },
	};
	struct store *store;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		now_ms = 0;
		store = store_new(LARGE, fake_clock);
		now_ms = rows[i].start_ms;
		add(store, i, 1, rows[i].ttl);
		now_ms += rows[i].later_ms;
		if ((count_of(store, i) == 1) != rows[i].is_there)
			fail_msg("row %zu", i);
		store_free(store);
	}
}

/* ---- walking through it ---- */

static size_t
walk(struct store *store, unsigned char *seen, size_t keys,
    void (*meanwhile)(struct store *store, size_t step))
{
	struct store_entry entries[STORE_STEP];
	struct store_cursor cursor = { .shard = 0 };
	size_t count, i, total = 0, step = 0;

	while (store_next(store, &cursor, entries, &count)) {
		for (i = 0; i < count; i++, total++) {
			assert_int_equal(entries[i].kind, CACHE_COUNTER);
			assert_true(entries[i].number >= 0 &&
			    (size_t)entries[i].number < keys);
			seen[entries[i].number]++;
		}
		if (meanwhile != NULL)
			meanwhile(store, step++);
	}
	assert_false(store_next(store, &cursor, entries, &count));
	assert_int_equal(count, 0);
	return total;
}

enum { WALKED = 20000 };

static void
test_walk(void **state)
{
	struct store *store = store_new(LARGE, fake_clock);
	unsigned char *seen = xcalloc(WALKED, 1);
	size_t i;

	(void)state;
	assert_int_equal(walk(store, seen, WALKED, NULL), 0);
	for (i = 1; i < WALKED; i++)
		add(store, i, (int64_t)i, i % 2 == 0 ? 10 : 1000);
	assert_int_equal(walk(store, seen, WALKED, NULL), WALKED - 1);
	for (i = 1; i < WALKED; i++)
		assert_int_equal(seen[i], 1);
	/* what has expired is not seen, and gone */
	now_ms += 11000;
	assert_int_equal(walk(store, seen, WALKED, NULL), WALKED / 2);
	assert_int_equal(stats_of(store).entries, WALKED / 2);
	free(seen);
	store_free(store);
}

/* Removes and adds odd ones. */
static void
stir(struct store *store, size_t step)
{
	struct cache_key key;
	size_t i;

	for (i = 1; i < WALKED; i += 2) {
		if ((i / 2 + step) % 7 == 0) {
			key = key_of(i);
			store_remove(store, &key, CACHE_COUNTER);
		} else if ((i / 2 + step) % 11 == 0) {
			add(store, i, count_of(store, i) < 0 ? (int64_t)i : 0,
			    1000);
		}
	}
}

/* Even ones stay all the time: all of them are seen. */
static void
test_walk_stirred(void **state)
{
	struct store *store = store_new(LARGE, fake_clock);
	unsigned char *seen = xcalloc(WALKED, 1);
	size_t i;

	(void)state;
	for (i = 1; i < WALKED; i++)
		add(store, i, (int64_t)i, 1000);
	walk(store, seen, WALKED, stir);
	for (i = 2; i < WALKED; i += 2)
		assert_true(seen[i] >= 1);
	free(seen);
	store_free(store);
}

static void
test_restore(void **state)
{
	struct store *store = store_new(LARGE, fake_clock);
	struct store *other = store_new(LARGE, fake_clock);
	struct cache_item item = { .key = key_of(1), .ttl = 50, .len = 3,
	    .value = "abc" };
	struct store_entry entries[STORE_STEP];
	struct store_cursor cursor = { .shard = 0 };
	size_t count, i;

	(void)state;
	item.key.slot = 77;
	store_put(store, &item);
	add(store, 2, 9, 100);
	add(store, 3, 5, 100);
	add(other, 3, 6, 100);
	while (store_next(store, &cursor, entries, &count))
		for (i = 0; i < count; i++)
			store_restore(other, &entries[i]);
	assert_int_equal(count_of(other, 2), 9);
	assert_int_equal(count_of(other, 3), 6);	/* what is there stays */
	item.len = 0;
	store_get(other, &item, 1);
	assert_int_equal(item.state, CACHE_HIT);
	SPAN_IS(span_make(item.value, item.len), "abc");
	now_ms += 60000;
	item.state = CACHE_MISS;
	store_get(other, &item, 1);
	assert_int_equal(item.state, CACHE_MISS);
	assert_int_equal(count_of(other, 2), 9);
	store_free(store);
	store_free(other);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 20000, SHARED = 50 };

static struct store *shared;
static _Atomic size_t updates_done;

static void
update_shared(uint64_t number)
{
	struct cache_item item = { .key = key_of(number), .ttl = 1000 };
	uint32_t count = 0;

	store_get(shared, &item, 1);
	if (item.state == CACHE_HIT)
		memcpy(&count, item.value, sizeof(count));
	count++;
	memcpy(item.value, &count, sizeof(count));
	item.len = sizeof(count);
	if (store_update(shared, &item) == CACHE_DONE)
		updates_done++;
}

static void *
hammer(void *arg)
{
	uint64_t own = *(uint64_t *)arg;
	struct cache_key key;
	size_t i;

	for (i = 0; i < ROUNDS; i++) {
		add(shared, i % SHARED, 1, 1000);
		update_shared(i % SHARED);
		add(shared, own + i, 1, 1000);
		if (i % 3 == 0) {
			key = key_of(own + i / 2);
			store_remove(shared, &key, CACHE_COUNTER);
		}
	}
	return NULL;
}

static void *
walk_all(void *arg)
{
	struct store_entry entries[STORE_STEP];
	struct store_cursor cursor = { .shard = 0 };
	size_t count;

	while (store_next(shared, &cursor, entries, &count))
		continue;
	store_resize(shared, LARGE);
	return arg;
}

/* No addition and no update gets lost. */
static void
test_threads(void **state)
{
	static uint64_t own[THREADS] = { 1000000, 2000000, 3000000, 4000000 };
	pthread_t threads[THREADS + 1];
	struct cache_item item = { .ttl = 1000 };
	size_t i, sum = 0;
	uint32_t count;

	(void)state;
	shared = store_new(LARGE, fake_clock);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer,
		    &own[i]), 0);
	assert_int_equal(pthread_create(&threads[i], NULL, walk_all, NULL), 0);
	for (i = 0; i <= THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < SHARED; i++) {
		assert_int_equal(count_of(shared, i), THREADS * ROUNDS /
		    SHARED);
		item.key = key_of(i);
		item.state = CACHE_MISS;
		store_get(shared, &item, 1);
		assert_int_equal(item.state, CACHE_HIT);
		memcpy(&count, item.value, sizeof(count));
		sum += count;
	}
	assert_int_equal(sum, updates_done);
	store_free(shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_used_stay),
		cmocka_unit_test(test_expired_first),
		cmocka_unit_test(test_swept),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_stirred),
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
