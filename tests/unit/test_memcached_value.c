/* What stands on memcached servers, what is said to them, and who they are. */
#include "common/cache/cachevalue.h"
#include "common/cache/mcitem.h"
#include "common/cache/mcname.h"
#include "common/cache/mcring.h"
#include "common/cache/mcwire.h"
#include "tests/unit/unit.h"

static const struct cache_secret secret = { "a secret of thirty-two octets.." };

static struct cache_item
item_of(const char *name, enum cache_kind kind, uint64_t slot)
{
	struct span part = span_of(name);
	struct cache_item item = { .kind = kind, .ttl = 60 };

	cache_key_make(&secret, "test", &part, 1, &item.key);
	item.key.slot = slot;
	return item;
}

/* ---- counters ---- */

static const struct {
	int64_t count, number;
	enum cachevalue_result result;
} counts[] = {
	{ 0, 0, CACHEVALUE_GOOD },
	{ 1, 1, CACHEVALUE_GOOD },
	{ CACHE_COUNTER_MAX, CACHE_COUNTER_MAX, CACHEVALUE_GOOD },
	{ CACHE_COUNTER_MAX + 1, CACHE_COUNTER_MAX, CACHEVALUE_OUTSIDE },
	{ 8 * CACHE_COUNTER_MAX - 1, CACHE_COUNTER_MAX, CACHEVALUE_OUTSIDE },
	{ -1, 0, CACHEVALUE_OUTSIDE },
	{ -8 * CACHE_COUNTER_MAX, 0, CACHEVALUE_OUTSIDE },
};

static void
test_counters(void **state)
{
	struct cache_item item, back;
	unsigned char stored[CACHEVALUE_MAX];
	char name[32];
	uint64_t slot;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(counts); i++)
		for (slot = 0; slot < 500; slot++) {
			snprintf(name, sizeof(name), "%lld",
			    (long long)counts[i].count);
			item = item_of("x", CACHE_COUNTER, slot);
			item.number = counts[i].count;
			back = item;
			back.number = -7;
			ROW_IS(name, cachevalue_write(&item, stored) ==
			    CACHEVALUE_DIGITS);
			ROW_IS(name, cachevalue_read(span_make(stored,
			    CACHEVALUE_DIGITS), cachevalue_flags(&item.key),
			    &back) == counts[i].result);
			ROW_IS(name, back.number == counts[i].number);
		}
}

static uint64_t
stored_number(int64_t count, uint64_t slot)
{
	struct cache_item item = item_of("x", CACHE_COUNTER, slot);
	unsigned char stored[CACHEVALUE_MAX];
	uint64_t number;

	item.number = count;
	assert_true(span_number(span_make(stored,
	    cachevalue_write(&item, stored)), UINT64_MAX, &number));
	return number;
}

/* memcached adds and subtracts; it must come to the same. */
static void
test_arithmetic(void **state)
{
	uint64_t slot;

	(void)state;
	for (slot = 0; slot < 500; slot++) {
		assert_true(stored_number(0, slot) + 5 ==
		    stored_number(5, slot));
		assert_true(stored_number(0, slot) - (uint64_t)
		    CACHE_COUNTER_MAX == stored_number(-CACHE_COUNTER_MAX,
		    slot));
		assert_true(stored_number(7 * CACHE_COUNTER_MAX, slot) +
		    CACHE_COUNTER_MAX - 1 ==
		    stored_number(8 * CACHE_COUNTER_MAX - 1, slot));
		assert_true(stored_number(8 * CACHE_COUNTER_MAX - 1, slot) <
		    UINT64_C(1) << 63);
		assert_true(stored_number(-8 * CACHE_COUNTER_MAX, slot) >=
		    UINT64_C(1) << 62);
	}
}

/* ---- what is not ours ---- */

static enum cachevalue_result
read_as(struct span stored, uint32_t flags, struct cache_item item)
{
	return cachevalue_read(stored, flags, &item);
}

