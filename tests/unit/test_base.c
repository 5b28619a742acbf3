#include "tests/unit/unit.h"

#include "common/base/escape.h"
#include "common/base/file.h"
#include "common/base/ipaddr.h"
#include "common/base/json.h"
#include "common/base/map.h"
#include "common/base/nearest.h"
#include "common/base/units.h"

#include <unistd.h>

static void
test_span(void **state)
{
	struct span rest = span_of("a, b ,,c"), item, line;
	uint64_t n = 7;

	(void)state;
	assert_true(span_item(&rest, &item));
	SPAN_IS(item, "a");
	assert_true(span_item(&rest, &item));
	SPAN_IS(item, "b");
	assert_true(span_item(&rest, &item));
	SPAN_IS(item, "c");
	assert_false(span_item(&rest, &item));
	rest = span_of("one\r\n\ntwo");
	assert_true(span_line(&rest, &line));
	SPAN_IS(line, "one");
	assert_true(span_line(&rest, &line));
	SPAN_IS(line, "");
	assert_true(span_line(&rest, &line));
	SPAN_IS(line, "two");
	assert_false(span_line(&rest, &line));
	SPAN_IS(span_trim(span_of(" \r\n x y\t")), "x y");
	assert_true(span_number(span_of("18446744073709551615"), UINT64_MAX,
	    &n));
	assert_false(span_number(span_of("18446744073709551616"), UINT64_MAX,
	    &n));
	assert_false(span_number(span_of("11"), 10, &n));
	assert_false(span_number(span_of("+1"), 10, &n));
	assert_true(span_eq_nocase(span_of("aB"), span_of("Ab")));
	assert_int_equal(span_rfind(span_of("a@b@c"), '@'), 3);
}

/* Every length around the room that is there. */
static void
test_strbuf_format(void **state)
{
	struct strbuf b = STRBUF_INIT;
	char text[200];
	size_t before, len;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (before = 0; before < 70; before++) {
		for (len = 0; len < 140; len++) {
			strbuf_clear(&b);
			strbuf_add(&b, text, before);
			strbuf_addf(&b, "%.*s", (int)len, text);
			assert_int_equal(b.len, before + len);
			assert_int_equal(strlen(b.s), before + len);
			assert_true(b.cap > b.len);
		}
	}
	strbuf_clear(&b);
}

static void
test_strbuf_and_arena(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct arena a = ARENA_INIT;
	struct span s;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++)
		strbuf_addf(&b, "%d,", i % 10);
	assert_int_equal(b.len, 20000);
	s = arena_dup(&a, strbuf_span(&b));
	assert_memory_equal(s.p, b.s, b.len);
	for (i = 0; i < 1000; i++)
		memset(arena_alloc(&a, 100), 0xee, 100);
	assert_memory_equal(s.p, b.s, b.len);
	arena_reset(&a);
	assert_int_equal(a.total, 0);
	SPAN_IS(arena_duplower(&a, span_of("MiXed")), "mixed");
	arena_clear(&a);
	strbuf_clear(&b);
	assert_string_equal(strbuf_str(&b), "");
}

static void
test_map(void **state)
{
	enum { COUNT = 20000 };
	static int values[COUNT];
	struct arena a = ARENA_INIT;
	struct map m = MAP_INIT;
	struct span key;
	size_t i, seen = 0;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		key = span_of(arena_printf(&a, "user%zu@example.com", i));
		assert_ptr_equal(map_add(&m, key, &values[i]), &values[i]);
		assert_ptr_equal(map_add(&m, key, &values[0]), &values[i]);
	}
	for (i = 0; i < COUNT; i++) {
		key = span_of(arena_printf(&a, "user%zu@example.com", i));
		assert_ptr_equal(map_get(&m, key), &values[i]);
	}
	assert_null(map_get(&m, span_of("user@example.com")));
	assert_null(map_get(&m, span_of("")));
	for (i = 0; map_next(&m, &i, &key) != NULL;)
		seen++;
	assert_int_equal(seen, COUNT);
	map_clear(&m);
	arena_clear(&a);
}

static const struct {
	const char *in;
	size_t len;
	unsigned flags;
	const char *want;
} escapes[] = {
	{ "plain text", 10, 0, "plain text" },
	{ "a\r\nb\0c", 6, 0, "a\\x0d\\x0ab\\x00c" },
	{ "\"q\" \\", 5, ESCAPE_QUOTE, "\\\"q\\\" \\\\" },
	{ "caf\xc3\xa9", 5, 0, "caf\\xc3\\xa9" },
	{ "caf\xc3\xa9", 5, ESCAPE_UTF8, "caf\xc3\xa9" },
	{ "\xc2\x85\xe2\x80\xae", 5, ESCAPE_UTF8,
	    "\\xc2\\x85\\xe2\\x80\\xae" },
	{ "\xc3", 1, ESCAPE_UTF8, "\\xc3" },
	{ "\xed\xa0\x80", 3, ESCAPE_UTF8, "\\xed\\xa0\\x80" },
};

