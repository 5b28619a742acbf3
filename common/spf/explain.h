/*
 * explain.h - the text that a domain gives for a fail (RFC 7208 6.2).
 */
#ifndef POSTERN_SPF_EXPLAIN_H
#define POSTERN_SPF_EXPLAIN_H

#include "common/spf/evaluation.h"

/*
 * The explanation of the record that decided, in the arena: printable ASCII,
 * cut to SPF_EXPLANATION_MAX; "" where there is none, or DNS has trouble with
 * it. Its questions are not held against the limits of the evaluation, which
 * is over. False: answers are missing, call again.
 */
bool spf_explain(const struct spf_evaluation *evaluation,
    struct span *explanation);

#endif
