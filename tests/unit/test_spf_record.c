/* SPF records and macros: the grammar of RFC 7208 12, and what macros expand to
 * (7). */
#include "tests/unit/unit.h"

#include "common/spf/macro.h"
#include "common/spf/record.h"
#include "common/spf/spf.h"

static const struct {
	const char *text;
	bool valid;
} terms[] = {
	{ "", true },
	{ "   ", true },
	{ "all", true },
	{ "ALL", true },
	{ "-all ~all", true },
	{ "+-all", false },
	{ "*all", false },
	{ "all.", false },
	{ "all:x.example", false },
	{ "all/8", false },
	{ "\tall", false },
	{ "a\tmx", false },
	{ "a\x01", false },
	{ "\x80" "all", false },
	{ "mo", false },
	{ "-", false },
	{ ":", false },
	{ "/24", false },

	{ "a", true },
	{ "a:", false },
	{ "a/", false },
	{ "a//", false },
	{ "a/0", true },
	{ "a/24", true },
	{ "a/32", true },
	{ "a/33", false },
	{ "a/024", false },
	{ "a/00", false },
	{ "a/4294967320", false },
	{ "a//0", true },
	{ "a//128", true },
	{ "a//129", false },
	{ "a//064", false },
	{ "a/24//64", true },
	{ "a/24/64", false },
	{ "a//64/24", false },
	{ "a/24//64//64", false },
	{ "a/2 4", false },
	{ "a/+8", false },
	{ "a:b.example/24", true },
	{ "a:b.example/24//64", true },
	{ "a:b.example/", false },
	{ "a:/24", false },
	{ "a:b.example:8080", false },
	{ "a:foo:bar/baz.example", true },
	{ "a:b.example.", true },
	{ "a:b.example..", false },
	{ "a:b..example", true },
	{ "a:.example", true },
	{ "a:example", false },
	{ "a:example.", false },
	{ "a:192.0.2.1", false },
	{ "a:b.123", false },
	{ "a:b.1a3", true },
	{ "a:b.1-3", true },
	{ "a:b.-com", false },
	{ "a:b.com-", false },
	{ "a:b.c_m", false },
	{ "a:b.xn--zckzah", true },
	{ "a:b_c.example", true },
	{ "a:b.ex%mple", false },
	{ "a:b.\x7f.example", false },
	{ "a=b", true },

	{ "mx", true },
	{ "mx:b.example/24//64", true },
	{ "mx:b.example/33", false },
	{ "mxx", false },

	{ "ptr", true },
	{ "ptr:b.example", true },
	{ "ptr:", false },
	{ "ptr/0", false },
	{ "ptr:b.example/24", false },

	{ "include:b.example", true },
	{ "include", false },
	{ "include:", false },
	{ "include:b.example/24", false },
	{ "include=b.example", true },

	{ "exists:b.example", true },
	{ "exists", false },
	{ "exists:b.example/24", false },

	{ "ip4:192.0.2.1", true },
	{ "IP4:192.0.2.1", true },
	{ "ip4", false },
	{ "ip4:", false },
	{ "ip4:192.0.2", false },
	{ "ip4:192.0.2.1.", false },
	{ "ip4:192.0.2.01", false },
	{ "ip4:192.0.2.256", false },
	{ "ip4:192.0.2.1:25", false },
	{ "ip4:192.0.2.0/24", true },
	{ "ip4:192.0.2.1/24", true },
	{ "ip4:192.0.2.0/0", true },
	{ "ip4:192.0.2.0/032", false },
	{ "ip4:192.0.2.0/33", false },
	{ "ip4:192.0.2.0//32", false },
	{ "ip4:192.0.2.0/255.255.255.0", false },
	{ "ip4:[192.0.2.1]", false },
	{ "ip4:2001:db8::1", false },
	{ "ip4/24", false },
	{ "ip4=192.0.2.1", true },

	{ "ip6:2001:db8::1", true },
	{ "ip6:::1", true },
	{ "ip6:::", true },
	{ "ip6:::192.0.2.1", true },
	{ "ip6:::ffff:192.0.2.1/96", true },
	{ "ip6:2001:db8::/32", true },
	{ "ip6:2001:db8::/0", true },
	{ "ip6:2001:db8::/128", true },
	{ "ip6:2001:db8::/129", false },
	{ "ip6:2001:db8::/032", false },
	{ "ip6:2001:db8:://32", false },
	{ "ip6:[2001:db8::1]", false },
	{ "ip6:2001:db8::1%eth0", false },
	{ "ip6::2001::db8", false },
	{ "ip6:192.0.2.1", false },
	{ "ip6", false },

	{ "redirect=b.example", true },
	{ "Redirect=b.example", true },
	{ "redirect=", false },
	{ "redirect=example", false },
	{ "redirect=b.example/24", false },
	{ "redirect:b.example", false },
	{ "-redirect=b.example", false },
	{ "redirect=b.example redirect=b.example", false },
	{ "exp=b.example", true },
	{ "exp=", false },
	{ "exp=-all", false },
	{ "exp=b.example all exp=c.example", false },
	{ "moo.cow-far_out=man:dog/cat", true },
	{ "moo=", true },
	{ "moo=a moo=b", true },
	{ "moo=%abc", false },
	{ "moo=%{r}", true },
	{ "moo=%{x}", false },
	{ "moo.cow/far_out=man", false },
	{ "moo.cow:far_out=man", false },
	{ "1up=foo", false },
	{ "=all", false },
	{ "moo=\x80", false },

	{ "exists:%{i}.b.example", true },
	{ "exists:%{i}", true },
	{ "exists:%{i}b", false },
	{ "exists:%{i}.com", true },
	{ "exists:b.ex%{i}mple", false },
	{ "exists:b%%", true },
	{ "exists:b%_", true },
	{ "exists:b%-", true },
	{ "exists:%{slodiphv}", false },
	{ "exists:%{s}%{l}%{o}%{d}%{i}%{p}%{h}%{v}", true },
	{ "exists:%{S}%{L}%{O}%{D}%{I}%{P}%{H}%{V}", true },
	{ "exists:%{c}.example", false },
	{ "exists:%{R}.example", false },
	{ "exists:%{t}.example", false },
	{ "exp=%{r}.example", false },
	{ "exists:%{d2}", true },
	{ "exists:%{d128}", true },
	{ "exists:%{d99999999999999999999999}", true },
	{ "exists:%{d0}", false },
	{ "exists:%{d00}", false },
	{ "exists:%{d2r}", true },
	{ "exists:%{d2R}", true },
	{ "exists:%{dr2}", false },
	{ "exists:%{d.-+,/_=}", true },
	{ "exists:%{d|}", false },
	{ "exists:%{dr-}", true },
	{ "exists:%{d-r}", false },
	{ "exists:%{}", false },
	{ "exists:%{d", false },
	{ "exists:%(d)", false },
	{ "exists:%d.example", false },
	{ "exists:b.example%", false },
	{ "exists:%{d}/24", false },
	{ "a:%{d}/24", true },
	{ "a:%{d/}", true },
	{ "a:%{d/}/24", true },
};

