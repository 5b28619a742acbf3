/*
 * story.h - what happened to a message: one line for the log, and the counters.
 */
#ifndef POSTERN_MILTERS_POLICY_STORY_H
#define POSTERN_MILTERS_POLICY_STORY_H

#include "milters/policy/check.h"

/* Once a message; decided as engine_verdict() got it. */
void story_tell(struct policy_state *state,
    const struct policy_finding *decided);

/* "rule +2.5 reject: reason". */
void story_add_finding(struct strbuf *out,
    const struct policy_finding *finding);

/* Once a second or so: what the cache has counted. */
void story_cache(const struct policy_conf *conf, struct counters *counters);

extern const struct counter_schema policy_counters;

#endif
