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

/* ---- keys that no signature is to be verified with ---- */

static void
add_element(struct strbuf *out, unsigned char tag, struct span content)
{
	strbuf_addc(out, (char)tag);
	strbuf_addc(out, (char)0x82);
	strbuf_addc(out, (char)(content.len >> 8));
	strbuf_addc(out, (char)(content.len & 0xff));
	strbuf_addspan(out, content);
}

/* A bare RSAPublicKey: a modulus of len octets. */
static enum dkim_record_result
try_rsa(size_t len, int first, int last, struct span exponent, unsigned *bits)
{
	struct strbuf numbers = STRBUF_INIT, der = STRBUF_INIT;
	struct strbuf text = STRBUF_INIT;
	enum dkim_record_result result;
	struct dkim_record record;
	char modulus[2048];

	memset(modulus, 0xa5, sizeof(modulus));
	modulus[0] = (char)first;
	modulus[len - 1] = (char)last;
	add_element(&numbers, 0x02, span_make(modulus, len));
	add_element(&numbers, 0x02, exponent);
	add_element(&der, 0x30, strbuf_span(&numbers));
	strbuf_adds(&text, "p=");
	base64_encode(strbuf_span(&der), &text);
	result = dkim_record_parse(strbuf_span(&text), &record);
	*bits = record.bits;
	dkim_record_clear(&record);
	strbuf_clear(&numbers);
	strbuf_clear(&der);
	strbuf_clear(&text);
	return result;
}

static void
test_rsa_numbers(void **state)
{
	const struct span good = SPAN_LIT("\x01\x00\x01");
	const struct {
		const char *name;
		size_t len;
		int first, last;
		struct span exponent;
		enum dkim_record_result result;
	} rows[] = {
		{ "1024", 128, 0x80, 1, good, DKIM_RECORD_OK },
		{ "1023", 128, 0x7f, 1, good, DKIM_RECORD_SHORT_KEY },
		{ "8192", 1024, 0xff, 1, good, DKIM_RECORD_OK },
		{ "8193", 1025, 1, 1, good, DKIM_RECORD_BAD_KEY },
		{ "16384", 2048, 0xff, 1, good, DKIM_RECORD_BAD_KEY },
		{ "15", 1, 15, 15, good, DKIM_RECORD_SHORT_KEY },
		{ "0", 1, 0, 0, good, DKIM_RECORD_BAD_KEY },
		{ "even", 256, 0xff, 0xfe, good, DKIM_RECORD_BAD_KEY },
		{ "e=0", 256, 0xff, 1, SPAN_LIT("\0"), DKIM_RECORD_BAD_KEY },
		{ "e=-", 256, 0xff, 1, SPAN_LIT(""), DKIM_RECORD_BAD_KEY },
		{ "e=1", 256, 0xff, 1, SPAN_LIT("\1"), DKIM_RECORD_BAD_KEY },
		{ "e=01", 256, 0xff, 1, SPAN_LIT("\0\1"),
		    DKIM_RECORD_BAD_KEY },
		{ "e=2", 256, 0xff, 1, SPAN_LIT("\2"), DKIM_RECORD_BAD_KEY },
		{ "e=3", 256, 0xff, 1, SPAN_LIT("\3"), DKIM_RECORD_OK },
		{ "e=65536", 256, 0xff, 1, SPAN_LIT("\1\0\0"),
		    DKIM_RECORD_BAD_KEY },
		{ "64 bits", 256, 0xff, 1,
		    SPAN_LIT("\0\xff\xff\xff\xff\xff\xff\xff\xff"),
		    DKIM_RECORD_OK },
		{ "65 bits", 256, 0xff, 1,
		    SPAN_LIT("\1\xff\xff\xff\xff\xff\xff\xff\xff"),
		    DKIM_RECORD_BAD_KEY },
	};
	unsigned bits;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		ROW_IS(rows[i].name, try_rsa(rows[i].len, rows[i].first,
		    rows[i].last, rows[i].exponent, &bits) ==
		    rows[i].result);
	assert_int_equal(try_rsa(130, 0, 1, good, &bits),
	    DKIM_RECORD_OK);
	assert_int_equal(bits, 129 * 8);	/* a zero before the sign bit */
	assert_int_equal(try_rsa(1, 15, 15, good, &bits),
	    DKIM_RECORD_SHORT_KEY);
	assert_int_equal(bits, 4);
}