static void
check_others(const struct cache_item *item)
{
	unsigned char stored[CACHEVALUE_MAX + 1] = { 0 };
	size_t len = cachevalue_write(item, stored), i;
	uint32_t flags = cachevalue_flags(&item->key);
	struct span whole = span_make(stored, len);
	struct cache_item other = *item;
	unsigned char bit;

	assert_int_equal(read_as(whole, flags, *item), CACHEVALUE_GOOD);
	other.kind = CACHE_RECORD + CACHE_COUNTER - item->kind;
	assert_int_equal(read_as(whole, flags, other), CACHEVALUE_WRONG);
	for (i = 1; i < 2000; i++) {	/* another key's, with right flags */
		other = *item;
		other.key.slot += i;
		assert_int_equal(read_as(whole, flags, other),
		    CACHEVALUE_WRONG);
		/* 20 bits of the number's: one in a million is like ours */
		if (item->kind == CACHE_RECORD || i < 100)
			assert_int_equal(read_as(whole,
			    cachevalue_flags(&other.key), other),
			    CACHEVALUE_WRONG);
	}
	for (i = 0; i < len; i++) {
		assert_int_equal(read_as(span_first(whole, i), flags, *item),
		    CACHEVALUE_WRONG);
		for (bit = 1; bit != 0 && item->kind == CACHE_RECORD;
		    bit = (unsigned char)(bit << 1)) {
			stored[i] ^= bit;
			assert_int_equal(read_as(whole, flags, *item),
			    CACHEVALUE_WRONG);
			stored[i] ^= bit;
		}
	}
	assert_int_equal(read_as(span_make(stored, len + 1), flags, *item),
	    CACHEVALUE_WRONG);
	assert_int_equal(read_as(whole, flags ^ 1, *item), CACHEVALUE_WRONG);
}

static void
test_others(void **state)
{
	struct cache_item item = item_of("x", CACHE_COUNTER, 3);
	size_t len;

	(void)state;
	item.number = 17;
	check_others(&item);
	item = item_of("x", CACHE_RECORD, 0);
	for (len = 0; len <= CACHE_VALUE_MAX; len += 8) {
		memset(item.value, 'v', item.len = len);
		check_others(&item);
	}
}

static const struct {
	const char *name, *stored;
} numbers[] = {
	{ "none", "" },
	{ "nought", "0" },
	{ "small", "17" },
	{ "blanks behind it", "4611686018427387904 " },
	{ "a sign", "+461168601842738790" },
	{ "the check is nought", "4611688217450643457" },
	{ "no number", "461168601842738790x" },
	{ "all nines", "9999999999999999999" },
	{ "too long", "18446744073709551615" },
};

static void
test_numbers(void **state)
{
	struct cache_item item = item_of("x", CACHE_COUNTER, 3);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(numbers); i++)
		ROW_IS(numbers[i].name, read_as(span_of(numbers[i].stored),
		    cachevalue_flags(&item.key), item) == CACHEVALUE_WRONG);
}

/* ---- the protocol ---- */

#define V	"VALUE k 7 3 9\r\n"

/* took: the answers, a letter each: V END S(tored) N(ot stored) X (exists)
 * F (not found), then '.' for more wanted or '!' for no answer. */
