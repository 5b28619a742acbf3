#include "common/cache/storefile.h"

#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/cache/octets.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	FORMAT = 1,
	MAGIC_OCTETS = 8,
	SECRET_CHECK = 16,
	SUM = 32,			/* SHA-256 */
	HEADER = MAGIC_OCTETS + 8 + SECRET_CHECK + 8 + 8,
	ENTRY_HEAD = STORE_ID_OCTETS + 1 + 1 + 4,
	ENTRY_MAX = ENTRY_HEAD + CACHE_VALUE_MAX,
	TRAILER = 8 + SUM,
	BUFFER = 1 << 16
};
#define TIME_MAX	((int64_t)1 << 40)

static const char magic[MAGIC_OCTETS] = "PSTSTORE";

/* A piece of the file and the sum of all that came before it. */
struct stream {
	int fd;
	EVP_MD_CTX *sum;
	size_t at, len;			/* of octets */
	unsigned char octets[BUFFER];
};

/* Owned by the caller; NULL where the crypto library refuses. */
static struct stream *
stream_new(int fd)
{
	struct stream *stream = xcalloc(1, sizeof(*stream));

	stream->fd = fd;
	stream->sum = EVP_MD_CTX_new();
	if (stream->sum == NULL ||
	    EVP_DigestInit_ex(stream->sum, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(stream->sum);
		free(stream);
		return NULL;
	}
	return stream;
}

static void
stream_free(struct stream *stream)
{
	if (stream == NULL)
		return;
	EVP_MD_CTX_free(stream->sum);
	free(stream);
}

/* ---- numbers ---- */

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

static uint64_t
take_number(const unsigned char **p, size_t octets)
{
	uint64_t number = octets_get(*p, octets);

	*p += octets;
	return number;
}

/* What the file bears of the secret: a key that nothing else has. */
static void
secret_check(const struct cache_secret *secret,
    unsigned char check[SECRET_CHECK])
{
	struct cache_key key;

	cache_key_make(secret, "store file", NULL, 0, &key);
	memcpy(check, key.digest, SECRET_CHECK);
}

/* ---- saving ---- */

struct saving {
	struct store *store;
	const struct cache_secret *secret;
	int64_t wall, age;
};

static int
flush(struct stream *stream)
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
make_room(struct stream *stream)
{
	if (BUFFER - stream->len < ENTRY_MAX + HEADER && flush(stream) != 0)
		return NULL;
	return stream->octets + stream->len;
}

static void
put_header(struct stream *stream, const struct saving *saving)
{
	unsigned char *p = stream->octets, check[SECRET_CHECK];

	secret_check(saving->secret, check);
	p = put_octets(p, magic, MAGIC_OCTETS);
	p = put_number(p, FORMAT, 8);
	p = put_octets(p, check, SECRET_CHECK);
	p = put_number(p, (uint64_t)saving->wall, 8);
	p = put_number(p, (uint64_t)saving->age, 8);
	stream->len = HEADER;
}

static size_t
put_entry(unsigned char *start, const struct store_entry *entry)
{
	bool is_counter = entry->kind == CACHE_COUNTER;
	int64_t ttl = entry->ttl < CACHE_TTL_MAX ? entry->ttl : CACHE_TTL_MAX;
	unsigned char *p = start;

	p = put_octets(p, entry->id, STORE_ID_OCTETS);
	p = put_number(p, (uint64_t)entry->kind, 1);
	p = put_number(p, is_counter ? 8 : entry->len, 1);
	p = put_number(p, (uint64_t)ttl, 4);
	if (is_counter)
		p = put_number(p, (uint64_t)entry->number, 8);
	else
		p = put_octets(p, entry->value, entry->len);
	return (size_t)(p - start);
}

static int
put_entries(struct stream *stream, struct store *store, uint64_t *total)
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
put_trailer(struct stream *stream, uint64_t total)
{
	unsigned char *p, sum[SUM];

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
	return file_write(stream->fd, span_make(sum, SUM));
}

static int
fill(int fd, void *arg)
{
	const struct saving *saving = arg;
	struct stream *stream = stream_new(fd);
	uint64_t total = 0;
	int rc = -1;

	if (stream == NULL) {
		errno = EIO;
		return -1;
	}
	put_header(stream, saving);
	if (put_entries(stream, saving->store, &total) == 0)
		rc = put_trailer(stream, total);
	stream_free(stream);
	return rc;
}

static int64_t
clamp_time(int64_t time)
{
	if (time < 0)
		return 0;
	return time < TIME_MAX ? time : TIME_MAX;
}

int
storefile_save(struct store *store, const char *path,
    const struct cache_secret *secret, int64_t wall, int64_t age,
    struct strbuf *err)
{
	struct saving saving = { store, secret, clamp_time(wall),
	    clamp_time(age) };

	return file_stream(path, fill, &saving, err);
}

/* ---- loading ---- */

struct loading {
	struct stream *stream;
	uint64_t left;			/* octets of the file not taken yet */
	const char *damage;		/* NULL: none so far */
	int64_t saved, age;
	uint64_t entries;
};

static void
refill(struct loading *loading)
{
	struct stream *stream = loading->stream;
	ssize_t n;

	stream->len -= stream->at;
	memmove(stream->octets, stream->octets + stream->at, stream->len);
	stream->at = 0;
	while (stream->len < BUFFER) {
		n = read(stream->fd, stream->octets + stream->len,
		    BUFFER - stream->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			loading->damage = strerror(errno);
		if (n <= 0)
			return;
		stream->len += (size_t)n;
	}
}

/* The next octets, len at most BUFFER, which count for the sum if is_summed;
 * NULL where there are fewer. */
static const unsigned char *
take(struct loading *loading, size_t len, bool is_summed)
{
	struct stream *stream = loading->stream;
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
	const unsigned char *p = take(loading, HEADER, true);
	unsigned char check[SECRET_CHECK];

	if (p == NULL)
		return false;
	secret_check(secret, check);
	if (memcmp(p, magic, MAGIC_OCTETS) != 0) {
		loading->damage = "it does not begin like a cache";
		return false;
	}
	p += MAGIC_OCTETS;
	if (take_number(&p, 8) != FORMAT)
		loading->damage = "it was written by another version";
	else if (memcmp(p, check, SECRET_CHECK) != 0)
		loading->damage = "it belongs to another secret";
	p += SECRET_CHECK;
	loading->saved = (int64_t)take_number(&p, 8);
	loading->age = (int64_t)take_number(&p, 8);
	if (loading->damage == NULL &&
	    (loading->saved != clamp_time(loading->saved) ||
	    loading->age != clamp_time(loading->age)))
		loading->damage = "its times make no sense";
	return loading->damage == NULL;
}

static bool
is_sound(const struct store_entry *entry)
{
	if (entry->ttl < 1 || entry->ttl > CACHE_TTL_MAX)
		return false;
	if (entry->kind == CACHE_COUNTER)
		return entry->len == 8;
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
	entry->number = (int64_t)take_number(&p, 8);
	if (entry->number < 0 || entry->number > CACHE_COUNTER_MAX)
		loading->damage = "a counter makes no sense";
	return loading->damage == NULL;
}

static bool
take_trailer(struct loading *loading, bool is_summed)
{
	const unsigned char *p = take(loading, TRAILER - SUM, is_summed);
	unsigned char sum[SUM];

	if (p == NULL)
		return false;
	if (take_number(&p, 8) != loading->entries)
		loading->damage = "it does not hold what it says";
	p = take(loading, SUM, false);
	if (is_summed && p != NULL && loading->damage == NULL &&
	    (EVP_DigestFinal_ex(loading->stream->sum, sum, NULL) != 1 ||
	    memcmp(p, sum, SUM) != 0))
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
	while (loading->left > TRAILER) {
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
	struct stream *stream = loading->stream;

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
	struct loading loading = { .stream = stream_new(fd) };
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
	stream_free(loading.stream);
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
