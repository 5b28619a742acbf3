/*
 * accesssource.h - the file of an access table while it is read: logical lines
 * as Postfix's tables have them, and complaints with their place.
 */
#ifndef POSTERN_TABLES_ACCESSSOURCE_H
#define POSTERN_TABLES_ACCESSSOURCE_H

#include "common/tables/accessmap.h"

struct access_source {
	struct dataset set;
	struct strbuf joined;
	enum access_subject subject;
	unsigned line;		/* where the row at hand begins */
	struct arena *arena;	/* the map's: what outlives the reading */
	struct arena scratch;	/* lasts until the next row */
	struct map *rules;	/* the map's: text -> struct access_rule */
	struct diag *diag;
};

/*
 * false, the reason in diag, where there is no such file. made: what postmap
 * calls the file it makes of this one (".db"), for the message; may be NULL.
 */
bool access_source_open(struct access_source *source, struct span path,
    const char *made, const struct dataset_place *place, struct diag *diag);
void access_source_close(struct access_source *source);

/*
 * The next row that holds something. Comments are lines that begin with '#';
 * a line that begins with blanks goes on with the one before.
 */
bool access_source_next(struct access_source *source, struct span *row);

/* Cuts the row's first word off; blanks in double quotes do not divide. */
void access_cut_word(struct span *row, struct span *word);

/* file:line: error: AccessClient: text */
void access_refuse(struct access_source *source, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void access_advise(struct access_source *source, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* text in quotes, for the two. */
const char *access_quote(struct access_source *source, struct span text);

#endif
