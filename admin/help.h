/*
 * help.h - what the command line tells of itself, made from the commands' rows.
 */
#ifndef POSTERN_ADMIN_HELP_H
#define POSTERN_ADMIN_HELP_H

#include "admin/cli.h"

#include <stdio.h>

extern const struct cli_option help_option;	/* every command has it */

void help_usage(const struct cli_group *group,
    const struct cli_command *command, FILE *fp);
void help_command(const struct cli_group *group,
    const struct cli_command *command);
void help_group(const struct cli_group *group, FILE *fp);
void help_all(const struct cli_group *const *groups, size_t count, FILE *fp);

#endif
