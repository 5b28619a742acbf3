#include "common/cache/storefile.h"

#include "common/base/file.h"
#include "common/cache/storeformat.h"

#include <errno.h>

static unsigned char *
put_number(unsigned char *p, uint64_t number, size_t octets)
{
	octets_put(p, octets, number);
	return p + octets;
}

static unsigned char *
put_octets(unsigned char *p, const void *octets, size_t len)
{
	memcpy(p, octets, len);
	return p + len;
}

struct saving {
	struct store *store;
	const struct cache_secret *secret;
	int64_t wall, age;
};

static int
flush(struct store_stream *stream)
{
	struct span octets = span_make(stream->octets, stream->len);

	if (EVP_DigestUpdate(stream->sum, octets.p, octets.len) != 1) {
		errno = EIO;
		return -1;
	}
	stream->len = 0;
	return file_write(stream->fd, octets);
}

/* Room for as much as an entry, the header or the trailer; NULL with errno. */
static unsigned char *
make_room(struct store_stream *stream)
{
	if (STREAM_OCTETS - stream->len < ENTRY_MAX + HEADER_OCTETS &&
	    flush(stream) != 0)
		return NULL;
	return stream->octets + stream->len;
}

static void
put_header(struct store_stream *stream, const struct saving *saving)
{
	unsigned char *p = stream->octets, check[SECRET_CHECK];

	storeformat_check(saving->secret, check);
	p = put_octets(p, STOREFORMAT_MAGIC, MAGIC_OCTETS);
	p = put_number(p, STOREFORMAT, 8);
	p = put_octets(p, check, SECRET_CHECK);
	p = put_number(p, (uint64_t)saving->wall, 8);
	p = put_number(p, (uint64_t)saving->age, 8);
	stream->len = HEADER_OCTETS;
}

static size_t
put_entry(unsigned char *start, const struct store_entry *entry)
{
	bool is_counter = entry->kind == CACHE_COUNTER;
	int64_t ttl = entry->ttl < CACHE_TTL_MAX ? entry->ttl : CACHE_TTL_MAX;
	unsigned char *p = start;

	p = put_octets(p, entry->id, STORE_ID_OCTETS);
	p = put_number(p, (uint64_t)entry->kind, 1);
	p = put_number(p, is_counter ? COUNTER_OCTETS : entry->len, 1);
	p = put_number(p, (uint64_t)ttl, 4);
	if (is_counter)
		p = put_number(p, (uint64_t)entry->number, COUNTER_OCTETS);
	else
		p = put_octets(p, entry->value, entry->len);
	return (size_t)(p - start);
}

static int
put_entries(struct store_stream *stream, struct store *store, uint64_t *total)
{
	struct store_entry entries[STORE_STEP];
	struct store_cursor cursor = { .shard = 0 };
	unsigned char *p;
	size_t count, i;

	while (store_next(store, &cursor, entries, &count)) {
		for (i = 0; i < count; i++) {
			if ((p = make_room(stream)) == NULL)
				return -1;
			stream->len += put_entry(p, &entries[i]);
		}
		*total += count;
	}
	return 0;
}

static int
put_trailer(struct store_stream *stream, uint64_t total)
{
	unsigned char *p, sum[SUM_OCTETS];

	if ((p = make_room(stream)) == NULL)
		return -1;
	put_number(p, total, 8);
	stream->len += 8;
	if (flush(stream) != 0)
		return -1;
	if (EVP_DigestFinal_ex(stream->sum, sum, NULL) != 1) {
		errno = EIO;
		return -1;
	}
	return file_write(stream->fd, span_make(sum, SUM_OCTETS));
}

static int
fill(int fd, void *arg)
{
	const struct saving *saving = arg;
	struct store_stream *stream = store_stream_new(fd);
	uint64_t total = 0;
	int rc = -1;

	if (stream == NULL) {
		errno = EIO;
		return -1;
	}
	put_header(stream, saving);
	if (put_entries(stream, saving->store, &total) == 0)
		rc = put_trailer(stream, total);
	store_stream_free(stream);
	return rc;
}

int
storefile_save(struct store *store, const char *path,
    const struct cache_secret *secret, int64_t wall, int64_t age,
    struct strbuf *err)
{
	struct saving saving = { store, secret, storeformat_time(wall),
	    storeformat_time(age) };

	return file_stream(path, fill, &saving, err);
}

