#include "common/dkim/headerhash.h"

#include "common/base/mem.h"
#include "common/dkim/crypto.h"
#include "common/mail/headerindex.h"

#include <stdlib.h>

_Static_assert((int)DKIM_HEADER_HASH_SIZE == (int)CRYPTO_HASH_SIZE,
    "the header is hashed with SHA-256");

enum { BATCH = 8192 };		/* octets that are hashed together */

struct dkim_headers {
	const struct header_field *fields;
	size_t count;
	struct arena *arena;
	struct header_index *index;		/* NULL: not made yet */
	const struct dkim_signature *last;	/* whose fields are in shared */
	EVP_MD_CTX *shared;
	EVP_MD_CTX *ctx;
};

struct dkim_headers *
dkim_headers_new(const struct header_field *fields, size_t count,
    struct arena *arena)
{
	struct dkim_headers *headers = xcalloc(1, sizeof(*headers));

	headers->fields = fields;
	headers->count = count;
	headers->arena = arena;
	return headers;
}

void
dkim_headers_free(struct dkim_headers *headers)
{
	if (headers == NULL)
		return;
	EVP_MD_CTX_free(headers->shared);
	EVP_MD_CTX_free(headers->ctx);
	free(headers);
}

static struct header_index *
get_index(struct dkim_headers *headers)
{
	if (headers->index == NULL)
		headers->index = header_index_new(headers->fields,
		    headers->count, headers->arena);
	header_index_rewind(headers->index);
	return headers->index;
}

/* RFC 6376 3.7: the white space around the value of b= goes with it. */
void
dkim_headers_add_own(enum canon canon, const struct header_field *own,
    struct strbuf *out)
{
	struct header_field bare = *own;
	struct strbuf value = STRBUF_INIT;

	dkim_signature_add_stripped(own->value, &value);
	bare.value = strbuf_span(&value);
	canon_header(canon, &bare, out);
	strbuf_truncate(out, out->len - 2);
	strbuf_clear(&value);
}

void
dkim_headers_text(struct dkim_headers *headers,
    const struct dkim_signature *signature, const struct header_field *own,
    struct strbuf *out)
{
	struct header_index *index = get_index(headers);
	const struct header_field *field;
	size_t i;

	for (i = 0; i < signature->name_count; i++) {
		field = header_index_take(index, signature->names[i], own);
		if (field != NULL)
			canon_header(signature->header_canon, field, out);
	}
	if (own != NULL)
		dkim_headers_add_own(signature->header_canon, own, out);
}

/* ---- hashed ---- */

static bool
same_names(const struct dkim_signature *a, const struct dkim_signature *b)
{
	size_t i;

	if (a->name_count != b->name_count)
		return false;
	for (i = 0; i < a->name_count; i++)
		if (!span_eq_nocase(a->names[i], b->names[i]))
			return false;
	return true;
}

/* One that covers fields of its own name covers others than its twin does. */
static bool
covers(const struct dkim_signature *signature, struct span name)
{
	size_t i;

	for (i = 0; i < signature->name_count; i++)
		if (span_eq_nocase(signature->names[i], name))
			return true;
	return false;
}

static bool
is_shared(const struct dkim_headers *headers,
    const struct dkim_signature *signature, const struct header_field *own)
{
	const struct dkim_signature *last = headers->last;

	return last != NULL && last->header_canon == signature->header_canon &&
	    same_names(last, signature) &&
	    !covers(signature, span_trim(own->name));
}

static bool
hash_batch(struct dkim_headers *headers, struct strbuf *text)
{
	bool ok = EVP_DigestUpdate(headers->shared, text->s, text->len) == 1;

	if (text->cap > 8 * (size_t)BATCH)
		strbuf_clear(text);
	strbuf_reset(text);
	return ok;
}

static bool
hash_fields(struct dkim_headers *headers,
    const struct dkim_signature *signature, const struct header_field *own)
{
	struct header_index *index = get_index(headers);
	const struct header_field *field;
	struct strbuf text = STRBUF_INIT;
	bool ok = true;
	size_t i;

	headers->last = NULL;
	if (EVP_DigestInit_ex2(headers->shared, crypto_sha256(), NULL) != 1)
		return false;
	for (i = 0; i < signature->name_count && ok; i++) {
		field = header_index_take(index, signature->names[i], own);
		if (field == NULL)
			continue;
		canon_header(signature->header_canon, field, &text);
		if (text.len >= BATCH)
			ok = hash_batch(headers, &text);
	}
	if (ok && text.len != 0)
		ok = hash_batch(headers, &text);
	strbuf_clear(&text);
	if (ok)
		headers->last = signature;
	return ok;
}

static bool
hash_own(struct dkim_headers *headers, enum canon canon,
    const struct header_field *own, unsigned char *hash)
{
	struct strbuf text = STRBUF_INIT;
	bool ok;

	dkim_headers_add_own(canon, own, &text);
	ok = EVP_MD_CTX_copy_ex(headers->ctx, headers->shared) == 1 &&
	    EVP_DigestUpdate(headers->ctx, text.s, text.len) == 1 &&
	    EVP_DigestFinal_ex(headers->ctx, hash, NULL) == 1;
	strbuf_clear(&text);
	return ok;
}

static bool
have_contexts(struct dkim_headers *headers)
{
	if (headers->shared == NULL)
		headers->shared = EVP_MD_CTX_new();
	if (headers->ctx == NULL)
		headers->ctx = EVP_MD_CTX_new();
	return headers->shared != NULL && headers->ctx != NULL &&
	    crypto_sha256() != NULL;
}

int
dkim_headers_hash(struct dkim_headers *headers,
    const struct dkim_signature *signature, const struct header_field *own,
    unsigned char hash[DKIM_HEADER_HASH_SIZE], struct strbuf *err)
{
	if (have_contexts(headers) && (is_shared(headers, signature, own) ||
	    hash_fields(headers, signature, own)) &&
	    hash_own(headers, signature->header_canon, own, hash))
		return 0;
	headers->last = NULL;
	return crypto_failed("SHA-256 of the header", err);
}
