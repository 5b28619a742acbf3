/*
 * message.h - the commands "postern message ...".
 */
#ifndef POSTERN_ADMIN_MESSAGE_H
#define POSTERN_ADMIN_MESSAGE_H

#include "admin/cli.h"

extern const struct cli_group message_group;

#endif
