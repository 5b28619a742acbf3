#include "tests/unit/cachecases.h"

#include "tests/unit/unit.h"

#include <unistd.h>

enum op {
	READ,		/* a record; kept for UPDATE */
	COUNT,		/* reads a counter */
	INCREMENT,	/* by number */
	BACK,		/* takes number back */
	ADD, PUT, DELETE,	/* a record */
	ADD_COUNTER, PUT_COUNTER, DELETE_COUNTER,
	KEEP,		/* puts the last read aside, for STALE */
	UPDATE,		/* of what was read last */
	STALE,		/* UPDATE of what was kept */
	PASS		/* number seconds go by */
};

#define MAX	CACHE_COUNTER_MAX

struct row {
	const char *name;
	enum op op;
	const char *key;
	int want;			/* state or outcome, where there is one */
	int64_t add;
	int64_t number;			/* of a counter; seconds */
	const char *value;		/* of a record */
	int64_t ttl;			/* 0: an hour */
	uint64_t slot;
};

static const struct row rows[] = {
	{ "nothing there", READ, "a", .want = CACHE_MISS },
	{ "no counter is 0", COUNT, "a", .want = CACHE_MISS },

	/* records */
	{ "add", ADD, "a", CACHE_DONE, .value = "one" },
	{ "added", READ, "a", CACHE_HIT, .value = "one" },
	{ "add again", ADD, "a", CACHE_NOT_DONE, .value = "two" },
	{ "as it was", READ, "a", CACHE_HIT, .value = "one" },
	{ "another key", READ, "b", .want = CACHE_MISS },
	{ "another slot", READ, "a", CACHE_MISS, .slot = 1 },
	{ "add to a slot", ADD, "a", CACHE_DONE, .value = "slot 1", .slot = 1 },
	{ "a large slot", ADD, "a", CACHE_DONE, .value = "large",
	    .slot = UINT64_MAX },
	{ "slot 0 yet", READ, "a", CACHE_HIT, .value = "one" },
	{ "slot 1 too", READ, "a", CACHE_HIT, .value = "slot 1", .slot = 1 },
	{ "the large one", READ, "a", CACHE_HIT, .value = "large",
	    .slot = UINT64_MAX },
	{ "put over it", PUT, "a", 0, .value = "three" },
	{ "was put", READ, "a", CACHE_HIT, .value = "three" },
	{ "put a new one", PUT, "c", 0, .value = "new" },
	{ "is there", READ, "c", CACHE_HIT, .value = "new" },
	{ "an empty one", ADD, "d", CACHE_DONE, .value = "" },
	{ "is one", READ, "d", CACHE_HIT, .value = "" },
	{ "the longest", ADD, "e", CACHE_DONE,
	    .value = "0123456789abcdef0123456789abcdef" },
	{ "is whole", READ, "e", CACHE_HIT,
	    .value = "0123456789abcdef0123456789abcdef" },
	{ "line ends in it", PUT, "e", 0, .value = "END\r\nVALUE x 0 1\r\n" },
	{ "are octets", READ, "e", CACHE_HIT,
	    .value = "END\r\nVALUE x 0 1\r\n" },
	{ "delete", DELETE, "a", .add = 0 },
	{ "is gone", READ, "a", .want = CACHE_MISS },
	{ "slot 1 is not", READ, "a", CACHE_HIT, .value = "slot 1", .slot = 1 },
	{ "delete nothing", DELETE, "zzz", .add = 0 },
	{ "add after it", ADD, "a", CACHE_DONE, .value = "four" },

	/* updates */
	{ "read a miss", READ, "u", .want = CACHE_MISS },
	{ "keep the miss", KEEP, "u", .add = 0 },
	{ "update makes it", UPDATE, "u", CACHE_DONE, .value = "1" },
	{ "a second does not", STALE, "u", CACHE_NOT_DONE, .value = "x" },
	{ "read it", READ, "u", CACHE_HIT, .value = "1" },
	{ "keep it", KEEP, "u", .add = 0 },
	{ "update it", UPDATE, "u", CACHE_DONE, .value = "22" },
	{ "who is late fails", STALE, "u", CACHE_NOT_DONE, .value = "x" },
	{ "the first stays", READ, "u", CACHE_HIT, .value = "22" },
	{ "keep that", KEEP, "u", .add = 0 },
	{ "put in between", PUT, "u", 0, .value = "22" },
	{ "the same value", READ, "u", CACHE_HIT, .value = "22" },
	{ "is another", STALE, "u", CACHE_NOT_DONE, .value = "x" },
	{ "but not this", UPDATE, "u", CACHE_DONE, .value = "3" },
	{ "read before", READ, "u", CACHE_HIT, .value = "3" },
	{ "keep until", KEEP, "u", .add = 0 },
	{ "it is deleted", DELETE, "u", .add = 0 },
	{ "gone", READ, "u", .want = CACHE_MISS },
	{ "nothing to update", STALE, "u", CACHE_NOT_DONE, .value = "x" },
	{ "made anew", ADD, "u", CACHE_DONE, .value = "3" },
	{ "is not the old one", STALE, "u", CACHE_NOT_DONE, .value = "x" },

	/* counters */
	{ "0 makes none", INCREMENT, "n", CACHE_MISS, .add = 0 },
	{ "below 0 neither", INCREMENT, "n", CACHE_MISS, .add = -3 },
	{ "still none", COUNT, "n", .want = CACHE_MISS },
	{ "the first", INCREMENT, "n", CACHE_HIT, .add = 3, .number = 3 },
	{ "more", INCREMENT, "n", CACHE_HIT, .add = 4, .number = 7 },
	{ "read", COUNT, "n", CACHE_HIT, .number = 7 },
	{ "read by 0", INCREMENT, "n", CACHE_HIT, .add = 0, .number = 7 },
	{ "another slot", INCREMENT, "n", CACHE_HIT, .add = 5, .number = 5,
	    .slot = 9 },
	{ "less", INCREMENT, "n", CACHE_HIT, .add = -2, .number = 5 },
	{ "not below 0", INCREMENT, "n", CACHE_HIT, .add = -6 },
	{ "0 is one", COUNT, "n", .want = CACHE_HIT },
	{ "up again", INCREMENT, "n", CACHE_HIT, .add = 12, .number = 12 },
	{ "take back", BACK, "n", 0, .add = 5 },
	{ "taken back", COUNT, "n", CACHE_HIT, .number = 7 },
	{ "take back too much", BACK, "n", 0, .add = 8 },
	{ "is 0", COUNT, "n", .want = CACHE_HIT },
	{ "take back nothing", BACK, "n2", 0, .add = 8 },
	{ "makes nothing", COUNT, "n2", .want = CACHE_MISS },
	{ "to the end", INCREMENT, "m", CACHE_HIT, .add = MAX, .number = MAX },
	{ "and not over", INCREMENT, "m", CACHE_HIT, .add = 1, .number = MAX },
	{ "nor far", INCREMENT, "m", CACHE_HIT, .add = INT64_MAX,
	    .number = MAX },
	{ "it stays there", COUNT, "m", CACHE_HIT, .number = MAX },
	{ "all the way down", INCREMENT, "m", CACHE_HIT, .add = INT64_MIN },
	{ "too far at once", INCREMENT, "m2", CACHE_HIT, .add = INT64_MAX,
	    .number = MAX },
	{ "add a counter", ADD_COUNTER, "k", CACHE_DONE, .number = 41 },
	{ "not twice", ADD_COUNTER, "k", CACHE_NOT_DONE, .number = 50 },
	{ "count on", INCREMENT, "k", CACHE_HIT, .add = 1, .number = 42 },
	{ "put a counter", PUT_COUNTER, "k", 0, .number = 7 },
	{ "was put", COUNT, "k", CACHE_HIT, .number = 7 },
	{ "at its most", ADD_COUNTER, "k2", CACHE_DONE, .number = MAX },
	{ "delete a counter", DELETE_COUNTER, "k", .add = 0 },
	{ "is gone", COUNT, "k", .want = CACHE_MISS },
	{ "begins again", INCREMENT, "k", CACHE_HIT, .add = 1, .number = 1 },
	{ "no counter over it", ADD_COUNTER, "k3", CACHE_FAILED,
	    .number = MAX + 1 },

	/* a record and a counter with one key are two things */
	{ "a record", ADD, "both", CACHE_DONE, .value = "12" },
	{ "no counter", COUNT, "both", .want = CACHE_MISS },
	{ "a counter", INCREMENT, "both", CACHE_HIT, .add = 5, .number = 5 },
	{ "the record", READ, "both", CACHE_HIT, .value = "12" },
	{ "no record", DELETE, "both", .add = 0 },
	{ "is there", READ, "both", .want = CACHE_MISS },
	{ "the counter is", COUNT, "both", CACHE_HIT, .number = 5 },

	/* times to live */
	{ "for 10 s", ADD, "t", CACHE_DONE, .value = "v", .ttl = 10 },
	{ "count for 10 s", INCREMENT, "t", CACHE_HIT, .add = 1, .number = 1,
	    .ttl = 10 },
	{ "for 10 s, read", ADD, "t2", CACHE_DONE, .value = "v", .ttl = 10 },
	{ "read it", READ, "t2", CACHE_HIT, .value = "v" },
	{ "update: 30 s", UPDATE, "t2", CACHE_DONE, .value = "w", .ttl = 30 },
	{ "for 10 s, put", ADD, "t3", CACHE_DONE, .value = "v", .ttl = 10 },
	{ "put: 30 s", PUT, "t3", 0, .value = "w", .ttl = 30 },
	{ "put before", READ, "t3", CACHE_HIT, .value = "w" },
	{ "the longest is cut", ADD, "t4", CACHE_DONE, .value = "v",
	    .ttl = INT64_MAX },
	{ "and lives", READ, "t4", CACHE_HIT, .value = "v" },
	{ "none is a second", PUT, "t5", 0, .value = "v", .ttl = -5 },
	{ "7 s later", PASS, NULL, 0, .number = 7 },
	{ "lives", READ, "t", CACHE_HIT, .value = "v" },
	{ "counter too", INCREMENT, "t", CACHE_HIT, .add = 1, .number = 2,
	    .ttl = 10 },
	{ "the second is over", READ, "t5", .want = CACHE_MISS },
	{ "12 s later", PASS, NULL, 0, .number = 5 },
	{ "gone", READ, "t", .want = CACHE_MISS },
	{ "not prolonged", COUNT, "t", .want = CACHE_MISS },
	{ "updated one lives", READ, "t2", CACHE_HIT, .value = "w" },
	{ "put one lives", READ, "t3", CACHE_HIT, .value = "w" },
	{ "free again", ADD, "t", CACHE_DONE, .value = "x" },
	{ "counts from 0", INCREMENT, "t", CACHE_HIT, .add = 1, .number = 1 },
	{ "40 s later", PASS, NULL, 0, .number = 28 },
	{ "updated one gone", READ, "t2", .want = CACHE_MISS },
	{ "put one gone", READ, "t3", .want = CACHE_MISS },
};

