#include "common/arc/arc.h"

#include "common/arc/sealhash.h"
#include "common/dkim/headerhash.h"
#include "common/dkim/verify.h"

enum state {
	OPEN,		/* its key is not known yet */
	GOOD,
	BAD,		/* for good */
	DOUBTFUL	/* nobody knows for now */
};

/* One signature to be verified, and what came of it. */
struct check {
	enum state state;
	const char *reason;
	const struct dkim_signature *signature;
	unsigned instance;
	bool is_seal;
};

struct arc_validate {
	struct arc_options options;
	struct lookups *lookups;
	struct bodyhashes *hashes;
	struct arena *arena;
	struct dkim_headers *headers;
	struct arc_chain chain;
	/* In the order of RFC 8617 5.2: the newest message signature, then the
	 * seals from the newest on. */
	struct check *checks;
	size_t count;
	bool is_settled;
	int body_hash;			/* -1: none */
	unsigned char (*seal_hashes)[ARC_SEAL_HASH_SIZE];	/* NULL: not
							   computed yet */
	struct arc_outcome outcome;
};

static void
settle(struct check *check, enum state state, const char *reason)
{
	check->state = state;
	check->reason = reason;
}

/* ---- what is hashed ---- */

static const struct header_field *
message_signature_field(const struct arc_validate *v)
{
	return v->chain.sets[v->chain.count - 1]
	    .fields[ARC_MESSAGE_SIGNATURE];
}

static int
hash_seals(struct arc_validate *v, struct strbuf *err)
{
	unsigned char (*hashes)[ARC_SEAL_HASH_SIZE] = arena_alloc(v->arena,
	    v->chain.count * sizeof(*hashes));

	if (arc_seal_hashes(v->chain.sets, v->chain.count, hashes, err) != 0)
		return -1;
	v->seal_hashes = hashes;
	return 0;
}

static int
hash_check(struct arc_validate *v, const struct check *check,
    unsigned char hash[ARC_SEAL_HASH_SIZE], struct strbuf *err)
{
	if (!check->is_seal)
		return dkim_headers_hash(v->headers, check->signature,
		    message_signature_field(v), hash, err);
	if (v->seal_hashes == NULL && hash_seals(v, err) != 0)
		return -1;
	memcpy(hash, v->seal_hashes[check->instance - 1], ARC_SEAL_HASH_SIZE);
	return 0;
}

static void
keep_text(struct arc_validate *v, const struct check *check)
{
	struct strbuf text = STRBUF_INIT;

	if (check->is_seal)
		arc_seal_text(v->chain.sets, check->instance, &text);
	else
		dkim_headers_text(v->headers, check->signature,
		    message_signature_field(v), &text);
	v->outcome.header_text = arena_dup(v->arena, strbuf_span(&text));
	strbuf_clear(&text);
}

/* ---- one signature ---- */

/* NULL, or why the key is no good for the signature. */
static const char *
refuse_key(const struct arc_validate *v, const struct dkim_public_key *key,
    const struct dkim_signature *signature)
{
	unsigned min = v->options.min_key_bits;

	if (signature->algorithm == DKIM_RSA_SHA256 &&
	    dkim_public_key_bits(key) < (min != 0 ? min : DKIM_RSA_BITS_MIN))
		return "key is too short";
	return dkim_public_key_refuse(key, signature->algorithm);
}

static void
verify(struct arc_validate *v, struct check *check,
    const struct dkim_public_key *key)
{
	unsigned char hash[ARC_SEAL_HASH_SIZE];
	struct strbuf err = STRBUF_INIT;
	int rc = hash_check(v, check, hash, &err);

	if (rc == 0)
		rc = dkim_public_key_verify(key, hash,
		    check->signature->signature, &err);
	if (rc == 1)
		settle(check, GOOD, "");
	else if (rc == 0)
		settle(check, BAD, check->is_seal ?
		    "ARC-Seal did not verify" :
		    "ARC-Message-Signature did not verify");
	else
		settle(check, DOUBTFUL, arena_strdup(v->arena,
		    strbuf_str(&err)));
	strbuf_clear(&err);
}

