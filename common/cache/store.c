#include "common/cache/store.h"

#include "common/base/mem.h"
#include "common/cache/backend.h"
#include "common/cache/shard.h"

#include <endian.h>
#include <stdlib.h>

enum {
	SHARDS = 64,
	SHARD_SHIFT = 58
};

/* Of a shard: an index has 32 bits. */
#define ENTRIES_MAX	(UINT32_MAX / SHARD_CHUNK * SHARD_CHUNK)

struct store {
	struct shard shards[SHARDS];
	int64_t (*clock)(void);
	int64_t start;			/* by the clock */
};

/* ---- time ---- */

static int64_t
age_ms(const struct store *store)
{
	int64_t age = store->clock() - store->start;

	return age > 0 ? age : 0;
}

static uint32_t
now_of(const struct store *store)
{
	return (uint32_t)(age_ms(store) / 1000);
}

/* The first second at which ttl has passed for sure. */
static uint32_t
end_of(const struct store *store, int64_t ttl)
{
	int64_t end = (age_ms(store) + 999) / 1000 + ttl;

	return end < UINT32_MAX ? (uint32_t)end : UINT32_MAX;
}

/* ---- entries; the caller holds their shard's lock ---- */

static void
note_change(struct shard *shard, struct entry *entry)
{
	entry->version = (uint32_t)++shard->changes;
}

static void
fill_entry(struct shard *shard, struct entry *entry,
    const struct cache_item *item)
{
	entry->kind = (uint8_t)item->kind;
	if (item->kind == CACHE_COUNTER) {
		entry->u.number = item->number;
	} else {
		entry->len = (uint8_t)item->len;
		memcpy(entry->u.value, item->value, item->len);
	}
	note_change(shard, entry);
}

static void
read_entry(const struct entry *entry, struct cache_item *item)
{
	item->state = CACHE_HIT;
	item->version = entry->version;
	if (entry->kind == CACHE_COUNTER) {
		item->number = entry->u.number;
	} else {
		item->len = entry->len;
		memcpy(item->value, entry->u.value, entry->len);
	}
}

/* ---- the store ---- */

struct store *
store_new(size_t size, int64_t (*clock)(void))
{
	struct store *store;
	size_t i;

	store = xnonnull(aligned_alloc(SHARD_LINE, sizeof(*store)));
	memset(store, 0, sizeof(*store));
	store->clock = clock;
	store->start = clock();
	for (i = 0; i < SHARDS; i++)
		pthread_mutex_init(&store->shards[i].lock, NULL);
	store_resize(store, size);
	return store;
}

void
store_free(struct store *store)
{
	size_t i;

	if (store == NULL)
		return;
	for (i = 0; i < SHARDS; i++) {
		shard_clear(&store->shards[i]);
		pthread_mutex_destroy(&store->shards[i].lock);
	}
	free(store);
}

/* A step of it, so that nobody waits long; false when it is done. */
static bool
limit_shard(struct shard *shard, uint32_t limit, uint32_t now)
{
	bool is_more;

	pthread_mutex_lock(&shard->lock);
	is_more = shard_limit(shard, limit, now);
	pthread_mutex_unlock(&shard->lock);
	return is_more;
}

void
store_resize(struct store *store, size_t size)
{
	uint32_t now = now_of(store), limit;
	size_t chunks, i;

	if (size < STORE_SIZE_MIN)
		size = STORE_SIZE_MIN;
	chunks = (size - sizeof(*store)) / SHARDS / CHUNK_COST;
	limit = chunks < ENTRIES_MAX / SHARD_CHUNK ?
	    (uint32_t)chunks * SHARD_CHUNK : ENTRIES_MAX;
	for (i = 0; i < SHARDS; i++)
		while (limit_shard(&store->shards[i], limit, now))
			continue;
}

