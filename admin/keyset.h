/*
 * keyset.h - the keys a command is about: rows of the KeyTable, or key files
 * as opendkim-genkey leaves them (NAME.private with NAME.txt beside it).
 */
#ifndef POSTERN_ADMIN_KEYSET_H
#define POSTERN_ADMIN_KEYSET_H

#include "admin/setup.h"

struct keyset_key {
	struct span name;	/* of the row; of a file: its path */
	struct span domain;	/* A-labels; "%": by the sender; empty: not
				   known */
	struct span selector;
	const char *path;	/* of its file; NULL: in the row, or by the
				   sender */
	unsigned line;		/* of the KeyTable; 0: it is not from there */
	const struct keytable_row *row;
	struct span published;	/* the record in the .txt file; empty: none */
};

struct keyset {
	const struct setup_options *options;
	struct setup setup;	/* read, */
	struct keytable *table;	/* and not NULL, where rows are concerned */
	struct arena arena;
	struct keyset_key *keys;
	size_t count, cap;
};

/* What the command line says of keys where the table does not. */
struct keyset_hints {
	const char *domain;
	const char *selector;
};

/* The configuration is only read where a row is asked for. options must outlive
 * the set. */
void keyset_init(struct keyset *set, const struct setup_options *options);
void keyset_clear(struct keyset *set);

/*
 * Every row of the KeyTable; every NAME.private of a directory. These return
 * the exit status and have said what is wrong where it is not EX_OK.
 */
int keyset_add_all(struct keyset *set);
int keyset_add_directory(struct keyset *set, const char *directory);

/*
 * The key of that name; where there is no such row, the key file of that path,
 * or the keys of that domain: without many, an error where there are several.
 * Hints replace what the row leaves open ("%") and what a file does not tell.
 */
int keyset_add(struct keyset *set, const char *name,
    const struct keyset_hints *hints, bool many);

/* The private key, or NULL; where the signer would not use it, for its mode
 * say, there is a sentence in err in either case. The caller frees it. */
struct dkim_key *keyset_load(const struct keyset *set,
    const struct keyset_key *key, struct strbuf *err);

/* "selector._domainkey.domain" in the set's arena; false, a sentence in err,
 * where it is not known or no valid name. */
bool keyset_record_name(struct keyset *set, const struct keyset_key *key,
    struct span *name, struct strbuf *err);

#endif
