#include "tests/unit/unit.h"

#include "common/mail/authres.h"

static void
test_none(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct authres authres;

	(void)state;
	authres_start(&authres, SPAN_LIT("mx.example.com"), &out);
	authres_end(&authres);
	SPAN_IS(strbuf_span(&out), " mx.example.com; none");
	strbuf_clear(&out);
}

static void
test_id_is_written(void **state)
{
	static const struct {
		const char *id, *text;
	} rows[] = {
		{ "mx.example.com", " mx.example.com" },
		{ "Mx.Example.com.", " Mx.Example.com" },
		{ "mx", " mx" },
		{ "b\xc3\xbc" "cher.example", " xn--bcher-kva.example" },
		{ "my host", " \"my host\"" },
		{ "a\"b\\c", " \"a\\\"b\\\\c\"" },
		{ "a;spf=pass", " \"a;spf=pass\"" },
		{ "a\r\nb", " \"a\\\\x0d\\\\x0ab\"" },
		{ "", " \"\"" },
	};
	struct strbuf out = STRBUF_INIT;
	struct authres authres;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&out);
		authres_start(&authres, span_of(rows[i].id), &out);
		ROW_EQ(rows[i].id, strbuf_span(&out), span_of(rows[i].text));
	}
	strbuf_clear(&out);
}

static void
test_methods(void **state)
{
	static const struct address sender = { SPAN_LIT("joe"),
	    SPAN_LIT("example.org") };
	struct strbuf out = STRBUF_INIT;
	struct authres authres;

	(void)state;
	authres_start(&authres, SPAN_LIT("mx.example.com"), &out);
	authres_method(&authres, "spf", "pass");
	authres_comment(&authres, SPAN_LIT("a (nested) \\ comment"));
	authres_address(&authres, "smtp.mailfrom", &sender);
	authres_method(&authres, "dkim", "fail");
	authres_reason(&authres, SPAN_LIT("body hash mismatch"));
	authres_property(&authres, "header.d", SPAN_LIT("example.org"));
	authres_property(&authres, "header.s", SPAN_LIT(""));
	authres_property(&authres, "header.b", SPAN_LIT("a/b+c="));
	authres_property(&authres, "header.a", SPAN_LIT("rsa-sha256"));
	authres_end(&authres);
	SPAN_IS(strbuf_span(&out), " mx.example.com;\r\n"
	    "\tspf=pass (a \\(nested\\) \\\\ comment)"
	    " smtp.mailfrom=joe@example.org;\r\n"
	    "\tdkim=fail reason=\"body hash mismatch\""
	    " header.d=example.org header.b=\"a/b+c=\"\r\n"
	    "\theader.a=rsa-sha256");
	strbuf_clear(&out);
}

static void
test_property(void **state)
{
	static const struct {
		const char *value, *text;
	} rows[] = {
		{ "", "" },
		{ "example.com", " x.y=example.com" },
		{ "my_host", " x.y=my_host" },
		{ "@example.com", " x.y=@example.com" },
		{ "joe+x@example.com", " x.y=joe+x@example.com" },
		{ "a@b@example.com", " x.y=\"a@b\"@example.com" },
		{ "a b@example.com", " x.y=\"a b\"@example.com" },
		{ "a\"\\b@example.com", " x.y=\"a\\\"\\\\b\"@example.com" },
		{ "a..b@example.com", " x.y=\"a..b\"@example.com" },
		{ "joe@[192.0.2.1]", " x.y=\"joe@[192.0.2.1]\"" },
		{ "2001:db8::1", " x.y=\"2001:db8::1\"" },
		{ "a;dkim=pass", " x.y=\"a;dkim=pass\"" },
		{ "a(b", " x.y=\"a(b\"" },
		{ "a\r\nX: y", " x.y=\"a\\\\x0d\\\\x0aX: y\"" },
		{ "\xc3\xbc@example.com",
		    " x.y=\"\\\\xc3\\\\xbc\"@example.com" },
		{ "joe@\xc3\xbc.example", " x.y=\"joe@\\\\xc3\\\\xbc.example\"" },
		{ "joe@", " x.y=\"joe@\"" },
		{ " ", " x.y=\" \"" },
	};
	struct strbuf out = STRBUF_INIT;
	struct authres authres;
	size_t i, start;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&out);
		authres_start(&authres, SPAN_LIT("mx"), &out);
		start = out.len;
		authres_property(&authres, "x.y", span_of(rows[i].value));
		ROW_EQ(rows[i].value, span_skip(strbuf_span(&out), start),
		    span_of(rows[i].text));
	}
	strbuf_clear(&out);
}

