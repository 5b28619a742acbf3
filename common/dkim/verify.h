/*
 * verify.h - verifies the DKIM signatures of a message (RFC 6376 6, 8301,
 * 8463, 8616), streamed.
 *
 * Order of use: dkim_verify_start() with the header, the body through the
 * shared bodyhashes, dkim_verify_advance() at any time, dkim_verify_end() when
 * it said true and the body hashes are ended. What lasts is a result, never an
 * error: only DNS trouble is DKIM_TEMPERROR, and what the crypto library
 * refuses is that signature's DKIM_TEMPERROR too, with its reason.
 *
 * Where RFC 6376 says PERMFAIL of a signature or key that cannot be judged, the
 * result is DKIM_PERMERROR: a=rsa-sha1 (RFC 8301 3.1), a field that is
 * malformed or expired, no usable key. Where it was judged and is wrong, it is
 * DKIM_FAIL. A sound one that this site does not accept is DKIM_POLICY: an RSA
 * key under min_key_bits (RFC 8301 3.2), l= shorter than the body.
 */
#ifndef POSTERN_DKIM_VERIFY_H
#define POSTERN_DKIM_VERIFY_H

#include "common/dkim/bodyhashes.h"
#include "common/dkim/pubkey.h"
#include "common/dkim/signature.h"

/* RFC 8601 2.7.1. */
enum dkim_result {
	DKIM_NONE,		/* the message has no signature */
	DKIM_PASS,
	DKIM_FAIL,
	DKIM_POLICY,
	DKIM_NEUTRAL,
	DKIM_TEMPERROR,
	DKIM_PERMERROR
};

enum {
	DKIM_VERIFY_SIGNATURES = 8,	/* examined by default */
	DKIM_VERIFY_SIGNATURES_MAX = 64,
	DKIM_VERIFY_LISTED_MAX = 64,	/* outcomes; the rest is counted */
	DKIM_VERIFY_SLACK = 300		/* seconds a clock may be wrong */
};

struct dkim_verify_options {
	unsigned max_signatures;	/* 0: DKIM_VERIFY_SIGNATURES */
	unsigned min_key_bits;		/* RSA; 0: 1024 */
	enum dkim_result partial_body;	/* what l= shorter than the body comes
					   to: DKIM_POLICY, DKIM_PASS, ... */
	const struct span *authors;	/* domains of From, lower-case A-labels:
					   their signatures come first */
	size_t author_count;
	int64_t now;
	bool keep_hashed;		/* for explanations: header_text below */
};

struct dkim_outcome {
	enum dkim_result result;
	const char *reason;		/* the first that failed, in a few
					   words; "" for a pass */
	size_t field;			/* index in the header */
	bool is_skipped;		/* past max_signatures: DKIM_NEUTRAL */
	bool is_readable;		/* signature below holds */
	struct dkim_signature signature;
	struct span domain;		/* d=, s=, i= and a= as far as they
					   could be read, else empty; "@d" is
					   added to an empty i= */
	struct span selector;
	struct span identity;
	struct span algorithm;		/* as written */
	struct span b;			/* the first 8 characters of b=, or as
					   many more as tell it from that of
					   others (RFC 6008) */
	unsigned key_bits;		/* 0: no key was had */
	bool is_testing;		/* t=y: never a reason for an action */
	bool is_secure;			/* the key came by DNSSEC */
	unsigned char body_hash[BODYHASH_SIZE];	/* computed */
	bool has_body_hash;
	uint64_t body_octets;		/* canonical octets of the body, or what
					   is known to be more than l= */
	struct span header_text;	/* canonical text that was hashed; with
					   keep_hashed and DKIM_FAIL only */
};

struct dkim_verify;

/*
 * Never NULL. fields, lookups and hashes must outlive it; all else is in the
 * arena but for what dkim_verify_free() frees. Asks hashes for what it needs.
 */
struct dkim_verify *dkim_verify_start(const struct dkim_verify_options *options,
    const struct header_field *fields, size_t count, struct lookups *lookups,
    struct bodyhashes *hashes, struct arena *arena);
void dkim_verify_free(struct dkim_verify *verify);

/* True when every key that is needed is known. A signature whose header does
 * not verify drops its body hash then and there. */
bool dkim_verify_advance(struct dkim_verify *verify);

/* The outcomes: those examined in their order, then the skipped ones. *count
 * 0: there is no signature. */
const struct dkim_outcome *dkim_verify_end(struct dkim_verify *verify,
    size_t *count);
/* Signatures past DKIM_VERIFY_LISTED_MAX, which nobody looked at. */
size_t dkim_verify_unlisted(const struct dkim_verify *verify);

const char *dkim_result_name(enum dkim_result result);

#endif