static const struct {
	const char *text;
	const char *took;
} replies[] = {
	{ "", "." },
	{ "END", "." },
	{ "END\r", "." },
	{ "END\r\n", "E." },
	{ "END\n", "!" },
	{ "\r\n", "!" },
	{ "\n", "!" },
	{ "end\r\n", "!" },
	{ "END \r\n", "!" },
	{ "STORED\r\nNOT_STORED\r\nEXISTS\r\nNOT_FOUND\r\n", "SNXF." },
	{ "ERROR\r\n", "!" },
	{ "SERVER_ERROR out of memory storing object\r\n", "!" },
	{ "CLIENT_ERROR line too long\r\n", "!" },
	{ "5\r\n", "!" },
	{ V "abc\r\nEND\r\n", "VE." },
	{ V "abc\r\n" V "abc\r\nEND\r\n", "VVE." },
	{ V, "." },
	{ V "abc", "." },
	{ V "abc\r", "." },
	{ V "abcd\r\nEND\r\n", "!" },
	{ V "ab\r\nEND\r\n", "!" },
	{ V "abcXXEND\r\n", "!" },
	{ V "\r\n\r\r\nEND\r\n", "VE." },
	{ "VALUE k 7 3\r\nabc\r\n", "!" },
	{ "VALUE k 7\r\n", "!" },
	{ "VALUE k\r\n", "!" },
	{ "VALUE \r\n", "!" },
	{ "VALUE\r\n", "!" },
	{ "VALUE  7 3 9\r\nabc\r\n", "!" },
	{ "VALUE k -7 3 9\r\nabc\r\n", "!" },
	{ "VALUE k 4294967296 3 9\r\nabc\r\n", "!" },
	{ "VALUE k 7 -3 9\r\nabc\r\n", "!" },
	{ "VALUE k 7 43 9\r\n", "!" },
	{ "VALUE k 7 42 9\r\n", "." },
	{ "VALUE k 7 99999999999999999999999 9\r\n", "!" },
	{ "VALUE k 7 3 9 9\r\nabc\r\n", "!" },
	{ "VALUE k 7 3 99999999999999999999\r\nabc\r\n", "!" },
	{ "VALUE k 7 0 9\r\n\r\nEND\r\n", "VE." },
};

static void
take_all(struct span rest, struct strbuf *took)
{
	static const char letters[] = "VESNXF";
	struct mcreply reply;
	int rc;

	while ((rc = mcwire_next(&rest, &reply)) == 1)
		strbuf_addc(took, letters[reply.kind]);
	strbuf_addc(took, rc == 0 ? '.' : '!');
}

static void
test_replies(void **state)
{
	struct strbuf took = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(replies); i++) {
		strbuf_reset(&took);
		take_all(span_of(replies[i].text), &took);
		ROW_EQ(replies[i].text, strbuf_span(&took),
		    span_of(replies[i].took));
	}
	strbuf_clear(&took);
}

static void
test_long_replies(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct mcreply reply;
	struct span rest;
	size_t i;

	(void)state;
	strbuf_adds(&text, "VALUE ");
	for (i = 0; i < MCWIRE_REPLY_MAX; i++) {
		rest = strbuf_span(&text);
		assert_int_equal(mcwire_next(&rest, &reply),
		    text.len < MCWIRE_REPLY_MAX ? 0 : -1);
		strbuf_addc(&text, 'k');
	}
	strbuf_truncate(&text, 6 + 251);
	strbuf_adds(&text, " 7 3 9\r\nabc\r\n");
	rest = strbuf_span(&text);
	assert_int_equal(mcwire_next(&rest, &reply), -1);
	strbuf_clear(&text);
}

/* A value is taken whole, with all that belongs to it. */
static void
test_value(void **state)
{
	struct span rest = SPAN_LIT("VALUE a.b:c 4294967295 2 "
	    "18446744073709551615\r\n\r\n\r\nEND\r\n");
	struct mcreply reply;

	(void)state;
	assert_int_equal(mcwire_next(&rest, &reply), 1);
	assert_int_equal(reply.kind, MCREPLY_VALUE);
	SPAN_IS(reply.key, "a.b:c");
	SPAN_IS(reply.data, "\r\n");
	assert_true(reply.flags == UINT32_MAX && reply.version == UINT64_MAX);
	SPAN_IS(rest, "END\r\n");
}

static void
test_commands(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct mcstore store = { .verb = "add", .key = "k", .flags = 7,
		.expires = 60, .data = SPAN_LIT("abc"), .version = 9,
		.is_silent = true };

	(void)state;
	mcwire_store(&out, &store);
	store.verb = "cas";
	store.is_silent = false;
	mcwire_store(&out, &store);
	mcwire_change(&out, "k", CACHE_COUNTER_MAX);
	mcwire_change(&out, "k", INT64_MIN);
	mcwire_delete(&out, "k");
	SPAN_IS(strbuf_span(&out), "add k 7 60 3 noreply\r\nabc\r\n"
	    "cas k 7 60 3 9\r\nabc\r\n"
	    "incr k 274877906944 noreply\r\n"
	    "decr k 9223372036854775808 noreply\r\n"
	    "delete k noreply\r\n");
	strbuf_clear(&out);
}

