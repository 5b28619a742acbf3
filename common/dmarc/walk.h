/*
 * walk.h - finds the policy that applies to a domain and its organizational
 * domain: by the DNS tree walk of RFC 9989 4.10, or with the public suffix
 * list as RFC 7489 3.2 had it, for sites that must compare.
 */
#ifndef POSTERN_DMARC_WALK_H
#define POSTERN_DMARC_WALK_H

#include "common/dmarc/record.h"
#include "common/dns/lookups.h"

enum { DMARC_WALK_MAX = 8 };	/* questions of one walk */

enum dmarc_discovery { DMARC_TREEWALK, DMARC_PSL };

enum dmarc_walk_result {
	DMARC_WALK_DONE,	/* with or without a record */
	DMARC_WALK_TEMPERROR,	/* DNS trouble: nothing is known */
	DMARC_WALK_PERMERROR	/* no name to ask for, or over the bound of
				   questions */
};

/* One question of the walk. */
struct dmarc_step {
	struct span domain;		/* without "_dmarc." */
	const struct dns_answer *answer;
	const struct dmarc_record *record;	/* NULL: none that counts */
	const char *note;		/* "no record", "2 records: discarded",
					   "psd=n: stop", the DNS trouble */
};

struct dmarc_walk {
	enum dmarc_walk_result result;
	const char *reason;		/* of a trouble; else "" */
	struct span organizational_domain;
	struct span policy_domain;	/* empty: no policy */
	const struct dmarc_record *record;	/* NULL: no policy */
	enum dmarc_policy policy;	/* that applies to the domain asked for;
					   DMARC_POLICY_UNSET: none */
	const char *source;		/* "p", "sp", "np"; NULL: no policy */
	bool does_not_exist;		/* NXDOMAIN (np) */
	struct dmarc_step steps[DMARC_WALK_MAX];
	size_t step_count;
};

/*
 * The walk for an author domain, lower-case A-labels. False: answers are
 * missing, call again. Texts are in the arena or last as lookups.
 */
bool dmarc_walk(struct span domain, enum dmarc_discovery discovery,
    struct lookups *lookups, struct arena *arena, struct dmarc_walk *walk);

/* Only the organizational domain, for an authenticated identifier. */
bool dmarc_walk_organization(struct span domain, enum dmarc_discovery discovery,
    struct lookups *lookups, struct arena *arena, struct dmarc_walk *walk);

#endif
