/*
 * keyentry.h - enters a key into the tables: a row in each.
 */
#ifndef POSTERN_ADMIN_KEYENTRY_H
#define POSTERN_ADMIN_KEYENTRY_H

#include "admin/keychange.h"

struct keyentry {
	struct keychange *change;	/* open */
	struct span name, domain, selector;	/* of the KeyTable's row */
	struct span pattern;		/* of the SigningTable's */
	const char *path;		/* of the key's file */
	unsigned lines[KEYCHANGE_TABLES];	/* where the rows went */
	struct arena arena;
};

/*
 * Before anything is changed: a name that is taken, and tables that are faulty
 * already, are no place for a new key. The exit status, said why.
 */
int keyentry_check(struct keyentry *entry);

/*
 * Adds both rows or none, after trying whether the signer takes them. In a
 * table where the first match counts, a row behind one for more senders goes in
 * front of that one, since it would never be used; where the very same pattern
 * has a key, that one stays in charge, which is said. The exit status.
 */
int keyentry_add(struct keyentry *entry);

void keyentry_clear(struct keyentry *entry);

#endif
