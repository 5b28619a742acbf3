#include "common/dkim/crypto.h"

#include <openssl/err.h>
#include <pthread.h>

static EVP_MD *sha256;

static void
fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

const EVP_MD *
crypto_sha256(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch);
	return sha256;
}

int
crypto_hash(struct span data, unsigned char out[CRYPTO_HASH_SIZE],
    struct strbuf *err)
{
	const EVP_MD *md = crypto_sha256();

	if (md == NULL ||
	    EVP_Digest(data.p, data.len, out, NULL, md, NULL) != 1)
		return crypto_failed("SHA-256", err);
	return 0;
}

int
crypto_failed(const char *what, struct strbuf *err)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	strbuf_addf(err, "%s: %s", what,
	    reason != NULL ? reason : "the crypto library refuses");
	ERR_clear_error();
	return -1;
}
