/*
 * mcitem.h - an item's name on a memcached server, and the commands that store
 * it there.
 */
#ifndef POSTERN_CACHE_MCITEM_H
#define POSTERN_CACHE_MCITEM_H

#include "common/cache/cache.h"

enum { MCITEM_NAME = CACHE_KEY_TEXT + 2 };

void mcitem_name(const struct cache_key *key, enum cache_kind kind,
    char name[MCITEM_NAME + 1]);

/* verb: "add", "set" or "cas", with item's version. wall: seconds; 0: it never
 * expires. */
void mcitem_store(struct strbuf *out, const char *verb, const char *name,
    const struct cache_item *item, int64_t wall, bool is_silent);

#endif
