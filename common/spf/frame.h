/*
 * frame.h - the records of a check, one within the other, and the trace of
 * their terms.
 */
#ifndef POSTERN_SPF_FRAME_H
#define POSTERN_SPF_FRAME_H

#include "common/spf/evaluation.h"

/*
 * Gets the record of domain and begins with it. parent and term are the
 * include or redirect that leads there; NULL for the first. NULL, stopped,
 * where there is none to evaluate.
 */
struct spf_frame *spf_frame_open(struct spf_evaluation *evaluation,
    struct span domain, struct spf_frame *parent, bool is_included);

/*
 * Term number i of the frame is at hand: what was before it in the frame is
 * over, and so are the frames it had opened. i is record->count for what comes
 * after the last mechanism: redirect, or the default.
 */
void spf_frame_reach(struct spf_evaluation *evaluation,
    struct spf_frame *frame, size_t i);

/* The outcome of the term that the frame saw last. */
void spf_step_outcome(struct spf_evaluation *evaluation,
    const struct spf_frame *frame, const char *outcome);

/* The pass is over: what is still open of the steps gets its outcome. */
void spf_frames_close(struct spf_evaluation *evaluation);

/* Whether a term that needs no DNS (all, ip4, ip6) matches. */
bool spf_term_matches(const struct spf_evaluation *evaluation,
    const struct spf_term *term);

#endif
