/*
 * align.h - whether an authenticated identifier is aligned with the author
 * domain (RFC 9989 4.10.2).
 *
 * Relaxed alignment needs the two organizational domains to be one, which can
 * be known without knowing them. From the first name on that both tree walks
 * ask at, they see the same records; so the two are one organization where one
 * of these shared names has a record and neither walk ended before it got
 * there. What stands above that record need not be asked, nor can trouble
 * there matter.
 */
#ifndef POSTERN_DMARC_ALIGN_H
#define POSTERN_DMARC_ALIGN_H

#include "common/dmarc/walk.h"

enum dmarc_match {
	DMARC_ALIGNED,
	DMARC_NOT_ALIGNED,
	DMARC_MATCH_TROUBLE,	/* DNS did not say */
	DMARC_MATCH_UNASKED	/* over the message's bound of questions */
};

struct dmarc_pair {
	struct span author;
	struct span identifier;		/* both lower-case A-labels */
	enum dmarc_alignment mode;
	enum dmarc_discovery discovery;
};

struct dmarc_aligned {
	enum dmarc_match match;
	const char *how;	/* "same domain", "same organization", "strict:
				   another name"... */
	struct span meeting;	/* where both walks come upon one record, or
				   the organization by the suffix list; empty:
				   nowhere, or not needed */
};

/* An identifier in lower-case A-labels, in the arena or as it is; a name that
 * DNS can hold and IDNA cannot is only lowered. */
struct span dmarc_normalize(struct span domain, struct arena *arena);

/* False: answers are missing, call again. */
bool dmarc_align(const struct dmarc_pair *pair, struct lookups *lookups,
    struct dmarc_aligned *aligned);

#endif