static void
test_terms(void **state)
{
	struct spf_published published;
	struct strbuf text = STRBUF_INIT;
	bool valid;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(terms); i++) {
		strbuf_reset(&text);
		strbuf_addf(&text, "v=spf1 %s", terms[i].text);
		valid = spf_record_parse(strbuf_span(&text), &published);
		if (valid != terms[i].valid)
			fail_msg("\"%s\" is %svalid", terms[i].text,
			    valid ? "" : "not ");
		if (!valid) {
			ROW_IS(terms[i].text, published.reason[0] != '\0');
			ROW_IS(terms[i].text, published.bad_term.len > 0);
		}
		spf_published_clear(&published);
	}
	strbuf_clear(&text);
}

/* TXT records as they are on the wire, and what is found in them. */
static const struct {
	const char *name;
	struct span records[3];
	enum spf_found found;
} selections[] = {
	{ "none", { SPAN_LIT("\5hello") }, SPF_FOUND_NONE },
	{ "one", { SPAN_LIT("\5hello"), SPAN_LIT("\6v=spf1") },
	    SPF_FOUND_ONE },
	{ "case", { SPAN_LIT("\13V=SpF1 ~aLL") }, SPF_FOUND_ONE },
	{ "strings are joined", { SPAN_LIT("\3v=s\7pf1 all") },
	    SPF_FOUND_ONE },
	{ "no blank behind the version", { SPAN_LIT("\6v=spf1\2mx") },
	    SPF_FOUND_NONE },
	{ "v=spf10", { SPAN_LIT("\7v=spf10") }, SPF_FOUND_NONE },
	{ "a tab behind the version", { SPAN_LIT("\12v=spf1\tall") },
	    SPF_FOUND_NONE },
	{ "a blank before the version", { SPAN_LIT("\7 v=spf1") },
	    SPF_FOUND_NONE },
	{ "several", { SPAN_LIT("\6v=spf1"), SPAN_LIT("\13v=spf1 +all") },
	    SPF_FOUND_SEVERAL },
	{ "several, though one is bad", { SPAN_LIT("\6v=spf1"),
	    SPAN_LIT("\13v=spf1 .all") }, SPF_FOUND_SEVERAL },
	{ "bad", { SPAN_LIT("\13v=spf1 .all") }, SPF_FOUND_BAD },
	{ "a NUL", { SPAN_LIT("\13v=spf1 all\0") }, SPF_FOUND_BAD },
	{ "a NUL elsewhere", { SPAN_LIT("\2a\0"), SPAN_LIT("\6v=spf1") },
	    SPF_FOUND_ONE },
	{ "8-bit elsewhere", { SPAN_LIT("\1\x96"), SPAN_LIT("\6v=spf1") },
	    SPF_FOUND_ONE },
	{ "no string at all beside it", { SPAN_LIT(""),
	    SPAN_LIT("\6v=spf1") }, SPF_FOUND_ONE },
	{ "cut off", { SPAN_LIT("\7v=spf1") }, SPF_FOUND_NONE },
};

