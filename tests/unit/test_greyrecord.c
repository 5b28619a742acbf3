/*
 * What greylisting keeps: triplets over time and over clocks that jump,
 * successes, and senders' names without what changes in them.
 */
#include "tests/unit/unit.h"

#include "milters/policy/greyrecord.h"

enum { NOW = 1798761600, MINUTE = 60, HOUR = 3600, DAY = 86400 };

static const struct grey_times times = { 5 * MINUTE, 2 * DAY, 35 * DAY };

/* A record of the cache, and until when it is there by the cache's clock. */
struct kept {
	struct cache_item item;
	int64_t until;
};

/* wall: the wall clock; true: the cache's. */
static void
come(struct kept *kept, int64_t wall, int64_t real,
    struct grey_outcome *outcome)
{
	struct cache_item item = kept->item;

	item.state = kept->until > real ? CACHE_HIT : CACHE_MISS;
	if (item.state == CACHE_MISS)
		item.len = 0;
	grey_judge(&item, &times, wall, outcome);
	if (!outcome->is_changed)
		return;
	kept->item = item;
	kept->until = real + item.ttl;
}

/* ---- triplets ---- */

struct visit {
	int64_t real;		/* seconds since the first one */
	int64_t jump;		/* the wall clock is so much ahead by now */
	enum grey_answer answer;
	int64_t wait;
};

static void
test_visits(void **state)
{
	static const struct row {
		const char *name;
		struct visit visits[8];
		size_t count;
	} rows[] = {
		{ "comes again in time", {
		    { 0, 0, GREY_NEW, 300 },
		    { 1, 0, GREY_EARLY, 299 },
		    { 299, 0, GREY_EARLY, 1 },
		    { 300, 0, GREY_RETRIED, 0 },
		    { 301, 0, GREY_KNOWN, 0 } }, 5 },
		{ "in the last second of the window", {
		    { 0, 0, GREY_NEW, 300 },
		    { 2 * DAY - 1, 0, GREY_RETRIED, 0 } }, 2 },
		{ "after the window", {
		    { 0, 0, GREY_NEW, 300 },
		    { 2 * DAY, 0, GREY_NEW, 300 },
		    { 2 * DAY + 300, 0, GREY_RETRIED, 0 } }, 3 },
		{ "tries in vain do not prolong the window", {
		    { 0, 0, GREY_NEW, 300 },
		    { 299, 0, GREY_EARLY, 1 },
		    { 2 * DAY + 1, 0, GREY_NEW, 300 } }, 3 },
		{ "known by use", {
		    { 0, 0, GREY_NEW, 300 },
		    { HOUR, 0, GREY_RETRIED, 0 },
		    { 34 * DAY, 0, GREY_KNOWN, 0 },
		    { 68 * DAY, 0, GREY_KNOWN, 0 },
		    { 102 * DAY, 0, GREY_KNOWN, 0 } }, 5 },
		{ "small steps keep it for the lifetime, too", {
		    { 0, 0, GREY_NEW, 300 },
		    { HOUR, 0, GREY_RETRIED, 0 },
		    { DAY, 0, GREY_KNOWN, 0 },
		    { 36 * DAY, 0, GREY_KNOWN, 0 } }, 4 },
		{ "forgotten without use", {
		    { 0, 0, GREY_NEW, 300 },
		    { HOUR, 0, GREY_RETRIED, 0 },
		    { 37 * DAY + 2 * HOUR, 0, GREY_NEW, 300 } }, 3 },
		{ "set back a day while it waits: for the delay, no longer", {
		    { 0, 0, GREY_NEW, 300 },
		    { 200, -DAY, GREY_EARLY, 300 },
		    { 300, -DAY, GREY_EARLY, 200 },
		    { 500, -DAY, GREY_RETRIED, 0 } }, 4 },
		{ "set back twice", {
		    { 0, 0, GREY_NEW, 300 },
		    { 200, -DAY, GREY_EARLY, 300 },
		    { 400, -2 * DAY, GREY_EARLY, 300 },
		    { 700, -2 * DAY, GREY_RETRIED, 0 } }, 4 },
		{ "forward a day while it waits", {
		    { 0, 0, GREY_NEW, 300 },
		    { 400, DAY, GREY_RETRIED, 0 } }, 2 },
		{ "forward over the window forgets nothing", {
		    { 0, 0, GREY_NEW, 300 },
		    { 400, 3 * DAY, GREY_RETRIED, 0 } }, 2 },
		{ "known, set back a day", {
		    { 0, 0, GREY_NEW, 300 },
		    { 300, 0, GREY_RETRIED, 0 },
		    { 400, -DAY, GREY_KNOWN, 0 } }, 3 },
		{ "known, forward for years", {
		    { 0, 0, GREY_NEW, 300 },
		    { 300, 0, GREY_RETRIED, 0 },
		    { 400, 1000 * DAY, GREY_KNOWN, 0 },
		    { 500, 0, GREY_KNOWN, 0 } }, 4 },
		{ "forward and back again", {
		    { 0, DAY, GREY_NEW, 300 },
		    { 10, 0, GREY_EARLY, 300 },
		    { 310, 0, GREY_RETRIED, 0 } }, 3 },
		{ "the clock goes on while it waits after a jump", {
		    { 0, 0, GREY_NEW, 300 },
		    { 100, -DAY, GREY_EARLY, 300 },
		    { 200, 0, GREY_RETRIED, 0 } }, 3 },
	};
	struct grey_outcome outcome;
	struct kept kept;
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		memset(&kept, 0, sizeof(kept));
		for (n = 0; n < rows[i].count; n++) {
			const struct visit *v = &rows[i].visits[n];

			come(&kept, NOW + v->real + v->jump, v->real,
			    &outcome);
			if (outcome.answer != v->answer ||
			    outcome.wait != v->wait)
				fail_msg("%s: visit %zu: got %s, %d s",
				    rows[i].name, n,
				    grey_answer_word(outcome.answer),
				    (int)outcome.wait);
		}
	}
}

