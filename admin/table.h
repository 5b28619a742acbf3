/*
 * table.h - the commands "postern table ...", a file each.
 */
#ifndef POSTERN_ADMIN_TABLE_H
#define POSTERN_ADMIN_TABLE_H

#include "admin/cli.h"

extern const struct cli_group table_group;

extern const struct cli_command table_check_command;
extern const struct cli_command table_lookup_command;

#endif
