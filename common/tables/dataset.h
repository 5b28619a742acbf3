/*
 * dataset.h - rows of key and value from a file or from the setting itself,
 * named as OpenDKIM names its data sets.
 *
 *	file:/path	a file of rows, keys are exact
 *	refile:/path	a file of rows, keys are patterns
 *	/path ./path ../path	file:
 *	csl:a,b=c	rows in the setting; "=" divides key and value, and an
 *			item without "=" may hold several, divided by blanks
 *	anything else	csl: (an address, "fd00::/8,127.0.0.1" too, is
 *			recognized before a type is)
 *
 * Files: one row a line; '#' starts a comment anywhere; the first blank run
 * divides key and value; the value runs to the end of the line, trimmed; a byte
 * order mark in front is passed over. db:, dsn:, ldap:, lua:, memcache:,
 * erlang:, mdb: and a name ending in .db are errors that say how to dump them
 * to a file.
 */
#ifndef POSTERN_TABLES_DATASET_H
#define POSTERN_TABLES_DATASET_H

#include "common/base/diag.h"

enum {
	DATASET_FILE_MAX = 1 << 30,	/* octets */
	DATASET_LINE_MAX = 65536	/* octets of a row: inline keys */
};

enum dataset_type { DATASET_FILE, DATASET_REFILE, DATASET_CSL };

/* Where a specification stands: for messages. */
struct dataset_place {
	const char *file;	/* of the setting; may be NULL */
	unsigned line;
	const char *setting;	/* its name: "KeyTable" */
	const char *base_directory;	/* for relative paths; NULL: as is */
};

struct dataset {
	enum dataset_type type;
	char *name;		/* for messages: the path of the file of rows,
				   or of the file the setting is in */
	const char *setting;	/* its name */
	struct strbuf text;	/* the rows point into it */
	struct span rest;	/* not read yet */
	struct span words;	/* csl: what is left of an item of words */
	unsigned line;		/* of the row last read; csl: the setting's */
};

struct dataset_row {
	struct span key;	/* never empty */
	struct span value;	/* may be empty */
	unsigned line;
};

/*
 * -1, the reason in diag, where the specification or the file is no good.
 * place->setting must last until dataset_close().
 */
int dataset_open(const char *spec, const struct dataset_place *place,
    struct dataset *set, struct diag *diag);

/* What kind of data set spec is and, where it is a file, its path, from the
 * arena (else NULL), without looking at it. -1, the reason in diag. */
int dataset_locate(const char *spec, const struct dataset_place *place,
    struct arena *arena, enum dataset_type *type, const char **path,
    struct diag *diag);

/* The next row; false at the end. A row that is too long or holds a control
 * character is reported to diag and passed over. */
bool dataset_next(struct dataset *set, struct dataset_row *row,
    struct diag *diag);

/* Why a row cannot be read at all, whatever is in the table; NULL: it can. */
const char *dataset_fault(struct span row);

/* Wipes the text: it may hold private keys. */
void dataset_close(struct dataset *set);

/* "/...", "./..." or "../...". */
bool dataset_is_path(struct span s);

/* path as it is where it is absolute or base is NULL, else base/path. From
 * the arena. */
const char *dataset_resolve(const char *base, struct span path,
    struct arena *arena);

#endif
