/*
 * signature.h - the DKIM-Signature field (RFC 6376 3.5), read and checked.
 */
#ifndef POSTERN_DKIM_SIGNATURE_H
#define POSTERN_DKIM_SIGNATURE_H

#include "common/dkim/bodyhash.h"
#include "common/dkim/key.h"

enum {
	DKIM_SIGNATURE_FIELD_MAX = 65536,	/* octets of the value */
	DKIM_HEADER_NAMES_MAX = 2048		/* names in h= */
};

struct dkim_signature {
	enum dkim_algorithm algorithm;
	enum canon header_canon;
	enum canon body_canon;
	struct span domain;		/* d=, lower-case A-labels */
	struct span selector;		/* s=, lower case */
	struct span identity;		/* i=, decoded; empty: "@" d= */
	struct span *names;		/* h=, in order */
	size_t name_count;
	struct span body_hash;		/* bh=, decoded */
	struct span signature;		/* b=, decoded */
	uint64_t body_length;		/* l=, UINT64_MAX: none */
	int64_t timestamp;		/* t=, -1: none */
	int64_t expiration;		/* x=, -1: none */
};

/*
 * Reads the value of a DKIM-Signature field; all parts are in the arena. NULL
 * in *reason where it is well-formed, else what is wrong in a few words
 * ("no d=", "duplicate tag", "unsupported algorithm"), a constant.
 */
void dkim_signature_parse(struct span value, struct arena *arena,
    struct dkim_signature *signature, const char **reason);

/*
 * Appends the text that is hashed for a signature: the fields h= names, taken
 * bottom-up per name (RFC 6376 5.4.2), then own, the signature's field itself
 * with an empty b=, without its last CRLF. own NULL: only the fields, which
 * several signatures may share.
 */
void dkim_signature_header_text(enum canon canon,
    const struct header_field *fields, size_t count, const struct span *names,
    size_t name_count, const struct header_field *own, struct strbuf *out);

/* Appends own as it ends the text above. */
void dkim_signature_add_own(enum canon canon, const struct header_field *own,
    struct strbuf *out);

/* A copy of value in the arena whose b= is empty; everything else as it was. */
struct span dkim_signature_strip_b(struct span value, struct arena *arena);

#endif
