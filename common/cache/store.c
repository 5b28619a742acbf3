#include "common/cache/store.h"

#include "common/base/mem.h"
#include "common/cache/backend.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>

/*
 * A shard is an array without holes: who leaves is replaced by the last one.
 * Its buckets are lists of indexes into the array. There are as many buckets as
 * places, a chunk has 32 of either, and both come and go a chunk at a time, by
 * linear hashing: a new bucket takes its part out of one older one. So nothing
 * is ever copied as a whole, and memory follows the number of entries.
 */
enum {
	SHARDS = 64,
	SHARD_SHIFT = 58,
	CHUNK = 32,
	LINE = 64,			/* of the processor's cache */
	/* A chunk goes when that many places are free. */
	SLACK = CHUNK + CHUNK / 2,
	/* Entries that one new entry looks at for expired ones. */
	SWEEP = 4,
	/* Entries that are looked at where one has to go: for an expired one,
	 * for one that was not used. */
	LOOK_EXPIRED = 16,
	LOOK_UNUSED = 64
};

#define NONE	UINT32_MAX

struct entry {
	uint64_t id[2];
	uint32_t next;			/* in its bucket, or NONE */
	uint32_t expires;		/* seconds since the store's start */
	uint32_t version;
	uint8_t kind;
	uint8_t len;			/* of a record */
	bool is_used;			/* lately */
	union {
		int64_t number;
		unsigned char value[CACHE_VALUE_MAX];
	} u;
};

struct chunk {
	struct entry entries[CHUNK];
	uint32_t heads[CHUNK];
};

_Static_assert(sizeof(struct entry) == LINE, "an entry is one line");
_Static_assert(sizeof(struct chunk) % LINE == 0, "as aligned_alloc wants it");

/* With its pointer and what malloc() needs. */
#define CHUNK_COST	(sizeof(struct chunk) + LINE + sizeof(struct chunk *))

struct shard {
	pthread_mutex_t lock;
	struct chunk **chunks;
	uint32_t chunk_count, chunk_cap;
	uint32_t mask;			/* of a hash: buckets, rounded up */
	uint32_t count;			/* of entries */
	uint32_t limit;
	uint32_t hand, sweep;		/* where either goes on */
	uint64_t changes;
	uint64_t evictions;
} __attribute__((aligned(LINE)));

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

/* ---- places and buckets of a shard ---- */

static struct entry *
entry_at(const struct shard *shard, uint32_t i)
{
	return &shard->chunks[i / CHUNK]->entries[i % CHUNK];
}

static uint32_t *
head_at(const struct shard *shard, uint32_t bucket)
{
	return &shard->chunks[bucket / CHUNK]->heads[bucket % CHUNK];
}

static uint32_t
places(const struct shard *shard)
{
	return shard->chunk_count * CHUNK;
}

static uint32_t *
head_of(const struct shard *shard, const uint64_t id[2])
{
	uint32_t bucket = (uint32_t)id[0] & shard->mask;

	if (bucket >= places(shard))
		bucket &= shard->mask >> 1;
	return head_at(shard, bucket);
}

/* What points to entry i. */
static uint32_t *
link_to(const struct shard *shard, uint32_t i)
{
	uint32_t *at = head_of(shard, entry_at(shard, i)->id);

	while (*at != i)
		at = &entry_at(shard, *at)->next;
	return at;
}

static void
unlink_entry(const struct shard *shard, uint32_t i)
{
	uint32_t *at = link_to(shard, i);

	*at = entry_at(shard, i)->next;
}

static void
link_entry(const struct shard *shard, uint32_t i)
{
	struct entry *entry = entry_at(shard, i);
	uint32_t *head = head_of(shard, entry->id);

	entry->next = *head;
	*head = i;
}

/* ---- growing and shrinking ---- */

static void
set_mask(struct shard *shard)
{
	uint32_t size = CHUNK;

	while (size < places(shard))
		size *= 2;
	shard->mask = size - 1;
}

/* The bucket that the last half of the round has bucket's entries from. */
static uint32_t
origin_of(const struct shard *shard, uint32_t bucket)
{
	return bucket & shard->mask >> 1;
}