static void
test_selection(void **state)
{
	const struct spf_published *published;
	struct dns_record records[3];
	struct dns_answer answer = { .records = records };
	void *made;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(selections); i++) {
		answer.count = 0;
		for (k = 0; k < 3; k++)
			if (selections[i].records[k].p != NULL)
				records[answer.count++].data =
				    selections[i].records[k];
		made = spf_derivation.make(&answer);
		published = made;
		ROW_IS(selections[i].name,
		    published->found == selections[i].found);
		spf_derivation.free(made);
	}
}

static void
test_parts_of_a_record(void **state)
{
	struct spf_published published;
	const struct spf_record *record = &published.record;

	(void)state;
	assert_true(spf_record_parse(span_of("v=spf1 ~a:b.example/24//64  "
	    "ip6:2001:db8::1/32 exp=e.example redirect=r.example"),
	    &published));
	assert_int_equal(record->count, 2);
	assert_int_equal(record->terms[0].mechanism, SPF_A);
	assert_int_equal(record->terms[0].qualifier, '~');
	SPAN_IS(record->terms[0].spec, "b.example");
	SPAN_IS(record->terms[0].text, "~a:b.example/24//64");
	assert_int_equal(record->terms[0].ip4_bits, 24);
	assert_int_equal(record->terms[0].ip6_bits, 64);
	assert_int_equal(record->terms[1].network.bits, 32);
	SPAN_IS(record->exp.spec, "e.example");
	SPAN_IS(record->redirect.text, "redirect=r.example");
	spf_published_clear(&published);

	/* What follows "all" is checked, and that is all. */
	assert_true(spf_record_parse(span_of("v=spf1 redirect=r.example "
	    "?all mx -all"), &published));
	assert_int_equal(record->count, 1);
	assert_int_equal(record->redirect.text.len, 0);
	spf_published_clear(&published);
	assert_false(spf_record_parse(span_of("v=spf1 all foo"),
	    &published));
	SPAN_IS(published.bad_term, "foo");
	spf_published_clear(&published);
}

static void
test_a_long_record(void **state)
{
	struct spf_published published;
	struct strbuf text = STRBUF_INIT;

	(void)state;
	strbuf_adds(&text, "v=spf1");
	while (text.len < SPF_RECORD_MAX - 20)
		strbuf_adds(&text, " ip4:192.0.2.1");
	assert_true(spf_record_parse(strbuf_span(&text), &published));
	assert_true(published.record.count > 4000);
	spf_published_clear(&published);
	while (text.len <= SPF_RECORD_MAX)
		strbuf_adds(&text, " a");
	assert_false(spf_record_parse(strbuf_span(&text), &published));
	spf_published_clear(&published);
	strbuf_clear(&text);
}

/* ---- macros ---- */

#define LONG_LABEL							\
	"a23456789012345678901234567890123456789012345678901234567890123"