static void
test_writes(void **state)
{
	struct grey_outcome outcome;
	struct kept kept = { .until = 0 };

	(void)state;
	come(&kept, NOW, 0, &outcome);
	assert_true(outcome.is_changed);
	assert_int_equal(kept.item.ttl, times.window);
	come(&kept, NOW + 10, 10, &outcome);
	assert_false(outcome.is_changed);
	come(&kept, NOW + HOUR, HOUR, &outcome);
	assert_true(outcome.is_changed);
	assert_true(kept.item.ttl >= times.lifetime);
	/* one that is used all the time is written down once a day */
	come(&kept, NOW + 2 * HOUR, 2 * HOUR, &outcome);
	assert_false(outcome.is_changed);
	come(&kept, NOW + 2 * DAY, 2 * DAY, &outcome);
	assert_true(outcome.is_changed);
	come(&kept, NOW, 2 * DAY, &outcome);
	assert_true(outcome.is_changed);
}

static void
test_strange_records(void **state)
{
	static const struct row {
		const char *name, *value;
		size_t len;
	} rows[] = {
		{ "empty", "", 0 },
		{ "another letter", "x\0\0\0\0\0\0\0\1", 9 },
		{ "too short", "k\0\0\0\0\0\0\0", 8 },
		{ "too long", "k\0\0\0\0\0\0\0\1\0", 10 },
		{ "of successes", "s\0\0\0\0\0\0\0\1\0\1", 11 },
	};
	struct grey_outcome outcome;
	struct cache_item item;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		item = (struct cache_item){ .state = CACHE_HIT,
		    .len = rows[i].len };
		memcpy(item.value, rows[i].value, rows[i].len);
		grey_judge(&item, &times, NOW, &outcome);
		ROW_IS(rows[i].name, outcome.answer == GREY_NEW);
	}
	item = (struct cache_item){ .state = CACHE_HIT, .len = 9 };
	memcpy(item.value, "w\377\377\377\377\377\377\377\377", 9);
	grey_judge(&item, &times, NOW, &outcome);
	assert_int_equal(outcome.answer, GREY_EARLY);
	assert_int_equal(outcome.wait, times.delay);
}

static void
test_release(void **state)
{
	struct cache_item item = { .state = CACHE_MISS };
	struct grey_outcome outcome;

	(void)state;
	grey_release(&item, &times, NOW);
	item.state = CACHE_HIT;
	grey_judge(&item, &times, NOW + 1, &outcome);
	assert_int_equal(outcome.answer, GREY_KNOWN);
}

/* ---- successes and marks ---- */

static void
test_successes(void **state)
{
	static const struct row {
		int64_t at;
		unsigned count;
	} rows[] = {
		{ 0, 1 }, { 10, 1 }, { HOUR - 1, 1 }, { HOUR, 2 },
		{ HOUR + 5, 2 }, { 3 * HOUR, 3 }, { 2 * HOUR + 1, 3 },
		{ 3 * HOUR - DAY, 4 }, { DAY, 5 },
	};
	struct cache_item item = { .state = CACHE_MISS };
	size_t i;

	(void)state;
	assert_int_equal(grey_successes(&item), 0);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		grey_succeed(&item, times.lifetime, NOW + rows[i].at);
		item.state = CACHE_HIT;
		assert_int_equal(grey_successes(&item), rows[i].count);
	}
	assert_int_equal(item.ttl, times.lifetime);
	assert_false(grey_is_marked(&item));
}

