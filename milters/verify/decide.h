/*
 * decide.h - from what the checks found to what happens with the message.
 */
#ifndef POSTERN_MILTERS_VERIFY_DECIDE_H
#define POSTERN_MILTERS_VERIFY_DECIDE_H

#include "milters/verify/verify.h"

void verify_decide(struct filter_context *ctx, struct verify_report *report);

/*
 * Holds a RejectText against what it may name ({from}, {policy}, {reason}).
 * False, a sentence in err, where it names something else or holds what an SMTP
 * answer cannot.
 */
bool verify_reject_text_is_valid(struct span text, struct strbuf *err);

#endif
