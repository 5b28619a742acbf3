/*
 * candidates.h - the DKIM-Signature fields of a header, those first whose
 * result matters most: a message may carry thousands.
 */
#ifndef POSTERN_DKIM_CANDIDATES_H
#define POSTERN_DKIM_CANDIDATES_H

#include "common/mail/header.h"

enum { DKIM_CANDIDATES_MAX = 64 };

struct dkim_candidates {
	size_t fields[DKIM_CANDIDATES_MAX];	/* indexes in the header */
	size_t count;
	size_t total;		/* of signatures in the header */
};

/*
 * Finds the DKIM-Signature fields and orders them by their d=: the domain of an
 * author itself, one above or below it, one that ends in the same two labels
 * (it may be aligned in DMARC's relaxed sense), any other; topmost first among
 * equals. authors are lower-case A-labels. One pass over the header.
 */
void dkim_candidates_find(const struct header_field *fields, size_t count,
    const struct span *authors, size_t author_count,
    struct dkim_candidates *candidates);

#endif