static void
test_successes_stop(void **state)
{
	struct cache_item item = { .state = CACHE_HIT };
	int64_t now = NOW;
	size_t i;

	(void)state;
	for (i = 0; i < 70000; i++)
		grey_succeed(&item, times.lifetime, now += HOUR);
	assert_int_equal(grey_successes(&item), 65535);
}

static void
test_mark(void **state)
{
	struct cache_item item = { .state = CACHE_MISS };

	(void)state;
	assert_false(grey_is_marked(&item));
	grey_mark(&item, DAY);
	item.state = CACHE_HIT;
	assert_true(grey_is_marked(&item));
	assert_int_equal(item.ttl, DAY);
	item.state = CACHE_TROUBLE;
	assert_false(grey_is_marked(&item));
}

/* ---- names ---- */

static void
test_addresses(void **state)
{
	static const struct row {
		const char *name, *local, *want, *want_verp;
	} rows[] = {
		{ "plain", "joe", "joe", "joe" },
		{ "capitals", "Joe.User", "joe.user", "joe.user" },
		{ "extension", "joe+lists", "joe", "joe" },
		{ "a plus first", "+joe", "+joe", "+joe" },
		{ "numbers", "bounce-1234-55", "bounce-1234-55",
		    "bounce-#-#" },
		{ "numbers in words", "joe17", "joe17", "joe17" },
		{ "numbers beside _", "a_12-3", "a_12-3", "a_12-#" },
		{ "a number alone", "12345", "12345", "#" },
		{ "VERP", "list-return-77-me=here.example",
		    "list-return-77-me=here.example",
		    "list-return-#-me=here.example" },
		{ "BATV", "prvs=1234567890=joe", "joe", "joe" },
		{ "BATV, the tag behind", "prvs=joe=05270a1b2c", "joe",
		    "joe" },
		{ "BATV, two tags", "prvs=1234567890=abcdefghij", "abcdefghij",
		    "abcdefghij" },
		{ "BATV, half of it", "prvs=1234567890", "1234567890", "#" },
		{ "BATV, no name", "prvs=1234567890=", "1234567890=", "#=" },
		{ "Barracuda's", "btv1==0123456789a==joe", "joe", "joe" },
		{ "Barracuda's, cut", "btv1==0123", "btv1==0123",
		    "btv1==#" },
		{ "SparkPost's", "msprvs1=17913aBcDeF=bounces-12",
		    "bounces-12", "bounces-#" },
		{ "SRS0", "SRS0=HHHH=TT=orig.example=joe",
		    "srs=orig.example=joe", "srs=orig.example=joe" },
		{ "SRS0 with plus", "SRS0+H+H=TT=orig.example=joe",
		    "srs=orig.example=joe", "srs=orig.example=joe" },
		{ "SRS1", "SRS1=GG=fwd.example==HHHH=TT=orig.example=joe",
		    "srs=orig.example=joe", "srs=orig.example=joe" },
		{ "SRS0, cut", "SRS0=HHHH", "srs0=hhhh", "srs0=hhhh" },
		{ "SRS1, cut", "SRS1=GG=fwd.example=", "srs1=gg=fwd.example=",
		    "srs1=gg=fwd.example=" },
		{ "not SRS", "srs0x=a=b=c", "srs0x=a=b=c", "srs0x=a=b=c" },
		{ "no local part", "", "", "" },
	};
	struct arena arena = ARENA_INIT;
	struct address address;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		address = (struct address){ span_of(rows[i].local),
		    span_of("example.org") };
		ROW_EQ(rows[i].name, grey_address(&address, false, &arena),
		    span_of(arena_printf(&arena, "%s@example.org",
		    rows[i].want)));
		ROW_EQ(rows[i].name, grey_address(&address, true, &arena),
		    span_of(arena_printf(&arena, "%s@example.org",
		    rows[i].want_verp)));
	}
	address = (struct address){ span_of(""), span_of("") };
	SPAN_IS(grey_address(&address, true, &arena), "<>");
	arena_clear(&arena);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_visits),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_strange_records),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_successes),
		cmocka_unit_test(test_successes_stop),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
