#include "common/cache/cachekey.h"
#include "tests/unit/tables.h"

#include <pthread.h>

#define BASE64	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HEX	"000102030405060708090a0b0c0d0e0f" \
		"101112131415161718191a1b1c1d1e1f"

static struct cache_secret
counting_secret(void)
{
	struct cache_secret secret;
	size_t i;

	for (i = 0; i < CACHE_SECRET_OCTETS; i++)
		secret.octets[i] = (unsigned char)i;
	return secret;
}

static void
add_hex(struct strbuf *out, const unsigned char *octets, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		strbuf_addf(out, "%02x", octets[i]);
}

/* What another implementation of HMAC gives for the lengths and parts. */
static void
test_digests(void **state)
{
	static const struct {
		const char *kind;
		const char *parts[4];
		size_t fill;		/* of the first part, with 'y' */
		const char *digest;
	} rows[] = {
		{ "greylist", { "192.0.2.0/24", "a@example.org",
		    "b@example.net", NULL }, 0,
		    "edd23f2a6217c03ad34181595beb70ac"
		    "990c991077fa174d1aaebc0211b1f4d4" },
		{ "x", { NULL, NULL, NULL, NULL }, 0,
		    "62b99902247ad88523b74e93af04442e"
		    "110d54919bb1d4c671256cf7faefbb54" },
		/* longer than what is collected */
		{ "x", { "", "", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "w" },
		    1000, "bec4c85717a6640b476df9d7f4cf55c3"
		    "29aa45930de52fff5f7449239134f62b" },
	};
	struct cache_secret secret = counting_secret();
	struct strbuf hex = STRBUF_INIT;
	struct span parts[4];
	struct cache_key key;
	char fill[1000];
	size_t i, n;

	(void)state;
	memset(fill, 'y', sizeof(fill));
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		for (n = 0; n < 4 && rows[i].parts[n] != NULL; n++)
			parts[n] = span_of(rows[i].parts[n]);
		if (rows[i].fill != 0)
			parts[0] = span_make(fill, rows[i].fill);
		cache_key_make(&secret, rows[i].kind, parts, n, &key);
		strbuf_reset(&hex);
		add_hex(&hex, key.digest, sizeof(key.digest));
		ROW_EQ(rows[i].kind, strbuf_span(&hex),
		    span_of(rows[i].digest));
		assert_true(key.slot == 0);
	}
	strbuf_clear(&hex);
}

/* All of these are different things. */
static void
test_borders(void **state)
{
	static const struct {
		const char *kind;
		size_t count;
		struct span parts[3];
	} rows[] = {
		{ "k", 2, { { "ab", 2 }, { "c", 1 } } },
		{ "k", 2, { { "a", 1 }, { "bc", 2 } } },
		{ "k", 1, { { "abc", 3 } } },
		{ "k", 2, { { "abc", 3 }, { "", 0 } } },
		{ "k", 2, { { "", 0 }, { "abc", 3 } } },
		{ "ka", 1, { { "bc", 2 } } },
		{ "kabc", 0, { { NULL, 0 } } },
		{ "k", 0, { { NULL, 0 } } },
		{ "k", 1, { { "", 0 } } },
		{ "k", 1, { { "\0", 1 } } },
		{ "k", 1, { { "abc\n", 4 } } },
		{ "k", 1, { { "ABC", 3 } } },
	};
	struct cache_key keys[ARRAY_LEN(rows)], other;
	struct cache_secret secret = counting_secret();
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		cache_key_make(&secret, rows[i].kind, rows[i].parts,
		    rows[i].count, &keys[i]);
		for (j = 0; j < i; j++)
			assert_memory_not_equal(keys[i].digest, keys[j].digest,
			    8);
	}
	secret.octets[31] ^= 1;
	cache_key_make(&secret, rows[0].kind, rows[0].parts, rows[0].count,
	    &other);
	assert_memory_not_equal(other.digest, keys[0].digest, 8);
	secret.octets[31] ^= 1;
	cache_key_make(&secret, rows[0].kind, rows[0].parts, rows[0].count,
	    &other);
	assert_memory_equal(other.digest, keys[0].digest,
	    sizeof(other.digest));
}

static void
test_text(void **state)
{
	static const struct {
		uint64_t slot;
		const char *end;
	} rows[] = {
		{ 0, "" },
		{ 1, ".B" },
		{ 63, "._" },
		{ 64, ".AB" },
		{ UINT64_MAX, ".__________P" },
	};
	struct cache_secret secret = counting_secret();
	struct span parts[3] = { SPAN_LIT("192.0.2.0/24"),
	    SPAN_LIT("a@example.org"), SPAN_LIT("b@example.net") };
	char text[CACHE_KEY_TEXT + 1], want[CACHE_KEY_TEXT + 1];
	struct cache_key key;
	size_t i;

	(void)state;
	cache_key_make(&secret, "greylist", parts, 3, &key);
	assert_true(cache_key_check(&key) == UINT64_C(0x1aaebc0211b1f4d4));
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		key.slot = rows[i].slot;
		cache_key_text(&key, text);
		snprintf(want, sizeof(want),
		    "pst1:7dI_KmIXwDrTQYFZW-twrJkMmRB3-hdN%s", rows[i].end);
		assert_string_equal(text, want);
		assert_true(strlen(text) < 60);
	}
	key.slot = 1;
	assert_true(cache_key_check(&key) != UINT64_C(0x1aaebc0211b1f4d4));
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 2000 };

