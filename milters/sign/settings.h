/*
 * settings.h - postern-sign's settings: the table, and what is made of them.
 */
#ifndef POSTERN_MILTERS_SIGN_SETTINGS_H
#define POSTERN_MILTERS_SIGN_SETTINGS_H

#include "milters/sign/sign.h"

/* struct filter's load and unload. */
void sign_load(struct filter_load *load);
void sign_unload(void *conf);

#endif
