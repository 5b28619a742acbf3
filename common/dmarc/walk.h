/*
 * walk.h - finds the policy that applies to a domain and its organizational
 * domain: by the DNS tree walk of RFC 9989 4.10, or with the public suffix
 * list as RFC 7489 3.2 had it, for sites that must compare.
 *
 * What a record of the domain itself says is certain whatever DNS says above
 * it. Without one, trouble anywhere on the way is trouble for the policy: the
 * record that counts might be there.
 */
#ifndef POSTERN_DMARC_WALK_H
#define POSTERN_DMARC_WALK_H

#include "common/dmarc/path.h"
#include "common/dmarc/published.h"

enum dmarc_extent {
	DMARC_WALK_POLICY,	/* no question more than the policy needs */
	DMARC_WALK_ALL		/* the organizational domain in any case */
};

enum dmarc_walk_result {
	DMARC_WALK_DONE,	/* with or without a policy */
	DMARC_WALK_TEMPERROR,	/* DNS trouble: the policy is not known */
	DMARC_WALK_PERMERROR	/* over the bound of questions before there was
				   a record */
};

/* One question of the walk. */
struct dmarc_step {
	struct span domain;		/* without "_dmarc." */
	struct dmarc_published found;
};

struct dmarc_walk {
	enum dmarc_walk_result result;
	const char *reason;		/* of a trouble, or why there is no
					   policy; else "" */
	struct span domain;		/* asked for */
	struct span organizational_domain;	/* empty: not known */
	struct span policy_domain;	/* empty: no policy */
	const struct dmarc_record *record;	/* NULL: no policy */
	enum dmarc_policy policy;	/* that applies to the domain asked for;
					   DMARC_POLICY_UNSET: none */
	const char *source;		/* "p", "sp", "np"; NULL: no policy */
	bool does_not_exist;		/* NXDOMAIN; asked only where the record
					   has np= */
	bool is_uncertain;		/* it was not to be found out, so policy
					   may be np= instead; reason says why */
	struct dmarc_step steps[DMARC_WALK_MAX];
	size_t step_count;
};

/*
 * The walk for a domain, lower-case A-labels, not empty, which must last.
 * False: answers are missing, call again. Texts are in the arena or last as
 * lookups.
 */
bool dmarc_walk(struct span domain, enum dmarc_discovery discovery,
    enum dmarc_extent extent, struct lookups *lookups, struct arena *arena,
    struct dmarc_walk *walk);

/* Puts the questions that the walk for the policy is likely to need, all at
 * once. */
void dmarc_walk_ask(struct span domain, enum dmarc_discovery discovery,
    struct lookups *lookups);

/* Takes names in trouble for such without a record: for a caller to whom it is
 * enough that there is a policy, whichever. False: answers are missing. */
bool dmarc_walk_settle(struct dmarc_walk *walk, enum dmarc_discovery discovery,
    struct lookups *lookups, struct arena *arena);

/* True where a walk ends at this name: it has psd=y or psd=n. */
bool dmarc_step_stops(const struct dmarc_published *found);

/* The organizational domain for a start whose walk met steps (4.10.2). */
struct span dmarc_organization(struct span start,
    const struct dmarc_step *steps, size_t count);

#endif
