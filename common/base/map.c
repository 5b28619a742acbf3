#include "common/base/map.h"

#include "common/base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static uint64_t seed[2];
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void
make_seed(void)
{
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
		seed[0] = (uint64_t)time(NULL);
		seed[1] = (uint64_t)(uintptr_t)&seed;
	}
	seed[0] |= 1;
	seed[1] |= 1;
}

static uint64_t
mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product =
	    (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
load(const char *p, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, p, n);
	return word;
}

uint64_t
map_hash(struct span key)
{
	const char *p = key.p;
	size_t left = key.len;
	uint64_t h;

	pthread_once(&seeded, make_seed);
	h = seed[0] ^ key.len;
	for (; left > 8; p += 8, left -= 8)
		h = mix(h ^ load(p, 8), seed[1]);
	if (left > 0)
		h = mix(h ^ load(p, left), seed[1]);
	return mix(h ^ seed[0], UINT64_C(0x9e3779b97f4a7c15));
}

void
map_clear(struct map *m)
{
	free(m->slots);
	*m = (struct map)MAP_INIT;
}

/* The slot that holds key, or the free one where it belongs. */
static struct map_slot *
find_slot(const struct map *m, struct span key, uint32_t hash)
{
	size_t i = hash & (m->cap - 1);
	struct map_slot *slot;

	for (;; i = (i + 1) & (m->cap - 1)) {
		slot = &m->slots[i];
		if (slot->key == NULL)
			return slot;
		if (slot->hash == hash && slot->len == key.len &&
		    memcmp(slot->key, key.p, key.len) == 0)
			return slot;
	}
}

static void
resize(struct map *m, size_t cap)
{
	struct map old = *m;
	struct map_slot *slot;
	size_t i;

	m->slots = xcalloc(cap, sizeof(*m->slots));
	m->cap = cap;
	for (i = 0; i < old.cap; i++) {
		slot = &old.slots[i];
		if (slot->key != NULL)
			*find_slot(m, span_make(slot->key, slot->len),
			    slot->hash) = *slot;
	}
	free(old.slots);
}

void
map_reserve(struct map *m, size_t count)
{
	size_t cap = m->cap != 0 ? m->cap : 16;

	while (cap / 4 * 3 < count)
		cap *= 2;
	if (cap > m->cap)
		resize(m, cap);
}

void *
map_add(struct map *m, struct span key, void *value)
{
	uint32_t hash = (uint32_t)map_hash(key);
	struct map_slot *slot;

	map_reserve(m, m->count + 1);
	slot = find_slot(m, key, hash);
	if (slot->key != NULL)
		return slot->value;
	slot->key = key.p;
	slot->len = (uint32_t)key.len;
	slot->hash = hash;
	slot->value = value;
	m->count++;
	return value;
}

void *
map_get(const struct map *m, struct span key)
{
	if (m->count == 0)
		return NULL;
	return find_slot(m, key, (uint32_t)map_hash(key))->value;
}

void *
map_next(const struct map *m, size_t *i, struct span *key)
{
	struct map_slot *slot;

	while (*i < m->cap) {
		slot = &m->slots[(*i)++];
		if (slot->key == NULL)
			continue;
		if (key != NULL)
			*key = span_make(slot->key, slot->len);
		return slot->value;
	}
	return NULL;
}
