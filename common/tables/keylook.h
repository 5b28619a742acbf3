/*
 * keylook.h - looks at one key of a KeyTable: what is wrong with its file, with
 * the key itself, and what to do about it.
 */
#ifndef POSTERN_TABLES_KEYLOOK_H
#define POSTERN_TABLES_KEYLOOK_H

#include "common/tables/keytable.h"

/* Sentences, one a line. */
struct findings {
	struct strbuf errors;
	struct strbuf warnings;
};

#define FINDINGS_INIT	{ STRBUF_INIT, STRBUF_INIT }

void findings_clear(struct findings *found);

/* The key of a path, or of an inline text, after all checks and a probe; NULL
 * where there are errors. */
struct dkim_key *keylook_read(const struct keytable_options *options,
    struct span source, bool is_path, struct findings *found);

/* What can be told of a key file without reading it. */
void keylook_file(const struct keytable_options *options, struct span source,
    struct findings *found);

/*
 * Whether the daemon's user can get to the file, where somebody else asks.
 * Only a warning: access lists and further groups are not looked at.
 */
void keylook_directories(const struct keytable_options *options,
    struct span source, struct findings *found);

#endif
