#include "tests/unit/unit.h"
#include "tests/unit/dkim_keys.h"

#include "common/base/base64.h"
#include "common/base/file.h"
#include "common/dkim/key.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>

#define PEM_BEGIN	"-----BEGIN RSA PRIVATE KEY-----"
#define PEM_END		"-----END RSA PRIVATE KEY-----"
#define RSA_PEM		PEM_BEGIN "\n" RSA_BASE64 PEM_END "\n"

static void
test_base64(void **state)
{
	static const struct {
		const char *text;
		const char *data;	/* NULL: refused */
		const char *again;	/* NULL: as text */
	} rows[] = {
		{ "Zg==", "f", NULL },
		{ "Zm8=", "fo", NULL },
		{ "Zm9v", "foo", NULL },
		{ "Zm9vYg==", "foob", NULL },
		{ "+/+/", "\xfb\xff\xbf", NULL },
		{ "Zg", "f", "Zg==" },
		{ "Zm8", "fo", "Zm8=" },
		{ " Z m\r\n\t9 v ", "foo", "Zm9v" },
		{ "Zm8\r\n =", "fo", "Zm8=" },
		{ "", NULL, NULL },
		{ "=", NULL, NULL },
		{ "Z", NULL, NULL },
		{ "Zg=", NULL, NULL },
		{ "Zg===", NULL, NULL },
		{ "Zm9v=", NULL, NULL },
		{ "Zm9v====", NULL, NULL },
		{ "Zg==Zg==", NULL, NULL },
		{ "Z-9v", NULL, NULL },
		{ "Zm9v\x80", NULL, NULL },
	};
	struct strbuf out = STRBUF_INIT, text = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&out);
		strbuf_reset(&text);
		strbuf_adds(&out, "<");
		ROW_IS(rows[i].text, base64_decode(span_of(rows[i].text),
		    &out) == (rows[i].data != NULL));
		ROW_EQ(rows[i].text, span_skip(strbuf_span(&out), 1),
		    span_of(rows[i].data));
		if (rows[i].data == NULL)
			continue;
		base64_encode(span_of(rows[i].data), &text);
		ROW_EQ(rows[i].text, strbuf_span(&text),
		    span_of(rows[i].again != NULL ? rows[i].again :
		    rows[i].text));
	}
	strbuf_clear(&out);
	strbuf_clear(&text);
}

static struct dkim_key *
must_parse(const char *text)
{
	struct strbuf err = STRBUF_INIT;
	struct dkim_key *key = dkim_key_parse(span_of(text), &err);

	if (key == NULL)
		fail_msg("%s", strbuf_str(&err));
	if (dkim_key_probe(key, &err) != 0)
		fail_msg("%s", strbuf_str(&err));
	strbuf_clear(&err);
	return key;
}

static void
test_parse(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		enum dkim_algorithm algorithm;
	} rows[] = {
		{ "PEM", RSA_PEM, DKIM_RSA_SHA256 },
		{ "PEM on one line", PEM_BEGIN " " RSA_BASE64 " " PEM_END,
		    DKIM_RSA_SHA256 },
		{ "PEM without blanks", PEM_BEGIN RSA_BASE64 PEM_END,
		    DKIM_RSA_SHA256 },
		{ "text before and behind", "Key attributes\n" RSA_PEM "end",
		    DKIM_RSA_SHA256 },
		{ "behind another thing", "-----BEGIN X509 CERTIFICATE-----\n"
		    "AAAA\n-----END X509 CERTIFICATE-----\n" RSA_PEM,
		    DKIM_RSA_SHA256 },
		{ "base64 of DER", RSA_BASE64, DKIM_RSA_SHA256 },
		{ "seed", ED25519_SEED, DKIM_ED25519_SHA256 },
		{ "seed and a line end", ED25519_SEED "\r\n",
		    DKIM_ED25519_SHA256 },
	};
	struct strbuf out = STRBUF_INIT;
	struct dkim_key *key;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		key = must_parse(rows[i].text);
		strbuf_reset(&out);
		assert_int_equal(dkim_key_format_public(key, &out, &out), 0);
		ROW_IS(rows[i].name,
		    dkim_key_algorithm(key) == rows[i].algorithm);
		ROW_EQ(rows[i].name, strbuf_span(&out), span_of(
		    rows[i].algorithm == DKIM_RSA_SHA256 ? RSA_PUBLIC :
		    ED25519_PUBLIC));
		ROW_IS(rows[i].name, dkim_key_bits(key) ==
		    (rows[i].algorithm == DKIM_RSA_SHA256 ? 1024 : 256));
		dkim_key_free(key);
	}
	strbuf_clear(&out);
}

