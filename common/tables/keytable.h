/*
 * keytable.h - the KeyTable: which keys there are.
 *
 *	name  domain:selector:key[:algorithm]
 *
 * domain "%" is the sender's domain; key is a path (it starts with "/", "./"
 * or "../") or a key in base64 or one-line PEM; "%" in a path is the row's
 * domain, the sender's where the row's is "%". The optional fourth part must
 * be the key's algorithm; a path with ":" in it works in rows of three parts,
 * as long as what follows its last ":" is no algorithm. Names are compared
 * without regard to case. Equal paths and equal inline keys are one key in
 * memory. Immutable once loaded; any number of threads may look things up.
 *
 * All of a row's faults are found at load (diag). Keys whose path depends on
 * the sender's domain cannot be read before a message needs them: they are
 * read then, checked as at load, and kept in a bounded cache. Of the others,
 * those past eager_keys are read and probed at first use as well (a start with
 * 100,000 different keys would take minutes); their files are still looked at
 * (there, regular, safe).
 */
#ifndef POSTERN_TABLES_KEYTABLE_H
#define POSTERN_TABLES_KEYTABLE_H

#include "common/dkim/sign.h"
#include "common/tables/dataset.h"

enum {
	KEYTABLE_EAGER_KEYS = 1000,	/* default of eager_keys */
	KEYTABLE_LAZY_MAX = 1000	/* keys kept that were read late */
};

struct keytable;

struct keytable_options {
	bool require_safe_keys;	/* unsafe files are errors, else warnings */
	unsigned minimum_bits;	/* RSA keys below: error */
	size_t eager_keys;	/* SIZE_MAX: read and probe all (-n) */
	uid_t uid;		/* who will read the files; see key.h */
	gid_t gid;
};

struct keytable_row {
	struct span name;	/* as written */
	struct span domain;	/* lower-case A-labels, or "%" */
	struct span selector;	/* lower case */
	struct span key;	/* path or inline text, as written */
	unsigned line;
	uint32_t slot;		/* private, from here on */
	bool is_path;
	bool has_algorithm;
	enum dkim_algorithm algorithm;
};

/*
 * NULL where the data set cannot be read. A table with other errors is there to
 * be looked at, so that what refers to it can be checked in the same go; it is
 * not to be used for signing (diag_failed()).
 */
struct keytable *keytable_load(const char *spec,
    const struct dataset_place *place, const struct keytable_options *options,
    struct diag *diag);
/* A table of one row named "default": Domain, Selector and KeyFile. domain is
 * "%" where Domain lists several. Never NULL. */
struct keytable *keytable_single(const char *domain, const char *selector,
    const char *key_file, const struct dataset_place *place,
    const struct keytable_options *options, struct diag *diag);
void keytable_free(struct keytable *table);

/* Where the rows' lines are, for messages: the file of the rows, or the one
 * with the setting they stand in. */
const char *keytable_file(const struct keytable *table);
size_t keytable_count(const struct keytable *table);
/* The row of that name, or NULL. */
const struct keytable_row *keytable_find(const struct keytable *table,
    struct span name);
/*
 * The row that was surely meant where name, found beside a pattern for that
 * domain (may be empty), is no row's name: by "selector._domainkey.domain", by
 * domain, by similar spelling; NULL where none suggests itself. For messages:
 * it goes through the table.
 */
const struct keytable_row *keytable_guess(const struct keytable *table,
    struct span name, struct span domain);
/* Rows in file order: NULL at the end. Start with *i = 0. */
const struct keytable_row *keytable_next(const struct keytable *table,
    size_t *i);

/*
 * What the row means for a sender of that domain: fills *key, whose key holds
 * a reference of its own (dkim_key_free). -1, a sentence in err, where the key
 * cannot be had. identity is left empty.
 */
int keytable_resolve(const struct keytable *table,
    const struct keytable_row *row, struct span sender_domain,
    struct arena *arena, struct dkim_sign_key *key, struct strbuf *err);

/* The path the row's key is read from for that sender, with "%" replaced, in
 * the arena; NULL for an inline key, and where the path has a "%" that the
 * sender's domain cannot stand for. */
const char *keytable_path(const struct keytable *table,
    const struct keytable_row *row, struct span sender_domain,
    struct arena *arena);

#endif
