#include "common/dkim/bodyhashes.h"

#include "common/base/mem.h"
#include "common/dkim/crypto.h"

#include <stdlib.h>

_Static_assert((int)BODYHASH_SIZE == (int)CRYPTO_HASH_SIZE,
    "the body is hashed with SHA-256");

struct bodyhashes_form {
	struct bodyhashes *hashes;
	enum canon canon;
	EVP_MD_CTX *ctx;	/* of the first octets octets */
	EVP_MD_CTX *copy;	/* NULL: no limit was passed yet */
	uint64_t octets;	/* canonical ones so far */
	uint64_t next;		/* the least limit that is not passed */
	bool is_wanted;		/* someone needs more */
	bool failed;
	struct canon_body body;	/* last: it is large */
};

static bool
is_open(const struct bodyhashes_item *item)
{
	return item->users > 0 && !item->is_done;
}

/* What the form is to do next, from the items that wait for it. */
static void
plan(struct bodyhashes_form *form)
{
	const struct bodyhashes *hashes = form->hashes;
	size_t i;

	form->is_wanted = false;
	form->next = UINT64_MAX;
	for (i = 0; i < hashes->count; i++) {
		if (hashes->items[i].canon != form->canon ||
		    !is_open(&hashes->items[i]))
			continue;
		form->is_wanted = true;
		if (hashes->items[i].limit < form->next)
			form->next = hashes->items[i].limit;
	}
}

static bool
copy_digest(struct bodyhashes_form *form, unsigned char out[BODYHASH_SIZE])
{
	if (form->copy == NULL)
		form->copy = EVP_MD_CTX_new();
	return form->copy != NULL &&
	    EVP_MD_CTX_copy_ex(form->copy, form->ctx) == 1 &&
	    EVP_DigestFinal_ex(form->copy, out, NULL) == 1;
}

/* The limit at which the form stands is passed. */
static void
pass_limit(struct bodyhashes_form *form)
{
	struct bodyhashes *hashes = form->hashes;
	unsigned char digest[BODYHASH_SIZE];
	size_t i;

	form->failed = form->failed || !copy_digest(form, digest);
	for (i = 0; i < hashes->count && !form->failed; i++) {
		struct bodyhashes_item *item = &hashes->items[i];

		if (item->canon != form->canon || item->limit != form->octets)
			continue;
		memcpy(item->digest, digest, sizeof(digest));
		item->is_done = true;
	}
	plan(form);
	if (form->failed)
		form->next = UINT64_MAX;
}

static void
hash_octets(void *arg, const void *data, size_t len)
{
	struct bodyhashes_form *form = arg;
	const char *p = data;
	size_t n;

	while (form->is_wanted && form->next - form->octets < len) {
		n = (size_t)(form->next - form->octets);
		if (n != 0 && EVP_DigestUpdate(form->ctx, p, n) != 1)
			form->failed = true;
		form->octets += n;
		p += n;
		len -= n;
		pass_limit(form);
	}
	if (form->is_wanted && EVP_DigestUpdate(form->ctx, p, len) != 1)
		form->failed = true;
	form->octets += len;
}

static void
form_free(struct bodyhashes_form *form)
{
	if (form == NULL)
		return;
	EVP_MD_CTX_free(form->ctx);
	EVP_MD_CTX_free(form->copy);
	free(form);
}

static struct bodyhashes_form *
form_new(struct bodyhashes *hashes, enum canon canon, struct strbuf *err)
{
	struct bodyhashes_form *form = xmalloc(sizeof(*form));
	const EVP_MD *md = crypto_sha256();

	memset(form, 0, offsetof(struct bodyhashes_form, body));
	form->hashes = hashes;
	form->canon = canon;
	form->ctx = EVP_MD_CTX_new();
	if (md == NULL || form->ctx == NULL ||
	    EVP_DigestInit_ex2(form->ctx, md, NULL) != 1) {
		crypto_failed("SHA-256", err);
		form_free(form);
		return NULL;
	}
	canon_body_start(&form->body, canon, hash_octets, form);
	return form;
}

