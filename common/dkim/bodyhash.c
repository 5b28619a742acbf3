#include "common/dkim/bodyhash.h"

#include "common/base/mem.h"
#include "common/dkim/crypto.h"

#include <stdlib.h>

_Static_assert((int)BODYHASH_SIZE == (int)CRYPTO_HASH_SIZE,
    "the body is hashed with SHA-256");

struct bodyhash {
	EVP_MD_CTX *ctx;
	uint64_t limit;
	uint64_t octets;
	bool failed;
	struct canon_body body;		/* last: it is large */
};

static void
hash_octets(void *arg, const void *data, size_t len)
{
	struct bodyhash *hash = arg;
	uint64_t room = hash->limit - hash->octets;

	if (hash->octets >= hash->limit)
		room = 0;
	hash->octets += len;
	if (room < len)
		len = (size_t)room;
	if (len != 0 && EVP_DigestUpdate(hash->ctx, data, len) != 1)
		hash->failed = true;
}

struct bodyhash *
bodyhash_new(enum canon canon, uint64_t limit, struct strbuf *err)
{
	struct bodyhash *hash = xmalloc(sizeof(*hash));
	const EVP_MD *md = crypto_sha256();

	hash->limit = limit;
	hash->octets = 0;
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

uint64_t
bodyhash_octets(const struct bodyhash *hash)
{
	return hash->octets;
}

bool
bodyhash_is_full(const struct bodyhash *hash)
{
	return hash->octets >= hash->limit;
}
