#include "tests/unit/unit.h"
#include "tests/unit/dkim_keys.h"
#include "tests/unit/zone.h"

#include "common/dkim/crypto.h"
#include "common/dkim/pubkey.h"

#include <pthread.h>

#define LABEL63	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LABEL50	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LABEL51	LABEL50 "a"

static const char zone_text[] =
    "rsa._domainkey.example.com TXT \"v=DKIM1; p=" RSA_PUBLIC "\"\n"
    "ed._domainkey.example.com TXT \"k=ed25519; p=" ED25519_PUBLIC "\"\n"
    LABEL63 "." LABEL63 "." LABEL51 "._domainkey." LABEL50 ".example.com"
    " TXT \"k=ed25519; p=" ED25519_PUBLIC "\"\n";

/* One key of a kind, and what it signed. */
struct pair {
	const char *selector, *private_key;
	const struct dkim_public_key *key;
	unsigned char hash[CRYPTO_HASH_SIZE];
	unsigned char signature[DKIM_SIGNATURE_MAX];
	size_t len;
};

static void
fill(struct pair *pair, struct lookups *lookups)
{
	struct strbuf err = STRBUF_INIT;
	struct dkim_key *key = dkim_key_parse(span_of(pair->private_key),
	    &err);
	struct dkim_key_lookup found;

	assert_true(dkim_key_find(lookups, LOOKUP_DKIM,
	    SPAN_LIT("example.com"), span_of(pair->selector), &found));
	assert_int_equal(found.status, DKIM_KEY_FOUND);
	pair->key = found.key;
	assert_int_equal(crypto_hash(SPAN_LIT("text"), pair->hash, &err), 0);
	assert_int_equal(dkim_key_sign(key, SPAN_LIT("text"), pair->signature,
	    &pair->len, &err), 0);
	dkim_key_free(key);
}

static bool
holds(const struct pair *pair, size_t changed)
{
	struct span signature = span_make(pair->signature, pair->len);
	unsigned char hash[CRYPTO_HASH_SIZE];
	struct strbuf err = STRBUF_INIT;

	memcpy(hash, pair->hash, sizeof(hash));
	if (changed < sizeof(hash))
		hash[changed] ^= 1;
	return dkim_public_key_verify(pair->key, hash, signature, &err) == 1;
}

/* A key is used by all threads at once. */
static void *
verify_often(void *arg)
{
	const struct pair *pair = arg;
	uintptr_t wrong = 0;
	size_t i;

	for (i = 0; i < 200; i++)
		wrong += holds(pair, i) != (i >= CRYPTO_HASH_SIZE);
	return (void *)wrong;
}

static void
test_verify(void **state)
{
	struct zone zone = { .text = zone_text };
	struct lookups *lookups = zone_lookups(&zone);
	struct pair pairs[] = {
		{ .selector = "rsa", .private_key = RSA_BASE64 },
		{ .selector = "ed", .private_key = ED25519_SEED },
	};
	pthread_t threads[8];
	struct strbuf err = STRBUF_INIT;
	void *wrong;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(pairs); i++)
		fill(&pairs[i], lookups);
	for (i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify_often,
		    &pairs[i % 2]), 0);
	for (i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	/* a signature of another length, or of the other key */
	for (i = 0; i < ARRAY_LEN(pairs); i++) {
		struct pair *other = &pairs[1 - i];

		assert_int_equal(dkim_public_key_verify(pairs[i].key,
		    pairs[i].hash, span_make(pairs[i].signature,
		    pairs[i].len - 1), &err), 0);
		assert_int_equal(dkim_public_key_verify(pairs[i].key,
		    pairs[i].hash, span_make(other->signature, other->len),
		    &err), 0);
	}
	assert_int_equal(err.len, 0);
	lookups_free(lookups);
}

/* Parsed once for as long as the answer lasts. */
static void
test_derived(void **state)
{
	struct zone zone = { .text = zone_text };
	struct lookups *lookups = zone_lookups(&zone);
	struct dkim_key_lookup one, other;

	(void)state;
	assert_true(dkim_key_find(lookups, LOOKUP_DKIM,
	    SPAN_LIT("example.com"), SPAN_LIT("rsa"), &one));
	assert_true(dkim_key_find(lookups, LOOKUP_ARC,
	    SPAN_LIT("EXAMPLE.com"), SPAN_LIT("RSA"), &other));
	assert_ptr_equal(one.key, other.key);
	assert_int_equal(zone.asked, 1);
	assert_int_equal(dkim_public_key_bits(one.key), 1024);
	assert_null(dkim_public_key_refuse(one.key, DKIM_RSA_SHA256));
	assert_non_null(dkim_public_key_refuse(one.key, DKIM_ED25519_SHA256));
	lookups_free(lookups);
}

static void
test_long_name(void **state)
{
	static const struct {
		const char *selector, *domain;
		enum dkim_key_status status;
	} rows[] = {
		{ LABEL63 "." LABEL63 "." LABEL51, LABEL50 ".example.com",
		    DKIM_KEY_FOUND },	/* 253 octets */
		{ LABEL63 "." LABEL63 "." LABEL51 "a", LABEL50 ".example.com",
		    DKIM_KEY_UNUSABLE },
		{ "a", LABEL63 "." LABEL63 "." LABEL63 "." LABEL50,
		    DKIM_KEY_UNUSABLE },
	};
	struct zone zone = { .text = zone_text };
	struct lookups *lookups = zone_lookups(&zone);
	struct dkim_key_lookup found;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(dkim_key_find(lookups, LOOKUP_DKIM,
		    span_of(rows[i].domain), span_of(rows[i].selector),
		    &found));
		ROW_IS(rows[i].selector, found.status == rows[i].status);
		ROW_IS(rows[i].selector, (found.key != NULL) ==
		    (found.status == DKIM_KEY_FOUND));
	}
	assert_string_equal(found.reason, "name of the key is too long");
	lookups_free(lookups);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_derived),
		cmocka_unit_test(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
