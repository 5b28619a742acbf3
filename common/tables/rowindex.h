/*
 * rowindex.h - from text to the number of a row, for tables of millions of
 * rows: 8 bytes a slot, no keys of its own. The table says whether a row has a
 * key; it is asked about next to no others.
 *
 * Keys are compared as the table does it, but hashed byte by byte: lower both
 * sides to ignore case. Reading is safe from many threads while nobody writes.
 */
#ifndef POSTERN_TABLES_ROWINDEX_H
#define POSTERN_TABLES_ROWINDEX_H

#include "common/base/span.h"

#define ROWINDEX_NONE	UINT32_MAX

typedef bool rowindex_is(const void *table, uint32_t row, struct span key);

struct rowindex_slot;

struct rowindex {
	struct rowindex_slot *slots;
	size_t cap;		/* 0 or a power of two */
	size_t count;
	const void *table;
	rowindex_is *is;
};

/* table must stay where it is. */
void rowindex_init(struct rowindex *index, const void *table,
    rowindex_is *is);
void rowindex_clear(struct rowindex *index);

/* Adds key -> row and returns row; where the key is there already, nothing
 * changes and the row it has is returned. */
uint32_t rowindex_add(struct rowindex *index, struct span key, uint32_t row);
/* Changes the row of a key that is there. */
void rowindex_set(struct rowindex *index, struct span key, uint32_t row);
/* ROWINDEX_NONE where it is not there. */
uint32_t rowindex_get(const struct rowindex *index, struct span key);

#endif
