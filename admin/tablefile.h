/*
 * tablefile.h - changes the admin's table files: rows are added and taken out,
 * everything else (comments, order, blanks) stays byte for byte.
 *
 * A change is made in memory, staged in a file beside the table
 * ("KeyTable.new") so that the loaders can be asked what they think of it, and
 * committed with a rename; what was there becomes "KeyTable~". Changes of two tables are
 * committed together or not at all. tablefile_lock() keeps a second command
 * out meanwhile.
 */
#ifndef POSTERN_ADMIN_TABLEFILE_H
#define POSTERN_ADMIN_TABLEFILE_H

#include "common/tables/dataset.h"

#include <sys/stat.h>

struct tablefile {
	const char *setting;		/* "KeyTable" */
	enum dataset_type type;
	char *path;			/* symbolic links resolved */
	char *staged;
	char *backup;
	bool exists;
	bool is_changed;
	bool is_staged;
	struct stat st;			/* where it exists */
	struct strbuf old, text;	/* as it is, as it will be */
	int lock;			/* of its directory; -1: none */
};

/* Where the table is. An error, with the remedy, where it is not in a file or
 * its directory is not there. tablefile_close() in every case. */
int tablefile_open(struct tablefile *table, const char *spec,
    const struct dataset_place *place, struct diag *diag);
/* Removes what is staged, gives the lock back. */
void tablefile_close(struct tablefile *table);

/* Waits for other commands that change one of the tables, 30 s at most, then
 * reads them. A table that is not there is an empty one. */
int tablefile_lock(struct tablefile tables[2], struct diag *diag);

/* Adds a line in front of that one; 0: at the end. row is without a line end.
 * Returns the line's number. */
unsigned tablefile_insert(struct tablefile *table, unsigned line,
    struct span row);
/* Takes out the lines in lines[], which are in order. */
void tablefile_delete(struct tablefile *table, const unsigned *lines,
    size_t count);

/* The specification by which a loader reads what is staged. From the arena. */
const char *tablefile_staged_spec(const struct tablefile *table,
    struct arena *arena);
int tablefile_stage(struct tablefile *table, struct diag *diag);

/* Makes the staged changes count, in this order; where the second fails, the
 * first is undone. */
int tablefile_commit(struct tablefile *first, struct tablefile *second,
    struct diag *diag);

/* The tables' own names in diag in place of the staged files'. */
void tablefile_rename(const struct tablefile *table, struct diag *diag);

#endif
