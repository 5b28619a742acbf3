/*
 * The published examples of RFC 6376 and RFC 8463: read from the conformance
 * data beside the source tree, where that is.
 */
#include "tests/unit/unit.h"
#include "tests/unit/dkim_keys.h"
#include "tests/unit/zone.h"

#include "common/base/file.h"
#include "common/dkim/headerhash.h"
#include "common/dkim/verify.h"
#include "common/mail/message.h"

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

/* The keys of all signatures that can be read, as a zone. */
static void
add_zone(struct message *message, struct span manifest, struct strbuf *zone)
{
	struct dkim_signature s;
	const char *reason;
	size_t i;

	for (i = 0; i < message->header_count; i++) {
		if (!span_is(message->headers[i].name, "DKIM-Signature"))
			continue;
		dkim_signature_parse(message->headers[i].value, &message->arena,
		    &s, &reason);
		assert_null(reason);
		strbuf_addf(zone, "%.*s._domainkey.%.*s TXT \"%.*s\"\n",
		    SPAN_ARG(s.selector), SPAN_ARG(s.domain),
		    SPAN_ARG(record_text(&s, manifest)));
	}
}

/* RSA with PKCS#1 1.5 and Ed25519 are deterministic: who has the key makes
 * the published signature. */
static void
reproduce(struct dkim_headers *headers, const struct dkim_signature *s,
    const struct header_field *field, struct lookups *lookups)
{
	struct dkim_key *key = dkim_key_parse(
	    s->algorithm == DKIM_RSA_SHA256 ? SPAN_LIT(RSA_BASE64) :
	    SPAN_LIT(ED25519_SEED), &(struct strbuf)STRBUF_INIT);
	unsigned char out[DKIM_SIGNATURE_MAX];
	struct strbuf data = STRBUF_INIT, err = STRBUF_INIT;
	struct dkim_key_lookup found;
	size_t len;

	assert_true(dkim_key_find(lookups, LOOKUP_DKIM, s->domain, s->selector,
	    &found));
	if (dkim_record_matches(dkim_public_key_record(found.key), key)) {
		dkim_headers_text(headers, s, field, &data);
		assert_int_equal(dkim_key_sign(key, strbuf_span(&data), out,
		    &len, &err), 0);
		assert_int_equal(len, s->signature.len);
		assert_memory_equal(out, s->signature.p, len);
	}
	dkim_key_free(key);
	strbuf_clear(&data);
}

static void
check_outcomes(const char *name, struct message *message,
    const struct dkim_outcome *outcomes, size_t count, bool pass,
    struct lookups *lookups)
{
	struct dkim_headers *headers = dkim_headers_new(message->headers,
	    message->header_count, &message->arena);
	size_t i;

	for (i = 0; i < count; i++) {
		if (outcomes[i].result != (pass ? DKIM_PASS : DKIM_FAIL))
			fail_msg("%s: %s (%s)", name,
			    dkim_result_name(outcomes[i].result),
			    outcomes[i].reason);
		if (pass)
			reproduce(headers, &outcomes[i].signature,
			    &message->headers[outcomes[i].field], lookups);
	}
	dkim_headers_free(headers);
}

static void
check_file(const char *name, struct span manifest, size_t count, bool pass)
{
	const struct dkim_verify_options options = { .now = 1700000000 };
	struct message message = { .arena = ARENA_INIT };
	struct strbuf text = STRBUF_INIT, zone_text = STRBUF_INIT;
	struct strbuf err = STRBUF_INIT;
	struct bodyhashes hashes = { 0 };
	struct zone zone = { .text = NULL };
	const struct dkim_outcome *outcomes;
	struct dkim_verify *verify;
	struct lookups *lookups;
	struct span body;
	size_t seen;

	assert_true(read_suite(name, &text));
	message_read_text(&message, strbuf_span(&text), &body);
	add_zone(&message, manifest, &zone_text);
	zone.text = zone_text.s;
	lookups = zone_lookups(&zone);
	verify = dkim_verify_start(&options, message.headers,
	    message.header_count, lookups, &hashes, &message.arena);
	assert_true(dkim_verify_advance(verify));
	bodyhashes_add(&hashes, body);
	assert_int_equal(bodyhashes_end(&hashes, &err), 0);
	outcomes = dkim_verify_end(verify, &seen);
	assert_int_equal(seen, count);
	check_outcomes(name, &message, outcomes, seen, pass, lookups);
	dkim_verify_free(verify);
	lookups_free(lookups);
	bodyhashes_clear(&hashes);
	message_clear(&message);
	strbuf_clear(&text);
	strbuf_clear(&zone_text);
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
