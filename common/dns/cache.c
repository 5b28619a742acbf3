#include "common/dns/cache.h"

#include "common/base/map.h"
#include "common/base/mem.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	SHARDS = 16,
	FIRST_BUCKETS = 64,
	/* An answer may take up this part of its shard. */
	LARGEST_PART = 4
};

struct entry {
	struct entry *next;		/* in its bucket */
	struct entry *newer, *older;	/* by last use */
	const struct dns_answer *answer;
	int64_t expires;
	uint64_t hash;
	size_t size;
	uint16_t type;
	uint16_t len;
	char name[];
};

struct shard {
	pthread_mutex_t lock;
	struct entry **buckets;
	size_t bucket_count;		/* a power of two */
	size_t count;
	size_t used;
	struct entry *newest, *oldest;
};

struct dns_cache {
	size_t shard_size;
	struct shard shards[SHARDS];
};

struct dns_cache *
dns_cache_new(size_t bytes)
{
	struct dns_cache *cache = xcalloc(1, sizeof(*cache));
	size_t i;

	cache->shard_size = bytes / SHARDS;
	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&cache->shards[i].lock, NULL);
		cache->shards[i].bucket_count = FIRST_BUCKETS;
		cache->shards[i].buckets = xcalloc(FIRST_BUCKETS,
		    sizeof(struct entry *));
	}
	return cache;
}

/* ---- a shard; the caller holds its lock ---- */

static struct entry **
bucket_of(struct shard *shard, uint64_t hash)
{
	return &shard->buckets[hash & (shard->bucket_count - 1)];
}

static void
unlink_use(struct shard *shard, struct entry *entry)
{
	if (entry->newer != NULL)
		entry->newer->older = entry->older;
	else
		shard->newest = entry->older;
	if (entry->older != NULL)
		entry->older->newer = entry->newer;
	else
		shard->oldest = entry->newer;
}

static void
link_use(struct shard *shard, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = shard->newest;
	if (shard->newest != NULL)
		shard->newest->newer = entry;
	else
		shard->oldest = entry;
	shard->newest = entry;
}

static struct entry *
find(struct shard *shard, uint64_t hash, struct span name,
    enum dns_type type)
{
	struct entry *entry = *bucket_of(shard, hash);

	while (entry != NULL && (entry->hash != hash || entry->type != type ||
	    !span_eq(span_make(entry->name, entry->len), name)))
		entry = entry->next;
	return entry;
}

static void
remove_entry(struct shard *shard, struct entry *entry)
{
	struct entry **at = bucket_of(shard, entry->hash);

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	unlink_use(shard, entry);
	shard->used -= entry->size;
	shard->count--;
	dns_answer_unref(entry->answer);
	free(entry);
}

static void
add_entry(struct shard *shard, struct entry *entry)
{
	struct entry **bucket = bucket_of(shard, entry->hash);

	entry->next = *bucket;
	*bucket = entry;
	link_use(shard, entry);
	shard->used += entry->size;
	shard->count++;
}

static void
grow(struct shard *shard)
{
	struct entry *entry, **bucket;

	free(shard->buckets);
	shard->bucket_count *= 2;
	shard->buckets = xcalloc(shard->bucket_count, sizeof(*bucket));
	for (entry = shard->oldest; entry != NULL; entry = entry->newer) {
		bucket = bucket_of(shard, entry->hash);
		entry->next = *bucket;
		*bucket = entry;
	}
}

/* ---- the cache ---- */

static uint64_t
hash_of(struct span name, enum dns_type type)
{
	return map_hash(name) + (unsigned)type * UINT64_C(0x9e3779b97f4a7c15);
}

/* By other bits than the buckets. */
static struct shard *
shard_of(struct dns_cache *cache, uint64_t hash)
{
	return &cache->shards[hash >> 60];
}

_Static_assert(SHARDS == 16, "a shard is chosen by four bits");

const struct dns_answer *
dns_cache_get(struct dns_cache *cache, struct span name, enum dns_type type,
    int64_t now)
{
	uint64_t hash = hash_of(name, type);
	struct shard *shard = shard_of(cache, hash);
	const struct dns_answer *answer = NULL;
	struct entry *entry;

	pthread_mutex_lock(&shard->lock);
	entry = find(shard, hash, name, type);
	if (entry != NULL && entry->expires <= now) {
		remove_entry(shard, entry);
	} else if (entry != NULL) {
		answer = dns_answer_ref(entry->answer);
		if (shard->newest != entry) {
			unlink_use(shard, entry);
			link_use(shard, entry);
		}
	}
	pthread_mutex_unlock(&shard->lock);
	return answer;
}

static uint32_t
lifetime(const struct dns_answer *answer)
{
	uint32_t most = 0;

	if (answer->result == DNS_FOUND)
		most = DNS_CACHE_POSITIVE;
	else if (answer->result == DNS_NODATA ||
	    answer->result == DNS_NXDOMAIN)
		most = DNS_CACHE_NEGATIVE;
	return answer->ttl < most ? answer->ttl : most;
}

static struct entry *
entry_new(struct span name, enum dns_type type, uint64_t hash,
    const struct dns_answer *answer, int64_t expires)
{
	struct entry *entry = xmalloc(sizeof(*entry) + name.len);

	*entry = (struct entry){ .answer = dns_answer_ref(answer),
	    .expires = expires, .hash = hash, .type = (uint16_t)type,
	    .len = (uint16_t)name.len };
	entry->size = sizeof(*entry) + sizeof(struct entry *) + name.len +
	    dns_answer_cost(answer, type);
	memcpy(entry->name, name.p, name.len);
	return entry;
}

void
dns_cache_put(struct dns_cache *cache, struct span name, enum dns_type type,
    const struct dns_answer *answer, int64_t now)
{
	uint64_t hash = hash_of(name, type);
	struct shard *shard = shard_of(cache, hash);
	uint32_t seconds = lifetime(answer);
	struct entry *entry, *old;

	if (seconds == 0 || dns_answer_cost(answer, type) >
	    cache->shard_size / LARGEST_PART)
		return;
	entry = entry_new(name, type, hash, answer,
	    now + (int64_t)seconds * 1000);
	pthread_mutex_lock(&shard->lock);
	old = find(shard, hash, name, type);
	if (old != NULL)
		remove_entry(shard, old);
	while (shard->oldest != NULL &&
	    shard->used + entry->size > cache->shard_size)
		remove_entry(shard, shard->oldest);
	add_entry(shard, entry);
	if (shard->count > shard->bucket_count)
		grow(shard);
	pthread_mutex_unlock(&shard->lock);
}

void
dns_cache_flush(struct dns_cache *cache)
{
	struct shard *shard;
	size_t i;

	for (i = 0; i < SHARDS; i++) {
		shard = &cache->shards[i];
		pthread_mutex_lock(&shard->lock);
		while (shard->oldest != NULL)
			remove_entry(shard, shard->oldest);
		pthread_mutex_unlock(&shard->lock);
	}
}

size_t
dns_cache_used(struct dns_cache *cache)
{
	size_t used = 0, i;

	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&cache->shards[i].lock);
		used += cache->shards[i].used;
		pthread_mutex_unlock(&cache->shards[i].lock);
	}
	return used;
}

void
dns_cache_free(struct dns_cache *cache)
{
	size_t i;

	if (cache == NULL)
		return;
	dns_cache_flush(cache);
	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_destroy(&cache->shards[i].lock);
		free(cache->shards[i].buckets);
	}
	free(cache);
}
