/*
 * breaker.h - whether a server is worth asking. After BREAKER_FAILURES in a
 * row it is not: the breaker is open, and but for one probe a second nobody
 * spends time on it. A success closes it. Times are monotonic milliseconds.
 * The caller locks.
 */
#ifndef POSTERN_CACHE_BREAKER_H
#define POSTERN_CACHE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BREAKER_FAILURES = 3,
	BREAKER_PROBE_MS = 1000
};

/* A zeroed one is closed. */
struct breaker {
	bool is_open;
	unsigned failures;	/* in a row, BREAKER_FAILURES at most */
	int64_t probed_at;	/* open: the last time, or when it opened */
};

/* Whether it is open and a probe is due, which is the caller's then. */
bool breaker_probe(struct breaker *breaker, int64_t now);

/* What came of asking; true where that opened or closed it. */
bool breaker_failed(struct breaker *breaker, int64_t now);
bool breaker_succeeded(struct breaker *breaker);

#endif
