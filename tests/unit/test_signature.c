#include "tests/unit/unit.h"

#include "common/dkim/crypto.h"
#include "common/dkim/headerhash.h"
#include "common/dkim/quoted.h"

#define BH	"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define A	"v=1; a=rsa-sha256;"
#define DS	"d=example.com; s=sel;"
#define H	"h=from:subject;"
#define B	"b=AAAA"
#define REST	DS H BH ";" B

static void
test_reasons(void **state)
{
	static const struct {
		const char *value;
		const char *reason;	/* NULL: well-formed */
	} rows[] = {
		{ A REST, NULL },
		{ A REST ";", NULL },
		{ " v = 1;\r\n\ta = rsa-sha256 ;" REST "\r\n ", NULL },
		{ A "c=relaxed;" REST, NULL },
		{ A "unknown=x;" REST, NULL },
		{ "", "malformed tag list" },
		{ "v=1; a", "malformed tag list" },
		{ A REST ";;", "malformed tag list" },
		{ A A REST, "duplicate tag" },
		{ A REST "; b=AAAA", "duplicate tag" },
		{ REST, "no v=" },
		{ "v=1;" REST, "no a=" },
		{ A "s=a;" H BH ";" B, "no d=" },
		{ A "d=a.b;" H BH ";" B, "no s=" },
		{ A DS BH ";" B, "no h=" },
		{ A DS H B, "no bh=" },
		{ A DS H BH, "no b=" },
		{ "v=2; a=rsa-sha256;" REST, "unsupported version" },
		{ "v=01; a=rsa-sha256;" REST, "unsupported version" },
		{ "v=; a=rsa-sha256;" REST, "unsupported version" },
		{ "v=1; a=rsa-sha1;" REST, "rsa-sha1 is no longer accepted" },
		{ "v=1; a=ed25519-sha256;" REST, NULL },
		{ "v=1; a=;" REST, "unsupported algorithm" },
		{ A "c=;" REST, "unsupported c=" },
		{ A "c=nofws/simple;" REST, "unsupported c=" },
		{ A "q=dns/txt;" REST, NULL },
		{ A "q=other : DNS/TXT;" REST, NULL },
		{ A "q=dns;" REST, NULL },
		{ A "q=other;" REST, "unsupported q=" },
		{ A "q=dns/mx;" REST, "unsupported q=" },
		{ A "q=;" REST, "unsupported q=" },
		{ A "d=exa mple.com;s=a;" H BH ";" B, "malformed d=" },
		{ A "d=example.com.;s=a;" H BH ";" B, "malformed d=" },
		{ A "d=;s=a;" H BH ";" B, "malformed d=" },
		{ A "d=-a.com;s=a;" H BH ";" B, "malformed d=" },
		{ A "d=com;s=a;" H BH ";" B, NULL },
		{ A "d=a_b.com;s=a;" H BH ";" B, "malformed d=" },
		{ A "d=[192.0.2.1];s=a;" H BH ";" B, "malformed d=" },
		{ A "d=b\xc3\xbc" "cher.example;s=a;" H BH ";" B, NULL },
		{ A "d=a.com;s=;" H BH ";" B, "malformed s=" },
		{ A "d=a.com;s=a..b;" H BH ";" B, "malformed s=" },
		{ A "d=a.com;s=a_b.c;" H BH ";" B, NULL },
		{ A DS "h=;" BH ";" B, "malformed h=" },
		{ A DS "h=from::to;" BH ";" B, "malformed h=" },
		{ A DS "h=from:to:;" BH ";" B, "malformed h=" },
		{ A DS "h=from:a b;" BH ";" B, "malformed h=" },
		{ A DS "h=from :\r\n\tto;" BH ";" B, NULL },
		{ A DS "h=subject;" BH ";" B, "From not in h=" },
		{ A DS "h=to:FROM;" BH ";" B, NULL },
		{ A DS H "bh=;" B, "malformed bh=" },
		{ A DS H "bh=AAAA;" B, "malformed bh=" },
		{ A DS H "bh=!" ";" B, "malformed bh=" },
		{ A DS H BH "; b=", "malformed b=" },
		{ A DS H BH "; b=A", "malformed b=" },
		{ A DS H BH "; b=AA AA\r\n\tBB==", NULL },
		{ A "i=@example.com;" REST, NULL },
		{ A "i=joe@sub.EXAMPLE.com;" REST, NULL },
		{ A "i=joe@com;" REST, "i= not within d=" },
		{ A "i=joe@xexample.com;" REST, "i= not within d=" },
		{ A "i=joe@example.com.evil.org;" REST, "i= not within d=" },
		{ A "i=joe;" REST, "malformed i=" },
		{ A "i=joe@;" REST, "malformed i=" },
		{ A "i=a=4@example.com;" REST, "malformed i=" },
		{ A "l=0;" REST, NULL },
		{ A "l=-1;" REST, "malformed l=" },
		{ A "l=;" REST, "malformed l=" },
		{ A "l=1 2;" REST, "malformed l=" },
		{ A "l=00000000000000000000000000000000000000000000000000000000"
		    "00000000000000000001;" REST, NULL },
		{ A "l=00000000000000000000000000000000000000000000000000000000"
		    "000000000000000000001;" REST, "malformed l=" },
		{ A "t=1; x=2;" REST, NULL },
		{ A "t=2; x=2;" REST, "x= not after t=" },
		{ A "x=0;" REST, NULL },
		{ A "t=now;" REST, "malformed t=" },
		{ A "t=9999999999999;" REST, "malformed t=" },
		{ A "x=+1;" REST, "malformed x=" },
		{ "v=1; v=1; a=rsa-sha256;" REST, "duplicate tag" },
	};
	struct arena arena = ARENA_INIT;
	struct dkim_signature s;
	const char *reason;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		dkim_signature_parse(span_of(rows[i].value), &arena, &s,
		    &reason);
		ROW_EQ(rows[i].value, span_of(reason), span_of(rows[i].reason));
	}
	arena_clear(&arena);
}

