#include "common/tables/rowindex.h"

#include "common/base/map.h"
#include "common/base/mem.h"

#include <stdlib.h>

struct rowindex_slot {
	uint32_t hash;
	uint32_t next;		/* the row's number + 1; 0: free */
};

enum { FIRST_CAP = 16 };

void
rowindex_init(struct rowindex *index, const void *table, rowindex_is *is)
{
	index->cap = FIRST_CAP;
	index->slots = xcalloc(index->cap, sizeof(*index->slots));
	index->count = 0;
	index->table = table;
	index->is = is;
}

void
rowindex_clear(struct rowindex *index)
{
	free(index->slots);
	memset(index, 0, sizeof(*index));
}

/* The slot of key, or the free one where it belongs. */
static struct rowindex_slot *
find_slot(const struct rowindex *index, struct span key, uint32_t hash)
{
	size_t i = hash & (index->cap - 1);
	struct rowindex_slot *slot;

	for (;; i = (i + 1) & (index->cap - 1)) {
		slot = &index->slots[i];
		if (slot->next == 0 || (slot->hash == hash &&
		    index->is(index->table, slot->next - 1, key)))
			return slot;
	}
}

static void
grow(struct rowindex *index)
{
	struct rowindex old = *index;
	size_t i, at;

	index->cap = old.cap * 2;
	index->slots = xcalloc(index->cap, sizeof(*index->slots));
	for (i = 0; i < old.cap; i++) {
		if (old.slots[i].next == 0)
			continue;
		at = old.slots[i].hash & (index->cap - 1);
		while (index->slots[at].next != 0)
			at = (at + 1) & (index->cap - 1);
		index->slots[at] = old.slots[i];
	}
	free(old.slots);
}

uint32_t
rowindex_add(struct rowindex *index, struct span key, uint32_t row)
{
	uint32_t hash = (uint32_t)map_hash(key);
	struct rowindex_slot *slot;

	if (index->count >= index->cap / 4 * 3)
		grow(index);
	slot = find_slot(index, key, hash);
	if (slot->next != 0)
		return slot->next - 1;
	slot->hash = hash;
	slot->next = row + 1;
	index->count++;
	return row;
}

void
rowindex_set(struct rowindex *index, struct span key, uint32_t row)
{
	find_slot(index, key, (uint32_t)map_hash(key))->next = row + 1;
}

uint32_t
rowindex_get(const struct rowindex *index, struct span key)
{
	if (index->count == 0)
		return ROWINDEX_NONE;
	return find_slot(index, key, (uint32_t)map_hash(key))->next - 1;
}
