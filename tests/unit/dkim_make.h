/*
 * dkim_make.h - DKIM signatures for tests, right but for what a test breaks:
 * the tags are the test's, bh= and b= are computed.
 */
#ifndef POSTERN_TESTS_DKIM_MAKE_H
#define POSTERN_TESTS_DKIM_MAKE_H

#include "common/dkim/headerhash.h"

/* A signature over fields: name says which. */
struct dkim_make {
	const char *name;		/* "DKIM-Signature" */
	enum dkim_signature_kind kind;
	const struct dkim_key *key;
	const char *tags;		/* all but bh= and b=, with the last ';' */
	struct span hashed;		/* canonical body, as far as l= goes */
	const struct header_field *fields;
	size_t count;
};

/*
 * The field's value, in the arena. Where the tags are malformed, b= is an
 * arbitrary text: there is nothing to sign.
 */
struct span dkim_make(const struct dkim_make *make, struct arena *arena);

#endif