static void
test_escape(void **state)
{
	struct strbuf out = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(escapes); i++) {
		strbuf_reset(&out);
		escape_add(&out, span_make(escapes[i].in, escapes[i].len), 100,
		    escapes[i].flags);
		ROW_EQ(escapes[i].want, strbuf_span(&out),
		    span_of(escapes[i].want));
	}
	strbuf_reset(&out);
	escape_add(&out, span_of("abcdef"), 3, 0);
	SPAN_IS(strbuf_span(&out), "abc...");
	strbuf_reset(&out);
	escape_value(&out, span_of(""), 10);
	escape_value(&out, span_of("word"), 10);
	escape_value(&out, span_of("two words"), 10);
	SPAN_IS(strbuf_span(&out), "\"\"word\"two words\"");
	strbuf_clear(&out);
}

static void
test_json(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct json j;

	(void)state;
	json_start(&j, &out);
	json_object(&j, NULL);
	json_string(&j, "a", span_make("x\"\x01\xff\xc3\xa9", 6));
	json_array(&j, "list");
	json_number(&j, NULL, -3);
	json_bool(&j, NULL, true);
	json_null(&j, NULL);
	json_array_end(&j);
	json_object_end(&j);
	SPAN_IS(strbuf_span(&out), "{\"a\": \"x\\\"\\u0001\\ufffd\xc3\xa9\", "
	    "\"list\": [-3, true, null]}");
	strbuf_clear(&out);
}

static const struct {
	const char *in;
	bool ok;
	const char *want;	/* canonical text */
	bool host_bits;
} networks[] = {
	{ "192.0.2.1", true, "192.0.2.1", false },
	{ "[192.0.2.1]", true, "192.0.2.1", false },
	{ "192.0.2.77/24", true, "192.0.2.0/24", true },
	{ "192.0.2.0/255.255.255.0", true, "192.0.2.0/24", false },
	{ "192.0.2.0/255.0.255.0", false, NULL, false },
	{ "192.0.2.0/33", false, NULL, false },
	{ "10.0.0.0/8", true, "10.0.0.0/8", false },
	{ "0.0.0.0/0", true, "0.0.0.0/0", false },
	{ "2001:DB8::1", true, "2001:db8::1", false },
	{ "[2001:db8::]/32", true, "2001:db8::/32", false },
	{ "[2001:db8::1/32]", true, "2001:db8::/32", true },
	{ "IPv6:2001:db8::1", true, "2001:db8::1", false },
	{ "::ffff:192.0.2.1", true, "192.0.2.1", false },
	{ "::ffff:192.0.2.0/120", true, "192.0.2.0/24", false },
	{ "::/0", true, "::/0", false },
	{ "fd00::/129", false, NULL, false },
	{ "example.com", false, NULL, false },
	{ "", false, NULL, false },
	{ "1.2.3", false, NULL, false },
};

static void
test_ipaddr(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct ipaddr net, host;
	bool host_bits;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(networks); i++) {
		ROW_IS(networks[i].in, ipaddr_parse_network(
		    span_of(networks[i].in), &net, &host_bits) ==
		    networks[i].ok);
		if (!networks[i].ok)
			continue;
		strbuf_reset(&out);
		ipaddr_add(&out, &net);
		ROW_EQ(networks[i].in, strbuf_span(&out),
		    span_of(networks[i].want));
		ROW_IS(networks[i].in, host_bits == networks[i].host_bits);
	}
	strbuf_clear(&out);
	assert_true(ipaddr_parse_network(span_of("192.0.2.0/23"), &net,
	    &host_bits));
	assert_true(ipaddr_parse(span_of("192.0.3.9"), &host));
	assert_true(ipaddr_in(&host, &net));
	assert_true(ipaddr_parse(span_of("192.0.4.9"), &host));
	assert_false(ipaddr_in(&host, &net));
}

