/*
 * set.h - the ARC sets of a message (RFC 8617 4): found in the header, told
 * apart by instance, complete or not; and the text that a set's seal covers,
 * for validating and for sealing.
 */
#ifndef POSTERN_ARC_SET_H
#define POSTERN_ARC_SET_H

#include "common/dkim/signature.h"

enum { ARC_SETS_MAX = 50 };	/* RFC 8617 4.2.1, 5.2 */

/* The fields of a set, in the order in which a seal covers them (5.1.1). */
enum arc_field {
	ARC_AUTHENTICATION_RESULTS,
	ARC_MESSAGE_SIGNATURE,
	ARC_SEAL
};

enum { ARC_FIELDS = ARC_SEAL + 1 };

struct arc_set {
	const struct header_field *fields[ARC_FIELDS];	/* NULL: missing */
	bool has_seal;			/* seal is well-formed */
	struct dkim_signature seal;
};

struct arc_chain {
	struct arc_set *sets;		/* ARC_SETS_MAX, [0] is i=1; NULL where
					   there is no ARC field at all */
	size_t count;			/* the highest instance that could be
					   read */
	/* Of the newest set. What older ones say does not matter (5.2). */
	struct dkim_signature message_signature;
	const char *trouble;		/* NULL: the structure is valid (5.2, 1
					   to 3); else what is wrong, in a few
					   words */
	unsigned instance;		/* with what; 0: not one set's */
};

/* "ARC-Seal". */
const char *arc_field_name(enum arc_field field);

/*
 * Finds and reads the sets in one pass over the header, whatever is there. All
 * text is in the arena or the fields', which must last.
 */
void arc_chain_find(const struct header_field *fields, size_t count,
    struct arena *arena, struct arc_chain *chain);

/*
 * Appends one set in the form that seals cover. is_last: it is the seal's own,
 * so its b= is empty and nothing ends its line.
 */
void arc_set_text(const struct arc_set *set, bool is_last, struct strbuf *out);

/*
 * Appends what the seal of the set count of sets covers (5.1.1): all sets in
 * order, the last one's seal being the one. A sealer that marks a chain as
 * failed passes its own set alone (5.1.2).
 */
void arc_seal_text(const struct arc_set *sets, size_t count,
    struct strbuf *out);

#endif
