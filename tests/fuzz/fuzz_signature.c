#include "tests/fuzz/fuzz.h"

#include "common/dkim/signature.h"
#include "common/mail/domain.h"

static void
check(const struct dkim_signature *s)
{
	struct span identity = s->identity;
	size_t at = span_rfind(identity, '@');

	MUST(domain_is_valid(s->domain));
	MUST(domain_is_valid_owner(s->selector));
	MUST(s->body_hash.len == BODYHASH_SIZE);
	MUST(s->signature.len != 0 && s->signature.len <= DKIM_SIGNATURE_MAX);
	MUST(s->name_count != 0 && s->name_count <= DKIM_HEADER_NAMES_MAX);
	MUST(identity.len == 0 ||
	    domain_is_within(span_skip(identity, at + 1), s->domain));
	MUST(s->expiration < 0 || s->expiration > s->timestamp);
}

/* A parsed signature without its b= is the same but for that. */
static void
check_stripped(struct span value, const struct dkim_signature *before,
    struct arena *arena)
{
	struct span stripped = dkim_signature_strip_b(value, arena);
	struct dkim_signature after;
	const char *reason;

	MUST(stripped.len < value.len);
	dkim_signature_parse(stripped, arena, &after, &reason);
	MUST(reason != NULL && span_is(span_of(reason), "malformed b="));
	MUST(after.name_count == before->name_count);
	MUST(span_eq(after.body_hash, before->body_hash));
}

static void
add_text(struct span value, const struct dkim_signature *s,
    struct arena *arena)
{
	const struct header_field fields[] = {
		{ SPAN_LIT("From"), SPAN_LIT(" a@b"), false },
		{ SPAN_LIT("Subject"), value, false },
		{ SPAN_LIT("subject"), SPAN_LIT("x"), false },
	};
	const struct header_field own = { SPAN_LIT("DKIM-Signature"),
	    dkim_signature_strip_b(value, arena), false };
	struct strbuf out = STRBUF_INIT;

	dkim_signature_header_text(s->header_canon, fields, 3, s->names,
	    s->name_count, &own, &out);
	MUST(out.len >= 2);
	strbuf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span value = span_make(data, size);
	struct arena arena = ARENA_INIT;
	struct dkim_signature s;
	const char *reason;

	dkim_signature_parse(value, &arena, &s, &reason);
	if (reason == NULL) {
		check(&s);
		check_stripped(value, &s, &arena);
		add_text(value, &s, &arena);
	} else {
		MUST(dkim_signature_strip_b(value, &arena).len <= size);
	}
	arena_clear(&arena);
	return 0;
}
