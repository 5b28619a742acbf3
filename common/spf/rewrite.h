/*
 * rewrite.h - the record that libspf2 gets instead of the one published, and
 * the numbers in it that stand for names (layer.h).
 */
#ifndef POSTERN_SPF_REWRITE_H
#define POSTERN_SPF_REWRITE_H

#include "common/spf/frame.h"

/* What a number stands for. */
struct spf_asked {
	struct spf_frame *frame;
	size_t term;		/* record->count: redirect, or the default */
	bool is_host;
	size_t host;		/* in frame->hosts */
};

/* The record for the library; never an error or a warning of its compiler. */
void spf_rewrite(const struct spf_evaluation *evaluation,
    const struct spf_frame *frame, struct strbuf *out);

/* A number for the host of an mx term. */
void spf_rewrite_host(const struct spf_asked *asked, size_t host,
    struct strbuf *out);

/* "frame.term.x" or "frame.term.host.x"; false for anything else. */
bool spf_rewrite_read(const struct spf_evaluation *evaluation,
    const char *name, struct spf_asked *asked);

#endif