static void
test_address(void **state)
{
	static const struct {
		struct address address;
		const char *text;
	} rows[] = {
		{ { SPAN_LIT("joe"), SPAN_LIT("a.b") }, " x.y=joe@a.b" },
		{ { SPAN_LIT("a b"), SPAN_LIT("a.b") }, " x.y=\"a b\"@a.b" },
		{ { SPAN_LIT("joe"), SPAN_LIT("[192.0.2.1]") },
		    " x.y=\"joe@[192.0.2.1]\"" },
		{ { SPAN_LIT("joe"), SPAN_LIT("") }, "" },
	};
	struct strbuf out = STRBUF_INIT;
	struct authres authres;
	size_t i, start;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&out);
		authres_start(&authres, SPAN_LIT("mx"), &out);
		start = out.len;
		authres_address(&authres, "x.y", &rows[i].address);
		ROW_EQ(rows[i].text, span_skip(strbuf_span(&out), start),
		    span_of(rows[i].text));
	}
	strbuf_clear(&out);
}

/* Every octet many times over: lines stay within bounds and are printable. */
static void
test_bounds(void **state)
{
	struct strbuf out = STRBUF_INIT, value = STRBUF_INIT;
	struct span rest, line;
	struct authres authres;
	size_t i;
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		strbuf_reset(&out);
		strbuf_reset(&value);
		for (i = 0; i < 2000; i++)
			strbuf_addc(&value, (char)c);
		authres_start(&authres, strbuf_span(&value), &out);
		authres_method(&authres, "dkim", "pass");
		authres_comment(&authres, strbuf_span(&value));
		authres_reason(&authres, strbuf_span(&value));
		authres_property(&authres, "header.d", strbuf_span(&value));
		strbuf_adds(&value, "@example.com");
		authres_property(&authres, "header.i", strbuf_span(&value));
		authres_end(&authres);
		rest = strbuf_span(&out);
		span_line(&rest, &line);
		while (span_line(&rest, &line)) {
			assert_true(line.len <= FOLD_HARD_LIMIT);
			assert_true(span_trim(line).len != 0);
			for (i = 1; i < line.len; i++)
				assert_true(line.p[i] >= ' ' &&
				    line.p[i] <= '~');
		}
	}
	strbuf_clear(&out);
	strbuf_clear(&value);
}

static void
test_id(void **state)
{
	static const struct {
		const char *value, *id;
	} rows[] = {
		{ " mx.example.com; none", "mx.example.com" },
		{ "mx.example.com;none", "mx.example.com" },
		{ "mx.example.com", "mx.example.com" },
		{ " MX.Example.COM ;", "mx.example.com" },
		{ " mx.example.com 1; none", "mx.example.com" },
		{ " mx.example.com (c) 1 (d) ; none", "mx.example.com" },
		{ " (a (b\\)) c)\r\n\t(d) mx.example.com;", "mx.example.com" },
		{ " \"mx.example.com\"; none", "mx.example.com" },
		{ " \"mx\\.example.com\"; none", "mx.example.com" },
		{ " \"My Host\" 1; none", "my host" },
		{ " mx.example.com.; none", "mx.example.com" },
		{ " b\xc3\xbc" "cher.example; none", "xn--bcher-kva.example" },
		{ " XN--BCHER-kva.example; none", "xn--bcher-kva.example" },
		{ "", "" },
		{ " ; none", "" },
		{ " (only", "" },
		{ " mx.example.com spf=pass", "" },
		{ " mx.example.com/1; none", "" },
		{ " mx.example.com\n; none", "" },
	};
	struct arena arena = ARENA_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		ROW_EQ(rows[i].value, authres_id(span_of(rows[i].value),
		    &arena), span_of(rows[i].id));
	arena_clear(&arena);
}

