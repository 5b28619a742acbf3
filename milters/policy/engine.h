/*
 * engine.h - runs the checks over a stage of a message, and what follows from
 * their findings.
 */
#ifndef POSTERN_MILTERS_POLICY_ENGINE_H
#define POSTERN_MILTERS_POLICY_ENGINE_H

#include "milters/policy/check.h"

/* At MAIL: the state of a message, in its arena; DNS is asked what it can be
 * asked already. */
struct policy_state *engine_start(struct filter_context *ctx);

/*
 * Runs a stage. What was decided by then is in state->decided (message) or
 * returned (this recipient, at RCPT only; NULL: accepted).
 */
struct policy_finding *engine_recipient(struct policy_state *state,
    struct span path);
void engine_headers(struct policy_state *state);
void engine_end(struct policy_state *state);

/* What the MTA is told of a finding that decides; NULL: accept. */
struct verdict engine_verdict(const struct policy_finding *decided);

/* Once it is known what happens with the message: the checks may learn. */
void engine_learn(struct policy_state *state, bool passes);

void engine_free(struct policy_state *state);

/* The check's place in policy_checks[]. */
size_t policy_check_place(const struct policy_check *check);

/* "reject", "tag"...: for log and JSON. */
const char *policy_action_word(enum policy_action action);

#endif
