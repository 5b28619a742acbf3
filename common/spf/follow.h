/*
 * follow.h - include and redirect (RFC 7208 5.2, 6.1): on to another record.
 */
#ifndef POSTERN_SPF_FOLLOW_H
#define POSTERN_SPF_FOLLOW_H

#include "common/spf/frame.h"

/*
 * Opens the frame that an include (i < record->count) or redirect leads to.
 * NULL where there is none: the pass is over, or the name is one that never
 * matches (RFC 8616 4).
 */
struct spf_frame *spf_term_follow(struct spf_evaluation *evaluation,
    struct spf_frame *frame, size_t i);

#endif
