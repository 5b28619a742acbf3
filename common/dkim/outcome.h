/*
 * outcome.h - what an outcome (verify.h) shows of its signature: what it says
 * of itself, and what was found to be so.
 */
#ifndef POSTERN_DKIM_OUTCOME_H
#define POSTERN_DKIM_OUTCOME_H

#include "common/dkim/verify.h"

/* Fills in what the field says, well-formed or not. */
void dkim_outcome_read(struct dkim_outcome *outcome, struct span value,
    struct arena *arena);

/* The signature in it is well-formed: its members replace that. */
void dkim_outcome_parsed(struct dkim_outcome *outcome, struct arena *arena);

/* Cuts each b to what tells it from the others; DKIM_VERIFY_LISTED_MAX at the
 * most. Once, when all are there. */
void dkim_outcomes_shorten(struct dkim_outcome *outcomes, size_t count);

#endif