#define NUL	"\0"
#define VALUE(text)	SPAN_LIT(text)

static void
test_ours(void **state)
{
	static const struct span rows[] = {
		/* valid */
		VALUE(" example.com; spf=pass"),
		VALUE("example.com"),
		VALUE(" example.com;"),
		VALUE(" EXAMPLE.com; none"),
		VALUE("\r\n\texample.com\r\n ;\r\n\tnone"),
		VALUE(" (c) example.com; none"),
		VALUE(" (a (nested) one) example.com; none"),
		VALUE(" (a \\) b) (c) example.com; none"),
		VALUE(" example.com (c; d); none"),
		VALUE(" example.com 1; none"),
		VALUE(" example.com (v) 1 (w); none"),
		VALUE(" \"example.com\"; none"),
		VALUE(" \"exam\\ple.com\"; none"),
		VALUE(" example.com.; none"),
		VALUE(" example.com..; none"),
		VALUE(" \"example.com.\"; none"),
		/* the other identifiers */
		VALUE(" xn--bcher-kva.example; none"),
		VALUE(" b\xc3\xbc" "cher.example; none"),
		VALUE(" B\xc3\x9c" "CHER.EXAMPLE; none"),
		VALUE(" \"b\xc3\xbc" "cher.example\"; none"),
		VALUE(" (x) b\xc3\xbc" "cher.example 1; none"),
		VALUE(" \"my host\"; none"),
		/* malformed behind it */
		VALUE(" example.com spf=pass"),
		VALUE(" example.com, spf=pass"),
		VALUE(" example.com (unbalanced; spf=pass"),
		VALUE(" example.com/1; none"),
		VALUE(" example.com:25; none"),
		VALUE(" example.com 1 2; none"),
		VALUE(" example.com v1; none"),
		VALUE(" \"example.com\" x; none"),
		VALUE(" example.com" NUL "; none"),
		VALUE(" example.com" NUL ".evil.org; none"),
		VALUE(" example.com\n; none"),
		VALUE(" example.com\r; none"),
		VALUE(" example.com\xc2\xa0; none"),
		VALUE(" example.com\xff; none"),
		VALUE(" example.com\v; none"),
		VALUE(" b\xc3\xbc" "cher.example spf=pass"),
		/* malformed before it */
		VALUE(" (unbalanced example.com; spf=pass"),
		VALUE(" (;example.com; spf=pass"),
		VALUE(" (a (b) example.com; spf=pass"),
		VALUE(" (a (b;) example.com; spf=pass"),
		VALUE(" \"example.com; spf=pass"),
		VALUE(" ;example.com; spf=pass"),
		VALUE(" ) example.com; spf=pass"),
		VALUE("\nexample.com; spf=pass"),
		VALUE("\r example.com; spf=pass"),
		VALUE("\v\fexample.com; spf=pass"),
		VALUE(NUL "example.com; spf=pass"),
		VALUE("\xc2\xa0" "example.com; spf=pass"),
		VALUE("\xef\xbb\xbf" "example.com; spf=pass"),
		VALUE("\xe2\x80\x8b" "example.com; spf=pass"),
		VALUE(" <example.com>; spf=pass"),
		VALUE(" =?utf-8?q?example.com?=; spf=pass"),
		VALUE(" <b\xc3\xbc" "cher.example>; spf=pass"),
		VALUE(" (\xff (b) b\xc3\xbc" "cher.example; spf=pass"),
		/* malformed within it */
		VALUE(" exam\r\n\tple.com; none"),
		VALUE(" example . com; none"),
		VALUE(" exam(c)ple.com; none"),
		VALUE(" exam(a;b)ple.com; none"),
		VALUE(" exam\"ple\".com; none"),
		VALUE(" example\\.com; none"),
		VALUE(" exam" NUL "ple.com; none"),
		VALUE(" ex\xc2\xad" "ample.com; none"),
		VALUE(" ex\xe2\x80\x8b" "ample.com; none"),
		VALUE(" example\xe3\x80\x82" "com; none"),
		VALUE(" \xef\xbd\x85xample.com; none"),
		VALUE(" \"example.com;\"; none"),
		VALUE(" \"\\\"example.com\"; none"),
		/* readers that do not know nested comments, or escapes */
		VALUE(" (a (b) example.com) other.org; none"),
		VALUE(" (a (b;) example.com) other.org; none"),
		VALUE(" (a \\) example.com) other.org; none"),
		VALUE(" (a \\( b) other.org; c) example.com; none"),
	};
	struct arena arena = ARENA_INIT;
	const struct span ids[] = {
		authres_own_id(SPAN_LIT("mx.example.net"), &arena),
		authres_own_id(SPAN_LIT("Example.com."), &arena),
		authres_own_id(SPAN_LIT("b\xc3\xbc" "cher.example"), &arena),
		authres_own_id(SPAN_LIT("my host"), &arena),
	};
	size_t i;

	(void)state;
	SPAN_IS(ids[1], "example.com");
	for (i = 0; i < ARRAY_LEN(rows); i++)
		ROW_IS(rows[i].p, authres_is_of(rows[i], ids, ARRAY_LEN(ids),
		    &arena));
	arena_clear(&arena);
}

