/*
 * policy.h - the commands that ask a running postern-policy: "postern limit",
 * "postern warmup", "postern greylist", "postern reputation" and "postern
 * cache". What their words mean and how the answer looks is for the daemon to
 * say.
 */
#ifndef POSTERN_ADMIN_POLICY_H
#define POSTERN_ADMIN_POLICY_H

#include "admin/ask.h"

extern const struct cli_group limit_group;
extern const struct cli_group warmup_group;
extern const struct cli_group greylist_group;
extern const struct cli_group reputation_group;
extern const struct cli_group cache_group;

#define POLICY_SUMMARY	"ask the policy daemon"

#endif
