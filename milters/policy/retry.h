/*
 * retry.h - recognizes a message that comes again: one that an MTA behind us
 * put off, or that was put into the queue anew, is counted once.
 *
 * A message is known by its sender, all its recipients, Message-ID, Date, From
 * and Subject; one that has neither Message-ID nor Date is never known. One
 * that passed us within RetryMemory is not counted again, RETRY_FREE times at
 * the most: to repeat a message is no way around a limit.
 *
 * At RCPT there is no header yet. Where something has passed us from this
 * sender to this recipient within that time, it may be such a message: then
 * nothing is rejected for good there, but at its end. (To wait harms nobody.)
 */
#ifndef POSTERN_MILTERS_POLICY_RETRY_H
#define POSTERN_MILTERS_POLICY_RETRY_H

#include "milters/policy/check.h"

enum { RETRY_FREE = 10 };

/* What passed from the sender to one recipient. */
struct retry_pair {
	struct retry_pair *next;
	struct cache_item item;
	size_t place;		/* of the recipient, and 1 */
};

/* A message's; zeroed at first. */
struct retry {
	struct cache_item item;
	struct retry_pair *pairs;	/* the newest first */
	int64_t seen;		/* how often it passed us */
	bool is_known;		/* item has its key */
	bool is_added;		/* this time is counted */
};

/* In prepare(), at POLICY_RCPT, by who would reject this recipient: asks,
 * once. */
void retry_ask_pair(struct retry *retry, struct policy_state *state);
/* In judge(), at POLICY_RCPT, where that was asked. */
bool retry_may_be(const struct retry *retry,
    const struct policy_state *state);
/* In prepare(), at POLICY_HEADERS: asks. */
void retry_ask(struct retry *retry, struct policy_state *state);
/* In prepare(), at POLICY_END: whether limits count it. */
bool retry_counts(struct retry *retry);
/* In prepare(), at POLICY_END, by every check that counted something (or would
 * have): this time is remembered; once only. */
void retry_add(struct retry *retry, struct policy_state *state);
/* In learn(): one that does not pass has not been seen. */
void retry_learn(struct retry *retry, struct policy_state *state);

#endif