/* No line of gets is over 2 kB, whatever is asked for. */
static void
test_gets(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct mcgets gets = { .lines = 0 };
	struct span rest, line, word;
	unsigned lines = 0, keys = 0, i;
	char key[MCITEM_NAME + 1];

	(void)state;
	mcwire_gets_end(&out, &gets);
	assert_int_equal(out.len, 0);
	for (i = 0; i < CACHE_BATCH_MAX; i++) {
		snprintf(key, sizeof(key), "%0*u", MCITEM_NAME, i);
		mcwire_gets(&out, &gets, key);
	}
	mcwire_gets_end(&out, &gets);
	for (rest = strbuf_span(&out); span_line(&rest, &line); lines++) {
		assert_true(line.len < 2000);
		span_cut(&line, ' ', &word);
		SPAN_IS(word, "gets");
		for (; span_cut(&line, ' ', &word) || word.len > 0; keys++)
			assert_int_equal(word.len, MCITEM_NAME);
	}
	assert_int_equal(lines, gets.lines);
	assert_int_equal(keys, CACHE_BATCH_MAX);
	strbuf_clear(&out);
}

/* ---- items ---- */

static const struct {
	int64_t ttl;
	const char *expires;
} ttls[] = {
	{ -5, "1" },
	{ 0, "1" },
	{ 60, "60" },
	{ 30 * 86400, "2592000" },
	{ 30 * 86400 + 1, "1702592001" },
	{ CACHE_TTL_MAX, "1734560000" },
	{ INT64_MAX, "1734560000" },
};

static void
test_items(void **state)
{
	struct cache_item item = item_of("x", CACHE_COUNTER, UINT64_MAX);
	char name[MCITEM_NAME + 1], other[MCITEM_NAME + 1];
	struct strbuf out = STRBUF_INIT, want = STRBUF_INIT;
	size_t i;

	(void)state;
	mcitem_name(&item.key, CACHE_COUNTER, name);
	mcitem_name(&item.key, CACHE_RECORD, other);
	assert_true(strlen(name) <= 64 && strcmp(name, other) != 0);
	for (i = 0; i < ARRAY_LEN(ttls); i++) {
		item.ttl = ttls[i].ttl;
		strbuf_reset(&out);
		strbuf_reset(&want);
		mcitem_store(&out, "add", name, &item, 1700000000, true);
		strbuf_addf(&want, "add %s %u %s 19 noreply\r\n", name,
		    cachevalue_flags(&item.key), ttls[i].expires);
		ROW_EQ(ttls[i].expires, span_first(strbuf_span(&out),
		    want.len), strbuf_span(&want));
	}
	strbuf_clear(&out);
	strbuf_clear(&want);
}

/* ---- names of servers ---- */

static const struct {
	const char *list;
	const char *names;	/* NULL: refused */
	bool is_local;		/* all are */
} lists[] = {
	{ "a.example", "a.example:11211", false },
	{ "A.Example:1, b.example", "a.example:1 b.example:11211", false },
	{ "127.0.0.1", "127.0.0.1:11211", true },
	{ "127.9.9.9:5", "127.9.9.9:5", true },
	{ "localhost", "localhost:11211", true },
	{ "localhost.example", "localhost.example:11211", false },
	{ "::1", "[::1]:11211", true },
	{ "[::1]:5", "[::1]:5", true },
	{ "[0:0::1]", "[::1]:11211", true },
	{ "2001:db8::1", "[2001:db8::1]:11211", false },
	{ "/run/memcached.sock", "/run/memcached.sock", true },
	{ "/run/a, /run/b", "/run/a /run/b", true },
	{ "192.0.2.1 /run/b", "192.0.2.1:11211 /run/b", false },
	{ "", NULL, false },
	{ " , ", NULL, false },
	{ "a:0", NULL, false },
	{ "a:65536", NULL, false },
	{ "a:", NULL, false },
	{ ":5", NULL, false },
	{ "a:5x", NULL, false },
	{ "[::1]5", NULL, false },
	{ "[::1", NULL, false },
	{ "[a]", "a:11211", false },
	{ "a/b", NULL, false },
	{ "a\x01" "b", NULL, false },
	{ "a,A:11211", NULL, false },
	{ "::1,[0::1]", NULL, false },
	{ "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789"
	    "/0123456789/0123456789/0123456789/0123456789", NULL, false },
};

