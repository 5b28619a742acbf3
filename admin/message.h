/*
 * message.h - the commands "postern message ...", a file each.
 */
#ifndef POSTERN_ADMIN_MESSAGE_H
#define POSTERN_ADMIN_MESSAGE_H

#include "admin/cli.h"

extern const struct cli_group message_group;

extern const struct cli_command message_policy_command;
extern const struct cli_command message_sign_command;
extern const struct cli_command message_verify_command;

#endif