/* Where nobody waits for an answer, the next row asks until it is as wanted. */
enum { TRIES = 2000, TRY_US = 1000 };

static struct cache_key
key_of(struct cache *cache, const char *name, uint64_t slot)
{
	struct span part = span_of(name);
	struct cache_key key;

	cache_name(cache, "case", &part, 1, &key);
	key.slot = slot;
	return key;
}

static struct cache_item
item_of(struct cache *cache, const struct row *row)
{
	struct cache_item item = { .add = row->add, .number = row->number,
	    .ttl = row->ttl != 0 ? row->ttl : 3600 };

	item.key = key_of(cache, row->key, row->slot);
	if (row->value != NULL) {
		item.len = strlen(row->value);
		memcpy(item.value, row->value, item.len);
	}
	return item;
}

static bool
is_as_wanted(const struct cache_item *item, const struct row *row)
{
	struct span value = span_make(item->value, item->len);

	if ((int)item->state != row->want)
		return false;
	if (row->want == CACHE_MISS)
		return item->number == 0 && item->len == 0;
	return row->op == READ ? span_eq(value, span_of(row->value)) :
	    item->number == row->number;
}

static void
ask(struct cache *cache, const struct row *row, struct cache_item *read)
{
	unsigned tries = cache_is_remote(cache) ? TRIES : 1;
	struct cache_item item = item_of(cache, row);
	bool is_well;

	item.kind = row->op == READ ? CACHE_RECORD : CACHE_COUNTER;
	do {
		is_well = row->op == INCREMENT ?
		    cache_increment(cache, &item, 1) :
		    cache_get(cache, &item, 1);
		if (!is_well)
			fail_msg("%s: trouble", row->name);
	} while (!is_as_wanted(&item, row) && row->op != INCREMENT &&
	    --tries > 0 && usleep(TRY_US) == 0);
	if (!is_as_wanted(&item, row))
		fail_msg("%s: state %d, number %lld, value \"%.*s\"",
		    row->name, (int)item.state, (long long)item.number,
		    (int)item.len, (const char *)item.value);
	if (row->op == READ)
		*read = item;
}

