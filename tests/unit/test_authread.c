#include "tests/unit/unit.h"

#include "common/mail/authread.h"
#include "common/mail/authres.h"

/* "method=result name=[value]...; ..." as it was read. */
static void
show(const struct auth_result *results, size_t count, struct strbuf *out)
{
	const struct auth_property *p;
	size_t i, j;

	strbuf_reset(out);
	for (i = 0; i < count; i++) {
		strbuf_adds(out, i != 0 ? "; " : "");
		strbuf_addspan(out, results[i].method);
		strbuf_addc(out, '=');
		strbuf_addspan(out, results[i].result);
		for (j = 0; j < results[i].property_count; j++) {
			p = &results[i].properties[j];
			strbuf_addc(out, ' ');
			strbuf_addspan(out, p->name);
			strbuf_addc(out, '[');
			strbuf_addspan(out, p->value);
			strbuf_addc(out, ']');
		}
	}
}

static const struct {
	const char *name;
	const char *text;
	const char *want;	/* NULL: not well-formed */
} rows[] = {
	{ "none", " mx.example.com; none", "" },
	{ "none, with all that may be there",
	    "\r\n\t(a (b)) mx.example.com (c) 1 ; (d) NONE (e) ", "" },
	{ "none is the only one", " mx; none; spf=pass", NULL },
	{ "a method called none", " mx; none=pass", "none=pass" },
	{ "a result", " mx; spf=pass", "spf=pass" },
	{ "in lower case", " mx; SPF=Pass SMTP.MailFrom=Joe@Example.ORG",
	    "spf=pass smtp.mailfrom[Joe@Example.ORG]" },
	{ "no space at all", "mx;spf=pass;dkim=fail", "spf=pass; dkim=fail" },
	{ "a quoted identifier", " \"my; host\"; spf=pass", "spf=pass" },
	{ "an identifier in UTF-8", " b\xc3\xbc.example; spf=pass",
	    "spf=pass" },
	{ "version 1", " mx 1; spf=pass", "spf=pass" },
	{ "another version", " mx 2; spf=pass", NULL },
	{ "something else there", " mx x; spf=pass", NULL },
	{ "a method's version", " mx; dkim/1=pass header.d=a.example",
	    "dkim=pass header.d[a.example]" },
	{ "another version of a method", " mx; dkim/2=pass header.d=a.example;"
	    " spf=fail", "spf=fail" },
	{ "a version that is none", " mx; dkim/x=pass", NULL },
	{ "no version behind the slash", " mx; dkim/=pass", NULL },
	{ "comments and folds everywhere", "(1)\r\n mx(2)1(3);(4)dkim(5)/(6)"
	    "1(7)=(8)pass(9)reason(a)=(b)\"c d\"(e)header(f).(g)d(h)=(i)"
	    "a.example(j)\r\n\theader.s=s1(k);(l)spf = pass (m)",
	    "dkim=pass header.d[a.example] header.s[s1]; spf=pass" },
	{ "signs in comments", " mx; spf=pass (a; dkim=pass \\) header.d=x)"
	    " smtp.helo=h", "spf=pass smtp.helo[h]" },
	{ "a reason", " mx; dkim=fail reason=bad header.d=a.example",
	    "dkim=fail header.d[a.example]" },
	{ "a reason with signs", " mx; dkim=fail reason=\"a; spf=pass\"",
	    "dkim=fail" },
	{ "a reason behind a property", " mx; dkim=fail header.d=a.example "
	    "reason=\"x\"", "dkim=fail header.d[a.example]" },
	{ "spaces around the signs", " mx; dkim = pass header . d = a.example",
	    "dkim=pass header.d[a.example]" },
	{ "a quoted value", " mx; dkim=pass header.b=\"a/b+c=\" header.i="
	    "\"a \\\"b\\\\ c\"", "dkim=pass header.b[a/b+c=] "
	    "header.i[a \"b\\ c]" },
	{ "an empty quoted value", " mx; spf=none smtp.mailfrom=\"\" "
	    "smtp.helo=h", "spf=none smtp.mailfrom[] smtp.helo[h]" },
	{ "a quoted local part", " mx; spf=pass smtp.mailfrom=\"a b\"@c.example"
	    " smtp.helo=h", "spf=pass smtp.mailfrom[a b@c.example] "
	    "smtp.helo[h]" },
	{ "no local part", " mx; dkim=pass header.i=@a.example",
	    "dkim=pass header.i[@a.example]" },
	{ "a fold in quotes", " mx; dkim=pass header.x=\"a\r\n b\"",
	    "dkim=pass header.x[a b]" },
	{ "the same property again", " mx; dkim=pass header.d=a header.d=b",
	    "dkim=pass header.d[a] header.d[b]" },

	/* what verifiers write */
	{ "OpenDKIM", " mx.example.com;\r\n\tdkim=pass (2048-bit key; "
	    "unprotected) header.d=a.example header.i=@a.example "
	    "header.a=rsa-sha256 header.s=s1 header.b=dZ1/x+Q=;\r\n\t"
	    "dkim-atps=neutral", "dkim=pass header.d[a.example] "
	    "header.i[@a.example] header.a[rsa-sha256] header.s[s1] "
	    "header.b[dZ1/x+Q=]; dkim-atps=neutral" },
	{ "OpenDMARC", " mx.example.com; dmarc=pass (p=none dis=none) "
	    "header.from=a.example", "dmarc=pass header.from[a.example]" },
	{ "an SPF policy server", " mx.example.com; spf=pass (sender SPF "
	    "authorized) smtp.mailfrom=a.example (client-ip=192.0.2.1; "
	    "helo=h; envelope-from=x@a.example; receiver=<UNKNOWN>)",
	    "spf=pass smtp.mailfrom[a.example]" },
	{ "a null sender", " mx; spf=none smtp.mailfrom=; dkim=none",
	    "spf=none smtp.mailfrom[]; dkim=none" },
	{ "a null sender in brackets", " mx; spf=none smtp.mailfrom=<> "
	    "smtp.helo=h", "spf=none smtp.mailfrom[<>] smtp.helo[h]" },
	{ "an empty value with a comment", " mx; spf=none smtp.mailfrom= (x)",
	    "spf=none smtp.mailfrom[]" },
	{ "a semicolon at the end", " mx; spf=pass; dkim=fail;\r\n ",
	    "spf=pass; dkim=fail" },
	{ "iprev", " mx; iprev=pass policy.iprev=2001:db8::1 (a.example)",
	    "iprev=pass policy.iprev[2001:db8::1]" },
	{ "auth", " mx; auth=pass smtp.auth=joe smtp.mailfrom=joe@a.example",
	    "auth=pass smtp.auth[joe] smtp.mailfrom[joe@a.example]" },
	{ "keys without a type", " mx; dmarc=pass action=none "
	    "header.from=a.example; compauth=pass reason=100",
	    "dmarc=pass header.from[a.example]; compauth=pass" },
	{ "arc", " mx; arc=pass smtp.remote-ip=192.0.2.1 arc.chain=\"a:b\"",
	    "arc=pass smtp.remote-ip[192.0.2.1] arc.chain[a:b]" },

	/* what nobody may write */
	{ "nothing", "", NULL },
	{ "the identifier alone", " mx.example.com", NULL },
	{ "no result", " mx;", NULL },
	{ "nothing between", " mx; spf=pass;; dkim=pass", NULL },
	{ "no identifier", " ; spf=pass", NULL },
	{ "no sign", " mx; spf pass", NULL },
	{ "no result's word", " mx; spf=", NULL },
	{ "no method", " mx; =pass", NULL },
	{ "a result in quotes", " mx; spf=\"pass\"", NULL },
	{ "words behind each other", " mx; spf=pass fail", NULL },
	{ "a property without a name", " mx; spf=pass smtp.=a", NULL },
	{ "a property without a type", " mx; spf=pass .mailfrom=a", NULL },
	{ "two dots", " mx; spf=pass smtp.mail.from=a", NULL },
	{ "a value missing", " mx; spf=pass smtp.mailfrom", NULL },
	{ "octets behind quotes", " mx; spf=pass smtp.helo=\"a\"b", NULL },
	{ "quotes in a word", " mx; spf=pass smtp.helo=a\"b\"", NULL },
	{ "a backslash in a word", " mx; spf=pass smtp.helo=a\\b", NULL },
	{ "quotes that do not end", " mx; spf=pass smtp.helo=\"a", NULL },
	{ "a comment that does not end", " mx; spf=pass (a", NULL },
	{ "a comment too many", " mx; spf=pass a)", NULL },
	{ "a line end", " mx; spf=pass\r\nsmtp.helo=a", NULL },
	{ "a bare line feed", " mx; spf=pass\n smtp.helo=a", NULL },
	{ "a control", " mx; spf=pass smtp.helo=a\x01", NULL },
	{ "octets over 127 in a key", " mx; spf=pass smtp.h\xc3\xa9=a", NULL },
};