/* The examples of 7.4, and what else can happen. */
static const struct {
	const char *text;
	const char *ipv4, *ipv6;	/* ipv6 NULL: the same */
} expansions[] = {
	{ "%{s}", "strong-bad@email.example.com", NULL },
	{ "%{o}", "email.example.com", NULL },
	{ "%{d}", "email.example.com", NULL },
	{ "%{d4}", "email.example.com", NULL },
	{ "%{d3}", "email.example.com", NULL },
	{ "%{d2}", "example.com", NULL },
	{ "%{d1}", "com", NULL },
	{ "%{dr}", "com.example.email", NULL },
	{ "%{d2r}", "example.email", NULL },
	{ "%{d1r}", "email", NULL },
	{ "%{d9r}", "com.example.email", NULL },
	{ "%{d1000000}", "email.example.com", NULL },
	{ "%{l}", "strong-bad", NULL },
	{ "%{l-}", "strong.bad", NULL },
	{ "%{lr}", "strong-bad", NULL },
	{ "%{lr-}", "bad.strong", NULL },
	{ "%{l1r-}", "strong", NULL },
	{ "%{l1-}", "bad", NULL },
	{ "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com",
	    "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2."
	    "ip6._spf.example.com" },
	{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com", NULL },
	{ "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
	    "3.2.0.192.in-addr.strong.lp._spf.example.com",
	    "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2."
	    "ip6.strong.lp._spf.example.com" },
	{ "%{d2}.trusted-domains.example.net",
	    "example.com.trusted-domains.example.net", NULL },
	{ "%{c}", "192.0.2.3", "2001:db8::cb01" },
	{ "%{i}", "192.0.2.3",
	    "2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.C.B.0.1" },
	{ "%{i2}", "2.3", "0.1" },
	{ "%{h}|%{r}|%{p}|%{t}", "he lo|mx.example.org|client.example|1234567",
	    NULL },
	{ "%{H}", "he%20lo", NULL },
	{ "%{S}", "strong-bad%40email.example.com", NULL },
	{ "%{L}", "strong-bad", NULL },
	{ "%{DR}", "com.example.email", NULL },
	{ "%%%_%-", "% %20", NULL },
	{ "a%%{d}", "a%{d}", NULL },
	{ "%{d.}", "email.example.com", NULL },
	{ "%{d=}", "email.example.com", NULL },
	{ "%{dr=}", "email.example.com", NULL },
	{ "%{d1-}", "email.example.com", NULL },
	{ "%{o3.-}", "email.example.com", NULL },
	{ "", "", NULL },
};

static void
test_expansion(void **state)
{
	struct spf_macros macros = {
		.sender = { SPAN_LIT("strong-bad"),
		    SPAN_LIT("email.example.com") },
		.helo = SPAN_LIT("he lo"),
		.domain = SPAN_LIT("email.example.com"),
		.receiver = SPAN_LIT("mx.example.org"),
		.validated = SPAN_LIT("client.example"),
		.now = 1234567,
	};
	struct strbuf out = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_LEN(expansions); i++) {
		const char *text = expansions[i / 2].text;
		const char *want = expansions[i / 2].ipv4;

		ipaddr_parse(span_of(i % 2 == 0 ? "192.0.2.3" :
		    "2001:db8::cb01"), &macros.client);
		if (i % 2 == 1 && expansions[i / 2].ipv6 != NULL)
			want = expansions[i / 2].ipv6;
		else if (i % 2 == 1 && strstr(text, "%{c}") != NULL)
			continue;
		assert_true(spf_macro_check(span_of(text), SPF_MACRO_IN_TEXT,
		    true));
		strbuf_reset(&out);
		spf_macro_expand(span_of(text), &macros, &out);
		ROW_EQ(text, strbuf_span(&out), span_of(want));
	}
	strbuf_clear(&out);
}

