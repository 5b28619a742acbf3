#include "common/dkim/sign.h"

#include "common/base/base64.h"
#include "common/base/mem.h"
#include "common/dkim/headerhash.h"
#include "common/dkim/quoted.h"
#include "common/mail/domain.h"
#include "common/mail/fold.h"

#include <inttypes.h>
#include <stdlib.h>

#define FIELD_NAME	"DKIM-Signature"

struct existing {
	const struct header_field *field;
	struct dkim_signature signature;
};

struct dkim_sign {
	const struct dkim_sign_options *options;
	const struct dkim_sign_key *keys;
	size_t count;
	const struct header_field *fields;
	size_t field_count;
	struct arena *arena;
	struct bodyhashes hashes;
	int bodies[CANON_RELAXED + 1];	/* in hashes; -1: nobody asks */
	struct existing *existing;
	size_t existing_count;
	struct dkim_headers *headers;
	struct dkim_signature covered;	/* header_canon and h= of ours */
	struct strbuf text;		/* the signed fields, canonical */
};

/* Of a form that was asked for, after the end of the body. */
static const unsigned char *
digest_of(const struct dkim_sign *sign, enum canon canon)
{
	return bodyhashes_digest(&sign->hashes, sign->bodies[canon]);
}

/* ---- signatures that are there already ---- */

static bool
is_ours(const struct dkim_signature *signature, const struct dkim_sign_key *by)
{
	return signature->algorithm == dkim_key_algorithm(by->key) &&
	    span_eq(signature->domain, by->domain) &&
	    span_eq_nocase(signature->selector, by->selector);
}

static bool
may_be_ours(const struct dkim_sign *sign, const struct dkim_signature *s)
{
	size_t i;

	if (s->body_length != UINT64_MAX ||
	    (s->expiration >= 0 && s->expiration <= sign->options->now))
		return false;
	for (i = 0; i < sign->count; i++)
		if (is_ours(s, &sign->keys[i]))
			return true;
	return false;
}

static void
add_existing(struct dkim_sign *sign, const struct header_field *field)
{
	struct dkim_signature signature;
	const char *reason;

	dkim_signature_parse(field->value, sign->arena, &signature, &reason);
	if (reason != NULL || !may_be_ours(sign, &signature))
		return;
	if (sign->existing == NULL)
		sign->existing = arena_alloc(sign->arena,
		    DKIM_SIGN_EXISTING_MAX * sizeof(*sign->existing));
	sign->existing[sign->existing_count++] =
	    (struct existing){ field, signature };
}

static void
find_existing(struct dkim_sign *sign)
{
	size_t i, seen = 0;

	for (i = 0; i < sign->field_count; i++) {
		if (!span_is_nocase(sign->fields[i].name, FIELD_NAME))
			continue;
		if (seen++ == DKIM_SIGN_EXISTING_MAX)
			break;
		if (!sign->fields[i].is_malformed)
			add_existing(sign, &sign->fields[i]);
	}
}

/* 1: it verifies with our key; 0: it does not; -1: trouble. */
static int
verifies(struct dkim_sign *sign, const struct existing *existing,
    const struct dkim_key *key, struct strbuf *err)
{
	const struct dkim_signature *s = &existing->signature;
	struct strbuf text = STRBUF_INIT;
	int rc;

	if (memcmp(s->body_hash.p, digest_of(sign, s->body_canon),
	    BODYHASH_SIZE) != 0)
		return 0;
	dkim_headers_text(sign->headers, s, existing->field, &text);
	rc = dkim_key_verify(key, strbuf_span(&text), s->signature, err);
	strbuf_clear(&text);
	return rc;
}

static int
is_there(struct dkim_sign *sign, const struct dkim_sign_key *by,
    struct strbuf *err)
{
	const struct existing *existing;
	int rc = 0;
	size_t i;

	for (i = 0; i < sign->existing_count && rc == 0; i++) {
		existing = &sign->existing[i];
		if (is_ours(&existing->signature, by))
			rc = verifies(sign, existing, by->key, err);
	}
	return rc;
}

/* ---- the field ---- */

static void
add_tag(struct fold *fold, const char *name, struct span value)
{
	struct strbuf word = STRBUF_INIT;

	strbuf_addf(&word, "%s=", name);
	strbuf_addspan(&word, value);
	strbuf_addc(&word, ';');
	fold_word(fold, strbuf_span(&word));
	strbuf_clear(&word);
}

static void
add_number(struct fold *fold, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	add_tag(fold, name, span_of(text));
}

static void
add_canon(struct fold *fold, const struct dkim_sign_options *options)
{
	char text[24];

	snprintf(text, sizeof(text), "%s/%s",
	    canon_name(options->header_canon), canon_name(options->body_canon));
	add_tag(fold, "c", span_of(text));
}

