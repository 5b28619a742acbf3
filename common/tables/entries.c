#include "common/tables/entries.h"

void
entries_error(const struct entries_row *row, const char *text)
{
	if (diag_skip(row->diag, DIAG_ERROR))
		return;
	diag_error(row->diag, row->set->name, row->row.line, "%s: %s %s",
	    row->set->setting, diag_quote(row->diag, row->row.key), text);
}

void
entries_warning(const struct entries_row *row, const char *text)
{
	if (diag_skip(row->diag, DIAG_WARNING))
		return;
	diag_warning(row->diag, row->set->name, row->row.line, "%s: %s %s",
	    row->set->setting, diag_quote(row->diag, row->row.key), text);
}

static void
merge(const struct entries_row *row, struct entry *first)
{
	bool opposite = first->excludes != row->excludes;
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, opposite ? "says the opposite of line %u; the one "
	    "with \"!\" holds, remove one of them" : "is there already, on "
	    "line %u; remove one of them", first->line);
	entries_warning(row, text.s);
	strbuf_clear(&text);
	if (!row->excludes)
		return;
	first->excludes = true;
	first->text = arena_dup(&row->entries->arena, row->row.key);
}

struct entry *
entries_add(const struct entries_row *row, struct span key)
{
	struct entries *entries = row->entries;
	struct entry *entry = map_get(&entries->map, key);

	if (entry != NULL) {
		merge(row, entry);
		return NULL;
	}
	entry = arena_alloc(&entries->arena, sizeof(*entry));
	entry->text = arena_dup(&entries->arena, row->row.key);
	entry->key = arena_dup(&entries->arena, key);
	entry->line = row->row.line;
	entry->excludes = row->excludes;
	return map_add(&entries->map, entry->key, entry);
}

static void
take_row(struct entries_row *row,
    void (*take)(const struct entries_row *row))
{
	row->text = row->row.key;
	row->excludes = row->text.p[0] == '!';
	if (row->excludes)
		row->text = span_skip(row->text, 1);
	if (row->text.len == 0) {
		entries_error(row, "has nothing behind it; write !entry "
		    "without a blank");
		return;
	}
	if (row->row.value.len > 0)
		entries_warning(row, "is followed by something that is not "
		    "read; write one entry a line");
	take(row);
}

bool
entries_load(struct entries *entries, const char *spec,
    const struct dataset_place *place, struct diag *diag, void *list,
    void (*take)(const struct entries_row *row))
{
	size_t errors = diag->found[DIAG_ERROR];
	struct dataset set;
	struct entries_row row = { .entries = entries, .list = list,
	    .set = &set, .diag = diag };

	if (spec == NULL || spec[0] == '\0')
		return true;
	if (dataset_open(spec, place, &set, diag) != 0)
		return false;
	while (dataset_next(&set, &row.row, diag))
		take_row(&row, take);
	dataset_close(&set);
	return diag->found[DIAG_ERROR] == errors;
}

void
entries_clear(struct entries *entries)
{
	map_clear(&entries->map);
	arena_clear(&entries->arena);
}
