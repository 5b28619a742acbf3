/*
 * keyrow.h - one row of a KeyTable: its value, cut, checked and made the form
 * messages need.
 */
#ifndef POSTERN_TABLES_KEYROW_H
#define POSTERN_TABLES_KEYROW_H

#include "common/tables/keytable.h"

struct keyrow_load {
	struct keytable_row *row;	/* name and line are set */
	const char *file;		/* for messages */
	struct arena *arena;
	struct diag *diag;
};

/* Fills the row from "domain:selector:key[:algorithm]" but for its slot. False,
 * reported, where anything is wrong; the row then has no key. */
bool keyrow_parse(const struct keyrow_load *load, struct span value);

/* The same from parts; they must outlive the row. */
bool keyrow_take(const struct keyrow_load *load, struct span domain,
    struct span selector, struct span path);

/* key "name": text */
void keyrow_error(const struct keyrow_load *load, const char *text);

#endif