static void
test_members(void **state)
{
	static const char value[] = "v=1; a=ed25519-sha256; c=Relaxed/simple;"
	    " d=Example.COM; s=A.B; i=j=6fe@Sub.example.com; l=12; t=5; x=7;"
	    " h=From: To :from; " BH "; b=/+8=";
	struct arena arena = ARENA_INIT;
	struct dkim_signature s;
	const char *reason;

	(void)state;
	dkim_signature_parse(span_of(value), &arena, &s, &reason);
	assert_null(reason);
	assert_int_equal(s.algorithm, DKIM_ED25519_SHA256);
	assert_int_equal(s.header_canon, CANON_RELAXED);
	assert_int_equal(s.body_canon, CANON_SIMPLE);
	SPAN_IS(s.domain, "example.com");
	SPAN_IS(s.selector, "a.b");
	SPAN_IS(s.identity, "joe@sub.example.com");
	assert_int_equal(s.name_count, 3);
	SPAN_IS(s.names[1], "To");
	SPAN_IS(s.names[2], "from");
	assert_int_equal(s.body_hash.len, BODYHASH_SIZE);
	SPAN_IS(s.signature, "\xff\xef");
	assert_int_equal(s.body_length, 12);
	assert_int_equal(s.timestamp, 5);
	assert_int_equal(s.expiration, 7);
	dkim_signature_parse(span_of(A REST), &arena, &s, &reason);
	assert_int_equal(s.header_canon, CANON_SIMPLE);
	assert_true(s.body_length == UINT64_MAX);
	assert_int_equal(s.timestamp, -1);
	assert_int_equal(s.expiration, -1);
	assert_int_equal(s.identity.len, 0);
	/* no number of octets is the same as no limit */
	dkim_signature_parse(span_of(A "l=99999999999999999999999;" REST),
	    &arena, &s, &reason);
	assert_null(reason);
	assert_true(s.body_length == UINT64_MAX - 1);
	arena_clear(&arena);
}