/* The longest local part and domain in "=XX" would pass any line. */
static void
add_identity(struct fold *fold, struct span identity)
{
	struct strbuf text = STRBUF_INIT;

	dkim_quoted_encode(identity, &text);
	if (text.len + strlen("i=;") < FOLD_COLUMNS) {
		add_tag(fold, "i", strbuf_span(&text));
	} else {
		fold_word(fold, SPAN_LIT("i="));
		dkim_quoted_fold(fold, strbuf_span(&text));
		fold_glue(fold, SPAN_LIT(";"));
	}
	strbuf_clear(&text);
}

/* False where written so the signature would be invalid. */
static bool
normalize_identity(const struct dkim_sign_key *by, struct arena *arena,
    struct span *identity)
{
	size_t at = span_rfind(by->identity, '@');
	struct strbuf text = STRBUF_INIT;
	struct span domain;

	if (at == by->identity.len || !domain_to_ascii(
	    span_skip(by->identity, at + 1), arena, &domain) ||
	    !domain_is_within(domain, by->domain))
		return false;
	strbuf_addspan(&text, span_first(by->identity, at + 1));
	strbuf_addspan(&text, domain);
	*identity = arena_dup(arena, strbuf_span(&text));
	strbuf_clear(&text);
	return true;
}

static bool
has_copy(const struct dkim_sign *sign, const struct header_field *field)
{
	return !field->is_malformed && !span_has(field->name, '|') &&
	    dkim_signset_signs(sign->options->signset, field->name);
}

/* z=: left out altogether where it would be too long. */
static void
add_copies(struct fold *fold, const struct dkim_sign *sign)
{
	const struct fold before = *fold;
	struct strbuf text = STRBUF_INIT;
	const size_t start = fold->out->len;
	const char *mark = "z=";
	size_t i;

	for (i = 0; i < sign->field_count; i++) {
		if (!has_copy(sign, &sign->fields[i]))
			continue;
		strbuf_reset(&text);
		strbuf_adds(&text, mark);
		strbuf_addspan(&text, sign->fields[i].name);
		strbuf_addc(&text, ':');
		if (*mark == '|')
			fold_glue(fold, strbuf_span(&text));
		else
			fold_word(fold, strbuf_span(&text));
		mark = "|";
		strbuf_reset(&text);
		if (sign->fields[i].value.len <= DKIM_SIGN_COPIES_MAX)
			dkim_quoted_encode(sign->fields[i].value, &text);
		if (sign->fields[i].value.len > DKIM_SIGN_COPIES_MAX ||
		    fold->out->len - start + text.len > DKIM_SIGN_COPIES_MAX)
			break;
		dkim_quoted_fold(fold, strbuf_span(&text));
	}
	if (i == sign->field_count) {
		fold_glue(fold, SPAN_LIT(";"));
	} else {
		strbuf_truncate(fold->out, start);
		*fold = before;
	}
	strbuf_clear(&text);
}

static void
add_names(struct fold *fold, const struct span *names, size_t count)
{
	struct strbuf item = STRBUF_INIT;
	size_t i;

	for (i = 0; i < count; i++) {
		strbuf_reset(&item);
		if (i == 0)
			strbuf_adds(&item, "h=");
		strbuf_addspan(&item, names[i]);
		strbuf_addc(&item, i + 1 < count ? ':' : ';');
		if (i == 0)
			fold_word(fold, strbuf_span(&item));
		else
			fold_glue(fold, strbuf_span(&item));
	}
	strbuf_clear(&item);
}

static void
add_body_hash(struct fold *fold, const struct dkim_sign *sign)
{
	struct strbuf text = STRBUF_INIT;

	base64_encode(span_make(digest_of(sign, sign->options->body_canon),
	    BODYHASH_SIZE), &text);
	add_tag(fold, "bh", strbuf_span(&text));
	strbuf_clear(&text);
}

/* All of the value but what follows "b=". */
static void
write_tags(struct fold *fold, const struct dkim_sign *sign,
    const struct dkim_sign_key *by)
{
	const struct dkim_sign_options *options = sign->options;
	struct span identity;

	add_tag(fold, "v", SPAN_LIT("1"));
	add_tag(fold, "a",
	    span_of(dkim_algorithm_name(dkim_key_algorithm(by->key))));
	add_canon(fold, options);
	add_tag(fold, "d", by->domain);
	add_tag(fold, "s", by->selector);
	add_number(fold, "t", options->now);
	if (options->ttl > 0)
		add_number(fold, "x", options->now + options->ttl);
	if (normalize_identity(by, sign->arena, &identity))
		add_identity(fold, identity);
	if (options->diagnostics)
		add_copies(fold, sign);
	add_names(fold, sign->covered.names, sign->covered.name_count);
	add_body_hash(fold, sign);
	fold_word(fold, SPAN_LIT("b="));
}

