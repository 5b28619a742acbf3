#include "common/dkim/verify.h"

#include "common/dkim/candidates.h"
#include "common/dkim/headerhash.h"
#include "common/dkim/outcome.h"
#include "common/mail/domain.h"

#include <stdlib.h>

_Static_assert((int)DKIM_CANDIDATES_MAX == (int)DKIM_VERIFY_LISTED_MAX,
    "all that is listed is found");

enum stage { WAITS_FOR_KEY, WAITS_FOR_BODY, SETTLED };

/* One that is examined, beside its outcome. */
struct examined {
	enum stage stage;
	int body;		/* index in hashes; -1: not asked for */
};

struct dkim_verify {
	struct dkim_verify_options options;
	const struct header_field *fields;
	struct lookups *lookups;
	struct bodyhashes *hashes;
	struct arena *arena;
	struct dkim_headers *headers;
	struct dkim_outcome *outcomes;
	size_t count;
	struct examined *examined;	/* of the first outcomes */
	size_t examined_count;
	size_t unlisted;
};

static const struct header_field *
field_of(const struct dkim_verify *verify, const struct dkim_outcome *outcome)
{
	return &verify->fields[outcome->field];
}

static void
keep_text(struct dkim_verify *verify, struct dkim_outcome *outcome)
{
	struct strbuf text = STRBUF_INIT;

	dkim_headers_text(verify->headers, &outcome->signature,
	    field_of(verify, outcome), &text);
	outcome->header_text = arena_dup(verify->arena, strbuf_span(&text));
	strbuf_clear(&text);
}

/* The end of one, but for a pass, which has nothing to explain. */
static void
settle(struct dkim_verify *verify, size_t i, enum dkim_result result,
    const char *reason)
{
	struct examined *examined = &verify->examined[i];
	struct dkim_outcome *outcome = &verify->outcomes[i];

	outcome->result = result;
	outcome->reason = reason;
	if (verify->options.keep_hashed) {
		if (result == DKIM_FAIL)
			keep_text(verify, outcome);
	} else if (examined->stage != SETTLED && examined->body >= 0) {
		bodyhashes_drop(verify->hashes, examined->body);
	}
	examined->stage = SETTLED;
}

/* What the system refused: nothing was found out. Takes over err. */
static void
settle_trouble(struct dkim_verify *verify, size_t i, struct strbuf *err)
{
	settle(verify, i, DKIM_TEMPERROR,
	    arena_strdup(verify->arena, strbuf_str(err)));
	strbuf_clear(err);
}

/* ---- the field ---- */

/* NULL, or what RFC 6376 6.1.1 has against it. */
static const char *
check_field(const struct dkim_verify *verify, const struct dkim_signature *s)
{
	int64_t now = verify->options.now;

	if (!span_has(s->domain, '.'))
		return "malformed d=";	/* 3.5: two labels at least */
	if (s->expiration >= 0 && now - DKIM_VERIFY_SLACK > s->expiration)
		return "signature expired";
	if (s->timestamp >= 0 && s->timestamp - DKIM_VERIFY_SLACK > now)
		return "signature is from the future";
	return NULL;
}

static void
examine(struct dkim_verify *verify, size_t i)
{
	struct dkim_outcome *outcome = &verify->outcomes[i];
	const struct header_field *field = field_of(verify, outcome);
	struct examined *examined = &verify->examined[i];
	const struct dkim_signature *s = &outcome->signature;
	struct strbuf err = STRBUF_INIT;
	const char *reason;

	*examined = (struct examined){ .stage = WAITS_FOR_KEY, .body = -1 };
	if (field->is_malformed) {
		settle(verify, i, DKIM_PERMERROR, "malformed header field");
		return;
	}
	dkim_signature_parse(field->value, verify->arena, &outcome->signature,
	    &reason);
	if (reason == NULL) {
		dkim_outcome_parsed(outcome, verify->arena);
		reason = check_field(verify, s);
	}
	if (reason != NULL) {
		settle(verify, i, DKIM_PERMERROR, reason);
		return;
	}
	examined->body = bodyhashes_want(verify->hashes, s->body_canon,
	    s->body_length, &err);
	if (examined->body < 0)
		settle_trouble(verify, i, &err);
}