static void
is_refused(const char *name, struct span text, const char *why)
{
	struct strbuf err = STRBUF_INIT;
	struct dkim_key *key = dkim_key_parse(text, &err);

	ROW_IS(name, key == NULL);
	if (strstr(strbuf_str(&err), why) == NULL)
		fail_msg("%s: \"%s\", not \"%s\"", name, strbuf_str(&err), why);
	strbuf_clear(&err);
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *why;
	} rows[] = {
		{ "empty", "", "empty" },
		{ "blanks", " \r\n", "empty" },
		{ "prose", "not a key at all!", "no private key" },
		{ "base64 of something", "AAECAwQ=", "no private key" },
		{ "base64 of a public key", RSA_PUBLIC, "a public key" },
		{ "PEM without end", PEM_BEGIN "\n" RSA_BASE64,
		    "without its end" },
		{ "PEM of nothing", PEM_BEGIN PEM_END, "damaged" },
		{ "PEM of garbage", PEM_BEGIN "\nAAAA\n" PEM_END, "damaged" },
		{ "PEM not in base64", PEM_BEGIN "\n<>\n" PEM_END, "damaged" },
		{ "old encryption", PEM_BEGIN "\nProc-Type: 4,ENCRYPTED\n"
		    "DEK-Info: AES-128-CBC,00\n\nAAAA\n" PEM_END, "encrypted" },
		{ "EC", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n"
		    "-----END EC PRIVATE KEY-----\n", "an EC key" },
		{ "OpenSSH", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"
		    "-----END OPENSSH PRIVATE KEY-----\n", "ssh-keygen" },
		{ "certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"
		    "-----END CERTIFICATE-----\n", "a certificate" },
		{ "unknown", "-----BEGIN PGP MESSAGE-----\nAAAA\n"
		    "-----END PGP MESSAGE-----\n", "something else" },
	};
	struct strbuf large = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		is_refused(rows[i].name, span_of(rows[i].text), rows[i].why);
	while (large.len <= DKIM_KEY_FILE_MAX)
		strbuf_adds(&large, "AAAA");
	is_refused("large", strbuf_span(&large), "larger than");
	strbuf_clear(&large);
}

/* What the crypto library itself makes, as PEM and as base64 of DER. */
static void
is_refused_pkey(const char *name, EVP_PKEY *pkey, const char *why)
{
	struct strbuf text = STRBUF_INIT;
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char *der = NULL;
	char *pem;
	long len;
	int n;

	assert_non_null(pkey);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL,
	    0, NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &pem);
	is_refused(name, span_make(pem, (size_t)len), why);
	BIO_free(bio);
	n = i2d_PrivateKey(pkey, &der);
	assert_true(n > 0);
	base64_encode(span_make(der, (size_t)n), &text);
	is_refused(name, strbuf_span(&text), why);
	OPENSSL_free(der);
	strbuf_clear(&text);
	EVP_PKEY_free(pkey);
}

