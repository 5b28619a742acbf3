/*
 * published.h - the DMARC policy record that stands at one name (RFC 9989 4.10
 * steps 1 and 2). It stays parsed for as long as the answer is cached.
 */
#ifndef POSTERN_DMARC_PUBLISHED_H
#define POSTERN_DMARC_PUBLISHED_H

#include "common/dmarc/record.h"
#include "common/dns/lookups.h"

enum dmarc_published_state {
	DMARC_ABSENT,		/* no record that counts */
	DMARC_PRESENT,
	DMARC_TROUBLE,		/* DNS did not say */
	DMARC_UNASKED		/* over the message's bound of questions */
};

struct dmarc_published {
	enum dmarc_published_state state;
	const struct dmarc_record *record;	/* DMARC_PRESENT; one whose p is
						   unset asks for nothing */
	const struct dns_answer *answer;	/* NULL: with "_dmarc." it is
						   too long for a name */
	const char *note;	/* "no record", "several records: none counts",
				   the DNS trouble; "" where all is well */
};

/* What stands at _dmarc.domain. False: the answer is missing, call again. All
 * lasts as long as lookups. */
bool dmarc_published_get(struct span domain, struct lookups *lookups,
    struct dmarc_published *published);

#endif
