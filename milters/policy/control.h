/*
 * control.h - what the admin's command asks the running daemon: "postern
 * limit", "postern greylist" and their kin, each in a file of its own.
 */
#ifndef POSTERN_MILTERS_POLICY_CONTROL_H
#define POSTERN_MILTERS_POLICY_CONTROL_H

#include "common/milter/control.h"
#include "milters/policy/policy.h"

/* words[0] is the group's name. The exit status; answer has the texts. */
typedef int policy_command(const struct policy_conf *conf,
    const struct span *words, size_t count, struct control_answer *answer);

policy_command control_limit, control_warmup, control_greylist,
    control_reputation, control_cache;

/* One of those, by words[0]. */
void policy_control(const void *conf, const struct span *words, size_t count,
    struct control_answer *answer);

/* Puts text and word, escaped, into answer's error: EX_USAGE. */
int control_refuse(struct control_answer *answer, const char *text,
    struct span word);

/* Listens where ControlSocket says; where it cannot, the log says why. */
void policy_control_serve(const struct policy_conf *conf);
void policy_control_stop(void);

#endif