static void
test_names(void **state)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	struct mcnames names;
	bool is_local;
	size_t i, k;
	int rc;

	(void)state;
	for (i = 0; i < ARRAY_LEN(lists); i++) {
		strbuf_reset(&out);
		strbuf_reset(&err);
		rc = mcnames_parse(span_of(lists[i].list), &names, &err);
		ROW_IS(lists[i].list, (rc == 0) == (lists[i].names != NULL));
		ROW_IS(lists[i].list, (rc == 0) == (err.len == 0));
		if (rc != 0)
			continue;
		is_local = true;
		for (k = 0; k < names.count; k++) {
			strbuf_adds(&out, k > 0 ? " " : "");
			mcname_add(&out, &names.items[k]);
			is_local &= mcname_is_local(&names.items[k]);
		}
		ROW_EQ(lists[i].list, strbuf_span(&out),
		    span_of(lists[i].names));
		ROW_IS(lists[i].list, is_local == lists[i].is_local);
	}
	strbuf_clear(&out);
	strbuf_clear(&err);
}

/* ---- which server has a key ---- */

enum { KEYS = 20000 };

static void
spread(const char *list, unsigned char *of, struct mcnames *names)
{
	struct strbuf err = STRBUF_INIT;
	char name[MCITEM_NAME + 1];
	struct cache_item item;
	struct mcring *ring;
	unsigned i;

	if (mcnames_parse(span_of(list), names, &err) != 0)
		fail_msg("%s", err.s);
	ring = mcring_new(names);
	item = item_of("ring", CACHE_COUNTER, 0);
	for (i = 0; i < KEYS; i++) {
		item.key.slot = i;
		mcitem_name(&item.key, CACHE_COUNTER, name);
		of[i] = (unsigned char)mcring_find(ring, name);
		assert_true(of[i] < names->count);
	}
	mcring_free(ring);
}

/* One more server takes its share and moves nothing else, wherever it stands
 * in the list. */
static const struct {
	const char *before, *after;
	double share;		/* of the new one */
} rings[] = {
	{ "a:1,b:1,c:1", "a:1,b:1,c:1,d:1", 0.25 },
	{ "a:1,b:1,c:1", "d:1,c:1,b:1,a:1", 0.25 },
	{ "a,b,c", "a,new,b,c", 0.25 },
	{ "127.0.0.1:7001", "127.0.0.1:7001,127.0.0.1:7002", 0.5 },
	{ "/run/a,/run/b", "/run/c,/run/a,/run/b", 1.0 / 3 },
	{ "::1,192.0.2.1", "::1,192.0.2.1,/run/c", 1.0 / 3 },
};

static void
test_ring(void **state)
{
	static unsigned char before[KEYS], after[KEYS];
	struct mcnames old, new;
	const struct mcname *was, *is;
	unsigned i, moved;
	size_t row;

	(void)state;
	for (row = 0; row < ARRAY_LEN(rings); row++) {
		spread(rings[row].before, before, &old);
		spread(rings[row].after, after, &new);
		for (i = moved = 0; i < KEYS; i++) {
			was = &old.items[before[i]];
			is = &new.items[after[i]];
			if (memcmp(was, is, sizeof(*is)) == 0)
				continue;
			moved++;
			for (was = old.items; was < old.items + old.count;
			    was++)
				ROW_IS(rings[row].after,
				    memcmp(was, is, sizeof(*is)) != 0);
		}
		ROW_IS(rings[row].after, moved > rings[row].share * KEYS * 0.7);
		ROW_IS(rings[row].after, moved < rings[row].share * KEYS * 1.3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_long_replies),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_gets),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