static void
advance(struct arc_validate *v, struct check *check)
{
	const struct dkim_signature *signature = check->signature;
	struct dkim_key_lookup found;
	const char *refusal;

	if (!dkim_key_find(v->lookups, LOOKUP_ARC, signature->domain,
	    signature->selector, &found))
		return;
	if (found.status == DKIM_KEY_TEMPORARY)
		settle(check, DOUBTFUL, found.reason);
	else if (found.status == DKIM_KEY_UNUSABLE)
		settle(check, BAD, found.reason);
	else if ((refusal = refuse_key(v, found.key, signature)) != NULL)
		settle(check, BAD, refusal);
	else
		verify(v, check, found.key);
}

/* ---- the chain ---- */

static void
finish(struct arc_validate *v, enum arc_result result, const char *reason,
    unsigned instance)
{
	v->is_settled = true;
	v->outcome.result = result;
	v->outcome.reason = reason;
	v->outcome.failed_instance = instance;
	if (v->body_hash < 0 || v->options.keep_hashed)
		return;
	bodyhashes_drop(v->hashes, v->body_hash);
	v->body_hash = -1;
}

static void
list_sealers(struct arc_validate *v)
{
	struct arc_outcome *outcome = &v->outcome;
	size_t i;

	outcome->count = v->chain.count;
	outcome->sealers = arena_alloc(v->arena,
	    ARC_SETS_MAX * sizeof(*outcome->sealers));
	for (i = 0; i < v->chain.count; i++)
		if (v->chain.sets[i].has_seal)
			outcome->sealers[outcome->sealer_count++] =
			    v->chain.sets[i].seal.domain;
}

static void
add_check(struct arc_validate *v, const struct dkim_signature *signature,
    bool is_seal, size_t instance)
{
	struct check *check = &v->checks[v->count++];

	settle(check, OPEN, "");
	check->signature = signature;
	check->is_seal = is_seal;
	check->instance = (unsigned)instance;
}

static bool
is_expired(const struct arc_validate *v)
{
	int64_t end = v->chain.message_signature.expiration;

	return end >= 0 && v->options.now > end + DKIM_VERIFY_SLACK;
}

static void
want_body(struct arc_validate *v)
{
	const struct dkim_signature *s = &v->chain.message_signature;
	struct strbuf err = STRBUF_INIT;

	v->body_hash = bodyhashes_want(v->hashes, s->body_canon,
	    s->body_length, &err);
	if (v->body_hash < 0)
		settle(&v->checks[0], DOUBTFUL, arena_strdup(v->arena,
		    strbuf_str(&err)));
	strbuf_clear(&err);
}

static void
begin(struct arc_validate *v)
{
	struct arc_chain *chain = &v->chain;
	size_t n = chain->count;

	v->checks = arena_alloc(v->arena, (1 + n) * sizeof(*v->checks));
	add_check(v, &chain->message_signature, false, n);
	for (; n > 0; n--)
		add_check(v, &chain->sets[n - 1].seal, true, n);
	if (is_expired(v))
		settle(&v->checks[0], BAD, "ARC-Message-Signature is expired");
	else
		want_body(v);
}

struct arc_validate *
arc_validate_start(const struct arc_options *options,
    const struct header_field *fields, size_t count, struct lookups *lookups,
    struct bodyhashes *hashes, struct arena *arena)
{
	struct arc_validate *v = arena_zalloc(arena, sizeof(*v));