static void
skip(struct dkim_outcome *outcome)
{
	outcome->is_skipped = true;
	outcome->result = DKIM_NEUTRAL;
	outcome->reason = "not examined: too many signatures";
}

/* ---- the outcomes ---- */

static unsigned
at_most(unsigned wanted, unsigned fallback, size_t bound)
{
	if (wanted == 0)
		wanted = fallback;
	return wanted < bound ? wanted : (unsigned)bound;
}

static void
list(struct dkim_verify *verify, const struct dkim_candidates *found)
{
	struct arena *arena = verify->arena;
	size_t i;

	verify->count = found->count;
	verify->unlisted = found->total - found->count;
	verify->examined_count = at_most(verify->options.max_signatures,
	    DKIM_VERIFY_SIGNATURES, found->count);
	verify->outcomes = arena_zalloc(arena,
	    found->count * sizeof(*verify->outcomes));
	verify->examined = arena_alloc(arena,
	    verify->examined_count * sizeof(*verify->examined));
	for (i = 0; i < found->count; i++) {
		verify->outcomes[i].field = found->fields[i];
		dkim_outcome_read(&verify->outcomes[i],
		    field_of(verify, &verify->outcomes[i])->value, arena);
		if (i < verify->examined_count)
			examine(verify, i);
		else
			skip(&verify->outcomes[i]);
	}
}

struct dkim_verify *
dkim_verify_start(const struct dkim_verify_options *options,
    const struct header_field *fields, size_t count, struct lookups *lookups,
    struct bodyhashes *hashes, struct arena *arena)
{
	struct dkim_verify *verify = arena_zalloc(arena, sizeof(*verify));
	struct dkim_candidates found;

	verify->options = *options;
	verify->fields = fields;
	verify->lookups = lookups;
	verify->hashes = hashes;
	verify->arena = arena;
	dkim_candidates_find(fields, count, options->authors,
	    options->author_count, &found);
	if (found.count == 0)
		return verify;
	verify->headers = dkim_headers_new(fields, count, arena);
	list(verify, &found);
	dkim_verify_advance(verify);	/* asks, and takes what is cached */
	return verify;
}

void
dkim_verify_free(struct dkim_verify *verify)
{
	if (verify != NULL)
		dkim_headers_free(verify->headers);
}

/* ---- the key ---- */

static bool
is_short(const struct dkim_verify *verify, const struct dkim_signature *s,
    unsigned bits)
{
	unsigned min = verify->options.min_key_bits;

	return s->algorithm == DKIM_RSA_SHA256 &&
	    bits < (min != 0 ? min : DKIM_RSA_BITS_MIN);
}

/* RFC 6376 3.6.1, t=s. */
static bool
is_subdomain(const struct dkim_signature *s)
{
	struct span domain = span_skip(s->identity,
	    span_rfind(s->identity, '@') + 1);

	return s->identity.len != 0 && !span_eq(domain, s->domain);
}

static void
verify_header(struct dkim_verify *verify, size_t i,
    const struct dkim_public_key *key)
{
	const struct dkim_signature *s = &verify->outcomes[i].signature;
	unsigned char hash[DKIM_HEADER_HASH_SIZE];
	struct strbuf err = STRBUF_INIT;
	int rc;

	rc = dkim_headers_hash(verify->headers, s,
	    field_of(verify, &verify->outcomes[i]), hash, &err);
	if (rc == 0)
		rc = dkim_public_key_verify(key, hash, s->signature, &err);
	if (rc < 0)
		settle_trouble(verify, i, &err);
	else if (rc == 0)
		settle(verify, i, DKIM_FAIL, "signature did not verify");
	else
		verify->examined[i].stage = WAITS_FOR_BODY;
}

