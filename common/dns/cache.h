/*
 * cache.h - answers kept for their time to live, with what was made of them.
 *
 * It stands in front of libunbound because a question put there costs a round
 * trip through its thread. What it hands out is counted, so an answer in use
 * outlives its eviction. Any thread.
 */
#ifndef POSTERN_DNS_CACHE_H
#define POSTERN_DNS_CACHE_H

#include "common/dns/answer.h"

enum {
	DNS_CACHE_POSITIVE = 86400,	/* seconds at most */
	DNS_CACHE_NEGATIVE = 60		/* of "no such name" and "no such
					   record"; failures are not kept */
};

struct dns_cache;

/* At most bytes of memory, counted generously. 0: it keeps nothing. */
struct dns_cache *dns_cache_new(size_t bytes);
void dns_cache_free(struct dns_cache *cache);

/* A reference to the answer, or NULL. name is in lower case; now is in
 * monotonic milliseconds. */
const struct dns_answer *dns_cache_get(struct dns_cache *cache,
    struct span name, enum dns_type type, int64_t now);

/* Keeps an answer, with a reference of its own, as long as it may; what was
 * not used for the longest time makes room. */
void dns_cache_put(struct dns_cache *cache, struct span name,
    enum dns_type type, const struct dns_answer *answer, int64_t now);

/* Forgets everything. */
void dns_cache_flush(struct dns_cache *cache);

/* The bytes counted at this moment. */
size_t dns_cache_used(struct dns_cache *cache);

#endif
