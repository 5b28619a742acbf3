/*
 * keycache.h - keys that were read while mail flows, by path: a bounded number
 * of them, the one not used for the longest time goes first. Any number of
 * threads.
 */
#ifndef POSTERN_TABLES_KEYCACHE_H
#define POSTERN_TABLES_KEYCACHE_H

#include "common/dkim/key.h"

struct keycache;

struct keycache *keycache_new(size_t max);
void keycache_free(struct keycache *cache);

/* A reference to the key of that path, or NULL. */
struct dkim_key *keycache_get(struct keycache *cache, struct span path);
/* Keeps a reference of its own. Where another thread was faster, its stays. */
void keycache_put(struct keycache *cache, struct span path,
    struct dkim_key *key);

#endif