static void
test_foreign(void **state)
{
	static const struct span rows[] = {
		VALUE(""),
		VALUE(" "),
		VALUE(" (example.com)"),
		VALUE(" ; spf=pass smtp.mailfrom=other.org"),
		VALUE(" mail.example.com; spf=pass smtp.mailfrom=example.com"),
		VALUE(" example.com.evil.org; none"),
		VALUE(" example.comx; none"),
		VALUE(" xexample.com; none"),
		VALUE(" example.co; none"),
		VALUE(" example; none"),
		VALUE(" com; none"),
		VALUE(" (example.com) other.org; none"),
		VALUE(" (see (example.org)) other.org; spf=pass"
		    " smtp.mailfrom=example.com"),
		VALUE(" other.org (example.com); none"),
		VALUE(" other.org (see example.com; dkim=pass"),
		VALUE(" other.org 1; dkim=pass header.d=example.com"),
		VALUE(" other.org example.com; none"),
		VALUE(" spf=pass smtp.mailfrom=example.com; dkim=none"),
		VALUE(" \"other.org\"; dkim=pass header.d=example.com"),
		VALUE(" mail . example.com; none"),
		VALUE(" mx\xc3\xbc.example.com; none"),
		VALUE(" \xc3\xbc" "example.com; none"),
		VALUE(" \"mx\xc3\xbc.example.com\"; none"),
		VALUE(" mx 1; none"),
		VALUE(" -example.com; none"),
	};
	static const struct span ids[] = {
		SPAN_LIT("example.com"), SPAN_LIT("mx1"),
	};
	struct arena arena = ARENA_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		ROW_IS(rows[i].p, !authres_is_of(rows[i], ids, ARRAY_LEN(ids),
		    &arena));
	assert_false(authres_is_of(SPAN_LIT(" example.com;"), ids, 0, &arena));
	arena_clear(&arena);
}

/* Hostile fields of 100 KB: if the time were not linear, this would not end. */
static void
test_large(void **state)
{
	static const char *const parts[] = { "(", ")", "()", "\\", "\"", "a ",
	    "example.co ", "\xc3\xbc ", ";", " ", "(\\", "e x a m p l e . " };
	static const struct span ids[] = { SPAN_LIT("example.com") };
	struct strbuf value = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		strbuf_reset(&value);
		while (value.len < 1000000)
			strbuf_adds(&value, parts[i]);
		authres_is_of(strbuf_span(&value), ids, 1, &arena);
		strbuf_adds(&value, " example.com; none");
		authres_is_of(strbuf_span(&value), ids, 1, &arena);
	}
	strbuf_clear(&value);
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_id_is_written),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_property),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
