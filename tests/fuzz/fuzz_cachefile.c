/*
 * Input: a byte of options, then the file of an embedded cache: all of it, or
 * only its entries, to which header and checksum are put so that what they hold
 * is looked at.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/file.h"
#include "common/cache/storefile.h"

#include <openssl/evp.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WHOLE = 1, LATER = 2, BACK = 4 };
enum { WALL = 1700000000, HEADER = 48, SUM = 32 };

static const struct cache_secret secret = { "a secret of thirty-two octets.." };

static int64_t
no_time(void)
{
	return 0;
}

/* The path of a file that is nowhere but in memory. */
static const char *
path_of(struct span content, int *fd)
{
	static char path[64];

	*fd = memfd_create("cache", MFD_CLOEXEC);
	MUST(*fd >= 0 && file_write(*fd, content) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	return path;
}

/* The header of a store that was saved. */
static struct span
header(void)
{
	static char path[] = "/tmp/postern-fuzz-XXXXXX";
	static struct strbuf content;
	struct strbuf err = STRBUF_INIT;
	struct store *store;
	int fd;

	if (content.len != 0)
		return span_first(strbuf_span(&content), HEADER);
	store = store_new(0, no_time);
	fd = mkstemp(path);
	MUST(fd >= 0 && close(fd) == 0);
	MUST(storefile_save(store, path, &secret, WALL, 5, &err) == 0);
	MUST(file_read(path, 4096, &content, NULL, &err) == 0);
	unlink(path);
	store_free(store);
	return span_first(strbuf_span(&content), HEADER);
}

/* The number of entries, which only the library's own reader knows: those of
 * an input that makes sense. */
static uint64_t
count_entries(struct span entries)
{
	uint64_t count = 0;
	size_t len;

	for (; entries.len >= 22; count++) {
		len = 22 + (size_t)(unsigned char)entries.p[17];
		entries = span_skip(entries, len);
	}
	return count;
}

static void
wrap(struct span entries, struct strbuf *out)
{
	uint64_t count = count_entries(entries);
	unsigned char sum[SUM];
	int shift;

	strbuf_addspan(out, header());
	strbuf_addspan(out, entries);
	for (shift = 56; shift >= 0; shift -= 8)
		strbuf_addc(out, (char)(count >> shift));
	MUST(EVP_Digest(out->s, out->len, sum, NULL, EVP_sha256(), NULL) == 1);
	strbuf_add(out, sum, SUM);
}

static size_t
count_of(struct store *store)
{
	struct cache_stats stats = { .hits = 0 };

	store_count(store, &stats);
	return stats.entries;
}

/* What can be got out of the store makes sense. */
static void
check_store(struct store *store)
{
	struct store_entry entries[STORE_STEP];
	struct store_cursor cursor = { .shard = 0 };
	size_t count, i;

	while (store_next(store, &cursor, entries, &count))
		for (i = 0; i < count; i++) {
			MUST(entries[i].kind == CACHE_RECORD ||
			    entries[i].kind == CACHE_COUNTER);
			MUST(entries[i].len <= CACHE_VALUE_MAX);
			MUST(entries[i].number >= 0 &&
			    entries[i].number <= CACHE_COUNTER_MAX);
			MUST(entries[i].ttl >= 1 &&
			    entries[i].ttl <= CACHE_TTL_MAX);
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store *store = store_new(0, no_time);
	struct strbuf content = STRBUF_INIT, err = STRBUF_INIT;
	int64_t wall = WALL, age;
	enum storefile_result result;
	uint64_t count;
	int fd;

	if (size != 0 && (data[0] & WHOLE) == 0)
		wrap(span_make(data + 1, size - 1), &content);
	else if (size != 0)
		strbuf_add(&content, data + 1, size - 1);
	if (size != 0 && (data[0] & LATER) != 0)
		wall += 3600;
	if (size != 0 && (data[0] & BACK) != 0)
		wall -= 86400;
	result = storefile_load(store, path_of(strbuf_span(&content), &fd),
	    &secret, wall, &age, &count, &err);
	close(fd);
	if (result == STOREFILE_READ) {
		MUST(err.len == 0 && age >= 0 && count >= count_of(store));
		check_store(store);
	} else {
		MUST(result == STOREFILE_DAMAGED && err.len != 0);
		MUST(count_of(store) == 0);
	}
	store_free(store);
	strbuf_clear(&content);
	strbuf_clear(&err);
	return 0;
}
