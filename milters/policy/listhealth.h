/*
 * listhealth.h - whether a DNS list is worth being asked.
 *
 * After LISTHEALTH_FAILURES failures in a row a list is left alone for a
 * minute, then asked one question: with each that fails the pause doubles, up
 * to a quarter of an hour. So a dead list delays a few messages, not all mail.
 * What is known of a list belongs to its zone, not to a configuration: a reload
 * does not begin anew. Times are monotonic milliseconds. Any thread.
 */
#ifndef POSTERN_MILTERS_POLICY_LISTHEALTH_H
#define POSTERN_MILTERS_POLICY_LISTHEALTH_H

#include "common/base/span.h"

enum {
	LISTHEALTH_FAILURES = 5,
	LISTHEALTH_PAUSE_MS = 60 * 1000,
	LISTHEALTH_PAUSE_MAX_MS = 15 * 60 * 1000,
	/* The one question is lost when nothing was heard of it for so long. */
	LISTHEALTH_PROBE_MS = 60 * 1000,
	LISTHEALTH_ODD_EVERY_MS = 3600 * 1000
};

struct listhealth;

/* That of a zone (lower case); never NULL, lasts as long as the process. The
 * label is what the log calls the list from now on: zones may hold a
 * customer's key. */
struct listhealth *listhealth_of(struct span zone, struct span label);

/* Whether to ask now. True is that one question, where the list is away, and
 * is to be followed by one of the two below. */
bool listhealth_may_ask(struct listhealth *health, int64_t now);

/*
 * What became of a question that was put at the time asked. One from before the
 * list went away is no news: many messages may have waited for it together.
 * True: that was worth a line of the log, which has it.
 */
bool listhealth_answered(struct listhealth *health, int64_t now);
bool listhealth_failed(struct listhealth *health, int64_t asked,
    const char *why, int64_t now);

/* An answer that is none: the log hears of it once an hour. True: it did.
 * answer is printable. */
bool listhealth_odd(struct listhealth *health, const char *answer,
    int64_t now);

#endif
