/*
 * diag.h - everything that is wrong with what the admin wrote, collected.
 *
 * Loaders do not stop at the first mistake: they report each one here with its
 * place and what to do about it, and go on where going on makes sense. Who
 * started the load asks diag_failed() afterwards: false means the result may be
 * used. Texts are escaped here; a caller passes outside bytes through %s only
 * after escape_add(), or hands them to diag_quote().
 */
#ifndef POSTERN_BASE_DIAG_H
#define POSTERN_BASE_DIAG_H

#include "common/base/arena.h"
#include "common/base/strbuf.h"

#include <stdio.h>

enum diag_level {
	DIAG_ERROR,	/* the load is refused */
	DIAG_WARNING,	/* it works, but the admin surely means something else */
	DIAG_NOTE	/* good to know */
};

const char *diag_level_name(enum diag_level level);	/* "error"... */

struct diag_item {
	enum diag_level level;
	const char *file;	/* NULL where no file is concerned */
	unsigned line;		/* 0 where no line is concerned */
	const char *text;	/* what is wrong; what to do */
};

/*
 * At most DIAG_KEEP items of each level are kept, the rest is only counted, so
 * that a table of a million bad rows stays readable. Not for several threads
 * at a time.
 */
enum { DIAG_KEEP = 100 };

struct diag {
	struct arena arena;
	struct diag_item *items;	/* in the order they were found */
	size_t count;
	size_t cap;
	size_t found[DIAG_NOTE + 1];	/* by level, kept or not */
};

#define DIAG_INIT	{ ARENA_INIT, NULL, 0, 0, { 0, 0, 0 } }

void diag_clear(struct diag *d);

static inline bool
diag_failed(const struct diag *d)
{
	return d->found[DIAG_ERROR] != 0;
}

/* file is copied; line 0 or file NULL leave that part of "file:line: " out. */
void diag_error(struct diag *d, const char *file, unsigned line,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void diag_warning(struct diag *d, const char *file, unsigned line,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void diag_note(struct diag *d, const char *file, unsigned line,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * True, and one more item of that level is counted, where it would not be kept:
 * who reports a million rows asks first and spares making the text.
 */
bool diag_skip(struct diag *d, enum diag_level level);

/* s escaped and in double quotes, from d's arena, for use with %s. */
const char *diag_quote(struct diag *d, struct span s);

/* "file:line: error: text", without a line end. */
void diag_format(const struct diag_item *item, struct strbuf *out);

/* Every item as a log line of its level, and how many were not kept. */
void diag_log(const struct diag *d);

/* The same on a stream, for -n and the command line tool. */
void diag_print(const struct diag *d, FILE *fp);

#endif
