/*
 * pattern.h - what the tables' patterns have in common.
 */
#ifndef POSTERN_TABLES_PATTERN_H
#define POSTERN_TABLES_PATTERN_H

#include "common/mail/domain.h"

/*
 * Whether text is what pattern says, "*" standing for any text, the empty one
 * too. Bytes are compared as they are: lower both sides to ignore case. Linear
 * in the two lengths, whatever they hold.
 */
bool glob_match(struct span pattern, struct span text);

/*
 * The same for an address "local@domain" whose dividing '@' is at offset at: no
 * "*" of a pattern with '@' reaches over it, so that a quoted '@' in a local
 * part cannot pass for another domain's. A pattern without '@' is for the
 * whole text.
 */
bool glob_match_address(struct span pattern, struct span address, size_t at);

/*
 * A domain as somebody wrote it in a table, made the form addresses have:
 * lower-case A-labels, without the root's dot. Where it is that already, *out
 * is part of written; else it is in the arena. False, *out untouched, where it
 * is no domain.
 */
bool pattern_domain(struct span written, struct arena *arena,
    struct span *out);

/*
 * The form host names are looked up by, ".parent" too for ".parent" and
 * "*.parent"; they may have '_', and domains below which there are hosts too.
 * As pattern_domain() otherwise. Numbers alone are an address somebody did not
 * finish, not a name.
 */
bool pattern_host(struct span text, struct arena *arena, struct span *name);
/* What is wrong with an entry that is neither address nor name: "is ..." */
const char *pattern_host_fault(struct span text);

/* Whether a domain could match: its octets besides "*" are LDH or '.'. */
bool pattern_glob_is_domain(struct span glob);

#endif
