/*
 * storefile.h - the embedded store in a file: what is counted and known
 * survives the process.
 *
 * The file is a header, the entries, and their count and SHA-256. It bears what
 * is left of each time to live, and the wall clock's time. Whoever reads it
 * takes the wall clock's time since then off, so the time for which nobody ran
 * counts. Where the clock was set back meanwhile nothing is taken off: entries
 * live longer by that much, and none that had expired comes back. Where it was
 * set forward by a day, entries that had less than a day left are gone.
 */
#ifndef POSTERN_CACHE_STOREFILE_H
#define POSTERN_CACHE_STOREFILE_H

#include "common/cache/store.h"

/*
 * Writes all of store to path, in one rename. age: seconds for which the state
 * has been complete. Others may use store meanwhile, and wait no longer than
 * ever. -1, a sentence in err.
 */
int storefile_save(struct store *store, const char *path,
    const struct cache_secret *secret, int64_t wall, int64_t age,
    struct strbuf *err);

enum storefile_result {
	STOREFILE_READ,
	STOREFILE_NONE,		/* there is no such file */
	STOREFILE_DAMAGED	/* a sentence in err; nothing was taken of it */
};

/* Adds to store what is in the file; *age, and *count of the entries that are
 * still alive, where it was read. */
enum storefile_result storefile_load(struct store *store, const char *path,
    const struct cache_secret *secret, int64_t wall, int64_t *age,
    uint64_t *count, struct strbuf *err);

#endif
