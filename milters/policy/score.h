/*
 * score.h - weights add up: what follows from the sum, and the field that shows
 * its parts.
 */
#ifndef POSTERN_MILTERS_POLICY_SCORE_H
#define POSTERN_MILTERS_POLICY_SCORE_H

#include "milters/policy/check.h"

/* ScoreReject and its kin; false where diag got an error. */
void score_load(struct filter_load *load, struct policy_conf *conf);

/*
 * What the score proposes now: a new finding, or NULL. refuses_only: at RCPT,
 * where a message cannot be tagged or held yet.
 */
struct policy_finding *score_judge(struct policy_state *state,
    bool refuses_only);

/* "3.5", "-0.25". */
void score_add(struct strbuf *out, int32_t score);

/* Whether the header brings along more fields of our names than are deleted:
 * an MTA looks for each from the top, which takes Postfix minutes for 20,000. */
bool score_is_crowded(const struct policy_state *state);

/* Records the edits: forged fields of ours go, ours are inserted. */
void score_edit(struct policy_state *state);

#endif