/* Moves to bucket what belongs there now. */
static void
split_bucket(const struct shard *shard, uint32_t bucket)
{
	uint32_t *at = head_at(shard, origin_of(shard, bucket));
	uint32_t *to = head_at(shard, bucket);
	struct entry *entry;
	uint32_t i;

	while ((i = *at) != NONE) {
		entry = entry_at(shard, i);
		if (((uint32_t)entry->id[0] & shard->mask) != bucket) {
			at = &entry->next;
			continue;
		}
		*at = entry->next;
		entry->next = *to;
		*to = i;
	}
}

static void
merge_bucket(const struct shard *shard, uint32_t bucket)
{
	uint32_t *head = head_at(shard, origin_of(shard, bucket));
	uint32_t *at = head;

	while (*at != NONE)
		at = &entry_at(shard, *at)->next;
	*at = *head_at(shard, bucket);
}

static void
add_chunk(struct shard *shard)
{
	enum { FIRST_CHUNKS = 4 };
	uint32_t bucket = places(shard);
	struct chunk *chunk;

	if (shard->chunk_count == shard->chunk_cap) {
		shard->chunk_cap = shard->chunk_cap > 0 ?
		    shard->chunk_cap * 2 : FIRST_CHUNKS;
		shard->chunks = xreallocarray(shard->chunks, shard->chunk_cap,
		    sizeof(struct chunk *));
	}
	chunk = xnonnull(aligned_alloc(LINE, sizeof(*chunk)));
	memset(chunk->heads, 0xff, sizeof(chunk->heads));	/* NONE */
	shard->chunks[shard->chunk_count++] = chunk;
	set_mask(shard);
	for (; bucket > 0 && bucket < places(shard); bucket++)
		split_bucket(shard, bucket);
}

static void
drop_chunk(struct shard *shard)
{
	uint32_t bucket = places(shard) - CHUNK;

	for (; bucket < places(shard); bucket++)
		merge_bucket(shard, bucket);
	free(shard->chunks[--shard->chunk_count]);
	set_mask(shard);
}

/* ---- entries; the caller holds the shard's lock ---- */

static bool
is_over(const struct entry *entry, uint32_t now)
{
	return entry->expires <= now;
}

/* The last one takes its place. */
static void
remove_entry(struct shard *shard, uint32_t i)
{
	uint32_t last = shard->count - 1, *link;

	unlink_entry(shard, i);
	if (i != last) {
		link = link_to(shard, last);
		*entry_at(shard, i) = *entry_at(shard, last);
		*link = i;
	}
	shard->count--;
	if (places(shard) - shard->count >= SLACK)
		drop_chunk(shard);
}

static struct entry *
find(struct shard *shard, const uint64_t id[2], uint32_t now)
{
	struct entry *entry;
	uint32_t i;

	if (shard->chunk_count == 0)
		return NULL;
	for (i = *head_of(shard, id); i != NONE; i = entry->next) {
		entry = entry_at(shard, i);
		if (entry->id[0] != id[0] || entry->id[1] != id[1])
			continue;
		if (is_over(entry, now)) {
			remove_entry(shard, i);
			return NULL;
		}
		if (!entry->is_used)
			entry->is_used = true;
		return entry;
	}
	return NULL;
}

/* Looks at the next few; the first that has expired, or NONE. */
static uint32_t
find_expired(struct shard *shard, unsigned most, uint32_t now)
{
	for (; most > 0 && shard->count > 0; most--) {
		if (shard->sweep >= shard->count)
			shard->sweep = 0;
		if (is_over(entry_at(shard, shard->sweep), now))
			return shard->sweep;
		shard->sweep++;
	}
	return NONE;
}

/* The next that was not used since the hand passed it; shard has one at
 * least. */
static uint32_t
find_unused(struct shard *shard)
{
	struct entry *entry;
	unsigned n = 0;
	uint32_t i;

	do {
		i = shard->hand < shard->count ? shard->hand : 0;
		shard->hand = i + 1;
		entry = entry_at(shard, i);
		if (!entry->is_used)
			break;
		entry->is_used = false;
	} while (++n < LOOK_UNUSED);
	return i;
}

