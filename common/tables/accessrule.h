/*
 * accessrule.h - the right-hand side of an access table's row: what is to be
 * done, as Postfix writes it.
 */
#ifndef POSTERN_TABLES_ACCESSRULE_H
#define POSTERN_TABLES_ACCESSRULE_H

#include "common/tables/accesssource.h"
#include "common/tables/regex.h"

struct access_rule {
	enum access_verb verb;
	unsigned code;		/* 0: none is written */
	struct span enhanced;
	struct span text;
	bool has_groups;	/* there is a $1 in text to be filled in */
};

enum {
	ACCESS_PLAIN = -1,	/* "$" is a character like others */
	ACCESS_NEGATED = -2	/* no groups, as nothing was matched */
};

/*
 * NULL, the reason in diag, where text is no action. groups: how many there
 * are for $1 to stand for, or one of the above. In the map's memory, where
 * ACCESS_PLAIN ones that are written alike are one.
 */
const struct access_rule *access_rule_read(struct access_source *source,
    struct span text, int groups);

/*
 * The text with what the last match in scratch found, in the arena. What is
 * not printable becomes "?". False where that is no address that REDIRECT
 * could be to.
 */
bool access_rule_fill(const struct access_rule *rule,
    const struct regex_scratch *scratch, struct arena *arena,
    struct span *text);

#endif