static EVP_PKEY *
from_params(OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;

	EVP_PKEY_fromdata_init(ctx);
	EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

/* No such key, but numbers of that size: nobody looks at more. */
static EVP_PKEY *
rsa_of_bits(int bits)
{
	static const char *const others[] = {
		OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
		OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
		OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
		OSSL_PKEY_PARAM_RSA_COEFFICIENT1
	};
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_new(), *other = BN_new();
	OSSL_PARAM *params;
	size_t i;

	BN_set_bit(n, bits - 1);
	BN_set_bit(n, 0);
	BN_set_word(other, 65537);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	for (i = 0; i < ARRAY_LEN(others); i++)
		OSSL_PARAM_BLD_push_BN(build, others[i], other);
	params = OSSL_PARAM_BLD_to_param(build);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(other);
	return from_params(params);
}

static EVP_PKEY *
rsa_pss(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *pkey = NULL;

	EVP_PKEY_keygen_init(ctx);
	EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 1024);
	EVP_PKEY_generate(ctx, &pkey);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static void
test_other_types(void **state)
{
	(void)state;
	is_refused_pkey("EC", EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"),
	    "type EC");
	is_refused_pkey("Ed448", EVP_PKEY_Q_keygen(NULL, NULL, "ED448"),
	    "type ED448");
	is_refused_pkey("X25519", EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
	    "type X25519");
	is_refused_pkey("RSA-PSS", rsa_pss(), "type RSA-PSS");
	is_refused_pkey("1023 bits", rsa_of_bits(1023), "of 1023 bits");
	is_refused_pkey("8193 bits", rsa_of_bits(8193), "of 8193 bits");
}

static void
test_damaged(void **state)
{
	struct strbuf err = STRBUF_INIT, text = STRBUF_INIT;
	EVP_PKEY *pkey = rsa_of_bits(2048);
	unsigned char *der = NULL;
	struct dkim_key *key;
	int n;

	(void)state;
	n = i2d_PrivateKey(pkey, &der);
	assert_true(n > 0);
	base64_encode(span_make(der, (size_t)n), &text);
	key = dkim_key_parse(strbuf_span(&text), &err);
	assert_non_null(key);
	assert_int_equal(dkim_key_probe(key, &err), -1);
	assert_true(err.len > 0);
	dkim_key_free(key);
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	strbuf_clear(&text);
	strbuf_clear(&err);
}

static void
is_refused_bio(const char *name, BIO *bio, const char *why)
{
	char *pem;
	long len = BIO_get_mem_data(bio, &pem);

	is_refused(name, span_make(pem, (size_t)len), why);
	BIO_free(bio);
}

static void
test_encrypted_and_public(void **state)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	char pass[] = "secret";
	BIO *bio;

	(void)state;
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_128_cbc(), pass, 6,
	    NULL, NULL);
	is_refused_bio("encrypted", bio, "encrypted");
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PUBKEY(bio, pkey);
	is_refused_bio("public", bio, "a public key");
	EVP_PKEY_free(pkey);
}

static void
test_encrypted_der(void **state)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct strbuf text = STRBUF_INIT;
	BIO *bio = BIO_new(BIO_s_mem());
	char pass[] = "secret", *der;
	long len;

	(void)state;
	i2d_PKCS8PrivateKey_bio(bio, pkey, EVP_aes_128_cbc(), pass, 6, NULL,
	    NULL);
	len = BIO_get_mem_data(bio, &der);
	base64_encode(span_make(der, (size_t)len), &text);
	is_refused("encrypted DER", strbuf_span(&text), "encrypted");
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	strbuf_clear(&text);
}

static void
test_generate(void **state)
{
	static const struct {
		enum dkim_algorithm algorithm;
		unsigned bits;
	} rows[] = { { DKIM_RSA_SHA256, 1024 }, { DKIM_ED25519_SHA256, 0 } };
	struct strbuf text = STRBUF_INIT, again = STRBUF_INIT;
	struct strbuf err = STRBUF_INIT;
	struct dkim_key *key, *copy;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&text);
		strbuf_reset(&again);
		key = dkim_key_generate(rows[i].algorithm, rows[i].bits, &err);
		assert_non_null(key);
		assert_int_equal(dkim_key_format(key, &text, &err), 0);
		copy = must_parse(strbuf_str(&text));
		assert_int_equal(dkim_key_format(copy, &again, &err), 0);
		assert_string_equal(text.s, again.s);
		assert_int_equal(dkim_key_algorithm(copy), rows[i].algorithm);
		dkim_key_free(copy);
		dkim_key_free(key);
	}
	assert_null(dkim_key_generate(DKIM_RSA_SHA256, 1023, &err));
	assert_null(dkim_key_generate(DKIM_RSA_SHA256, 8193, &err));
	assert_null(dkim_key_generate(DKIM_RSA_SHA256, UINT32_MAX, &err));
	strbuf_wipe(&text);
	strbuf_wipe(&again);
	strbuf_clear(&err);
}