/* of: what was read before. */
static enum cache_outcome
update(struct cache *cache, const struct row *row, const struct cache_item *of)
{
	struct cache_item item = item_of(cache, row);

	item.state = of->state;
	item.version = of->version;
	return cache_update(cache, &item);
}

static int
change(struct cache *cache, const struct row *row, const struct cache_item *of)
{
	struct cache_item item = item_of(cache, row);

	item.kind = row->op >= ADD_COUNTER || row->op == BACK ? CACHE_COUNTER :
	    CACHE_RECORD;
	switch (row->op) {
	case ADD:
	case ADD_COUNTER:
		return (int)cache_add(cache, &item);
	case UPDATE:
	case STALE:
		return (int)update(cache, row, of);
	case PUT:
	case PUT_COUNTER:
		cache_put(cache, &item);
		return row->want;
	case BACK:
		cache_take_back(cache, &item, 1);
		return row->want;
	default:
		cache_delete(cache, &item.key, item.kind);
		return row->want;
	}
}

static void
run_row(struct cache *cache, const struct row *row, struct cache_item *read,
    struct cache_item *kept)
{
	int got;

	if (row->op == READ || row->op == COUNT || row->op == INCREMENT) {
		ask(cache, row, read);
	} else if (row->op == KEEP) {
		*kept = *read;
	} else {
		got = change(cache, row, row->op == STALE ? kept : read);
		if (got != row->want)
			fail_msg("%s: %d instead of %d", row->name, got,
			    row->want);
	}
}

