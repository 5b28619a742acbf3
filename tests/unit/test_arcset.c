#include "tests/unit/unit.h"

#include "common/arc/set.h"

/* Parts of fields; a test's signatures need not verify. */
#define BH	"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define SIGNER	"a=rsa-sha256; d=example.org; s=sel; b=AAAA; "
#define AAR(i)	"ARC-Authentication-Results: i=" i "; mx.example.net; none\n"
#define AMS(i)	"ARC-Message-Signature: i=" i "; " SIGNER BH "; h=from\n"
#define AS(i, cv) "ARC-Seal: i=" i "; " SIGNER "cv=" cv "\n"
#define SET(i, cv) AAR(i) AMS(i) AS(i, cv)

struct header {
	struct arena arena;
	struct header_field fields[256];
	size_t count;
};

/* Lines of "Name: value"; a line that begins with a blank goes on. */
static void
read_header(struct span text, struct header *header)
{
	struct span line, name;
	size_t end;

	header->count = 0;
	while (text.len != 0) {
		end = span_find(text, '\n');
		while (end + 1 < text.len && is_wsp(text.p[end + 1]))
			end += 1 + span_find(span_skip(text, end + 1), '\n');
		line = span_first(text, end);
		text = span_skip(text, end + 1);
		span_cut(&line, ':', &name);
		assert_true(header->count < ARRAY_LEN(header->fields));
		header_normalize(name, line, &header->arena,
		    &header->fields[header->count++]);
	}
}

static void
find(const char *text, struct header *header, struct arc_chain *chain)
{
	read_header(span_of(text), header);
	arc_chain_find(header->fields, header->count, &header->arena, chain);
}