	v->options = *options;
	v->lookups = lookups;
	v->hashes = hashes;
	v->arena = arena;
	v->body_hash = -1;
	arc_chain_find(fields, count, arena, &v->chain);
	if (v->chain.sets == NULL) {
		finish(v, ARC_NONE, "", 0);
		return v;
	}
	list_sealers(v);
	if (v->chain.trouble != NULL) {
		finish(v, ARC_FAIL, v->chain.trouble, v->chain.instance);
		return v;
	}
	v->headers = dkim_headers_new(fields, count, arena);
	begin(v);
	arc_validate_advance(v);	/* asks, and takes what is cached */
	return v;
}

void
arc_validate_free(struct arc_validate *validate)
{
	if (validate != NULL)
		dkim_headers_free(validate->headers);
}

/* All keys are asked for at once; the first in order that is bad ends it. */
bool
arc_validate_advance(struct arc_validate *validate)
{
	bool is_open = false;
	struct check *check;
	size_t i;

	for (i = 0; !validate->is_settled && i < validate->count; i++) {
		check = &validate->checks[i];
		if (check->state == OPEN)
			advance(validate, check);
		is_open = is_open || check->state == OPEN;
		if (is_open || check->state != BAD)
			continue;
		if (validate->options.keep_hashed)
			keep_text(validate, check);
		finish(validate, ARC_FAIL, check->reason, check->instance);
	}
	return !is_open;
}

/* The body is known at the end alone, the signature over its hash before. */
static void
check_body(struct arc_validate *v)
{
	const struct dkim_signature *s = &v->chain.message_signature;
	struct check *check = &v->checks[0];
	const unsigned char *digest;
	uint64_t octets;

	if (v->body_hash < 0)
		return;
	digest = bodyhashes_digest(v->hashes, v->body_hash);
	octets = bodyhashes_octets(v->hashes, v->body_hash);
	if (digest == NULL)
		settle(check, DOUBTFUL, "the body was not hashed");
	else if (s->body_length != UINT64_MAX && s->body_length > octets)
		settle(check, BAD, "l= is over the body's size");
	else if (memcmp(s->body_hash.p, digest, BODYHASH_SIZE) != 0)
		settle(check, BAD, "body hash did not verify");
	else if (s->body_length < octets && !v->options.accept_partial_body)
		settle(check, BAD, "l= leaves part of the body unsigned");
}

/* The first in order that is in that state, or NULL. */
static const struct check *
first_in(const struct arc_validate *v, enum state state)
{
	size_t i;

	for (i = 0; i < v->count; i++)
		if (v->checks[i].state == state)
			return &v->checks[i];
	return NULL;
}

static void
keep_body(struct arc_validate *v)
{
	struct arc_outcome *outcome = &v->outcome;
	const unsigned char *digest = v->body_hash < 0 ? NULL :
	    bodyhashes_digest(v->hashes, v->body_hash);

	if (outcome->result != ARC_FAIL || digest == NULL)
		return;
	outcome->message_signature = &v->chain.message_signature;
	outcome->body_octets = bodyhashes_octets(v->hashes, v->body_hash);
	memcpy(outcome->body_hash, digest, BODYHASH_SIZE);
}

static void
decide(struct arc_validate *validate)
{
	const struct check *check;

	check_body(validate);
	if ((check = first_in(validate, BAD)) != NULL)
		finish(validate, ARC_FAIL, check->reason, check->instance);
	else if ((check = first_in(validate, DOUBTFUL)) != NULL)
		finish(validate, ARC_TEMPERROR, check->reason,
		    check->instance);
	else
		finish(validate, ARC_PASS, "", 0);
}

const struct arc_outcome *
arc_validate_end(struct arc_validate *validate)
{
	if (!validate->is_settled)
		decide(validate);
	if (validate->options.keep_hashed)
		keep_body(validate);
	return &validate->outcome;
}

const char *
arc_result_name(enum arc_result result)
{
	static const char *const names[] = {
		[ARC_NONE] = "none",
		[ARC_PASS] = "pass",
		[ARC_FAIL] = "fail",
		[ARC_TEMPERROR] = "temperror",
	};

	return names[result];
}
