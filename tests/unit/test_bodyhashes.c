#include "tests/unit/unit.h"

#include "common/dkim/bodyhashes.h"
#include "common/dkim/crypto.h"

static void
check_digest(const char *name, const unsigned char *digest, struct span text)
{
	unsigned char want[CRYPTO_HASH_SIZE];
	struct strbuf err = STRBUF_INIT;

	assert_int_equal(crypto_hash(text, want, &err), 0);
	ROW_IS(name, digest != NULL);
	ROW_IS(name, memcmp(digest, want, sizeof(want)) == 0);
}

#define BODY		"a  b \r\nc\r\n\r\n\r\n"
#define SIMPLE		"a  b \r\nc\r\n"
#define RELAXED		"a b\r\nc\r\n"

static const struct row {
	enum canon canon;
	uint64_t limit;
	const char *text;	/* of SIMPLE or RELAXED */
} rows[] = {
	{ CANON_SIMPLE, UINT64_MAX, SIMPLE },
	{ CANON_RELAXED, UINT64_MAX, RELAXED },
	{ CANON_RELAXED, 0, "" },
	{ CANON_RELAXED, 1, "a" },
	{ CANON_RELAXED, 3, "a b" },
	{ CANON_RELAXED, sizeof(RELAXED) - 2, "a b\r\nc\r" },
	{ CANON_RELAXED, sizeof(RELAXED) - 1, RELAXED },
	{ CANON_RELAXED, sizeof(RELAXED), RELAXED },
	{ CANON_SIMPLE, 7, "a  b \r\n" },
};

/* All at once, whatever the pieces are: each as if it were alone. */
static void
test_digests(void **state)
{
	struct bodyhashes hashes = { 0 };
	struct strbuf err = STRBUF_INIT;
	struct span body;
	size_t piece, i;

	(void)state;
	for (piece = 1; piece <= sizeof(BODY); piece++) {
		for (i = 0; i < ARRAY_LEN(rows); i++)
			assert_int_equal(bodyhashes_want(&hashes, rows[i].canon,
			    rows[i].limit, &err), i);
		assert_true(bodyhashes_wanted(&hashes));
		for (body = SPAN_LIT(BODY); body.len > 0;
		    body = span_skip(body, piece))
			bodyhashes_add(&hashes, span_first(body, piece));
		assert_int_equal(bodyhashes_end(&hashes, &err), 0);
		assert_false(bodyhashes_wanted(&hashes));
		for (i = 0; i < ARRAY_LEN(rows); i++)
			check_digest(rows[i].text,
			    bodyhashes_digest(&hashes, (int)i),
			    span_of(rows[i].text));
		assert_int_equal(bodyhashes_octets(&hashes, 0),
		    sizeof(SIMPLE) - 1);
		assert_int_equal(bodyhashes_octets(&hashes, 3),
		    sizeof(RELAXED) - 1);
		bodyhashes_clear(&hashes);
	}
}

static void
test_shared(void **state)
{
	struct bodyhashes hashes = { 0 };
	struct strbuf err = STRBUF_INIT;
	int one, other;

	(void)state;
	assert_false(bodyhashes_wanted(&hashes));
	one = bodyhashes_want(&hashes, CANON_SIMPLE, UINT64_MAX, &err);
	assert_int_equal(bodyhashes_want(&hashes, CANON_SIMPLE, UINT64_MAX,
	    &err), one);
	other = bodyhashes_want(&hashes, CANON_RELAXED, UINT64_MAX, &err);
	assert_int_not_equal(one, other);
	bodyhashes_drop(&hashes, one);
	bodyhashes_add(&hashes, SPAN_LIT("x\r\n"));
	bodyhashes_drop(&hashes, other);
	assert_true(bodyhashes_wanted(&hashes));
	assert_int_equal(bodyhashes_end(&hashes, &err), 0);
	check_digest("shared", bodyhashes_digest(&hashes, one),
	    SPAN_LIT("x\r\n"));
	assert_null(bodyhashes_digest(&hashes, other));
	bodyhashes_clear(&hashes);
}

/* The body is not needed once all who want it have what they want. */
static void
test_early(void **state)
{
	struct bodyhashes hashes = { 0 };
	struct strbuf err = STRBUF_INIT;
	int one;

	(void)state;
	one = bodyhashes_want(&hashes, CANON_SIMPLE, 3, &err);
	bodyhashes_add(&hashes, SPAN_LIT("abc"));
	assert_true(bodyhashes_wanted(&hashes));
	bodyhashes_add(&hashes, SPAN_LIT("\r\n"));
	/* an empty line at the end of the body would not count */
	assert_true(bodyhashes_wanted(&hashes));
	bodyhashes_add(&hashes, SPAN_LIT("d"));
	assert_false(bodyhashes_wanted(&hashes));
	assert_int_equal(bodyhashes_want(&hashes, CANON_SIMPLE, 3, &err), -1);
	assert_string_equal(err.s, "the body is under way already");
	assert_int_equal(bodyhashes_end(&hashes, &err), 0);
	check_digest("early", bodyhashes_digest(&hashes, one), SPAN_LIT("abc"));
	assert_true(bodyhashes_octets(&hashes, one) > 3);
	bodyhashes_clear(&hashes);
	one = bodyhashes_want(&hashes, CANON_SIMPLE, UINT64_MAX, &err);
	bodyhashes_drop(&hashes, one);
	assert_false(bodyhashes_wanted(&hashes));
	bodyhashes_add(&hashes, SPAN_LIT("d"));
	assert_int_equal(bodyhashes_end(&hashes, &err), 0);
	assert_null(bodyhashes_digest(&hashes, one));
	bodyhashes_clear(&hashes);
	strbuf_clear(&err);
}

static void
test_bound(void **state)
{
	struct bodyhashes hashes = { 0 };
	struct strbuf err = STRBUF_INIT;
	unsigned i;

	(void)state;
	for (i = 0; i < BODYHASHES_MAX; i++)
		assert_int_equal(bodyhashes_want(&hashes, CANON_SIMPLE, i,
		    &err), i);
	assert_int_equal(bodyhashes_want(&hashes, CANON_RELAXED, 0, &err), -1);
	assert_string_equal(err.s, "too many different body hashes");
	assert_int_equal(bodyhashes_want(&hashes, CANON_SIMPLE, 5, &err), 5);
	bodyhashes_clear(&hashes);
	strbuf_clear(&err);
}

static void
test_empty(void **state)
{
	struct bodyhashes hashes = { 0 };
	struct strbuf err = STRBUF_INIT;

	(void)state;
	bodyhashes_want(&hashes, CANON_SIMPLE, UINT64_MAX, &err);
	bodyhashes_want(&hashes, CANON_RELAXED, UINT64_MAX, &err);
	bodyhashes_want(&hashes, CANON_SIMPLE, 0, &err);
	assert_int_equal(bodyhashes_end(&hashes, &err), 0);
	check_digest("simple", bodyhashes_digest(&hashes, 0), SPAN_LIT("\r\n"));
	check_digest("relaxed", bodyhashes_digest(&hashes, 1), SPAN_LIT(""));
	check_digest("limited", bodyhashes_digest(&hashes, 2), SPAN_LIT(""));
	assert_int_equal(bodyhashes_octets(&hashes, 2), 2);
	assert_int_equal(bodyhashes_octets(&hashes, 1), 0);
	bodyhashes_clear(&hashes);
	bodyhashes_clear(&hashes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