static void
test_units(void **state)
{
	int64_t n = -1;
	bool b = false;

	(void)state;
	assert_true(units_seconds(span_of("5m"), &n) && n == 300);
	assert_true(units_seconds(span_of("90"), &n) && n == 90);
	assert_true(units_seconds(span_of("2 d"), &n) && n == 172800);
	assert_false(units_seconds(span_of("m"), &n));
	assert_false(units_seconds(span_of("-5"), &n));
	assert_false(units_seconds(span_of("9223372036854775807w"), &n));
	assert_true(units_bytes(span_of("64k"), &n) && n == 65536);
	assert_true(units_bytes(span_of("1MB"), &n) && n == 1048576);
	assert_false(units_bytes(span_of("1x"), &n));
	assert_true(units_bool(span_of("Yes"), &b) && b);
	assert_true(units_bool(span_of("0"), &b) && !b);
	assert_false(units_bool(span_of("yeah"), &b));
	assert_true(units_date(span_of("1970-01-02"), &n) && n == 86400);
	assert_true(units_date(span_of("2026-11-25"), &n) && n == 1795564800);
	assert_false(units_date(span_of("2026-02-30"), &n));
	assert_false(units_date(span_of("2026-2-1"), &n));
	assert_false(units_date(span_of("1969-12-31"), &n));
	assert_true(units_hundredths(span_of("1.5"), &n) && n == 150);
	assert_true(units_hundredths(span_of("-3"), &n) && n == -300);
	assert_true(units_hundredths(span_of("+0.25"), &n) && n == 25);
	assert_true(units_hundredths(span_of("0.05"), &n) && n == 5);
	assert_false(units_hundredths(span_of("1."), &n));
	assert_false(units_hundredths(span_of(".5"), &n));
	assert_false(units_hundredths(span_of("1.234"), &n));
	assert_false(units_hundredths(span_of("--1"), &n));
	assert_false(units_hundredths(span_of(""), &n));
}

static void
test_file(void **state)
{
	char dir[] = "postern-test-XXXXXX";
	struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;
	struct strbuf err = STRBUF_INIT;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	strbuf_addf(&path, "%s/file", dir);
	assert_int_equal(file_create(path.s, SPAN_LIT("one"), 0600, (uid_t)-1,
	    (gid_t)-1, &err), 0);
	assert_int_equal(file_create(path.s, SPAN_LIT("two"), 0600, (uid_t)-1,
	    (gid_t)-1, &err), -1);
	assert_non_null(strstr(err.s, path.s));
	assert_int_equal(file_read(path.s, 3, &text, &st, &err), 0);
	SPAN_IS(strbuf_span(&text), "one");
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_replace(path.s, SPAN_LIT("four"), 0644,
	    (uid_t)-1, (gid_t)-1, &err), 0);
	strbuf_reset(&text);
	assert_int_equal(file_read(path.s, 3, &text, NULL, &err), -1);
	strbuf_reset(&text);
	assert_int_equal(file_read(path.s, 100, &text, NULL, &err), 0);
	SPAN_IS(strbuf_span(&text), "four");
	assert_int_equal(file_read(dir, 100, &text, NULL, &err), -1);
	unlink(path.s);
	assert_int_equal(rmdir(dir), 0);	/* no temporary file is left */
	strbuf_clear(&path);
	strbuf_clear(&text);
	strbuf_clear(&err);
}

static void
test_diag(void **state)
{
	struct diag d = DIAG_INIT;
	size_t i;

	(void)state;
	diag_warning(&d, "a.conf", 3, "odd value %s",
	    diag_quote(&d, SPAN_LIT("x\ny")));
	assert_false(diag_failed(&d));
	assert_true(diag_has(&d, DIAG_WARNING,
	    "a.conf:3: warning: odd value \"x\\x0ay\""));
	for (i = 0; i < 2 * DIAG_KEEP; i++)
		diag_error(&d, NULL, 0, "number %zu", i);
	assert_true(diag_failed(&d));
	assert_int_equal(d.found[DIAG_ERROR], 2 * DIAG_KEEP);
	assert_int_equal(d.count, DIAG_KEEP + 1);
	diag_clear(&d);
}

static void
test_nearest(void **state)
{
	static const char *const known[] = { "KeyTable", "KeyFile",
	    "SigningTable", "Socket", "SocketMode", "UMask" };
	static const struct {
		const char *word, *best;
	} rows[] = {
		{ "KeyTabel", "KeyTable" },
		{ "keytable", "KeyTable" },
		{ "SignTable", "SigningTable" },
		{ "sock", "Socket" },
		{ "Sokcet", "Socket" },
		{ "UMaks", "UMask" },
		{ "Milter", NULL },
		{ "", NULL },
		{ "x", NULL },
	};
	char over[NEAREST_MAX + 2] = "";
	struct nearest nearest;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		nearest_start(&nearest, span_of(rows[i].word));
		for (k = 0; k < ARRAY_LEN(known); k++)
			nearest_offer(&nearest, known[k]);
		ROW_EQ(rows[i].word, span_of(nearest.best),
		    span_of(rows[i].best));
	}
	memset(over, 'a', NEAREST_MAX + 1);
	nearest_start(&nearest, span_of(over));
	nearest_offer(&nearest, over);
	assert_null(nearest.best);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_strbuf_and_arena),
		cmocka_unit_test(test_strbuf_format),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_ipaddr),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_diag),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
