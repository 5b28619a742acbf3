#include "common/cache/storeformat.h"

#include "common/base/mem.h"

#include <stdlib.h>

struct store_stream *
store_stream_new(int fd)
{
	struct store_stream *stream = xcalloc(1, sizeof(*stream));

	stream->fd = fd;
	stream->sum = EVP_MD_CTX_new();
	if (stream->sum == NULL ||
	    EVP_DigestInit_ex(stream->sum, EVP_sha256(), NULL) != 1) {
		store_stream_free(stream);
		return NULL;
	}
	return stream;
}

void
store_stream_free(struct store_stream *stream)
{
	if (stream == NULL)
		return;
	EVP_MD_CTX_free(stream->sum);
	free(stream);
}

/* A key that nothing else has. */
void
storeformat_check(const struct cache_secret *secret,
    unsigned char check[SECRET_CHECK])
{
	struct cache_key key;

	cache_key_make(secret, "store file", NULL, 0, &key);
	memcpy(check, key.digest, SECRET_CHECK);
}

int64_t
storeformat_time(int64_t time)
{
	if (time < 0)
		return 0;
	return time < STOREFORMAT_TIME_MAX ? time : STOREFORMAT_TIME_MAX;
}
