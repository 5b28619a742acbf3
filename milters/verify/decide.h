/*
 * decide.h - from what the checks found to what happens with the message.
 */
#ifndef POSTERN_MILTERS_VERIFY_DECIDE_H
#define POSTERN_MILTERS_VERIFY_DECIDE_H

#include "milters/verify/verify.h"

void verify_decide(struct filter_context *ctx, struct verify_report *report);

#endif
