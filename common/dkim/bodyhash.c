#include "common/dkim/bodyhash.h"

#include "common/base/mem.h"
#include "common/dkim/crypto.h"

#include <stdlib.h>

_Static_assert((int)BODYHASH_SIZE == (int)CRYPTO_HASH_SIZE,
    "the body is hashed with SHA-256");

struct bodyhash {
	EVP_MD_CTX *ctx;
	uint64_t room;			/* octets up to the limit */
	bool failed;
	struct canon_body body;		/* last: it is large */
};

static void
hash_octets(void *arg, const void *data, size_t len)
{
	struct bodyhash *hash = arg;

	if (hash->room < len)
		len = (size_t)hash->room;
	hash->room -= len;
	if (len != 0 && EVP_DigestUpdate(hash->ctx, data, len) != 1)
		hash->failed = true;
}

struct bodyhash *
bodyhash_new(enum canon canon, uint64_t limit, struct strbuf *err)
{
	struct bodyhash *hash = xmalloc(sizeof(*hash));
	const EVP_MD *md = crypto_sha256();

	hash->room = limit;
	hash->failed = false;
	hash->ctx = EVP_MD_CTX_new();
	if (md == NULL || hash->ctx == NULL ||
	    EVP_DigestInit_ex2(hash->ctx, md, NULL) != 1) {
		crypto_failed("SHA-256", err);
		bodyhash_free(hash);
		return NULL;
	}
	canon_body_start(&hash->body, canon, hash_octets, hash);
	return hash;
}

void
bodyhash_free(struct bodyhash *hash)
{
	if (hash == NULL)
		return;
	EVP_MD_CTX_free(hash->ctx);
	free(hash);
}

void
bodyhash_add(struct bodyhash *hash, struct span piece)
{
	canon_body_add(&hash->body, piece);
}

int
bodyhash_end(struct bodyhash *hash, unsigned char out[BODYHASH_SIZE],
    struct strbuf *err)
{
	canon_body_end(&hash->body);
	if (hash->failed || EVP_DigestFinal_ex(hash->ctx, out, NULL) != 1)
		return crypto_failed("SHA-256 of the body", err);
	return 0;
}
