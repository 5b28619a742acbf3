/*
 * settings.h - postern-policy's settings: the table, and what is made of them.
 */
#ifndef POSTERN_MILTERS_POLICY_SETTINGS_H
#define POSTERN_MILTERS_POLICY_SETTINGS_H

#include "milters/policy/policy.h"

enum { POLICY_ROWS_MAX = 1000 };	/* lines of one kind */

/* struct filter's load and unload. */
void policy_load(struct filter_load *load);
void policy_unload(void *conf);

#endif
