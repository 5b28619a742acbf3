/*
 * The published examples of RFC 6376 and RFC 8463: read from the conformance
 * data beside the source tree, where that is.
 */
#include "tests/unit/unit.h"
#include "tests/unit/dkim_keys.h"

#include "common/base/file.h"
#include "common/dkim/record.h"
#include "common/dkim/headerhash.h"
#include "common/mail/message.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

enum { SUITE_FILE_MAX = 1 << 20 };

static bool
read_suite(const char *name, struct strbuf *out)
{
	const char *srcdir = getenv("POSTERN_SRCDIR");
	struct strbuf path = STRBUF_INIT, err = STRBUF_INIT;
	bool ok;

	strbuf_addf(&path, "%s/../shared/suites/dkim/%s",
	    srcdir != NULL ? srcdir : ".", name);
	ok = file_read(path.s, SUITE_FILE_MAX, out, NULL, &err) == 0;
	if (!ok)
		print_message("skipped: %s\n", strbuf_str(&err));
	strbuf_clear(&path);
	strbuf_clear(&err);
	return ok;
}

/* The text behind '"name": "' in the manifest; no value has an escape. */
static struct span
record_text(const struct dkim_signature *s, struct span manifest)
{
	struct strbuf name = STRBUF_INIT;
	struct span text, rest;
	const char *at;

	strbuf_addf(&name, "\"%.*s._domainkey.%.*s\": \"",
	    SPAN_ARG(s->selector), SPAN_ARG(s->domain));
	at = memmem(manifest.p, manifest.len, name.s, name.len);
	if (at == NULL)
		fail_msg("%s is not in the manifest", name.s);
	rest = span_skip(manifest, (size_t)(at - manifest.p) + name.len);
	assert_true(span_cut(&rest, '"', &text));
	strbuf_clear(&name);
	return text;
}

static EVP_PKEY *
public_key(const struct dkim_record *record)
{
	const unsigned char *p = (const unsigned char *)record->public_key.s;
	size_t len = record->public_key.len;

	if (record->algorithm == DKIM_RSA_SHA256)
		return d2i_PUBKEY(NULL, &p, (long)len);
	return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, p, len);
}

static bool
verifies(const struct dkim_record *record, struct span data,
    struct span signature)
{
	bool rsa = record->algorithm == DKIM_RSA_SHA256;
	EVP_PKEY *pkey = public_key(record);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char hash[BODYHASH_SIZE];
	bool ok;

	assert_non_null(pkey);
	EVP_Digest(data.p, data.len, hash, NULL, EVP_sha256(), NULL);
	if (!rsa)
		data = span_make(hash, sizeof(hash));
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL,
	    rsa ? EVP_sha256() : NULL, NULL, pkey), 1);
	ok = EVP_DigestVerify(ctx, (const unsigned char *)signature.p,
	    signature.len, (const unsigned char *)data.p, data.len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ok;
}

static bool
body_matches(const struct dkim_signature *s, struct span body)
{
	struct strbuf err = STRBUF_INIT;
	unsigned char hash[BODYHASH_SIZE];
	struct bodyhash *bh = bodyhash_new(s->body_canon, s->body_length, &err);

	bodyhash_add(bh, body);
	assert_int_equal(bodyhash_end(bh, hash, &err), 0);
	bodyhash_free(bh);
	return memcmp(hash, s->body_hash.p, sizeof(hash)) == 0;
}

/* RSA with PKCS#1 1.5 and Ed25519 are deterministic: who has the key makes
 * the published signature. */
static void
reproduce(const struct dkim_record *record, struct span data,
    struct span published)
{
	struct dkim_key *key = dkim_key_parse(
	    record->algorithm == DKIM_RSA_SHA256 ? SPAN_LIT(RSA_BASE64) :
	    SPAN_LIT(ED25519_SEED), &(struct strbuf)STRBUF_INIT);
	unsigned char out[DKIM_SIGNATURE_MAX];
	struct strbuf err = STRBUF_INIT;
	size_t len;

	if (dkim_record_matches(record, key)) {
		assert_int_equal(dkim_key_sign(key, data, out, &len, &err), 0);
		assert_int_equal(len, published.len);
		assert_memory_equal(out, published.p, len);
	}
	dkim_key_free(key);
}

static bool
check_signature(struct message *message, const struct header_field *field,
    struct span body, struct span manifest)
{
	struct dkim_headers *headers = dkim_headers_new(message->headers,
	    message->header_count, &message->arena);
	struct strbuf data = STRBUF_INIT;
	struct dkim_record record;
	struct dkim_signature s;
	const char *reason;
	bool ok;

	dkim_signature_parse(field->value, &message->arena, &s, &reason);
	assert_null(reason);
	assert_int_equal(dkim_record_parse(record_text(&s, manifest), &record),
	    DKIM_RECORD_OK);
	dkim_headers_text(headers, &s, field, &data);
	ok = verifies(&record, strbuf_span(&data), s.signature) &&
	    body_matches(&s, body);
	if (ok)
		reproduce(&record, strbuf_span(&data), s.signature);
	dkim_record_clear(&record);
	dkim_headers_free(headers);
	strbuf_clear(&data);
	return ok;
}

static void
check_file(const char *name, struct span manifest, size_t count, bool pass)
{
	struct message message = { .arena = ARENA_INIT };
	struct strbuf text = STRBUF_INIT;
	const struct header_field *field;
	struct span body;
	size_t i, seen = 0;

	assert_true(read_suite(name, &text));
	message_read_text(&message, strbuf_span(&text), &body);
	for (i = 0; i < message.header_count; i++) {
		field = &message.headers[i];
		if (!span_is(field->name, "DKIM-Signature"))
			continue;
		seen++;
		ROW_IS(name, check_signature(&message, field, body,
		    manifest) == pass);
	}
	assert_int_equal(seen, count);
	message_clear(&message);
	strbuf_clear(&text);
}

static void
test_published(void **state)
{
	static const struct {
		const char *name;
		size_t signatures;
		bool pass;
	} rows[] = {
		{ "dkim-001.eml", 2, true },
		{ "rfc6376-a2-signed.eml", 1, true },
		{ "rfc6376-a2-printed.eml", 1, false },
	};
	struct strbuf manifest = STRBUF_INIT;
	size_t i;

	(void)state;
	if (!read_suite("manifest.json", &manifest))
		skip();
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check_file(rows[i].name, strbuf_span(&manifest),
		    rows[i].signatures, rows[i].pass);
	strbuf_clear(&manifest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
