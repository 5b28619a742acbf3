/*
 * storeformat.h - what the file of an embedded store is made of, for who writes
 * and who reads it. Numbers are the highest octet first.
 *
 *	header	magic, version (8), check of the secret, wall clock (8), age (8)
 *	entry	id, kind (1), len (1), ttl (4), a counter (8) or a record (len)
 *	trailer	count of entries (8), SHA-256 of all before it
 */
#ifndef POSTERN_CACHE_STOREFORMAT_H
#define POSTERN_CACHE_STOREFORMAT_H

#include "common/cache/octets.h"
#include "common/cache/store.h"

#include <openssl/evp.h>

#define STOREFORMAT_MAGIC	"PSTSTORE"
#define STOREFORMAT_TIME_MAX	((int64_t)1 << 40)

enum {
	STOREFORMAT = 1,		/* its version */
	MAGIC_OCTETS = 8,
	SECRET_CHECK = 16,
	SUM_OCTETS = 32,		/* SHA-256 */
	HEADER_OCTETS = MAGIC_OCTETS + 8 + SECRET_CHECK + 8 + 8,
	ENTRY_HEAD = STORE_ID_OCTETS + 1 + 1 + 4,
	COUNTER_OCTETS = 8,
	ENTRY_MAX = ENTRY_HEAD + CACHE_VALUE_MAX,
	TRAILER_OCTETS = 8 + SUM_OCTETS,
	STREAM_OCTETS = 1 << 16
};

/* A piece of the file and the sum of all that came before it. */
struct store_stream {
	int fd;
	EVP_MD_CTX *sum;
	size_t at, len;			/* of octets */
	unsigned char octets[STREAM_OCTETS];
};

/* NULL where the crypto library refuses. */
struct store_stream *store_stream_new(int fd);
void store_stream_free(struct store_stream *stream);

/* What the file bears of the secret. */
void storeformat_check(const struct cache_secret *secret,
    unsigned char check[SECRET_CHECK]);

/* Inside 0..STOREFORMAT_TIME_MAX. */
int64_t storeformat_time(int64_t time);

#endif
