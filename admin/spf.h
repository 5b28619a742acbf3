/*
 * spf.h - the command "postern spf": what SPF says to a client.
 */
#ifndef POSTERN_ADMIN_SPF_H
#define POSTERN_ADMIN_SPF_H

#include "admin/cli.h"

extern const struct cli_group spf_group;

#endif