static void
test_verify(void **state)
{
	static const char *const texts[] = { RSA_PEM, ED25519_SEED };
	unsigned char out[DKIM_SIGNATURE_MAX];
	struct strbuf err = STRBUF_INIT;
	struct dkim_key *key;
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		key = dkim_key_ref(must_parse(texts[i]));
		dkim_key_free(key);
		assert_int_equal(dkim_key_sign(key, span_of("abc"), out, &len,
		    &err), 0);
		assert_int_equal(len, i == 0 ? 128 : 64);
		assert_int_equal(dkim_key_verify(key, span_of("abc"),
		    span_make(out, len), &err), 1);
		assert_int_equal(dkim_key_verify(key, span_of("abd"),
		    span_make(out, len), &err), 0);
		assert_int_equal(dkim_key_verify(key, span_of("abc"),
		    span_make(out, len - 1), &err), 0);
		assert_int_equal(dkim_key_verify(key, span_of("abc"),
		    span_make(out, 0), &err), 0);
		out[3] ^= 1;
		assert_int_equal(dkim_key_verify(key, span_of("abc"),
		    span_make(out, len), &err), 0);
		dkim_key_free(key);
	}
	assert_int_equal(err.len, 0);
	strbuf_clear(&err);
}

static void
test_load(void **state)
{
	char dir[] = "/tmp/test_key.XXXXXX";
	struct strbuf path = STRBUF_INIT, err = STRBUF_INIT;
	struct dkim_key *key;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	strbuf_addf(&path, "%s/k", dir);
	assert_null(dkim_key_load(path.s, NULL, &err));
	assert_non_null(strstr(err.s, path.s));
	assert_int_equal(file_create(path.s, SPAN_LIT(RSA_PEM), 0600,
	    (uid_t)-1, (gid_t)-1, &err), 0);
	key = dkim_key_load(path.s, &st, &err);
	assert_non_null(key);
	assert_int_equal(st.st_mode & 07777, 0600);
	dkim_key_free(key);
	strbuf_reset(&err);
	file_replace(path.s, SPAN_LIT("x"), 0600, (uid_t)-1, (gid_t)-1, &err);
	assert_null(dkim_key_load(path.s, &st, &err));
	assert_non_null(strstr(err.s, "/k: no private key"));
	unlink(path.s);
	rmdir(dir);
	strbuf_clear(&path);
	strbuf_clear(&err);
}

static void
test_file_is_safe(void **state)
{
	static const struct {
		const char *name;
		uid_t owner;
		gid_t group;
		mode_t mode;
		const char *why;	/* NULL: safe */
	} rows[] = {
		{ "own", 105, 7, 0600, NULL },
		{ "own, read only", 105, 7, 0400, NULL },
		{ "root's", 0, 0, 0600, NULL },
		{ "root's, our group reads", 0, 110, 0640, NULL },
		{ "root's, our group writes", 0, 110, 0660, "chmod" },
		{ "root's, another group reads", 0, 7, 0640, "chmod" },
		{ "own, our group reads", 105, 110, 0640, "chmod" },
		{ "all read", 105, 7, 0644, "mode 0644" },
		{ "all read, root's", 0, 110, 0644, "chmod" },
		{ "another's", 106, 7, 0600, "user 106" },
	};
	struct strbuf err = STRBUF_INIT;
	struct stat st;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		memset(&st, 0, sizeof(st));
		st.st_uid = rows[i].owner;
		st.st_gid = rows[i].group;
		st.st_mode = S_IFREG | rows[i].mode;
		strbuf_reset(&err);
		ROW_IS(rows[i].name, dkim_key_file_is_safe("/k", &st, 105, 110,
		    &err) == (rows[i].why == NULL));
		ROW_IS(rows[i].name, rows[i].why == NULL ? err.len == 0 :
		    strstr(strbuf_str(&err), rows[i].why) != NULL);
	}
	strbuf_clear(&err);
}

static void
test_algorithms(void **state)
{
	enum dkim_algorithm a = DKIM_RSA_SHA256;

	(void)state;
	assert_true(dkim_algorithm_parse(span_of("Ed25519-SHA256"), &a));
	assert_int_equal(a, DKIM_ED25519_SHA256);
	assert_true(dkim_algorithm_parse(span_of("rsa-sha256"), &a));
	assert_int_equal(a, DKIM_RSA_SHA256);
	assert_false(dkim_algorithm_parse(span_of("rsa-sha1"), &a));
	assert_false(dkim_algorithm_parse(span_of("rsa-sha2567"), &a));
	assert_false(dkim_algorithm_parse(span_of(""), &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_encrypted_and_public),
		cmocka_unit_test(test_encrypted_der),
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_file_is_safe),
		cmocka_unit_test(test_algorithms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