/* Signs sign->text and the field as far as it is written. */
static int
add_signature(struct dkim_sign *sign, const struct dkim_sign_key *by,
    struct fold *fold, struct strbuf *err)
{
	const struct header_field own = { SPAN_LIT(FIELD_NAME),
	    strbuf_span(fold->out), false };
	unsigned char signature[DKIM_SIGNATURE_MAX];
	struct strbuf text = STRBUF_INIT;
	const size_t shared = sign->text.len;
	size_t len;
	int rc;

	canon_header(sign->options->header_canon, &own, &sign->text);
	strbuf_truncate(&sign->text, sign->text.len - 2);
	rc = dkim_key_sign(by->key, strbuf_span(&sign->text), signature, &len,
	    err);
	strbuf_truncate(&sign->text, shared);
	if (rc == 0) {
		base64_encode(span_make(signature, len), &text);
		fold_stream(fold, strbuf_span(&text));
	}
	strbuf_clear(&text);
	return rc;
}

static int
make_value(struct dkim_sign *sign, const struct dkim_sign_key *by,
    struct span *value, struct strbuf *err)
{
	struct strbuf out = STRBUF_INIT;
	struct fold fold;
	int rc;

	strbuf_reserve(&out, 1000);
	fold_start(&fold, &out, strlen(FIELD_NAME ":"));
	write_tags(&fold, sign, by);
	rc = add_signature(sign, by, &fold, err);
	if (rc == 0)
		*value = arena_dup(sign->arena, strbuf_span(&out));
	strbuf_clear(&out);
	return rc;
}

/* ---- the message passes ---- */

static int
want_body(struct dkim_sign *sign, enum canon canon, struct strbuf *err)
{
	if (sign->bodies[canon] < 0)
		sign->bodies[canon] = bodyhashes_want(&sign->hashes, canon,
		    UINT64_MAX, err);
	return sign->bodies[canon] >= 0 ? 0 : -1;
}

static int
want_bodies(struct dkim_sign *sign, struct strbuf *err)
{
	size_t i;

	if (want_body(sign, sign->options->body_canon, err) != 0)
		return -1;
	for (i = 0; i < sign->existing_count; i++)
		if (want_body(sign, sign->existing[i].signature.body_canon,
		    err) != 0)
			return -1;
	return 0;
}

struct dkim_sign *
dkim_sign_start(const struct dkim_sign_options *options,
    const struct dkim_sign_key *keys, size_t count,
    const struct header_field *fields, size_t field_count,
    struct arena *arena, struct strbuf *err)
{
	struct dkim_sign *sign = xcalloc(1, sizeof(*sign));

	memset(sign->bodies, -1, sizeof(sign->bodies));
	sign->options = options;
	sign->keys = keys;
	sign->count = count;
	sign->fields = fields;
	sign->field_count = field_count;
	sign->arena = arena;
	sign->headers = dkim_headers_new(fields, field_count, arena);
	sign->covered.header_canon = options->header_canon;
	if (options->keep_existing)
		find_existing(sign);
	if (want_bodies(sign, err) != 0) {
		dkim_sign_free(sign);
		return NULL;
	}
	return sign;
}

void
dkim_sign_body(struct dkim_sign *sign, struct span piece)
{
	bodyhashes_add(&sign->hashes, piece);
}

static int
sign_one(struct dkim_sign *sign, const struct dkim_sign_key *by,
    struct dkim_signed *result, struct strbuf *err)
{
	int rc = is_there(sign, by, err);

	*result = (struct dkim_signed){ by, rc == 1, SPAN_LIT("") };
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return make_value(sign, by, &result->value, err);
}

int
dkim_sign_end(struct dkim_sign *sign, struct dkim_signed *results,
    struct strbuf *err)
{
	size_t i;

	if (bodyhashes_end(&sign->hashes, err) != 0)
		return -1;
	dkim_signset_select(sign->options->signset, sign->fields,
	    sign->field_count, sign->arena, &sign->covered.names,
	    &sign->covered.name_count);
	dkim_headers_text(sign->headers, &sign->covered, NULL, &sign->text);
	for (i = 0; i < sign->count; i++)
		if (sign_one(sign, &sign->keys[i], &results[i], err) != 0)
			return -1;
	return 0;
}

void
dkim_sign_free(struct dkim_sign *sign)
{
	if (sign == NULL)
		return;
	bodyhashes_clear(&sign->hashes);
	dkim_headers_free(sign->headers);
	strbuf_clear(&sign->text);
	free(sign);
}
