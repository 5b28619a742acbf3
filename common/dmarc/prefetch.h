/*
 * prefetch.h - DMARC's questions ahead of time.
 */
#ifndef POSTERN_DMARC_PREFETCH_H
#define POSTERN_DMARC_PREFETCH_H

#include "common/dmarc/authors.h"
#include "common/dmarc/walk.h"

/*
 * Puts questions as early as the header is known, so that the answers come
 * while the body does: the author domain's, and some for the identifiers that
 * might come to pass (MAIL FROM's domain, the d= of signatures) where they
 * look like the author's organization.
 */
void dmarc_prefetch(const struct dmarc_authors *authors,
    const struct span *identifiers, size_t count,
    enum dmarc_discovery discovery, struct lookups *lookups,
    struct arena *arena);

/* Puts what the policy needs to know next, now that answers came. Cheap. */
void dmarc_prefetch_next(const struct dmarc_authors *authors,
    enum dmarc_discovery discovery, struct lookups *lookups,
    struct arena *arena);

#endif
