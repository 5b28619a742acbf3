#include "common/mail/headerindex.h"

#include "common/base/map.h"

/* Positions are counted from 1 here: 0 is none. */
struct entry {
	struct span name;	/* a field's, without the blanks behind it */
	uint32_t hash;
	uint32_t next;		/* of the same bucket */
	uint32_t bottom;	/* the lowest field of that name */
	uint32_t cursor;	/* what is to be taken next */
	uint32_t round;		/* that cursor belongs to */
};

struct header_index {
	const struct header_field *fields;
	uint32_t *above;	/* the next field of the same name */
	uint32_t *buckets;
	uint32_t mask;
	struct entry *entries;
	uint32_t entry_count;
	uint32_t round;
};

static uint32_t
hash_name(struct span name)
{
	char lower[HEADER_NAME_MAX];
	size_t i;

	for (i = 0; i < name.len; i++)
		lower[i] = ascii_lower(name.p[i]);
	return (uint32_t)map_hash(span_make(lower, name.len));
}

static struct span
without_blanks(struct span name)
{
	while (name.len > 0 && is_wsp(name.p[name.len - 1]))
		name.len--;
	return name;
}

static struct entry *
find(const struct header_index *index, struct span name, uint32_t hash)
{
	uint32_t at = index->buckets[hash & index->mask];

	for (; at != 0; at = index->entries[at - 1].next)
		if (index->entries[at - 1].hash == hash &&
		    span_eq_nocase(index->entries[at - 1].name, name))
			return &index->entries[at - 1];
	return NULL;
}

static struct entry *
find_or_add(struct header_index *index, struct span name)
{
	uint32_t hash = hash_name(name);
	uint32_t *bucket = &index->buckets[hash & index->mask];
	struct entry *entry = find(index, name, hash);

	if (entry == NULL) {
		entry = &index->entries[index->entry_count++];
		*entry = (struct entry){ .name = name, .hash = hash,
		    .next = *bucket };
		*bucket = index->entry_count;
	}
	return entry;
}

static void
add_field(struct header_index *index, uint32_t i)
{
	struct span name = without_blanks(index->fields[i].name);
	struct entry *entry;

	if (name.len > HEADER_NAME_MAX)
		return;		/* no name anybody asks for */
	entry = find_or_add(index, name);
	index->above[i] = entry->bottom;
	entry->bottom = i + 1;
}

struct header_index *
header_index_new(const struct header_field *fields, size_t count,
    struct arena *arena)
{
	struct header_index *index = arena_zalloc(arena, sizeof(*index));
	uint32_t size = 16, i, n;

	n = count < UINT32_MAX / 4 ? (uint32_t)count : UINT32_MAX / 4;
	while (size < n)
		size *= 2;
	index->fields = fields;
	index->mask = size - 1;
	index->buckets = arena_zalloc(arena, size * sizeof(*index->buckets));
	index->above = arena_alloc(arena, n * sizeof(*index->above));
	index->entries = arena_alloc(arena, n * sizeof(*index->entries));
	for (i = 0; i < n; i++)
		add_field(index, i);
	index->round = 1;
	return index;
}

void
header_index_rewind(struct header_index *index)
{
	index->round++;
}

const struct header_field *
header_index_take(struct header_index *index, struct span name,
    const struct header_field *skip)
{
	const struct header_field *field;
	struct entry *entry;

	if (name.len > HEADER_NAME_MAX)
		return NULL;
	entry = find(index, name, hash_name(name));
	if (entry == NULL)
		return NULL;
	if (entry->round != index->round) {
		entry->round = index->round;
		entry->cursor = entry->bottom;
	}
	do {
		if (entry->cursor == 0)
			return NULL;
		field = &index->fields[entry->cursor - 1];
		entry->cursor = index->above[entry->cursor - 1];
	} while (field == skip);
	return field;
}
