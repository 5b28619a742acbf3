/*
 * dmarc.h - DMARC (RFC 9989): from the From field and what SPF and DKIM found
 * to a result and what the author domain's policy asks for.
 *
 * What the receiver does with it is not decided here.
 */
#ifndef POSTERN_DMARC_DMARC_H
#define POSTERN_DMARC_DMARC_H

#include "common/dmarc/walk.h"
#include "common/mail/address.h"
#include "common/mail/header.h"

enum { DMARC_AUTHOR_DOMAINS_MAX = 5, DMARC_IDENTIFIERS_MAX = 65 };

enum dmarc_result {
	DMARC_NONE,		/* no policy applies */
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR,
	DMARC_PERMERROR		/* no author domain, or more than one */
};

/* The author domains of a message, by the one address parser. */
struct dmarc_authors {
	struct span domains[DMARC_AUTHOR_DOMAINS_MAX];	/* distinct */
	size_t count;
	size_t from_fields;
	const char *trouble;	/* NULL: exactly one domain; else why it is not,
				   in a few words */
	bool is_over;		/* more than DMARC_AUTHOR_DOMAINS_MAX */
};

void dmarc_authors_find(const struct header_field *fields, size_t count,
    struct arena *arena, struct dmarc_authors *authors);

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
	struct span spf_domain;		/* whose SPF was a temperror */
	const struct span *dkim_domains;	/* whose keys were */
	size_t dkim_domain_count;
	enum dmarc_discovery discovery;
};

struct dmarc_alignment_step {
	struct dmarc_identifier identifier;
	struct span organizational_domain;	/* empty: not needed */
	bool is_aligned;
	const char *how;	/* "same domain", "same organization",
				   "strict: another name", ... */
};

struct dmarc_outcome {
	enum dmarc_result result;
	const char *reason;		/* in a few words; "" for pass */
	struct span from;		/* the author domain; of several the
					   first, with the strictest policy */
	struct dmarc_walk walk;		/* the author domain's; of several
					   domains that with the strictest
					   policy */
	bool by_spf, by_dkim;		/* what aligned */
	enum dmarc_policy disposition;	/* what the policy asks for this message
					   after t=; none for a pass */
	bool is_softened;		/* t=y lowered it: policy_test_mode */
	struct dmarc_alignment_step *steps;
	size_t step_count;
	struct dmarc_walk walks[DMARC_AUTHOR_DOMAINS_MAX];	/* of several
					   author domains: one each */
	size_t walk_count;
};

/* False: answers are missing, call again. All in the arena, or as lookups. An
 * -1 that only a bug can cause (the library's verdict is another than ours) is
 * told by *disagrees. */
bool dmarc_evaluate(const struct dmarc_question *question,
    struct lookups *lookups, struct arena *arena,
    struct dmarc_outcome *outcome, const char **disagrees);

/* The policy's look-ups alone, as early as the header is known: asks, so that
 * the answers come while the body does. */
void dmarc_prefetch(const struct dmarc_authors *authors,
    enum dmarc_discovery discovery, struct lookups *lookups,
    struct arena *arena);

const char *dmarc_result_name(enum dmarc_result result);

#endif
