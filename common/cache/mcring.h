/*
 * mcring.h - which of several memcached servers has a key: libmemcached's
 * ketama (weighted, MD5), by the servers' names as they are configured. Every
 * machine with the same names, in whatever order, finds the same server; a
 * server that joins or leaves the list moves only the share of keys that is its
 * own. One that is away keeps its share: were it given to the others, counters
 * would go there and back and begin anew twice.
 */
#ifndef POSTERN_CACHE_MCRING_H
#define POSTERN_CACHE_MCRING_H

#include "common/cache/mcname.h"

struct mcring;

struct mcring *mcring_new(const struct mcnames *names);
void mcring_free(struct mcring *ring);

/* An index into names' items. Any thread. */
unsigned mcring_find(const struct mcring *ring, const char *key);

#endif