static void
run_rows(struct cache *cache, void (*pass)(int64_t seconds))
{
	struct cache_item read = { .ttl = 0 }, kept = { .ttl = 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].op == PASS && pass == NULL)
			return;
		if (rows[i].op == PASS)
			pass(rows[i].number);
		else
			run_row(cache, &rows[i], &read, &kept);
	}
}

/* ---- many at once ---- */

enum { MANY = CACHE_BATCH_MAX + 300 };

static struct cache_item *
make_many(struct cache *cache)
{
	struct cache_item *items = xcalloc(MANY, sizeof(*items));
	size_t i;

	for (i = 0; i < MANY; i++) {
		items[i].key = key_of(cache, "many", i);
		items[i].ttl = 3600;
		items[i].add = (int64_t)i;
	}
	return items;
}

/* Of every third key there is a record: its number as text. */
static void
add_records(struct cache *cache, struct cache_item *items)
{
	size_t i;

	for (i = 0; i < MANY; i += 3) {
		items[i].len = (size_t)snprintf((char *)items[i].value,
		    CACHE_VALUE_MAX, "%zu", i);
		assert_int_equal(cache_add(cache, &items[i]), CACHE_DONE);
	}
}

static void
check_records(const struct cache_item *items)
{
	char text[CACHE_VALUE_MAX];
	size_t i;

	for (i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "%zu", i);
		assert_int_equal(items[i].state, i % 3 == 0 ? CACHE_HIT :
		    CACHE_MISS);
		SPAN_IS(span_make(items[i].value, items[i].len), i % 3 == 0 ?
		    text : "");
	}
}

static void
run_many(struct cache *cache)
{
	struct cache_item *items = make_many(cache);
	size_t i;
	int n;

	add_records(cache, items);
	assert_true(cache_get(cache, items, MANY));
	check_records(items);
	for (n = 1; n <= 2; n++) {
		assert_true(cache_increment(cache, items, MANY));
		for (i = 0; i < MANY; i++)
			assert_int_equal(items[i].number, n * (int64_t)i);
		assert_int_equal(items[0].state, CACHE_MISS);
		assert_int_equal(items[1].state, CACHE_HIT);
	}
	/* counters and records in one call */
	for (i = 0; i < MANY; i++)
		items[i].kind = i % 2 == 0 ? CACHE_RECORD : CACHE_COUNTER;
	assert_true(cache_get(cache, items, MANY));
	for (i = 0; i < MANY; i++)
		assert_int_equal(items[i].state, i % 2 == 1 || i % 3 == 0 ?
		    CACHE_HIT : CACHE_MISS);
	assert_true(cache_get(cache, items, 0));
	free(items);
}

/* One counter twice in one call is counted twice. */
static void
run_twice(struct cache *cache)
{
	struct cache_item items[2] = { { .add = 2, .ttl = 60 },
	    { .add = 3, .ttl = 60 } };

	items[0].key = items[1].key = key_of(cache, "twice", 0);
	assert_true(cache_increment(cache, items, 2));
	assert_true(cache_get(cache, items, 1));
	assert_int_equal(items[0].number, 5);
}

void
cachecases_run(struct cache *cache, void (*pass)(int64_t seconds))
{
	run_many(cache);
	run_twice(cache);
	run_rows(cache, pass);
}