static void
test_rows(void **state)
{
	struct strbuf got = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct auth_result *results;
	size_t i, count;
	bool is_right;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		arena_reset(&arena);
		count = 99;
		is_right = authread_parse(span_of(rows[i].text), &arena,
		    &results, &count);
		ROW_IS(rows[i].name, is_right == (rows[i].want != NULL));
		ROW_IS(rows[i].name, is_right || count == 0);
		show(results, count, &got);
		ROW_EQ(rows[i].name, strbuf_span(&got),
		    span_of(rows[i].want));
	}
	strbuf_clear(&got);
	arena_clear(&arena);
}

static void
test_nul(void **state)
{
	struct arena arena = ARENA_INIT;
	struct auth_result *results;
	size_t count;

	(void)state;
	assert_false(authread_parse(SPAN_LIT(" mx\0; spf=pass"), &arena,
	    &results, &count));
	assert_false(authread_parse(SPAN_LIT(" mx; spf=pass smtp.helo=a\0b"),
	    &arena, &results, &count));
	arena_clear(&arena);
}

/* times a piece behind a start: how many results come of it, -1: wrong. */
static long
repeat(const char *start, const char *piece, size_t times)
{
	struct strbuf text = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct auth_result *results;
	size_t count;
	bool is_right;

	strbuf_adds(&text, start);
	while (times-- > 0)
		strbuf_adds(&text, piece);
	is_right = authread_parse(strbuf_span(&text), &arena, &results,
	    &count);
	assert_true(arena.total < text.len + (AUTHREAD_RESULTS_MAX + 2) *
	    sizeof(*results));
	strbuf_clear(&text);
	arena_clear(&arena);
	return is_right ? (long)count : -1;
}

