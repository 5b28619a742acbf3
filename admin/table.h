/*
 * table.h - the commands "postern table ...".
 */
#ifndef POSTERN_ADMIN_TABLE_H
#define POSTERN_ADMIN_TABLE_H

#include "admin/cli.h"

extern const struct cli_group table_group;

#endif
