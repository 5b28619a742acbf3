/*
 * uri.h - the reporting URIs of a DMARC policy record (RFC 9989 4.6, 4.8).
 */
#ifndef POSTERN_DMARC_URI_H
#define POSTERN_DMARC_URI_H

#include "common/base/arena.h"

/*
 * Takes the next URI off *list, where commas part them: 1 with *uri set, 0 at
 * the end, -1 for one that is none (RFC 3986; a mailto: one must name an
 * address). The obsolete size limit "!10m" is left out of *uri.
 */
int dmarc_uri_next(struct span *list, struct arena *arena, struct span *uri);

#endif