static void
test_structure(void **state)
{
	static const struct {
		const char *header;
		size_t count;
		unsigned instance;
		const char *trouble;	/* NULL: none */
	} rows[] = {
		{ "From: a@b\n", 0, 0, NULL },
		{ "ARC-Sealed: x\nX-ARC-Seal: x\n", 0, 0, NULL },
		{ SET("1", "none"), 1, 0, NULL },
		{ SET("01", "none"), 1, 0, NULL },
		{ SET("2", "pass") SET("1", "none"), 2, 0, NULL },
		{ SET("1", "none") "From: a@b\n" SET("2", "pass"), 2, 0, NULL },
		{ AS("1", "none") AAR("1") AMS("1"), 1, 0, NULL },
		{ "arc-SEAL : i=1; " SIGNER "cv=NONE\n" AAR("1") AMS("1"),
		    1, 0, NULL },
		{ "ARC-Seal: cv=none; " SIGNER " i=1;\n" AAR("1") AMS("1"),
		    1, 0, NULL },
		{ "ARC-Seal: (c) i (d) = (e) 1 (f); " SIGNER "cv=none\n"
		    AAR("1") AMS("1"), 1, 0, NULL },
		{ "ARC-Message-Signature: (c) i=1; " SIGNER BH "; h=from\n"
		    AAR("1") AS("1", "none"), 1, 0, NULL },
		{ "ARC-Authentication-Results: (c)\n i\n = (d) 1 (e) ; x\n"
		    AMS("1") AS("1", "none"), 1, 0, NULL },
		{ "ARC-Seal: i=1; v=1; x=y; " SIGNER "cv=none; t=1\n"
		    AAR("1") AMS("1"), 1, 0, NULL },
		/* 5.2, 1: how many */
		{ SET("51", "pass") SET("1", "none"), 1, 0,
		    "ARC-Authentication-Results: i= over 50" },
		{ AS("100000000000000000000000", "pass"), 0, 0,
		    "ARC-Seal: malformed i=" },
		{ AS("5000", "pass"), 0, 0, "ARC-Seal: i= over 50" },
		/* 5.2, 2: marked as failed, older sets are not looked at */
		{ SET("1", "fail"), 1, 1, "ARC-Seal: cv=fail" },
		{ SET("2", "fail") SET("1", "none"), 2, 2,
		    "ARC-Seal: cv=fail" },
		{ AAR("1") AAR("1") SET("3", "FAIL"), 3, 3,
		    "ARC-Seal: cv=fail" },
		/* 5.2, 3.1: complete */
		{ AAR("1") AMS("1"), 1, 1, "ARC-Seal: missing" },
		{ AAR("1") AS("1", "none"), 1, 1,
		    "ARC-Message-Signature: missing" },
		{ AMS("1") AS("1", "none"), 1, 1,
		    "ARC-Authentication-Results: missing" },
		{ AAR("1") SET("1", "none"), 1, 1,
		    "ARC-Authentication-Results: more than one" },
		{ AMS("1") SET("1", "none"), 1, 1,
		    "ARC-Message-Signature: more than one" },
		{ AS("1", "none") SET("1", "none"), 1, 1,
		    "ARC-Seal: more than one" },
		{ AAR("2") SET("1", "none"), 2, 2,
		    "ARC-Message-Signature: missing" },
		/* 3.2: no gaps */
		{ SET("2", "pass"), 2, 1, "ARC-Authentication-Results: missing" },
		{ SET("3", "pass") SET("1", "none"), 3, 2,
		    "ARC-Authentication-Results: missing" },
		/* 3.3: cv= */
		{ SET("1", "pass"), 1, 1,
		    "ARC-Seal: cv= of the first set is not none" },
		{ SET("2", "none") SET("1", "none"), 2, 2,
		    "ARC-Seal: cv=none in a later set" },
		{ SET("2", "pass") SET("1", "fail"), 2, 1,
		    "ARC-Seal: cv=fail" },
		/* i= */
		{ AAR("0") AMS("1") AS("1", "none"), 1, 0,
		    "ARC-Authentication-Results: malformed i=" },
		{ AMS("0") AAR("1") AS("1", "none"), 1, 0,
		    "ARC-Message-Signature: malformed i=" },
		{ AS("00", "none"), 0, 0, "ARC-Seal: malformed i=" },
		{ AS("001", "none"), 0, 0, "ARC-Seal: malformed i=" },
		{ AS("-1", "none"), 0, 0, "ARC-Seal: malformed i=" },
		{ AS("+1", "none"), 0, 0, "ARC-Seal: malformed i=" },
		{ AS("1 1", "none"), 0, 0, "ARC-Seal: malformed i=" },
		{ AS("", "none"), 0, 0, "ARC-Seal: malformed i=" },
		{ AS("1; i=1", "none"), 0, 0, "ARC-Seal: duplicate tag" },
		{ "ARC-Seal: " SIGNER "cv=none\n", 0, 0, "ARC-Seal: no i=" },
		{ "ARC-Seal: I=1; " SIGNER "cv=none\n", 0, 0,
		    "ARC-Seal: no i=" },
		{ "ARC-Message-Signature: " SIGNER BH "; h=from\n", 0, 0,
		    "ARC-Message-Signature: no i=" },
		{ "ARC-Authentication-Results: mx.example.net; i=1; none\n",
		    0, 0, "ARC-Authentication-Results: no i=" },
		{ "ARC-Authentication-Results: i=1 mx.example.net\n", 0, 0,
		    "ARC-Authentication-Results: no i=" },
		{ "ARC-Authentication-Results: i=1\n", 0, 0,
		    "ARC-Authentication-Results: no i=" },
		{ "ARC-Authentication-Results: I=1; x\n", 0, 0,
		    "ARC-Authentication-Results: no i=" },
		{ "ARC-Authentication-Results:\n", 0, 0,
		    "ARC-Authentication-Results: no i=" },
		{ SET("1", "none") "ARC-Seal: i=2;\r a=b\n", 1, 0,
		    "ARC-Seal: malformed header field" },
		/* seals */
		{ AAR("1") AMS("1") "ARC-Seal: i=1; " SIGNER "\n", 1, 1,
		    "ARC-Seal: no cv=" },
		{ AAR("1") AMS("1") AS("1", ""), 1, 1,
		    "ARC-Seal: malformed cv=" },
		{ AAR("1") AMS("1") AS("1", "neutral"), 1, 1,
		    "ARC-Seal: malformed cv=" },
		{ AAR("1") AMS("1") AS("1", "none; h=from"), 1, 1,
		    "ARC-Seal: h= in a seal" },
		{ AAR("1") AMS("1") AS("1", "none; h="), 1, 1,
		    "ARC-Seal: h= in a seal" },
		{ AAR("1") AMS("1") AS("1", "none; t=x"), 1, 1,
		    "ARC-Seal: malformed t=" },
		{ AAR("1") AMS("1") "ARC-Seal: i=1; cv=none; a=rsa-sha256;"
		    " d=a.b; s=c; b=\n", 1, 1, "ARC-Seal: malformed b=" },
		{ AAR("1") AMS("1") "ARC-Seal: i=1; cv=none; a=rsa-sha1;"
		    " d=a.b; s=c; b=AAAA\n", 1, 1,
		    "ARC-Seal: rsa-sha1 is no longer accepted" },
		{ AAR("1") AMS("1") "ARC-Seal: i=1; cv=none; a=rsa-sha256;"
		    " d=***; s=c; b=AAAA\n", 1, 1, "ARC-Seal: malformed d=" },
		{ "ARC-Seal: i=1; " SIGNER "cv=none;;\n", 0, 0,
		    "ARC-Seal: malformed tag list" },
		/* the newest message signature */
		{ AAR("1") AS("1", "none") "ARC-Message-Signature: i=1; "
		    SIGNER BH "; h=from:arc-seal\n", 1, 1,
		    "ARC-Message-Signature: ARC-Seal in h=" },
		{ AAR("1") AS("1", "none") "ARC-Message-Signature: i=1; "
		    SIGNER BH "; h=from:arc-authentication-results; v=7\n",
		    1, 0, NULL },
		{ AAR("1") AS("1", "none") "ARC-Message-Signature: i=1; "
		    SIGNER BH "; h=to\n", 1, 1,
		    "ARC-Message-Signature: From not in h=" },
		{ AAR("1") AS("1", "none") "ARC-Message-Signature: i=1; "
		    SIGNER "h=from\n", 1, 1, "ARC-Message-Signature: no bh=" },
		/* an older one is not looked into */
		{ SET("2", "pass") AAR("1") AS("1", "none")
		    "ARC-Message-Signature: i=1; a=rsa-sha1; b=x\n",
		    2, 0, NULL },
	};
	struct header header = { .arena = ARENA_INIT };
	struct arc_chain chain;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		find(rows[i].header, &header, &chain);
		ROW_EQ(rows[i].header, span_of(chain.trouble),
		    span_of(rows[i].trouble));
		ROW_IS(rows[i].header, chain.count == rows[i].count);
		ROW_IS(rows[i].header, chain.instance == rows[i].instance);
		ROW_IS(rows[i].header, (chain.sets == NULL) ==
		    (chain.count == 0 && chain.trouble == NULL));
	}
	arena_clear(&header.arena);
}

