/*
 * mckeeper.h - a thread that looks after one memcached server, so that no
 * message has to: looks its name up, asks a server that is away once a second
 * whether it is back, says in the log what goes wrong (once a minute) and when
 * all is well again, and notices that the server lost what it had.
 *
 * For that it keeps markers there: records without a time to live, spread over
 * all servers as keys are, each of which says since when it has been there. A
 * missing one means that its share of the state is gone, evicted or lost with
 * the server's memory; it is put back with the time of now.
 */
#ifndef POSTERN_CACHE_MCKEEPER_H
#define POSTERN_CACHE_MCKEEPER_H

#include "common/cache/cachekey.h"
#include "common/cache/mcserver.h"

enum { MCKEEPER_MARKERS = 128 };	/* on all servers together */

struct mckeeper;

/* markers (count of them) are copied: those that the server has, by the ring.
 * wall: seconds. */
struct mckeeper *mckeeper_new(struct mcserver *server,
    const struct cache_key *markers, size_t count, int64_t (*wall)(void),
    bool is_logged);
void mckeeper_start(struct mckeeper *keeper);
/* Returns when the server has been tried once, or after that time. */
void mckeeper_wait(struct mckeeper *keeper, int64_t ms);
/* Waits for the thread, which may be looking a name up. */
void mckeeper_free(struct mckeeper *keeper);

/* The latest time of its markers, wall clock; 0: it has none. -1: not known
 * now. */
int64_t mckeeper_since(struct mckeeper *keeper);

#endif
