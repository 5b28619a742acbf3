#include "tests/unit/unit.h"
#include "tests/unit/dkim_keys.h"

#include "common/base/base64.h"
#include "common/dkim/record.h"

#define V	"v=DKIM1; "
#define P	"p=" RSA_PUBLIC

static void
test_results(void **state)
{
	static const struct {
		const char *text;
		enum dkim_record_result result;
	} rows[] = {
		{ V P, DKIM_RECORD_OK },
		{ P, DKIM_RECORD_OK },
		{ V P ";", DKIM_RECORD_OK },
		{ V "k=rsa; " P, DKIM_RECORD_OK },
		{ V "k=RSA; " P, DKIM_RECORD_OK },
		{ V "k=ed25519; p=" ED25519_PUBLIC, DKIM_RECORD_OK },
		{ V "n=a note =3B; x_y=1; " P, DKIM_RECORD_OK },
		{ "", DKIM_RECORD_SYNTAX },
		{ "v=spf1 -all", DKIM_RECORD_VERSION },
		{ "some text", DKIM_RECORD_SYNTAX },
		{ V P "; " P, DKIM_RECORD_SYNTAX },
		{ "v=DKIM2; " P, DKIM_RECORD_VERSION },
		{ "v=dkim1; " P, DKIM_RECORD_VERSION },
		{ "v=; " P, DKIM_RECORD_VERSION },
		{ P "; v=DKIM1", DKIM_RECORD_VERSION },
		{ "v=DKIM1", DKIM_RECORD_NO_KEY },
		{ V "k=rsa", DKIM_RECORD_NO_KEY },
		{ V "p=", DKIM_RECORD_REVOKED },
		{ V "k=ed25519; p= ;", DKIM_RECORD_REVOKED },
		{ V "k=dsa; " P, DKIM_RECORD_KEY_TYPE },
		{ V "k=; " P, DKIM_RECORD_KEY_TYPE },
		{ V "p=%%%", DKIM_RECORD_BAD_KEY },
		{ V "p=AAAA", DKIM_RECORD_BAD_KEY },
		{ V "p=" ED25519_PUBLIC, DKIM_RECORD_BAD_KEY },
		{ V "k=ed25519; " P, DKIM_RECORD_BAD_KEY },
		/* a SubjectPublicKeyInfo, as some generators publish it */
		{ V "k=ed25519; p=MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPa"
		    "piMlrwIaaPcHURo=", DKIM_RECORD_BAD_KEY },
		{ V "p=MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcH"
		    "URo=", DKIM_RECORD_BAD_KEY },
		/* 512 bits */
		{ V "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALcJkVRuWhUSzMNeJB"
		    "xavDbxvEna4yP0vYg8MYp07sfpQyIlaxTqQHI+3oIjpszZH4LI"
		    "xj8EK8g2yQ6RnV1/WW8CAwEAAQ==", DKIM_RECORD_SHORT_KEY },
		/* octets behind it */
		{ V P "AAAA", DKIM_RECORD_BAD_KEY },
	};
	struct dkim_record record;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		enum dkim_record_result result =
		    dkim_record_parse(span_of(rows[i].text), &record);

		if (result != rows[i].result)
			fail_msg("%s: %s, not %s", rows[i].text,
			    dkim_record_result_text(result),
			    dkim_record_result_text(rows[i].result));
		dkim_record_clear(&record);
	}
}

static void
test_long(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct dkim_record record;

	(void)state;
	strbuf_adds(&text, V P "; n=");
	while (text.len < DKIM_RECORD_MAX)
		strbuf_addc(&text, 'x');
	assert_int_equal(dkim_record_parse(strbuf_span(&text), &record),
	    DKIM_RECORD_OK);
	dkim_record_clear(&record);
	strbuf_addc(&text, 'x');
	assert_int_equal(dkim_record_parse(strbuf_span(&text), &record),
	    DKIM_RECORD_TOO_LONG);
	dkim_record_clear(&record);
	strbuf_clear(&text);
}

static void
test_limits(void **state)
{
	static const struct {
		const char *text;
		bool sha256, email, testing, strict;
	} rows[] = {
		{ V P, true, true, false, false },
		{ V "h=sha256; s=email; t=y;" P, true, true, true, false },
		{ V "h=sha1; s=tlsrpt; t=s;" P, false, false, false, true },
		{ V "h=sha1 : SHA256; s=a : *; t=s : y;" P, true, true, true,
		    true },
		{ V "h=; s=; t=;" P, false, false, false, false },
		{ V "t=yes;" P, true, true, false, false },
	};
	struct dkim_record record;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(dkim_record_parse(span_of(rows[i].text),
		    &record), DKIM_RECORD_OK);
		ROW_IS(rows[i].text, record.allows_sha256 == rows[i].sha256);
		ROW_IS(rows[i].text, record.allows_email == rows[i].email);
		ROW_IS(rows[i].text, record.is_testing == rows[i].testing);
		ROW_IS(rows[i].text, record.is_strict == rows[i].strict);
		dkim_record_clear(&record);
	}
}

/* What we publish is what we hold; another's is not. */
static void
test_format(void **state)
{
	static const struct {
		const char *key, *flags, *text;
	} rows[] = {
		{ RSA_BASE64, "", V "k=rsa; " P },
		{ RSA_BASE64, "y:s", V "k=rsa; t=y:s; " P },
		{ ED25519_SEED, "y", V "k=ed25519; t=y; p=" ED25519_PUBLIC },
	};
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	struct dkim_record record;
	struct dkim_key *key, *other;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&out);
		key = dkim_key_parse(span_of(rows[i].key), &err);
		other = dkim_key_generate(dkim_key_algorithm(key), 1024, &err);
		assert_int_equal(dkim_record_format(key, rows[i].flags, &out,
		    &err), 0);
		ROW_EQ(rows[i].text, strbuf_span(&out), span_of(rows[i].text));
		assert_int_equal(dkim_record_parse(strbuf_span(&out), &record),
		    DKIM_RECORD_OK);
		assert_true(dkim_record_matches(&record, key));
		assert_false(dkim_record_matches(&record, other));
		dkim_record_clear(&record);
		dkim_key_free(key);
		dkim_key_free(other);
	}
	strbuf_clear(&out);
	strbuf_clear(&err);
}

/* RFC 6376 3.6.1: an RSAPublicKey without the SubjectPublicKeyInfo around. */
static void
test_bare_rsa(void **state)
{
	enum { WRAP = 22 };	/* octets before it in the 1024 bit key's */
	struct strbuf spki = STRBUF_INIT, text = STRBUF_INIT;
	struct strbuf err = STRBUF_INIT;
	struct dkim_record record;
	struct dkim_key *key;

	(void)state;
	assert_true(base64_decode(SPAN_LIT(RSA_PUBLIC), &spki));
	strbuf_adds(&text, "p=");
	base64_encode(span_skip(strbuf_span(&spki), WRAP), &text);
	assert_int_equal(dkim_record_parse(strbuf_span(&text), &record),
	    DKIM_RECORD_OK);
	key = dkim_key_parse(SPAN_LIT(RSA_BASE64), &err);
	assert_true(dkim_record_matches(&record, key));
	dkim_key_free(key);
	dkim_record_clear(&record);
	strbuf_clear(&spki);
	strbuf_clear(&text);
	strbuf_clear(&err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_bare_rsa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
