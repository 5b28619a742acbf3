/*
 * signature.h - the DKIM-Signature field (RFC 6376 3.5) and its likes in ARC
 * (RFC 8617 4.1.2, 4.1.3), read and checked.
 */
#ifndef POSTERN_DKIM_SIGNATURE_H
#define POSTERN_DKIM_SIGNATURE_H

#include "common/dkim/bodyhashes.h"
#include "common/dkim/key.h"

enum {
	DKIM_SIGNATURE_FIELD_MAX = 65536,	/* octets of the value */
	DKIM_HEADER_NAMES_MAX = 2048		/* names in h= */
};

enum dkim_signature_kind {
	DKIM_SIGNATURE,
	DKIM_ARC_MESSAGE_SIGNATURE,	/* no v=; i= is the instance */
	DKIM_ARC_SEAL			/* i= too; cv=, no h=, no bh= */
};

enum arc_cv { ARC_CV_NONE, ARC_CV_PASS, ARC_CV_FAIL };

struct dkim_signature {
	enum dkim_algorithm algorithm;
	enum canon header_canon;
	enum canon body_canon;
	struct span domain;		/* d=, lower-case A-labels */
	struct span selector;		/* s=, lower case */
	struct span identity;		/* i=, decoded; empty: "@" d= */
	unsigned instance;		/* i= of ARC, 1 to 50 */
	enum arc_cv cv;			/* cv= of a seal */
	struct span *names;		/* h=, in order */
	size_t name_count;
	struct span body_hash;		/* bh=, decoded */
	struct span signature;		/* b=, decoded */
	uint64_t body_length;		/* l=, UINT64_MAX: none */
	int64_t timestamp;		/* t=, -1: none */
	int64_t expiration;		/* x=, -1: none */
};

/*
 * Reads the value of such a field; all parts are in the arena. NULL in *reason
 * where it is well-formed, else what is wrong in a few words ("no d=",
 * "duplicate tag", "unsupported algorithm"), a constant.
 */
void dkim_signature_parse_as(enum dkim_signature_kind kind, struct span value,
    struct arena *arena, struct dkim_signature *signature,
    const char **reason);

/* As DKIM_SIGNATURE. */
void dkim_signature_parse(struct span value, struct arena *arena,
    struct dkim_signature *signature, const char **reason);

/*
 * What a field says of itself, well-formed or not: for reports. Each is the
 * trimmed value of the first tag of that name, as written and in place, any
 * octets; empty where there is none. Costs one pass.
 */
struct dkim_signature_peek {
	struct span domain;		/* d= */
	struct span selector;		/* s= */
	struct span identity;		/* i= */
	struct span algorithm;		/* a= */
	struct span signature;		/* b= */
};

void dkim_signature_peek(struct span value, struct dkim_signature_peek *peek);

/* Appends value with an empty b=; everything else as it was. */
void dkim_signature_add_stripped(struct span value, struct strbuf *out);
/* The same as a copy in the arena. */
struct span dkim_signature_strip_b(struct span value, struct arena *arena);

#endif