/* A bijection, so no two slots of a key have one id. */
static uint64_t
mix(uint64_t x)
{
	x *= UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

static struct shard *
shard_of(struct store *store, const uint64_t id[2])
{
	return &store->shards[id[0] >> SHARD_SHIFT];
}

/* Locks the shard where the key's entry is or would be. */
static struct shard *
lock_shard(struct store *store, const struct cache_key *key,
    enum cache_kind kind, uint64_t id[2])
{
	struct shard *shard;

	memcpy(id, key->digest, STORE_ID_OCTETS);
	id[0] = le64toh(id[0]) + mix(key->slot);
	id[1] = le64toh(id[1]) ^ (uint64_t)kind;
	shard = shard_of(store, id);
	pthread_mutex_lock(&shard->lock);
	return shard;
}

void
store_get(struct store *store, struct cache_item *items, size_t count)
{
	uint32_t now = now_of(store);
	struct entry *entry;
	struct shard *shard;
	uint64_t id[2];
	size_t i;

	for (i = 0; i < count; i++) {
		shard = lock_shard(store, &items[i].key, items[i].kind, id);
		entry = shard_find(shard, id, now);
		if (entry != NULL)
			read_entry(entry, &items[i]);
		pthread_mutex_unlock(&shard->lock);
	}
}

void
store_increment(struct store *store, struct cache_item *items, size_t count)
{
	uint32_t now = now_of(store);
	struct cache_item *item;
	struct entry *entry;
	struct shard *shard;
	uint64_t id[2];

	for (item = items; item < items + count; item++) {
		shard = lock_shard(store, &item->key, CACHE_COUNTER, id);
		entry = shard_find(shard, id, now);
		if (entry == NULL && item->add > 0) {
			entry = shard_make(shard, id, now, end_of(store,
			    cache_item_ttl(item)));
			entry->kind = CACHE_COUNTER;
		}
		if (entry != NULL && item->add != 0) {
			entry->u.number = cache_counter_add(entry->u.number,
			    item->add);
			note_change(shard, entry);
		}
		if (entry != NULL)
			read_entry(entry, item);
		pthread_mutex_unlock(&shard->lock);
	}
}

void
store_take_back(struct store *store, const struct cache_item *items,
    size_t count)
{
	uint32_t now = now_of(store);
	struct entry *entry;
	struct shard *shard;
	uint64_t id[2];
	size_t i;

	for (i = 0; i < count; i++) {
		shard = lock_shard(store, &items[i].key, CACHE_COUNTER, id);
		entry = shard_find(shard, id, now);
		if (entry != NULL) {
			entry->u.number = cache_counter_take_back(
			    entry->u.number, items[i].add);
			note_change(shard, entry);
		}
		pthread_mutex_unlock(&shard->lock);
	}
}

/* The entry of item is made, or gets its content and time to live anew. */
static void
store_item(struct store *store, struct shard *shard, const uint64_t id[2],
    struct entry *entry, const struct cache_item *item)
{
	uint32_t expires = end_of(store, cache_item_ttl(item));

	if (entry == NULL)
		entry = shard_make(shard, id, now_of(store), expires);
	entry->expires = expires;
	fill_entry(shard, entry, item);
}

enum cache_outcome
store_add(struct store *store, const struct cache_item *item)
{
	uint64_t id[2];
	struct shard *shard = lock_shard(store, &item->key, item->kind, id);
	bool is_free = shard_find(shard, id, now_of(store)) == NULL;

	if (is_free)
		store_item(store, shard, id, NULL, item);
	pthread_mutex_unlock(&shard->lock);
	return is_free ? CACHE_DONE : CACHE_NOT_DONE;
}

enum cache_outcome
store_update(struct store *store, const struct cache_item *item)
{
	uint64_t id[2];
	struct shard *shard = lock_shard(store, &item->key, item->kind, id);
	struct entry *entry = shard_find(shard, id, now_of(store));
	bool is_same = item->state == CACHE_HIT ? entry != NULL &&
	    entry->version == item->version : entry == NULL;

	if (is_same)
		store_item(store, shard, id, entry, item);
	pthread_mutex_unlock(&shard->lock);
	return is_same ? CACHE_DONE : CACHE_NOT_DONE;
}

void
store_put(struct store *store, const struct cache_item *item)
{
	uint64_t id[2];
	struct shard *shard = lock_shard(store, &item->key, item->kind, id);

	store_item(store, shard, id, shard_find(shard, id, now_of(store)),
	    item);
	pthread_mutex_unlock(&shard->lock);
}

void
store_remove(struct store *store, const struct cache_key *key,
    enum cache_kind kind)
{
	uint64_t id[2];
	struct shard *shard = lock_shard(store, key, kind, id);

	shard->changes += shard_delete(shard, id);
	pthread_mutex_unlock(&shard->lock);
}

void
store_count(struct store *store, struct cache_stats *stats)
{
	struct shard *shard;
	size_t i;

	stats->bytes += sizeof(*store);
	for (i = 0; i < SHARDS; i++) {
		shard = &store->shards[i];
		pthread_mutex_lock(&shard->lock);
		stats->entries += shard->count;
		stats->bytes += shard->chunk_count * CHUNK_COST;
		stats->evictions += shard->evictions;
		pthread_mutex_unlock(&shard->lock);
	}
}

uint64_t
store_changes(struct store *store)
{
	uint64_t changes = 0;
	size_t i;

	for (i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&store->shards[i].lock);
		changes += store->shards[i].changes;
		pthread_mutex_unlock(&store->shards[i].lock);
	}
	return changes;
}