/*
 * All encodings of the eight points of small order that a lax decoder takes:
 * y, y + p where that has room, each with either sign.
 */
static void
test_small_orders(void **state)
{
	static const struct {
		const char *hex;	/* y, little-endian; the sign is 0 */
		bool refused;
	} rows[] = {
		{ "0000000000000000000000000000000000000000000000000000000000"
		    "000000", true },
		{ "0100000000000000000000000000000000000000000000000000000000"
		    "000000", true },
		{ "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		    "ffff7f", true },
		{ "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d"
		    "53fc05", true },
		{ "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792"
		    "ac037a", true },
		{ "edffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		    "ffff7f", true },
		{ "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		    "ffff7f", true },
		/* another coordinate over the prime: of no small order, but
		 * no encoding either (RFC 8032 5.1.3) */
		{ "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		    "ffff7f", true },
		{ "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f7"
		    "07511a", false },
		/* near the prime, and near a point above */
		{ "ebffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		    "ffff7f", false },
		{ "0200000000000000000000000000000000000000000000000000000000"
		    "000000", false },
	};
	struct strbuf text = STRBUF_INIT;
	struct dkim_record record;
	unsigned char point[32];
	size_t i, k, sign;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows) * 2; i++) {
		sign = i % 2;
		for (k = 0; k < sizeof(point); k++)
			assert_int_equal(sscanf(rows[i / 2].hex + 2 * k, "%2hhx",
			    &point[k]), 1);
		point[31] |= (unsigned char)(sign << 7);
		strbuf_reset(&text);
		strbuf_adds(&text, V "k=ed25519; p=");
		base64_encode(span_make(point, sizeof(point)), &text);
		ROW_IS(rows[i / 2].hex, dkim_record_parse(strbuf_span(&text),
		    &record) == (rows[i / 2].refused ? DKIM_RECORD_BAD_KEY :
		    DKIM_RECORD_OK));
		dkim_record_clear(&record);
	}
	strbuf_clear(&text);
}

/* Each octet of a good key cut off, and each changed: none is read beyond its
 * end, and what is no key is none. */
static void
test_broken_der(void **state)
{
	struct strbuf der = STRBUF_INIT, text = STRBUF_INIT;
	struct dkim_record record;
	size_t i;

	(void)state;
	assert_true(base64_decode(SPAN_LIT(RSA_PUBLIC), &der));
	for (i = 1; i < der.len; i++) {
		strbuf_reset(&text);
		strbuf_adds(&text, "p=");
		base64_encode(span_first(strbuf_span(&der), i), &text);
		assert_int_equal(dkim_record_parse(strbuf_span(&text), &record),
		    DKIM_RECORD_BAD_KEY);
		dkim_record_clear(&record);
	}
	/* what is not one of the numbers' octets, or NULL behind the OID */
	for (i = 0; i < 28; i++) {
		if (i == 16 || i == 17)
			continue;
		strbuf_reset(&text);
		strbuf_adds(&text, "p=");
		der.s[i] ^= 1;
		base64_encode(strbuf_span(&der), &text);
		der.s[i] ^= 1;
		if (dkim_record_parse(strbuf_span(&text), &record) ==
		    DKIM_RECORD_OK)
			fail_msg("octet %zu changed is a key still", i);
		dkim_record_clear(&record);
	}
	strbuf_clear(&der);
	strbuf_clear(&text);
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
		cmocka_unit_test(test_rsa_numbers),
		cmocka_unit_test(test_small_orders),
		cmocka_unit_test(test_broken_der),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
