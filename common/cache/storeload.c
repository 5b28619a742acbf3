#include "common/cache/storefile.h"

#include "common/cache/storeformat.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t
take_number(const unsigned char **p, size_t octets)
{
	uint64_t number = octets_get(*p, octets);

	*p += octets;
	return number;
}

struct loading {
	struct store_stream *stream;
	uint64_t left;			/* octets of the file not taken yet */
	const char *damage;		/* NULL: none so far */
	int64_t saved, age;
	uint64_t entries;
};

static void
refill(struct loading *loading)
{
	struct store_stream *stream = loading->stream;
	ssize_t n;

	stream->len -= stream->at;
	memmove(stream->octets, stream->octets + stream->at, stream->len);
	stream->at = 0;
	while (stream->len < STREAM_OCTETS) {
		n = read(stream->fd, stream->octets + stream->len,
		    STREAM_OCTETS - stream->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			loading->damage = strerror(errno);
		if (n <= 0)
			return;
		stream->len += (size_t)n;
	}
}

/* The next octets, len at most STREAM_OCTETS, which count for the sum if
 * is_summed; NULL where there are fewer. */
static const unsigned char *
take(struct loading *loading, size_t len, bool is_summed)
{
	struct store_stream *stream = loading->stream;
	const unsigned char *p;

	if (stream->len - stream->at < len)
		refill(loading);
	if (stream->len - stream->at < len || loading->left < len) {
		if (loading->damage == NULL)
			loading->damage = "it ends too early";
		return NULL;
	}
	p = stream->octets + stream->at;
	stream->at += len;
	loading->left -= len;
	if (is_summed && EVP_DigestUpdate(stream->sum, p, len) != 1)
		loading->damage = "no SHA-256";
	return p;
}

static bool
take_header(struct loading *loading, const struct cache_secret *secret)
{
	const unsigned char *p = take(loading, HEADER_OCTETS, true);
	unsigned char check[SECRET_CHECK];

	if (p == NULL)
		return false;
	storeformat_check(secret, check);
	if (memcmp(p, STOREFORMAT_MAGIC, MAGIC_OCTETS) != 0) {
		loading->damage = "it does not begin like a cache";
		return false;
	}
	p += MAGIC_OCTETS;
	if (take_number(&p, 8) != STOREFORMAT)
		loading->damage = "it was written by another version";
	else if (memcmp(p, check, SECRET_CHECK) != 0)
		loading->damage = "it belongs to another secret";
	p += SECRET_CHECK;
	loading->saved = (int64_t)take_number(&p, 8);
	loading->age = (int64_t)take_number(&p, 8);
	if (loading->damage == NULL &&
	    (loading->saved != storeformat_time(loading->saved) ||
	    loading->age != storeformat_time(loading->age)))
		loading->damage = "its times make no sense";
	return loading->damage == NULL;
}

static bool
is_sound(const struct store_entry *entry)
{
	if (entry->ttl < 1 || entry->ttl > CACHE_TTL_MAX)
		return false;
	if (entry->kind == CACHE_COUNTER)
		return entry->len == COUNTER_OCTETS;
	return entry->kind == CACHE_RECORD && entry->len <= CACHE_VALUE_MAX;
}

static bool
take_entry(struct loading *loading, struct store_entry *entry)
{
	const unsigned char *p = take(loading, ENTRY_HEAD, true);

	if (p == NULL)
		return false;
	memcpy(entry->id, p, STORE_ID_OCTETS);
	p += STORE_ID_OCTETS;
	entry->kind = (enum cache_kind)take_number(&p, 1);
	entry->len = take_number(&p, 1);
	entry->ttl = (int64_t)take_number(&p, 4);
	entry->number = 0;
	if (!is_sound(entry)) {
		loading->damage = "an entry makes no sense";
		return false;
	}
	if ((p = take(loading, entry->len, true)) == NULL)
		return false;
	if (entry->kind == CACHE_RECORD) {
		memcpy(entry->value, p, entry->len);
		return true;
	}
	entry->len = 0;
	entry->number = (int64_t)take_number(&p, COUNTER_OCTETS);
	if (entry->number < 0 || entry->number > CACHE_COUNTER_MAX)
		loading->damage = "a counter makes no sense";
	return loading->damage == NULL;
}

static bool
take_trailer(struct loading *loading, bool is_summed)
{
	const unsigned char *p = take(loading, TRAILER_OCTETS - SUM_OCTETS,
	    is_summed);
	unsigned char sum[SUM_OCTETS];

	if (p == NULL)
		return false;
	if (take_number(&p, 8) != loading->entries)
		loading->damage = "it does not hold what it says";
	p = take(loading, SUM_OCTETS, false);
	if (is_summed && p != NULL && loading->damage == NULL &&
	    (EVP_DigestFinal_ex(loading->stream->sum, sum, NULL) != 1 ||
	    memcmp(p, sum, SUM_OCTETS) != 0))
		loading->damage = "its checksum is wrong";
	return loading->damage == NULL;
}

/* Goes through the file, which is of that size, and restores what is still
 * alive, where there is a store. */
static bool
scan(struct loading *loading, uint64_t size, const struct cache_secret *secret,
    int64_t wall, struct store *store, uint64_t *alive)
{
	struct store_entry entry;
	int64_t passed;

	loading->left = size;
	loading->entries = 0;
	if (!take_header(loading, secret))
		return false;
	passed = wall > loading->saved ? wall - loading->saved : 0;
	while (loading->left > TRAILER_OCTETS) {
		if (!take_entry(loading, &entry))
			return false;
		loading->entries++;
		entry.ttl -= passed;
		if (store != NULL && entry.ttl > 0) {
			store_restore(store, &entry);
			(*alive)++;
		}
	}
	loading->age += passed;
	return take_trailer(loading, store == NULL);
}

/* Twice: nothing is taken from a file before all of it is known to be sound. */
static bool
load(struct loading *loading, uint64_t size, const struct cache_secret *secret,
    int64_t wall, struct store *store, uint64_t *alive)
{
	struct store_stream *stream = loading->stream;

	if (!scan(loading, size, secret, wall, NULL, NULL))
		return false;
	stream->at = stream->len = 0;
	if (lseek(stream->fd, 0, SEEK_SET) != 0) {
		loading->damage = strerror(errno);
		return false;
	}
	return scan(loading, size, secret, wall, store, alive);
}

static bool
load_fd(int fd, struct store *store, const struct cache_secret *secret,
    int64_t wall, int64_t *age, uint64_t *count, const char **damage)
{
	struct loading loading = { .stream = store_stream_new(fd) };
	struct stat st;
	bool ok = false;

	*count = 0;
	if (loading.stream == NULL)
		loading.damage = "no SHA-256";
	else if (fstat(fd, &st) != 0)
		loading.damage = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		loading.damage = "it is not a regular file";
	else
		ok = load(&loading, (uint64_t)st.st_size, secret, wall, store,
		    count);
	store_stream_free(loading.stream);
	*age = loading.age;
	*damage = loading.damage;
	return ok;
}

enum storefile_result
storefile_load(struct store *store, const char *path,
    const struct cache_secret *secret, int64_t wall, int64_t *age,
    uint64_t *count, struct strbuf *err)
{
	const char *damage;
	bool ok;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return STOREFILE_NONE;
	if (fd < 0) {
		strbuf_addf(err, "%s: %s", path, strerror(errno));
		return STOREFILE_DAMAGED;
	}
	ok = load_fd(fd, store, secret, wall, age, count, &damage);
	close(fd);
	if (ok)
		return STOREFILE_READ;
	strbuf_addf(err, "%s: %s", path, damage);
	return STOREFILE_DAMAGED;
}
