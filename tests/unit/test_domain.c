#include "tests/unit/unit.h"

#include "common/mail/domain.h"

#define LABEL_63 \
    "a23456789012345678901234567890123456789012345678901234567890123"
#define NAME_253 LABEL_63 "." LABEL_63 "." LABEL_63 "." \
    "a234567890123456789012345678901234567890123456789012345678901"

static const struct {
	const char *in;
	bool valid;
	bool owner;	/* domain_is_valid_owner() */
} names[] = {
	{ "example.com", true, true },
	{ "localhost", true, true },
	{ "EXAMPLE.Com", true, true },
	{ "1.2.3.4", true, true },
	{ "a-b.c--d.e", true, true },
	{ "xn--bcher-kva.example", true, true },
	{ LABEL_63 ".a", true, true },
	{ LABEL_63 "4.a", false, false },
	{ NAME_253, true, true },
	{ NAME_253 "2", false, false },
	{ "s1._domainkey.example.com", false, true },
	{ "_a", false, true },
	{ "", false, false },
	{ ".", false, false },
	{ "a.", false, false },
	{ ".a", false, false },
	{ "a..b", false, false },
	{ "-a.b", false, false },
	{ "a-.b", false, false },
	{ "a.b-", false, false },
	{ "a b", false, false },
	{ "a@b", false, false },
	{ "a.b\n", false, false },
	{ "b\xc3\xbc" "cher.example", false, false },
};

static void
test_valid(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(names); i++) {
		ROW_IS(names[i].in, domain_is_valid(span_of(names[i].in)) ==
		    names[i].valid);
		ROW_IS(names[i].in, domain_is_valid_owner(
		    span_of(names[i].in)) == names[i].owner);
	}
	assert_false(domain_is_valid(span_make("a\0b", 3)));
	assert_false(domain_is_valid_owner(span_make("a\0", 2)));
}

static const struct {
	const char *in;
	const char *want;	/* NULL: refused */
} ascii[] = {
	{ "example.com", "example.com" },
	{ "EXAMPLE.Com", "example.com" },
	{ "a_b.example", NULL },
	{ "example.com.", NULL },
	{ "", NULL },
	/* IDNA 2008 */
	{ "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "B\xc3\x9c" "CHER.example", "xn--bcher-kva.example" },
	{ "bu\xcc\x88" "cher.example", "xn--bcher-kva.example" },
	{ "fa\xc3\x9f.de", "xn--fa-hia.de" },		/* not "fass.de" */
	{ "\xce\xb2\xcf\x8c\xce\xbb\xce\xbf\xcf\x82.com",
	    "xn--nxasmm1c.com" },
	{ "a.\xe4\xbe\x8b\xe3\x81\x88.jp", "a.xn--r8jz45g.jp" },
	{ "a\xe3\x80\x82" "com", "a.com" },		/* ideographic dot */
	{ "\xef\xbd\x81.com", "a.com" },		/* fullwidth */
	{ "a_b.\xc3\xa9.com", NULL },
	{ "-\xc3\xa9.com", NULL },
	{ "\xc3\xa9-.com", NULL },
	{ "\xc3\xa9..com", NULL },
	{ ".\xc3\xa9", NULL },
	{ "\xc3\xa9.", NULL },
	{ "\xe2\x80\x8d.com", NULL },			/* a joiner alone */
	{ "\xcc\x81" "a.com", NULL },			/* leading mark */
	{ "\xe2\x9d\xa4.ws", NULL },			/* a symbol */
	{ "\xff.com", NULL },
	{ "\xc3.com", NULL },
	{ "\xed\xa0\x80.com", NULL },
	/* A-labels */
	{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "XN--BCHER-KVA.example", "xn--bcher-kva.example" },
	{ "a.b.xn--bcher-kva", "a.b.xn--bcher-kva" },
	{ "xn--qei.ws", "xn--qei.ws" },			/* the symbol's */
	{ "xn--bcher-kva.b\xc3\xbc" "cher",
	    "xn--bcher-kva.xn--bcher-kva" },
	{ "xn--abc-.example", NULL },			/* is "abc" */
	{ "xn--zzzzzzzzzzzz.example", NULL },
	{ "a.xn--.example", NULL },
	{ "a.xn--a.example", NULL },
	{ "axn--a.example", "axn--a.example" },
	{ "r3---sn.example", "r3---sn.example" },
	{ "r3---sn.xn--bcher-kva.b\xc3\xbc" "cher",
	    "r3---sn.xn--bcher-kva.xn--bcher-kva" },
	{ "a.\xc2\xad.b", NULL },			/* nothing left */
	/* a label that grows over 63 octets */
	{ "\xc3\xa9" LABEL_63, NULL },
	{ NAME_253, NAME_253 },
	{ NAME_253 "2", NULL },
	{ "\xc3\xa9." NAME_253, NULL },
};

static void
test_to_ascii(void **state)
{
	struct arena arena = ARENA_INIT;
	struct span got;
	size_t i;
	bool ok;

	(void)state;
	for (i = 0; i < ARRAY_LEN(ascii); i++) {
		ok = domain_to_ascii(span_of(ascii[i].in), &arena, &got);
		ROW_IS(ascii[i].in, ok == (ascii[i].want != NULL));
		if (ok)
			ROW_EQ(ascii[i].in, got, span_of(ascii[i].want));
	}
	assert_false(domain_to_ascii(span_make("a\0b.com", 7), &arena, &got));
	assert_false(domain_to_ascii(span_make("\xc3\xa9.com\0", 7), &arena,
	    &got));
	arena_clear(&arena);
}

static void
test_to_ascii_bound(void **state)
{
	struct arena arena = ARENA_INIT;
	struct strbuf text = STRBUF_INIT;
	struct span got;

	(void)state;
	while (text.len < 1001) {
		assert_false(text.len > 253 && domain_to_ascii(
		    strbuf_span(&text), &arena, &got));
		strbuf_adds(&text, "\xc3\xa9");
	}
	assert_false(domain_to_ascii(strbuf_span(&text), &arena, &got));
	strbuf_clear(&text);
	arena_clear(&arena);
}

static const struct {
	const char *name;
	const char *parent;
	bool within;
} relations[] = {
	{ "example.com", "example.com", true },
	{ "a.example.com", "example.com", true },
	{ "a.b.example.com", "example.com", true },
	{ "badexample.com", "example.com", false },
	{ "example.com", "a.example.com", false },
	{ "com", "example.com", false },
	{ "example.com", "com", true },
	{ "example.com", "", false },
	{ "", "example.com", false },
	{ "", "", false },
};

static void
test_relations(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(relations); i++)
		ROW_IS(relations[i].name, domain_is_within(
		    span_of(relations[i].name), span_of(relations[i].parent))
		    == relations[i].within);
	SPAN_IS(domain_parent(span_of("a.b.c")), "b.c");
	SPAN_IS(domain_parent(span_of("c")), "");
	SPAN_IS(domain_parent(span_of("")), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_to_ascii),
		cmocka_unit_test(test_to_ascii_bound),
		cmocka_unit_test(test_relations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
