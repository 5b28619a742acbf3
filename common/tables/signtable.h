/*
 * signtable.h - the SigningTable: who signs with which key.
 *
 *	pattern  keyname[:identity]
 *
 * keyname "%" is the sender's domain, and so is "%" in the identity, which
 * becomes i= where it fits d=. In a refile: table "*" in a pattern stands for
 * any text, rows are tried in file order, the first match decides (all matches
 * with multiple). In any other table the look-ups are, in this order:
 * user@dom, dom, then for each parent suffix from the longest user@.suffix and
 * .suffix, then user@*, then *. Case is ignored.
 *
 * Patterns are kept by class in hashes (exact address, *@domain, *@*.domain,
 * user@*, and *), each with its row number, and a short list of general globs,
 * so that a look-up does not depend on the number of rows and still finds the
 * first one. Immutable once loaded.
 */
#ifndef POSTERN_TABLES_SIGNTABLE_H
#define POSTERN_TABLES_SIGNTABLE_H

#include "common/mail/address.h"
#include "common/tables/keytable.h"

struct signtable;

struct signtable_match {
	const struct keytable_row *key;	/* NULL: key_name (from "%") is not in
					   the KeyTable */
	struct span key_name;	/* "%" replaced */
	struct span identity;	/* "%" replaced; empty: none given */
	struct span pattern;	/* as written */
	unsigned line;
	bool is_key_by_sender;	/* key_name was "%", for explaining */
	bool is_identity_by_sender;	/* there was one in the identity */
};

/*
 * What was tried on the way, for explaining: called in order with what was
 * looked up and, where it was found, the row's line (0: not found).
 */
typedef void signtable_trace(void *arg, struct span tried, unsigned line);

/*
 * Rows that name a key that is not in keys, rows without value, "*@dom" in a
 * file: table, bad identities: errors. Rows that no sender can match, shadowed
 * rows (multiple: only those that say the same again), regular expression
 * operators in a refile:, d= that is not aligned with the pattern's domain,
 * an identity that is not within d=: warnings. NULL where the data set cannot
 * be read; a table with other errors is there to be looked at, not to be used
 * (diag_failed()). keys must outlive the table; without (NULL: it could not be
 * read) all is checked but the key names.
 */
struct signtable *signtable_load(const char *spec,
    const struct dataset_place *place, const struct keytable *keys,
    bool multiple, struct diag *diag);
void signtable_free(struct signtable *table);

const char *signtable_file(const struct signtable *table);
size_t signtable_count(const struct signtable *table);

/*
 * The rows that match, in the order that decides, at most max (1: the first one
 * only), in matches; the count is returned. trace may be NULL. Texts come from
 * the table or the arena.
 */
size_t signtable_lookup(const struct signtable *table,
    const struct address *sender, struct arena *arena,
    struct signtable_match *matches, size_t max, signtable_trace *trace,
    void *trace_arg);

#endif