static void
test_members(void **state)
{
	struct header header = { .arena = ARENA_INIT };
	struct arc_chain chain;

	(void)state;
	find("ARC-Seal: i=2; a=ed25519-sha256; d=B\xc3\x9c" "cher.example;"
	    " s=Sel; b=AA\n\tAA; t=17; cv=pass\n" AMS("2") AAR("2")
	    SET("1", "none"), &header, &chain);
	assert_null(chain.trouble);
	assert_int_equal(chain.count, 2);
	assert_ptr_equal(chain.sets[1].fields[ARC_SEAL], &header.fields[0]);
	assert_ptr_equal(chain.sets[0].fields[ARC_AUTHENTICATION_RESULTS],
	    &header.fields[3]);
	SPAN_IS(chain.sets[1].seal.domain, "xn--bcher-kva.example");
	SPAN_IS(chain.sets[1].seal.selector, "sel");
	assert_int_equal(chain.sets[1].seal.cv, ARC_CV_PASS);
	assert_int_equal(chain.sets[1].seal.algorithm, DKIM_ED25519_SHA256);
	assert_int_equal(chain.sets[1].seal.timestamp, 17);
	assert_int_equal(chain.message_signature.instance, 2);
	SPAN_IS(chain.message_signature.domain, "example.org");
	arena_clear(&header.arena);
}

/* RFC 8617 5.1.1: the order of the sets, of the fields in them, and the form.
 */
static void
test_seal_text(void **state)
{
	static const char one[] =
	    "arc-authentication-results:i=1; mx.example.net; none\r\n"
	    "arc-message-signature:i=1; " SIGNER BH "; h=from\r\n";
	struct header header = { .arena = ARENA_INIT };
	struct strbuf out = STRBUF_INIT, want = STRBUF_INIT;
	struct arc_chain chain;

	(void)state;
	find("ARC-Seal:  i=2; a=rsa-sha256; d=a.b; s=c;\n\tb=AA\n AA ; cv=pass \n"
	    AMS("2") "ARC-Authentication-Results: i=2;  mx\n"
	    "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=a.b; s=c; b=BBBB\n"
	    AAR("1") AMS("1"), &header, &chain);
	assert_null(chain.trouble);
	arc_seal_text(chain.sets, 1, &out);
	strbuf_addf(&want, "%sarc-seal:i=1; cv=none; a=rsa-sha256; d=a.b; s=c;"
	    " b=", one);
	ROW_EQ("the first", strbuf_span(&out), strbuf_span(&want));
	strbuf_reset(&out);
	arc_seal_text(chain.sets, 2, &out);
	strbuf_addf(&want, "BBBB\r\narc-authentication-results:i=2; mx\r\n"
	    "arc-message-signature:i=2; " SIGNER BH "; h=from\r\n"
	    "arc-seal:i=2; a=rsa-sha256; d=a.b; s=c; b=; cv=pass");
	ROW_EQ("both", strbuf_span(&out), strbuf_span(&want));
	strbuf_clear(&out);
	strbuf_clear(&want);
	arena_clear(&header.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_seal_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
