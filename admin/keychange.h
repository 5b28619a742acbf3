/*
 * keychange.h - a change of KeyTable and SigningTable under way: locked, tried
 * out with the loaders, then in place, both or none.
 */
#ifndef POSTERN_ADMIN_KEYCHANGE_H
#define POSTERN_ADMIN_KEYCHANGE_H

#include "admin/setup.h"
#include "admin/tablefile.h"

enum { KEYCHANGE_KEYS, KEYCHANGE_SENDERS, KEYCHANGE_TABLES };

struct keychange {
	struct setup *setup;
	struct tablefile tables[KEYCHANGE_TABLES];
};

/* What the loaders make of the tables as they are on disk, staged or not; the
 * keys are not read. */
struct keychange_view {
	struct diag diag;		/* by the tables' own names */
	struct keytable *keys;		/* NULL where it cannot be read */
	struct signtable *senders;
};

/* Finds, locks and reads both tables. The exit status; what is wrong is said.
 * keychange_close() in every case. */
int keychange_open(struct keychange *change, struct setup *setup);
void keychange_close(struct keychange *change);

/* A table that is not there yet counts as an empty one. */
void keychange_look(struct keychange *change, struct keychange_view *view);
void keychange_view_clear(struct keychange_view *view);

/* What the signer would make of the staged tables at a reload: NULL, diag says
 * why, where it would refuse them. */
struct snapshot *keychange_try(struct keychange *change, struct diag *diag);

/* Writes the changes beside the tables; makes them count, the table first
 * first. 0, or -1 where it was said what is wrong and nothing has changed. */
int keychange_stage(struct keychange *change);
int keychange_commit(struct keychange *change, int first);

#endif