static void
test_bounds(void **state)
{
	(void)state;
	assert_int_equal(repeat(" mx", "; spf=pass", 64), 64);
	assert_int_equal(repeat(" mx", "; spf=pass", 65), -1);
	assert_int_equal(repeat(" mx; spf=pass", " a.b=c", 16), 1);
	assert_int_equal(repeat(" mx; spf=pass", " a.b=c", 17), -1);
	assert_int_equal(repeat(" mx; spf=pass", " reason=c", 1000), 1);
	assert_int_equal(repeat(" mx; a/2=b", "; a/2=b", 63), 0);
	assert_int_equal(repeat(" mx; spf=pass ", "(", 100000), -1);
	assert_int_equal(repeat(" mx", ";", 100000), -1);
	assert_int_equal(repeat(" mx; spf=pass a.b=", "x", 1000000), 1);
	assert_int_equal(repeat(" mx; spf=pass ", "(x)", 300000), 1);
}

static void
test_property(void **state)
{
	struct arena arena = ARENA_INIT;
	struct auth_result *results;
	size_t count;

	(void)state;
	assert_true(authread_parse(SPAN_LIT(" mx; dkim=pass header.s=s "
	    "Header.D=a header.d=b"), &arena, &results, &count));
	SPAN_IS(auth_result_property(&results[0], "header.d"), "a");
	SPAN_IS(auth_result_property(&results[0], "header.s"), "s");
	SPAN_IS(auth_result_property(&results[0], "header.i"), "");
	arena_clear(&arena);
}

/* What our own verifier writes. */
static void
test_round_trip(void **state)
{
	static const struct address sender = { SPAN_LIT("joe \"x\""),
	    SPAN_LIT("example.org") };
	struct strbuf out = STRBUF_INIT, got = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct auth_result *results;
	struct authres authres;
	size_t count;

	(void)state;
	authres_start(&authres, SPAN_LIT("my host"), &out);
	authres_method(&authres, "spf", "pass");
	authres_comment(&authres, SPAN_LIT("a (nested); \\ comment"));
	authres_address(&authres, "smtp.mailfrom", &sender);
	authres_method(&authres, "dkim", "fail");
	authres_reason(&authres, SPAN_LIT("body; hash \"mismatch\""));
	authres_property(&authres, "header.d", SPAN_LIT("example.org"));
	authres_property(&authres, "header.b", SPAN_LIT("a/b+c="));
	authres_property(&authres, "header.x", SPAN_LIT("\x01;"));
	authres_end(&authres);
	assert_true(authread_parse(strbuf_span(&out), &arena, &results,
	    &count));
	show(results, count, &got);
	SPAN_IS(strbuf_span(&got), "spf=pass smtp.mailfrom[joe \"x\""
	    "@example.org]; dkim=fail header.d[example.org] "
	    "header.b[a/b+c=] header.x[\\x01;]");

	strbuf_reset(&out);
	authres_start(&authres, SPAN_LIT("mx.example.com"), &out);
	authres_end(&authres);
	assert_true(authread_parse(strbuf_span(&out), &arena, &results,
	    &count));
	assert_int_equal(count, 0);
	strbuf_clear(&out);
	strbuf_clear(&got);
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_property),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
