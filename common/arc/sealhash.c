#include "common/arc/sealhash.h"

#include "common/dkim/crypto.h"

_Static_assert((int)ARC_SEAL_HASH_SIZE == (int)CRYPTO_HASH_SIZE,
    "seals are over SHA-256");

/* What running has taken in when a set begins is where its seal's starts. */
static bool
hash_set(EVP_MD_CTX *running, EVP_MD_CTX *own, const struct arc_set *set,
    struct strbuf *text, unsigned char hash[ARC_SEAL_HASH_SIZE])
{
	strbuf_reset(text);
	arc_set_text(set, true, text);
	if (EVP_MD_CTX_copy_ex(own, running) != 1 ||
	    EVP_DigestUpdate(own, text->s, text->len) != 1 ||
	    EVP_DigestFinal_ex(own, hash, NULL) != 1)
		return false;
	strbuf_reset(text);
	arc_set_text(set, false, text);
	return EVP_DigestUpdate(running, text->s, text->len) == 1;
}

int
arc_seal_hashes(const struct arc_set *sets, size_t count,
    unsigned char hashes[][ARC_SEAL_HASH_SIZE], struct strbuf *err)
{
	EVP_MD_CTX *running = EVP_MD_CTX_new(), *own = EVP_MD_CTX_new();
	struct strbuf text = STRBUF_INIT;
	const EVP_MD *md = crypto_sha256();
	bool ok;
	size_t i;

	ok = running != NULL && own != NULL && md != NULL &&
	    EVP_DigestInit_ex(running, md, NULL) == 1;
	for (i = 0; ok && i < count; i++)
		ok = hash_set(running, own, &sets[i], &text, hashes[i]);
	EVP_MD_CTX_free(running);
	EVP_MD_CTX_free(own);
	strbuf_clear(&text);
	return ok ? 0 : crypto_failed("SHA-256", err);
}