/* ---- for a file ---- */

static void
copy_entry(const struct entry *entry, uint32_t now, struct store_entry *copy)
{
	uint64_t id[2] = { htole64(entry->id[0]), htole64(entry->id[1]) };

	*copy = (struct store_entry){ .kind = entry->kind,
	    .ttl = entry->expires - now };
	memcpy(copy->id, id, STORE_ID_OCTETS);
	if (entry->kind == CACHE_COUNTER) {
		copy->number = entry->u.number;
	} else {
		copy->len = entry->len;
		memcpy(copy->value, entry->u.value, entry->len);
	}
}

/* Downwards, because an entry may move down while nobody looks. */
bool
store_next(struct store *store, struct store_cursor *cursor,
    struct store_entry entries[STORE_STEP], size_t *count)
{
	uint32_t now = now_of(store), i;
	struct shard *shard;
	unsigned n;

	*count = 0;
	if (cursor->shard == SHARDS)
		return false;
	shard = &store->shards[cursor->shard];
	pthread_mutex_lock(&shard->lock);
	if (!cursor->is_inside || cursor->left > shard->count)
		cursor->left = shard->count;
	for (n = 0; n < STORE_STEP && cursor->left > 0; n++) {
		i = (uint32_t)--cursor->left;
		if (entry_is_over(shard_entry(shard, i), now))
			shard_remove(shard, i);
		else
			copy_entry(shard_entry(shard, i), now,
			    &entries[(*count)++]);
	}
	cursor->is_inside = cursor->left > 0;
	cursor->shard += !cursor->is_inside;
	pthread_mutex_unlock(&shard->lock);
	return true;
}

void
store_restore(struct store *store, const struct store_entry *saved)
{
	struct cache_item item = { .kind = saved->kind, .ttl = saved->ttl,
	    .number = saved->number, .len = saved->len };
	struct shard *shard;
	uint64_t id[2];

	memcpy(id, saved->id, STORE_ID_OCTETS);
	id[0] = le64toh(id[0]);
	id[1] = le64toh(id[1]);
	memcpy(item.value, saved->value, saved->len);
	shard = shard_of(store, id);
	pthread_mutex_lock(&shard->lock);
	if (shard_find(shard, id, now_of(store)) == NULL)
		store_item(store, shard, id, NULL, &item);
	pthread_mutex_unlock(&shard->lock);
}
