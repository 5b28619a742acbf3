/*
 * dmarc.h - DMARC (RFC 9989): from the From field and what SPF and DKIM found
 * to a result and what the author domain's policy asks for.
 *
 * What the receiver does with it is not decided here.
 */
#ifndef POSTERN_DMARC_DMARC_H
#define POSTERN_DMARC_DMARC_H

#include "common/dmarc/authors.h"
#include "common/dmarc/prefetch.h"
#include "common/dmarc/walk.h"

enum { DMARC_IDENTIFIERS_MAX = 65 };

enum dmarc_result {
	DMARC_NONE,		/* no policy applies */
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR,	/* an answer is missing that could have made it
				   another result */
	DMARC_PERMERROR		/* no author domain, or more than one; or no
				   look-up left to find the policy */
};

enum dmarc_method { DMARC_BY_SPF, DMARC_BY_DKIM };

/* An identifier that passed: MAIL FROM's domain, or d= of a signature. */
struct dmarc_identifier {
	enum dmarc_method method;
	struct span domain;
};

struct dmarc_question {
	const struct dmarc_authors *authors;
	const struct dmarc_identifier *passed;
	size_t passed_count;		/* past DMARC_IDENTIFIERS_MAX they are
					   not looked at */
	bool spf_temperror;		/* an aligned pass might have been */
	bool dkim_temperror;
	struct span spf_domain;		/* whose SPF was a temperror; empty: not
					   known */
	const struct span *dkim_domains;	/* whose keys were */
	size_t dkim_domain_count;	/* 0: not known */
	enum dmarc_discovery discovery;
};

struct dmarc_alignment_step {
	struct dmarc_identifier identifier;
	struct span meeting;	/* where both tree walks come upon one record
				   (align.h); empty: nowhere, or not needed */
	bool is_aligned;
	const char *how;	/* "same domain", "same organization",
				   "strict: another name", ... */
};

struct dmarc_outcome {
	enum dmarc_result result;
	const char *reason;		/* in a few words; "" for pass */
	struct span from;		/* the author domain; of several the
					   first, with the strictest policy */
	struct dmarc_walk walk;		/* the author domain's, no longer than
					   the policy needs; of several domains
					   that with the strictest policy */
	bool by_spf, by_dkim;		/* what aligned; with DMARC_TEMPERROR
					   as far as it is known, the very name
					   alone where the policy is not */
	enum dmarc_policy disposition;	/* what the policy asks for this message
					   after t=; none but for a fail */
	bool is_softened;		/* t=y lowered it: policy_test_mode */
	struct dmarc_alignment_step *steps;
	size_t step_count;
	struct dmarc_walk walks[DMARC_AUTHOR_DOMAINS_MAX];	/* where there
					   is trouble with From: one for each
					   domain there */
	size_t walk_count;
};

/*
 * False: answers are missing, call again. All in the arena, or as lookups.
 * *disagrees is NULL, or says where libopendmarc's verdict is another than
 * ours, which only a bug can cause.
 */
bool dmarc_evaluate(const struct dmarc_question *question,
    struct lookups *lookups, struct arena *arena,
    struct dmarc_outcome *outcome, const char **disagrees);

/* "none", "pass", "fail", "temperror", "permerror". */
const char *dmarc_result_name(enum dmarc_result result);

#endif