static void
test_bounds(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct dkim_signature s;
	const char *reason;
	int i;

	(void)state;
	strbuf_adds(&text, A DS BH ";" B "; h=from");
	for (i = 1; i < DKIM_HEADER_NAMES_MAX; i++)
		strbuf_adds(&text, ":to");
	dkim_signature_parse(strbuf_span(&text), &arena, &s, &reason);
	assert_null(reason);
	assert_int_equal(s.name_count, DKIM_HEADER_NAMES_MAX);
	strbuf_adds(&text, ":to");
	dkim_signature_parse(strbuf_span(&text), &arena, &s, &reason);
	assert_string_equal(reason, "too many names in h=");
	strbuf_reset(&text);
	strbuf_adds(&text, A REST "; z=");
	while (text.len < DKIM_SIGNATURE_FIELD_MAX)
		strbuf_addc(&text, 'x');
	dkim_signature_parse(strbuf_span(&text), &arena, &s, &reason);
	assert_null(reason);
	strbuf_addc(&text, 'x');
	dkim_signature_parse(strbuf_span(&text), &arena, &s, &reason);
	assert_string_equal(reason, "too long");
	strbuf_clear(&text);
	arena_clear(&arena);
}

static void
test_strip(void **state)
{
	static const struct {
		const char *value, *stripped;
	} rows[] = {
		{ "a=1; b=xyz; c=2", "a=1; b=; c=2" },
		{ "a=1; b=xyz", "a=1; b=" },
		{ "a=1; b=\r\n\tx y\r\n\tz \r\n ;c=2", "a=1; b=;c=2" },
		{ "b=x=", "b=" },
		{ "b =x", "b =" },
		{ "bh=b=x; \r\n b=y", "bh=b=x; \r\n b=" },
		{ "B=x; b=y", "B=x; b=" },
		{ "x; b=y", "x; b=" },
		{ "a=1", "a=1" },
		{ "b=", "b=" },
		{ "", "" },
		{ ";", ";" },
	};
	struct arena arena = ARENA_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		ROW_EQ(rows[i].value,
		    dkim_signature_strip_b(span_of(rows[i].value), &arena),
		    span_of(rows[i].stripped));
	arena_clear(&arena);
}

static const struct header_field fields[] = {
	{ SPAN_LIT("Subject"), SPAN_LIT(" top"), false },
	{ SPAN_LIT("From"), SPAN_LIT(" a@b"), false },
	{ SPAN_LIT("DS"), SPAN_LIT(" x; b=y"), false },
	{ SPAN_LIT("SUBJECT"), SPAN_LIT("  mid"), false },
	{ SPAN_LIT("subject "), SPAN_LIT(" low"), false },
	{ SPAN_LIT("To"), SPAN_LIT("\r\n\tc@d"), false },
	{ SPAN_LIT("ds"), SPAN_LIT(" z"), false },
};

static void
split_names(const char *text, struct dkim_signature *s, struct span *names)
{
	struct span rest = span_of(text);
	bool more;

	s->names = names;
	s->name_count = 0;
	do
		more = span_cut(&rest, ':', &names[s->name_count++]);
	while (more);
}

