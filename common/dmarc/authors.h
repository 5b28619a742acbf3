/*
 * authors.h - the author domains of a message (RFC 9989 5.3.1, 11.5), by the
 * one address parser.
 */
#ifndef POSTERN_DMARC_AUTHORS_H
#define POSTERN_DMARC_AUTHORS_H

#include "common/mail/address.h"
#include "common/mail/header.h"

enum { DMARC_AUTHOR_DOMAINS_MAX = 5 };

/*
 * From a field that is not by the grammar the domains are taken that stand
 * behind any '@' of it: what a mail reader would show is among them.
 */
struct dmarc_authors {
	struct span domains[DMARC_AUTHOR_DOMAINS_MAX];	/* distinct lower-case
						   A-labels */
	size_t count;
	size_t from_fields;
	const char *trouble;	/* NULL: exactly one domain; else why it is not,
				   in a few words */
	bool is_over;		/* more than DMARC_AUTHOR_DOMAINS_MAX */
};

void dmarc_authors_find(const struct header_field *fields, size_t count,
    struct arena *arena, struct dmarc_authors *authors);

#endif
