/*
 * story.h - what happened to a message: one line for the log, and the counters.
 */
#ifndef POSTERN_MILTERS_VERIFY_STORY_H
#define POSTERN_MILTERS_VERIFY_STORY_H

#include "milters/verify/verify.h"

void story_log(struct filter_context *ctx,
    const struct verify_report *report);
void story_count(struct filter_context *ctx,
    const struct verify_report *report);

extern const struct counter_schema story_counters;

#endif
