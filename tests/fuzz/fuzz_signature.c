#include "tests/fuzz/fuzz.h"

#include "common/dkim/crypto.h"
#include "common/dkim/headerhash.h"
#include "common/mail/domain.h"

static void
check(enum dkim_signature_kind kind, const struct dkim_signature *s)
{
	struct span identity = s->identity;
	size_t at = span_rfind(identity, '@');
	bool is_seal = kind == DKIM_ARC_SEAL;

	MUST(domain_is_valid(s->domain));
	MUST(domain_is_valid_owner(s->selector));
	MUST(s->body_hash.len == (is_seal ? 0 : BODYHASH_SIZE));
	MUST(s->signature.len != 0 && s->signature.len <= DKIM_SIGNATURE_MAX);
	MUST((s->name_count == 0) == is_seal);
	MUST(s->name_count <= DKIM_HEADER_NAMES_MAX);
	MUST(s->cv <= ARC_CV_FAIL && (s->cv == ARC_CV_NONE || is_seal));
	MUST(identity.len == 0 ||
	    domain_is_within(span_skip(identity, at + 1), s->domain));
	MUST(s->expiration < 0 || s->expiration > s->timestamp);
}

/* A parsed signature without its b= is the same but for that. */
static void
check_stripped(enum dkim_signature_kind kind, struct span value,
    const struct dkim_signature *before, struct arena *arena)
{
	struct span stripped = dkim_signature_strip_b(value, arena);
	struct dkim_signature after;
	const char *reason;

	MUST(stripped.len < value.len);
	dkim_signature_parse_as(kind, stripped, arena, &after, &reason);
	MUST(reason != NULL && span_is(span_of(reason), "malformed b="));
	MUST(after.name_count == before->name_count);
	MUST(span_eq(after.body_hash, before->body_hash));
}

/* Hashed in batches, or as one text. */
static void
check_hash(struct span value, const struct dkim_signature *s,
    struct arena *arena)
{
	const struct header_field fields[] = {
		{ SPAN_LIT("From"), SPAN_LIT(" a@b"), false },
		{ SPAN_LIT("Subject"), value, false },
		{ SPAN_LIT("subject"), SPAN_LIT("x"), false },
		{ SPAN_LIT("DKIM-Signature"), value, false },
	};
	struct dkim_headers *headers = dkim_headers_new(fields, 4, arena);
	unsigned char hash[DKIM_HEADER_HASH_SIZE], same[CRYPTO_HASH_SIZE];
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;

	dkim_headers_text(headers, s, &fields[3], &out);
	MUST(out.len >= 2);
	MUST(crypto_hash(strbuf_span(&out), same, &err) == 0);
	MUST(dkim_headers_hash(headers, s, &fields[3], hash, &err) == 0);
	MUST(memcmp(hash, same, sizeof(hash)) == 0);
	dkim_headers_free(headers);
	strbuf_clear(&out);
}

static void
check_peek(struct span value, const struct dkim_signature *s)
{
	struct dkim_signature_peek peek;

	dkim_signature_peek(value, &peek);
	MUST(peek.domain.len != 0 && peek.selector.len != 0);
	MUST(peek.algorithm.len != 0 && peek.signature.len != 0);
	MUST(s->identity.len == 0 || peek.identity.len != 0);
}

static void
try_kind(enum dkim_signature_kind kind, struct span value, struct arena *arena)
{
	struct dkim_signature s;
	const char *reason;

	dkim_signature_parse_as(kind, value, arena, &s, &reason);
	if (reason != NULL)
		return;
	check(kind, &s);
	MUST((kind == DKIM_SIGNATURE) == (s.instance == 0));
	check_stripped(kind, value, &s, arena);
	check_hash(value, &s, arena);
	check_peek(value, &s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span value = span_make(data, size);
	struct dkim_signature_peek peek;
	struct arena arena = ARENA_INIT;

	MUST(dkim_signature_strip_b(value, &arena).len <= size);
	dkim_signature_peek(value, &peek);
	try_kind(DKIM_SIGNATURE, value, &arena);
	try_kind(DKIM_ARC_MESSAGE_SIGNATURE, value, &arena);
	try_kind(DKIM_ARC_SEAL, value, &arena);
	arena_clear(&arena);
	return 0;
}
