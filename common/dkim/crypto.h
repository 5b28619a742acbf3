/*
 * crypto.h - what the DKIM modules share of OpenSSL.
 */
#ifndef POSTERN_DKIM_CRYPTO_H
#define POSTERN_DKIM_CRYPTO_H

#include "common/base/strbuf.h"

#include <openssl/evp.h>

enum { CRYPTO_HASH_SIZE = 32 };

/*
 * SHA-256, fetched once a process: the implicit fetch of every EVP_sha256()
 * costs a microsecond and a lock. NULL where the library has none.
 */
const EVP_MD *crypto_sha256(void);

/* 0, or -1 with a sentence in err. */
int crypto_hash(struct span data, unsigned char out[CRYPTO_HASH_SIZE],
    struct strbuf *err);

/* Appends "what: the library's reason", empties its error queue; gives -1. */
int crypto_failed(const char *what, struct strbuf *err);

#endif