static void
test_header_text(void **state)
{
	static const struct {
		const char *names;
		enum canon canon;
		const char *text;
	} rows[] = {
		{ "from", CANON_SIMPLE, "From: a@b\r\nDS: x; b=" },
		{ "from:To", CANON_RELAXED, "from:a@b\r\nto:c@d\r\nds:x; b=" },
		{ "From:TO", CANON_RELAXED, "from:a@b\r\nto:c@d\r\nds:x; b=" },
		{ "To:from:to", CANON_SIMPLE,
		    "To:\r\n\tc@d\r\nFrom: a@b\r\nDS: x; b=" },
		{ "subject:from:subject", CANON_RELAXED,
		    "subject:low\r\nfrom:a@b\r\nsubject:mid\r\nds:x; b=" },
		{ "Subject:Subject:Subject:Subject", CANON_SIMPLE,
		    "subject : low\r\nSUBJECT:  mid\r\nSubject: top\r\n"
		    "DS: x; b=" },
		{ "none:none", CANON_RELAXED, "ds:x; b=" },
		/* RFC 6376 3.5, h=: others of its name, itself never */
		{ "ds:ds:ds", CANON_RELAXED, "ds:z\r\nds:x; b=" },
		{ "DS:ds:ds", CANON_RELAXED, "ds:z\r\nds:x; b=" },
	};
	const struct header_field *own = &fields[2];
	struct arena arena = ARENA_INIT;
	struct dkim_headers *headers = dkim_headers_new(fields,
	    ARRAY_LEN(fields), &arena);
	unsigned char hash[DKIM_HEADER_HASH_SIZE], want[CRYPTO_HASH_SIZE];
	struct dkim_signature signatures[ARRAY_LEN(rows)] = { 0 };
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	struct span names[ARRAY_LEN(rows)][8];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		signatures[i].header_canon = rows[i].canon;
		split_names(rows[i].names, &signatures[i], names[i]);
		strbuf_reset(&out);
		dkim_headers_text(headers, &signatures[i], own, &out);
		ROW_EQ(rows[i].names, strbuf_span(&out), span_of(rows[i].text));
		assert_int_equal(crypto_hash(strbuf_span(&out), want, &err), 0);
		assert_int_equal(dkim_headers_hash(headers, &signatures[i],
		    own, hash, &err), 0);
		assert_memory_equal(hash, want, sizeof(want));
	}
	strbuf_reset(&out);
	signatures[0].name_count = 0;
	dkim_headers_text(headers, &signatures[0], NULL, &out);
	assert_int_equal(out.len, 0);
	dkim_headers_free(headers);
	strbuf_clear(&out);
	arena_clear(&arena);
}

/* The text is hashed in batches; a field may be larger than one. */
static void
test_large_header(void **state)
{
	enum { COUNT = 3000, LARGE = 100000 };
	struct header_field *many = xcalloc(COUNT, sizeof(*many));
	struct strbuf large = STRBUF_INIT, text = STRBUF_INIT;
	struct strbuf err = STRBUF_INIT;
	unsigned char hash[DKIM_HEADER_HASH_SIZE], want[CRYPTO_HASH_SIZE];
	struct arena arena = ARENA_INIT;
	struct span names[DKIM_HEADER_NAMES_MAX];
	struct dkim_signature s = { .header_canon = CANON_RELAXED,
	    .names = names, .name_count = DKIM_HEADER_NAMES_MAX };
	struct dkim_headers *headers;
	size_t i;

	(void)state;
	while (large.len < LARGE)
		strbuf_adds(&large, " word");
	for (i = 0; i < COUNT; i++)
		many[i] = (struct header_field){ SPAN_LIT("X-Many"),
		    i % 1000 == 0 ? strbuf_span(&large) : SPAN_LIT(" v"),
		    false };
	for (i = 0; i < s.name_count; i++)
		names[i] = SPAN_LIT("x-many");
	headers = dkim_headers_new(many, COUNT, &arena);
	dkim_headers_text(headers, &s, &fields[2], &text);
	assert_true(text.len > 2 * LARGE);
	assert_int_equal(crypto_hash(strbuf_span(&text), want, &err), 0);
	assert_int_equal(dkim_headers_hash(headers, &s, &fields[2], hash,
	    &err), 0);
	assert_memory_equal(hash, want, sizeof(want));
	dkim_headers_free(headers);
	strbuf_clear(&large);
	strbuf_clear(&text);
	arena_clear(&arena);
	free(many);
}