/* Who has to go where there is no room. */
static uint32_t
find_victim(struct shard *shard, uint32_t now)
{
	uint32_t i = find_expired(shard, LOOK_EXPIRED, now);

	if (i != NONE)
		return i;
	shard->evictions++;
	return find_unused(shard);
}

static void
sweep(struct shard *shard, uint32_t now)
{
	uint32_t i;
	unsigned n;

	for (n = 0; n < SWEEP; n++)
		if ((i = find_expired(shard, 1, now)) != NONE)
			remove_entry(shard, i);
}

static uint32_t
take_place(struct shard *shard, uint32_t now)
{
	uint32_t i;

	if (shard->count < shard->limit) {
		if (shard->count == places(shard))
			add_chunk(shard);
		return shard->count++;
	}
	i = find_victim(shard, now);
	unlink_entry(shard, i);
	return i;
}

/* The caller fills in kind and content. */
static struct entry *
make_entry(struct shard *shard, const uint64_t id[2], uint32_t now,
    uint32_t expires)
{
	struct entry *entry;
	uint32_t i;

	sweep(shard, now);
	i = take_place(shard, now);
	entry = entry_at(shard, i);
	*entry = (struct entry){ .id = { id[0], id[1] }, .expires = expires };
	link_entry(shard, i);
	return entry;
}

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
	struct store *store = xnonnull(aligned_alloc(LINE, sizeof(*store)));
	size_t i;

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
	struct shard *shard;
	size_t i;

	if (store == NULL)
		return;
	for (i = 0; i < SHARDS; i++) {
		shard = &store->shards[i];
		while (shard->chunk_count > 0)
			free(shard->chunks[--shard->chunk_count]);
		free(shard->chunks);
		pthread_mutex_destroy(&shard->lock);
	}
	free(store);
}

/* A step of it, so that nobody waits long; false when it is done. */
static bool
limit_shard(struct shard *shard, uint32_t limit, uint32_t now)
{
	bool is_more;
	unsigned n;

	pthread_mutex_lock(&shard->lock);
	shard->limit = limit;
	for (n = 0; n < STORE_STEP && shard->count > limit; n++)
		remove_entry(shard, find_victim(shard, now));
	is_more = shard->count > limit;
	while (!is_more && places(shard) > limit)
		drop_chunk(shard);
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
	limit = chunks < NONE / CHUNK ? (uint32_t)chunks * CHUNK :
	    NONE / CHUNK * CHUNK;
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
		entry = find(shard, id, now);
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
		entry = find(shard, id, now);
		if (entry == NULL && item->add > 0) {
			entry = make_entry(shard, id, now, end_of(store,
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
		entry = find(shard, id, now);
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
		entry = make_entry(shard, id, now_of(store), expires);
	entry->expires = expires;
	fill_entry(shard, entry, item);
}

enum cache_outcome
store_add(struct store *store, const struct cache_item *item)
{
	uint64_t id[2];
	struct shard *shard = lock_shard(store, &item->key, item->kind, id);
	bool is_free = find(shard, id, now_of(store)) == NULL;

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
	struct entry *entry = find(shard, id, now_of(store));
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

	store_item(store, shard, id, find(shard, id, now_of(store)), item);
	pthread_mutex_unlock(&shard->lock);
}

void
store_remove(struct store *store, const struct cache_key *key,
    enum cache_kind kind)
{
	uint64_t id[2];
	struct shard *shard = lock_shard(store, key, kind, id);
	uint32_t i;

	if (shard->chunk_count > 0) {
		i = *head_of(shard, id);
		while (i != NONE && memcmp(entry_at(shard, i)->id, id,
		    STORE_ID_OCTETS) != 0)
			i = entry_at(shard, i)->next;
		if (i != NONE) {
			remove_entry(shard, i);
			shard->changes++;
		}
	}
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
		if (is_over(entry_at(shard, i), now))
			remove_entry(shard, i);
		else
			copy_entry(entry_at(shard, i), now,
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
	if (find(shard, id, now_of(store)) == NULL)
		store_item(store, shard, id, NULL, &item);
	pthread_mutex_unlock(&shard->lock);
}
