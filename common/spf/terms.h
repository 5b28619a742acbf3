/*
 * terms.h - the DNS side of each mechanism (RFC 7208 5), limits included. What
 * it comes to is the library's.
 */
#ifndef POSTERN_SPF_TERMS_H
#define POSTERN_SPF_TERMS_H

#include "common/spf/frame.h"

enum spf_answer_kind {
	SPF_ANSWER_STOP,	/* the pass is over */
	SPF_ANSWER_NOTHING,
	SPF_ANSWER_MATCH,	/* there is nothing left to compare */
	SPF_ANSWER_ADDRESSES,	/* to be compared: those of records */
	SPF_ANSWER_HOSTS	/* frame->hosts: their addresses are asked for
				   next */
};

struct spf_answer {
	enum spf_answer_kind kind;
	const struct dns_answer *records;
};

/* Term number i of the frame, which spf_frame_reach() was called for; i is
 * record->count for the default. include and redirect: follow.h. */
struct spf_answer spf_term_answer(struct spf_evaluation *evaluation,
    struct spf_frame *frame, size_t i);

/* The addresses of the mx host under way: number host of frame->hosts. */
struct spf_answer spf_host_answer(struct spf_evaluation *evaluation,
    struct spf_frame *frame, size_t i, size_t host);

/* The prefix length of a or mx that counts for the client. */
unsigned spf_term_bits(const struct spf_evaluation *evaluation,
    const struct spf_term *term);

#endif