static void
test_arc(void **state)
{
	static const struct {
		const char *value;
		const char *reason;
	} rows[] = {
		{ "i=1; a=rsa-sha256;" REST, NULL },
		{ "a=rsa-sha256;" REST "; i=50", NULL },
		/* RFC 8617 4.1.2: undefined, so ignored */
		{ "v=1; i=2; a=rsa-sha256;" REST, NULL },
		{ "v=7; i=2; a=rsa-sha256;" REST, NULL },
		{ "a=rsa-sha256;" REST, "no i=" },
		{ "i=0; a=rsa-sha256;" REST, "malformed i=" },
		{ "i=51; a=rsa-sha256;" REST, "malformed i=" },
		{ "i=001; a=rsa-sha256;" REST, "malformed i=" },
		{ "i=; a=rsa-sha256;" REST, "malformed i=" },
		{ "i=@example.com; a=rsa-sha256;" REST, "malformed i=" },
		{ "i=1; i=1; a=rsa-sha256;" REST, "duplicate tag" },
		{ "i=1; a=rsa-sha1;" REST, "rsa-sha1 is no longer accepted" },
		{ "i=1; a=rsa-sha256; t=;" REST, "malformed t=" },
	};
	struct arena arena = ARENA_INIT;
	struct dkim_signature s;
	const char *reason;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		dkim_signature_parse_as(DKIM_ARC_MESSAGE_SIGNATURE,
		    span_of(rows[i].value), &arena, &s, &reason);
		ROW_EQ(rows[i].value, span_of(reason), span_of(rows[i].reason));
		ROW_IS(rows[i].value, s.identity.len == 0);
	}
	dkim_signature_parse_as(DKIM_ARC_MESSAGE_SIGNATURE,
	    span_of(rows[1].value), &arena, &s, &reason);
	assert_int_equal(s.instance, 50);
	arena_clear(&arena);
}

static void
test_peek(void **state)
{
	static const struct {
		const char *value, *d, *s, *i, *a, *b;
	} rows[] = {
		{ "v=1; d= a.b ; s=x;i=@c; a = rsa-sha1 ;b=x\r\n y", "a.b",
		    "x", "@c", "rsa-sha1", "x\r\n y" },
		{ ";;d=1;d=2; bh=x;B=y;=;==", "1", "", "", "", "" },
		{ "junk d=x; s", "", "", "", "", "" },
		{ "d=;d=x", "", "", "", "", "" },
		{ "", "", "", "", "", "" },
	};
	struct dkim_signature_peek peek;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		dkim_signature_peek(span_of(rows[i].value), &peek);
		ROW_EQ(rows[i].value, peek.domain, span_of(rows[i].d));
		ROW_EQ(rows[i].value, peek.selector, span_of(rows[i].s));
		ROW_EQ(rows[i].value, peek.identity, span_of(rows[i].i));
		ROW_EQ(rows[i].value, peek.algorithm, span_of(rows[i].a));
		ROW_EQ(rows[i].value, peek.signature, span_of(rows[i].b));
	}
}

static void
test_quoted(void **state)
{
	static const struct {
		const char *encoded;
		const char *text;	/* NULL: malformed */
		bool canonical;		/* as we write it */
	} rows[] = {
		{ "", "", true },
		{ "a@b", "a@b", true },
		{ "=3B=3D=7C=20=0D=0A", ";=| \r\n", true },
		{ "=C3=A9", "\xc3\xa9", true },
		{ "=c3=a9", "\xc3\xa9", false },
		{ "\xc3\xa9", "\xc3\xa9", false },
		{ "a\r\n\t b", "ab", false },
		{ "=", NULL, false },
		{ "=4", NULL, false },
		{ "=4G", NULL, false },
		{ "=4 1", NULL, false },
	};
	struct strbuf out = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&out);
		ROW_IS(rows[i].encoded, dkim_quoted_decode(
		    span_of(rows[i].encoded), &out) == (rows[i].text != NULL));
		if (rows[i].text == NULL)
			continue;
		ROW_EQ(rows[i].encoded, strbuf_span(&out),
		    span_of(rows[i].text));
		strbuf_reset(&out);
		dkim_quoted_encode(span_of(rows[i].text), &out);
		ROW_IS(rows[i].encoded, !rows[i].canonical ||
		    span_is(strbuf_span(&out), rows[i].encoded));
	}
	strbuf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_header_text),
		cmocka_unit_test(test_large_header),
		cmocka_unit_test(test_arc),
		cmocka_unit_test(test_peek),
		cmocka_unit_test(test_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
