/*
 * cachecases.h - what any cache must do, as one table: each backend's test runs
 * it against an empty cache of its own.
 */
#ifndef POSTERN_TESTS_CACHECASES_H
#define POSTERN_TESTS_CACHECASES_H

#include "common/cache/cache.h"

/*
 * Runs all cases; what does not hold fails the test. pass lets that many
 * seconds go by for the cache; NULL where nobody can: rows that need it are
 * left out.
 */
void cachecases_run(struct cache *cache, void (*pass)(int64_t seconds));

#endif
