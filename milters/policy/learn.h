/*
 * learn.h - additions to reputations that no message waits for. To a local
 * cache they are made at once; for a remote one, where each is two round trips,
 * they go through a queue that a thread of its own works off; several to the same
 * record become one. A queue that is full takes no more: what is lost is counted
 * and said in the log.
 */
#ifndef POSTERN_MILTERS_POLICY_LEARN_H
#define POSTERN_MILTERS_POLICY_LEARN_H

#include "common/cache/cache.h"

enum { LEARN_QUEUE_MAX = 1024 };

struct learn_addition {
	struct cache_key key;	/* of a record of decaying counts */
	double good, bad;
	int64_t now;		/* wall clock */
	int64_t half_life, ttl;	/* seconds */
};

/* The thread begins with the first addition to a remote cache. */
void learn_add(struct cache *cache, const struct learn_addition *addition);

/* Waits until all that was added by now is made: before cache_close(). A cache
 * that is away makes this short, as every operation fails at once. */
void learn_finish(void);

/* Additions lost since the process began. */
uint64_t learn_lost(void);

#endif
