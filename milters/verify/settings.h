/*
 * settings.h - postern-verify's settings: the table, and what is made of them.
 */
#ifndef POSTERN_MILTERS_VERIFY_SETTINGS_H
#define POSTERN_MILTERS_VERIFY_SETTINGS_H

#include "milters/verify/verify.h"

enum { VERIFY_REJECT_TEXT_MAX = 400 };	/* octets of RejectText */

/* struct filter's load and unload. */
void verify_load(struct filter_load *load);
void verify_unload(void *conf);

#endif