static void *
make_keys(void *arg)
{
	static const char text[] = "x";
	struct cache_secret secret = counting_secret(), other = secret;
	struct span part = span_make(text, 1);
	struct cache_key first, key;
	size_t i;

	secret.octets[0] = *(unsigned char *)arg;
	cache_key_make(&secret, "k", &part, 1, &first);
	for (i = 0; i < ROUNDS; i++) {
		cache_key_make(&other, "k", &part, 1, &key);
		cache_key_make(&secret, "k", &part, 1, &key);
		if (memcmp(&key, &first, sizeof(key)) != 0)
			return arg;
	}
	return NULL;
}

static void
test_threads(void **state)
{
	unsigned char numbers[THREADS] = { 1, 2, 3, 4 };
	pthread_t threads[THREADS];
	void *wrong;
	size_t i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_keys,
		    &numbers[i]), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
}

/* ---- the secret ---- */

static const struct {
	const char *name;
	const char *text;
	unsigned mode;
	const char *says;	/* NULL: it is the counting one */
} secrets[] = {
	{ "base64", BASE64, 0600, NULL },
	{ "base64, a line", BASE64 "\n", 0400, NULL },
	{ "hexadecimal", HEX "\n", 0600, NULL },
	{ "blanks", "\n \t" HEX "\r\n\n", 0600, NULL },
	{ "no padding", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", 0600,
	    NULL },
	{ "empty", "", 0600, "not a secret of 32 octets" },
	{ "too short", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", 0600,
	    "not a secret of 32 octets" },
	{ "too long", HEX "00", 0600, "not a secret of 32 octets" },
	{ "no digits", "xx" HEX, 0600, "not a secret of 32 octets" },
	{ "64, not all digits", "g" "00102030405060708090a0b0c0d0e0f"
	    "101112131415161718191a1b1c1d1e1f", 0600,
	    "not a secret of 32 octets" },
	{ "for the group", BASE64, 0640, "chmod 600" },
	{ "for all", BASE64, 0604, "chmod 600" },
};

static void
test_secrets(void **state)
{
	struct cache_secret want = counting_secret(), secret;
	struct strbuf err = STRBUF_INIT;
	bool was_made;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < ARRAY_LEN(secrets); i++) {
		strbuf_reset(&err);
		scratch_write("secret", span_of(secrets[i].text),
		    secrets[i].mode);
		rc = cache_secret_load(scratch_path("secret"), true,
		    &was_made, &secret, &err);
		ROW_IS(secrets[i].name, (rc == 0) == (secrets[i].says == NULL));
		ROW_IS(secrets[i].name, !was_made);
		if (rc == 0) {
			ROW_IS(secrets[i].name, err.len == 0);
			ROW_IS(secrets[i].name, memcmp(&secret, &want,
			    sizeof(want)) == 0);
		} else {
			ROW_IS(secrets[i].name, strstr(err.s,
			    secrets[i].says) != NULL);
			ROW_IS(secrets[i].name, strstr(err.s,
			    scratch_path("secret")) == err.s);
		}
	}
	strbuf_clear(&err);
}

static void
test_made(void **state)
{
	struct cache_secret first, again, other;
	struct strbuf err = STRBUF_INIT;
	bool was_made = true;
	struct stat st;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s", scratch_path("made"));
	assert_int_equal(cache_secret_load(path, false, &was_made, &first,
	    &err), -1);
	assert_false(was_made);
	assert_non_null(strstr(err.s, "made: No such file"));
	assert_int_equal(cache_secret_load(path, true, &was_made, &first,
	    &err), 0);
	assert_true(was_made);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(cache_secret_load(path, true, &was_made, &again,
	    &err), 0);
	assert_false(was_made);
	assert_memory_equal(&first, &again, sizeof(first));
	unlink(path);
	assert_int_equal(cache_secret_load(path, true, NULL, &other, &err), 0);
	assert_memory_not_equal(&first, &other, sizeof(first));
	unlink(path);
	strbuf_reset(&err);
	assert_int_equal(cache_secret_load("/nowhere/secret", true, &was_made,
	    &other, &err), -1);
	assert_string_equal(err.s, "/nowhere/secret: cannot be written: No "
	    "such file or directory");
	strbuf_clear(&err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_borders),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_made),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
