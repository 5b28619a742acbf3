/*
 * explain.h - the decision path of a message, for "postern message verify
 * --explain": each question and answer of DNS, each term of SPF, each signature
 * and what was hashed, the walk, alignment, overrides, the action.
 */
#ifndef POSTERN_MILTERS_VERIFY_EXPLAIN_H
#define POSTERN_MILTERS_VERIFY_EXPLAIN_H

#include "milters/verify/verify.h"

/* Nothing where nobody asked. */
void explain_report(struct filter_context *ctx,
    const struct verify_report *report);

#endif