static int
find(const struct bodyhashes *hashes, enum canon canon, uint64_t limit)
{
	size_t i;

	for (i = 0; i < hashes->count; i++)
		if (hashes->items[i].canon == canon &&
		    hashes->items[i].limit == limit)
			return (int)i;
	return -1;
}

int
bodyhashes_want(struct bodyhashes *hashes, enum canon canon, uint64_t limit,
    struct strbuf *err)
{
	int index = find(hashes, canon, limit);

	if (hashes->is_started || hashes->is_ended) {
		strbuf_adds(err, "the body is under way already");
		return -1;
	}
	if (index < 0 && hashes->count == BODYHASHES_MAX) {
		strbuf_adds(err, "too many different body hashes");
		return -1;
	}
	if (hashes->forms[canon] == NULL) {
		hashes->forms[canon] = form_new(hashes, canon, err);
		if (hashes->forms[canon] == NULL)
			return -1;
	}
	if (index < 0) {
		index = (int)hashes->count++;
		hashes->items[index] = (struct bodyhashes_item){
		    .canon = canon, .limit = limit };
	}
	hashes->items[index].users++;
	plan(hashes->forms[canon]);
	return index;
}

void
bodyhashes_drop(struct bodyhashes *hashes, int index)
{
	struct bodyhashes_item *item = &hashes->items[index];

	if (item->users > 0)
		item->users--;
	plan(hashes->forms[item->canon]);
}

bool
bodyhashes_wanted(const struct bodyhashes *hashes)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(hashes->forms); i++)
		if (hashes->forms[i] != NULL && hashes->forms[i]->is_wanted)
			return !hashes->is_ended;
	return false;
}

void
bodyhashes_add(struct bodyhashes *hashes, struct span piece)
{
	size_t i;

	hashes->is_started = true;
	for (i = 0; i < ARRAY_LEN(hashes->forms); i++)
		if (hashes->forms[i] != NULL && hashes->forms[i]->is_wanted)
			canon_body_add(&hashes->forms[i]->body, piece);
}

/* All limits that were not passed have the digest of the whole body. */
static void
form_end(struct bodyhashes_form *form)
{
	struct bodyhashes *hashes = form->hashes;
	unsigned char digest[BODYHASH_SIZE];
	size_t i;

	canon_body_end(&form->body);
	if (!form->is_wanted)
		return;
	if (EVP_DigestFinal_ex(form->ctx, digest, NULL) != 1)
		form->failed = true;
	for (i = 0; i < hashes->count && !form->failed; i++) {
		struct bodyhashes_item *item = &hashes->items[i];

		if (item->canon != form->canon || !is_open(item))
			continue;
		memcpy(item->digest, digest, sizeof(digest));
		item->is_done = true;
	}
}

int
bodyhashes_end(struct bodyhashes *hashes, struct strbuf *err)
{
	bool failed = false;
	size_t i;

	for (i = 0; i < ARRAY_LEN(hashes->forms); i++) {
		if (hashes->forms[i] == NULL || !hashes->forms[i]->is_wanted)
			continue;
		form_end(hashes->forms[i]);
		failed = failed || hashes->forms[i]->failed;
	}
	hashes->is_ended = true;
	return failed ? crypto_failed("SHA-256 of the body", err) : 0;
}

const unsigned char *
bodyhashes_digest(const struct bodyhashes *hashes, int index)
{
	return hashes->items[index].is_done ? hashes->items[index].digest :
	    NULL;
}

uint64_t
bodyhashes_octets(const struct bodyhashes *hashes, int index)
{
	return hashes->forms[hashes->items[index].canon]->octets;
}

void
bodyhashes_clear(struct bodyhashes *hashes)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(hashes->forms); i++)
		form_free(hashes->forms[i]);
	memset(hashes, 0, sizeof(*hashes));
}
