/*
 * path.h - the names at which a policy for a domain is looked for.
 */
#ifndef POSTERN_DMARC_PATH_H
#define POSTERN_DMARC_PATH_H

#include "common/base/span.h"

enum { DMARC_WALK_MAX = 8 };	/* names of one walk */

enum dmarc_discovery {
	DMARC_TREEWALK,		/* RFC 9989 4.10 */
	DMARC_PSL		/* the domain and its organizational domain by
				   the public suffix list: RFC 7489 6.6.3 */
};
/* As an admin writes them; NULL at the end. */
extern const char *const dmarc_discovery_words[];

struct dmarc_path {
	struct span names[DMARC_WALK_MAX];	/* parts of the domain's span,
						   in the order of asking */
	size_t count;
};

/* The names for domain, lower-case A-labels, which must last as long as path.
 * "_dmarc." is not in them. */
void dmarc_path_make(struct span domain, enum dmarc_discovery discovery,
    struct dmarc_path *path);

#endif
