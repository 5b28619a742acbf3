/*
 * answer.h - the words of a refusal: the SMTP answer that a sender's postmaster
 * reads, and nothing in it that could not stand there. All texts are in the
 * message's arena.
 */
#ifndef POSTERN_MILTERS_VERIFY_ANSWER_H
#define POSTERN_MILTERS_VERIFY_ANSWER_H

#include "milters/verify/verify.h"

/* Outside text, escaped and cut. */
const char *answer_quote(struct filter_context *ctx, struct span text);

/*
 * Holds a RejectText against what it may name ({from}, {policy}, {reason}).
 * False, a sentence in err, where it names something else or holds what an SMTP
 * answer cannot.
 */
bool answer_text_is_valid(struct span text, struct strbuf *err);

/* RejectText with its names filled in; the reason is the decision's. */
const char *answer_reject(struct filter_context *ctx,
    const struct verify_report *report, enum dmarc_policy policy);

/* "SPF fail for news.example, no DKIM signature": why nothing aligned. */
const char *answer_failure(struct filter_context *ctx,
    const struct verify_report *report);

#endif
