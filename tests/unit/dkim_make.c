#include "tests/unit/dkim_make.h"

#include "common/base/base64.h"
#include "common/dkim/crypto.h"

#include <assert.h>

static void
add_body_hash(const struct dkim_make *make, struct strbuf *value)
{
	unsigned char hash[CRYPTO_HASH_SIZE];
	struct strbuf err = STRBUF_INIT;
	int rc = crypto_hash(make->hashed, hash, &err);

	assert(rc == 0);
	(void)rc;
	strbuf_adds(value, " bh=");
	base64_encode(span_make(hash, sizeof(hash)), value);
}

static void
add_signature(const struct dkim_make *make, const struct dkim_signature *s,
    struct arena *arena, struct strbuf *value)
{
	struct dkim_headers *headers = dkim_headers_new(make->fields,
	    make->count, arena);
	const struct header_field own = { span_of(make->name),
	    strbuf_span(value), false };
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	unsigned char out[DKIM_SIGNATURE_MAX];
	size_t len;
	int rc;

	dkim_headers_text(headers, s, &own, &text);
	rc = dkim_key_sign(make->key, strbuf_span(&text), out, &len, &err);
	assert(rc == 0);
	(void)rc;
	strbuf_truncate(value, value->len - strlen("AAAA"));
	base64_encode(span_make(out, len), value);
	dkim_headers_free(headers);
	strbuf_clear(&text);
}

struct span
dkim_make(const struct dkim_make *make, struct arena *arena)
{
	struct strbuf value = STRBUF_INIT;
	struct dkim_signature signature;
	const char *reason;
	struct span made;

	strbuf_addf(&value, " %s", make->tags);
	add_body_hash(make, &value);
	strbuf_adds(&value, "; b=AAAA");
	dkim_signature_parse_as(make->kind, strbuf_span(&value), arena,
	    &signature, &reason);
	if (reason == NULL)
		add_signature(make, &signature, arena, &value);
	made = arena_dup(arena, strbuf_span(&value));
	strbuf_clear(&value);
	return made;
}
