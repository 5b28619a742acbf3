/*
 * entries.h - what host lists and name lists share: entries of a data set, "!"
 * in front of those that exclude, found by a key.
 */
#ifndef POSTERN_TABLES_ENTRIES_H
#define POSTERN_TABLES_ENTRIES_H

#include "common/base/map.h"
#include "common/tables/dataset.h"

struct entry {
	struct span text;	/* as written */
	struct span key;
	unsigned line;
	bool excludes;
};

struct entries {
	struct arena arena;
	struct map map;		/* key -> struct entry */
};

/* One entry on its way in. */
struct entries_row {
	struct entries *entries;
	void *list;		/* whose entries they are */
	struct span text;	/* without "!" */
	bool excludes;
	struct dataset_row row;
	const struct dataset *set;
	struct diag *diag;
};

/*
 * Reads spec (NULL, "": nothing) and hands each entry to take(). False where
 * diag got an error.
 */
bool entries_load(struct entries *entries, const char *spec,
    const struct dataset_place *place, struct diag *diag, void *list,
    void (*take)(const struct entries_row *row));

/*
 * Files the row under key, which is copied. NULL where the key is there
 * already: that is reported, and where one of the two excludes, what is there
 * does now, for whoever should not be in a list of trusted ones must stay out.
 */
struct entry *entries_add(const struct entries_row *row, struct span key);

/* setting: "entry" text */
void entries_error(const struct entries_row *row, const char *text);
void entries_warning(const struct entries_row *row, const char *text);

static inline const struct entry *
entries_find(const struct entries *entries, struct span key)
{
	return map_get(&entries->map, key);
}

void entries_clear(struct entries *entries);

#endif
