/*
 * map.h - from text to a pointer: open addressing, 24 bytes a slot.
 *
 * Keys are borrowed: their bytes must outlive the map (an arena's, as a rule).
 * They are compared byte by byte; a caller who wants to ignore case lowers
 * both sides. The hash is seeded at random once a process, so that text from
 * outside cannot be made to collide. A zeroed struct map is an empty one.
 * Reading is safe from many threads while nobody writes.
 */
#ifndef POSTERN_BASE_MAP_H
#define POSTERN_BASE_MAP_H

#include "common/base/span.h"

struct map_slot {
	const char *key;	/* NULL: free */
	uint32_t len;
	uint32_t hash;
	void *value;
};

struct map {
	struct map_slot *slots;
	size_t cap;		/* 0 or a power of two */
	size_t count;
};

#define MAP_INIT	{ NULL, 0, 0 }

void map_clear(struct map *m);
/* Room for count keys without growing on the way. */
void map_reserve(struct map *m, size_t count);

/*
 * Adds key -> value where key is new and returns value; where it is there
 * already, nothing changes and the value it has is returned. A key has at most
 * UINT32_MAX bytes; value is not NULL.
 */
void *map_add(struct map *m, struct span key, void *value);
/* The value of key, or NULL. */
void *map_get(const struct map *m, struct span key);
/* Sets *key (may be NULL) and the value of slot *i or a later one and moves
 * *i past it; NULL at the end. Start with *i = 0. The order is arbitrary. */
void *map_next(const struct map *m, size_t *i, struct span *key);

/* The hash the map uses, for sharding by the same text. */
uint64_t map_hash(struct span key);

#endif
