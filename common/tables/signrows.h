/*
 * signrows.h - the rows of a SigningTable and the finding of those that match,
 * by class of pattern and so at the same cost for any number of rows. What the
 * rows' keys are is signtable.c's matter.
 */
#ifndef POSTERN_TABLES_SIGNROWS_H
#define POSTERN_TABLES_SIGNROWS_H

#include "common/base/strbuf.h"
#include "common/mail/address.h"
#include "common/mail/domain.h"
#include "common/tables/rowindex.h"
#include "common/tables/signpattern.h"
#include "common/tables/signtable.h"

#define SIGNROW_NONE	UINT32_MAX

/*
 * 32 octets, so that a million rows cost no more than their text. Rows of one
 * pattern form a ring in file order; the index has its last.
 */
struct signrow {
	uint32_t at;		/* the pattern as written, in the text */
	uint32_t pattern;	/* as it is looked up: in that text too, or in
				   extra; case is ignored */
	uint32_t line;
	uint32_t next;
	uint32_t identity;	/* in extra; 0: none */
	uint16_t at_len;
	bool is_extra;		/* pattern is in extra */
	bool is_by_sender;	/* key "%" */
	const struct keytable_row *key;
};

struct signrows {
	const char *text;	/* borrowed */
	bool is_refile;
	struct signrow *rows;
	size_t count;
	size_t cap;
	struct rowindex index;	/* all patterns but globs */
	uint32_t *globs;	/* in file order */
	size_t glob_count;
	size_t glob_cap;
	struct strbuf extra;	/* C strings: patterns rewritten, identities */
	bool is_full;		/* extra is; something is lost */
	/* Look-ups that cannot find anything are left out. */
	bool has_kind[SIGNPATTERN_NEVER + 1];
	bool has_below[DOMAIN_MAX];	/* by the number of dots */
};

/* rows must stay where it is. */
void signrows_init(struct signrows *rows, const char *text, bool is_refile);
void signrows_clear(struct signrows *rows);

/* A new last row for a pattern as written; the caller fills the rest. */
struct signrow *signrows_add(struct signrows *rows, struct span written,
    unsigned line);
/* Makes the last row findable by its pattern. */
void signrows_index(struct signrows *rows, const struct signpattern *pattern);
/* Keeps text; its offset in extra, or 0 where that is full. */
uint32_t signrows_keep(struct signrows *rows, struct span text);

struct span signrow_written(const struct signrows *rows,
    const struct signrow *row);

/* The first row of that very pattern (globs aside), or SIGNROW_NONE. */
uint32_t signrows_same(const struct signrows *rows,
    const struct signpattern *pattern);
/* The first row of a refile: that matches whatever that pattern does. Of the
 * globs only the first are looked at: a table of many would take their
 * square. */
uint32_t signrows_cover(const struct signrows *rows,
    const struct signpattern *pattern);

/* ---- the rows that match one sender, in the order that decides ---- */

enum { SIGNROWS_PLACES_MAX = DOMAIN_MAX + 8 };

struct signrows_query {
	const struct signrows *rows;
	char text[ADDRESS_LOCAL_MAX + 1 + DOMAIN_MAX];	/* in lower case */
	struct span local;
	struct span domain;
	struct signrows_ring {
		uint32_t next;	/* the row it is at; SIGNROW_NONE: its end */
		uint32_t last;
	} rings[SIGNROWS_PLACES_MAX];
	size_t count;
	size_t wanted;		/* rings after which to stop looking */
	size_t glob;		/* the next one to try */
	signtable_trace *trace;
	void *trace_arg;
};

/* False where the address is longer than any. first_only: signrows_next() is
 * called once. */
bool signrows_find(const struct signrows *rows, struct span local,
    struct span domain, bool first_only, signtable_trace *trace,
    void *trace_arg, struct signrows_query *query);
/* The number of the next row, or SIGNROW_NONE. */
uint32_t signrows_next(struct signrows_query *query);

#endif