/* Odd local parts: every delimiter makes a part, empty ones too. */
static const struct {
	const char *local, *text, *want;
} locals[] = {
	{ "a..b", "%{l}", "a..b" },
	{ "a..b", "%{l1}", "b" },
	{ "a..b", "%{l2}", ".b" },
	{ "a..b", "%{lr}", "b..a" },
	{ "a..b", "%{l2r}", ".a" },
	{ "", "%{l}", "" },
	{ "", "%{lr}", "" },
	{ "", "%{l1r}", "" },
	{ "-", "%{lr-}", "." },
	{ "-", "%{l1-}", "" },
	{ "a/b,c+d_e=f", "%{l2/,+_=}", "e.f" },
	{ "a/b,c+d_e=f", "%{lr/,+_=}", "f.e.d.c.b.a" },
	{ "a b%c", "%{L}", "a%20b%25c" },
	{ "~jack&jill=up-a_b3.c", "%{L}", "~jack%26jill%3Dup-a_b3.c" },
	{ "p\xc3\xa4l", "%{L}", "p%C3%A4l" },
	{ "%{d}", "%{l}", "%{d}" },
};

static void
test_local_parts(void **state)
{
	struct spf_macros macros = { .domain = SPAN_LIT("d.example") };
	struct strbuf out = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(locals); i++) {
		macros.sender.local = span_of(locals[i].local);
		strbuf_reset(&out);
		spf_macro_expand(span_of(locals[i].text), &macros, &out);
		ROW_EQ(locals[i].text, strbuf_span(&out),
		    span_of(locals[i].want));
	}
	strbuf_clear(&out);
}

static void
test_expansions_are_bounded(void **state)
{
	struct spf_macros macros = { .domain = SPAN_LIT("d.example") };
	struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < 12000; i++)
		strbuf_adds(&text, "%{d}");
	spf_macro_expand(strbuf_span(&text), &macros, &out);
	assert_int_equal(out.len, SPF_EXPANSION_MAX);
	strbuf_clear(&text);
	strbuf_clear(&out);
}

#define TEN	"123456789."
#define HUNDRED	TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *name, *spec, *want;
} names[] = {
	{ "as it is", "a.example", "a.example" },
	{ "the last dot goes", "a.example.", "a.example" },
	{ "only one of them", "%{d}..", "d.example." },
	{ "253 octets stay", "abc." HUNDRED HUNDRED TEN TEN TEN TEN "example",
	    "abc." HUNDRED HUNDRED TEN TEN TEN TEN "example" },
	{ "labels go from the left", "x.wxyz." HUNDRED HUNDRED TEN TEN TEN TEN
	    "%{d}", HUNDRED HUNDRED TEN TEN TEN TEN "d.example" },
};

static void
test_names(void **state)
{
	struct spf_macros macros = { .domain = SPAN_LIT("d.example") };
	struct arena arena = ARENA_INIT;
	struct span name;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(names); i++) {
		name = spf_macro_name(span_of(names[i].spec), &macros,
		    &arena);
		ROW_EQ(names[i].name, name, span_of(names[i].want));
		ROW_IS(names[i].name, name.len <= SPF_NAME_MAX);
	}
	arena_clear(&arena);
	assert_true(spf_name_is_askable(span_of("a b.example")));
	assert_true(spf_name_is_askable(span_of(LONG_LABEL ".example")));
	assert_false(spf_name_is_askable(span_of("b" LONG_LABEL ".example")));
	assert_false(spf_name_is_askable(span_of("a..example")));
	assert_false(spf_name_is_askable(span_of(".example")));
	assert_false(spf_name_is_askable(span_of("")));
	assert_false(spf_name_is_askable(span_of("p\xc3\xa4l.example")));
	assert_false(spf_name_is_askable(SPAN_LIT("a\0b.example")));
}

/* What takes memory and cannot be reached is not kept. */
static void
test_unreachable_terms(void **state)
{
	struct spf_published published;
	struct strbuf text = STRBUF_INIT;
	int i;

	(void)state;
	strbuf_adds(&text, "v=spf1 ip4:192.0.2.1");
	for (i = 0; i < 10000; i++)
		strbuf_adds(&text, " a ip4:192.0.2.1");
	assert_false(spf_record_parse(strbuf_span(&text), &published));
	spf_published_clear(&published);
	strbuf_truncate(&text, 20 + 4000 * 16);
	assert_true(spf_record_parse(strbuf_span(&text), &published));
	assert_int_equal(published.record.count, 1 + 2 * SPF_TERMS_MAX + 1);
	spf_published_clear(&published);
	strbuf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_parts_of_a_record),
		cmocka_unit_test(test_a_long_record),
		cmocka_unit_test(test_expansion),
		cmocka_unit_test(test_local_parts),
		cmocka_unit_test(test_expansions_are_bounded),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unreachable_terms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