static void
use_key(struct dkim_verify *verify, size_t i,
    const struct dkim_public_key *key)
{
	const struct dkim_record *record = dkim_public_key_record(key);
	struct dkim_outcome *outcome = &verify->outcomes[i];
	const struct dkim_signature *s = &outcome->signature;
	const char *refusal = dkim_public_key_refuse(key, s->algorithm);

	outcome->key_bits = dkim_public_key_bits(key);
	outcome->is_testing = record->is_testing;
	if (refusal != NULL)
		settle(verify, i, DKIM_PERMERROR, refusal);
	else if (record->is_strict && is_subdomain(s))
		settle(verify, i, DKIM_PERMERROR, "key is not for i=");
	else if (is_short(verify, s, outcome->key_bits))
		settle(verify, i, DKIM_POLICY, "key is too short");
	else
		verify_header(verify, i, key);
}

/* False where the answer is not there yet. */
static bool
find_key(struct dkim_verify *verify, size_t i)
{
	struct dkim_outcome *outcome = &verify->outcomes[i];
	struct dkim_key_lookup found;

	if (!dkim_key_find(verify->lookups, LOOKUP_DKIM,
	    outcome->signature.domain, outcome->signature.selector, &found))
		return false;
	outcome->is_secure = found.is_secure;
	switch (found.status) {
	case DKIM_KEY_FOUND:
		use_key(verify, i, found.key);
		break;
	case DKIM_KEY_TEMPORARY:
		settle(verify, i, DKIM_TEMPERROR, found.reason);
		break;
	case DKIM_KEY_UNUSABLE:
		settle(verify, i, DKIM_PERMERROR, found.reason);
		break;
	}
	return true;
}

bool
dkim_verify_advance(struct dkim_verify *verify)
{
	bool all = true;
	size_t i;

	for (i = 0; i < verify->examined_count; i++)
		if (verify->examined[i].stage == WAITS_FOR_KEY)
			all = find_key(verify, i) && all;
	return all;
}

/* ---- the body ---- */

static void
judge_body(struct dkim_verify *verify, size_t i)
{
	struct dkim_outcome *outcome = &verify->outcomes[i];
	const struct dkim_signature *s = &outcome->signature;
	enum dkim_result partial = verify->options.partial_body;

	if (!outcome->has_body_hash) {
		settle(verify, i, DKIM_TEMPERROR, "the body was not hashed");
	} else if (s->body_length != UINT64_MAX &&
	    s->body_length > outcome->body_octets) {
		settle(verify, i, DKIM_PERMERROR, "l= is over the body's size");
	} else if (memcmp(s->body_hash.p, outcome->body_hash,
	    BODYHASH_SIZE) != 0) {
		settle(verify, i, DKIM_FAIL, "body hash did not verify");
	} else if (s->body_length < outcome->body_octets &&
	    partial != DKIM_PASS) {
		settle(verify, i, partial != DKIM_NONE ? partial : DKIM_POLICY,
		    "l= leaves part of the body unsigned");
	} else {
		verify->examined[i].stage = SETTLED;
		outcome->result = DKIM_PASS;
		outcome->reason = "";
	}
}

static void
fetch_body_hash(struct dkim_verify *verify, size_t i)
{
	struct dkim_outcome *outcome = &verify->outcomes[i];
	int index = verify->examined[i].body;
	const unsigned char *digest;

	digest = index >= 0 ? bodyhashes_digest(verify->hashes, index) : NULL;
	if (digest == NULL)
		return;
	memcpy(outcome->body_hash, digest, BODYHASH_SIZE);
	outcome->has_body_hash = true;
	outcome->body_octets = bodyhashes_octets(verify->hashes, index);
}

const struct dkim_outcome *
dkim_verify_end(struct dkim_verify *verify, size_t *count)
{
	size_t i;

	for (i = 0; i < verify->examined_count; i++) {
		fetch_body_hash(verify, i);
		if (verify->examined[i].stage == WAITS_FOR_KEY)
			settle(verify, i, DKIM_TEMPERROR, "no key in time");
		else if (verify->examined[i].stage == WAITS_FOR_BODY)
			judge_body(verify, i);
	}
	dkim_outcomes_shorten(verify->outcomes, verify->count);
	*count = verify->count;
	return verify->outcomes;
}

size_t
dkim_verify_unlisted(const struct dkim_verify *verify)
{
	return verify->unlisted;
}
