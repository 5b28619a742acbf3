/*
 * dmarc.h - the command "postern dmarc": the policy that applies to a domain.
 */
#ifndef POSTERN_ADMIN_DMARC_H
#define POSTERN_ADMIN_DMARC_H

#include "admin/cli.h"

extern const struct cli_group dmarc_group;

#endif
