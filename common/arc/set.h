/*
 * set.h - the ARC sets of a message (RFC 8617 4): found in the header, told
 * apart by instance, complete or not; and the text that a set's seal covers,
 * for validating and for sealing.
 */
#ifndef POSTERN_ARC_SET_H
#define POSTERN_ARC_SET_H

#include "common/dkim/signature.h"

enum { ARC_SETS_MAX = 50 };	/* RFC 8617 4.2.1, 5.2 */

enum arc_cv { ARC_CV_NONE, ARC_CV_PASS, ARC_CV_FAIL };

/* ARC-Seal (4.1.3). */
struct arc_seal {
	enum dkim_algorithm algorithm;
	enum arc_cv cv;
	struct span domain, selector, signature;
	int64_t timestamp;
};

struct arc_set {
	const struct header_field *aar, *ams, *as;	/* NULL: missing */
	struct dkim_signature message_signature;	/* of ams */
	struct arc_seal seal;				/* of as */
};

struct arc_chain {
	struct arc_set sets[ARC_SETS_MAX];	/* [0] is i=1 */
	size_t count;				/* the highest instance */
	const char *trouble;	/* NULL: well-formed; else what is wrong */
	unsigned instance;	/* with what; 0: not one set's */
};

/* Finds and parses all; a header without ARC fields has count 0. */
void arc_chain_find(const struct header_field *fields, size_t count,
    struct arena *arena, struct arc_chain *chain);

/*
 * Appends what the seal of the set count of sets covers (5.1.1): all sets in
 * order in relaxed form, the last seal with an empty b=.
 */
void arc_seal_text(const struct arc_set *sets, size_t count,
    struct strbuf *out);

#endif
