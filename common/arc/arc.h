/*
 * arc.h - validates Authenticated Received Chains (RFC 8617 5.2), streamed.
 * Order of use as in common/dkim/verify.h.
 *
 * The newest message signature and all seals must verify. RFC 8617 5.2.1 has a
 * sealer mark a chain as failed for DNS trouble too; who only receives may try
 * again, so that is ARC_TEMPERROR here, unless there is a lasting reason as
 * well. What the library for cryptography refuses is one too.
 */
#ifndef POSTERN_ARC_ARC_H
#define POSTERN_ARC_ARC_H

#include "common/arc/set.h"
#include "common/dkim/bodyhashes.h"
#include "common/dkim/pubkey.h"

enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL, ARC_TEMPERROR };

struct arc_options {
	unsigned min_key_bits;		/* RSA; 0: 1024 */
	bool accept_partial_body;	/* l= shorter than the body */
	int64_t now;
	bool keep_hashed;
};

struct arc_outcome {
	enum arc_result result;
	const char *reason;		/* in a few words; "" for a pass */
	unsigned failed_instance;	/* of that reason; 0: the whole chain */
	size_t count;			/* sets: the highest instance */
	struct span *sealers;		/* d= of each seal, from i=1 up, as far
					   as they can be read */
	size_t sealer_count;
	/* With keep_hashed and a failure only. */
	struct span header_text;	/* what the bad signature covers */
	const struct dkim_signature *message_signature;	/* the newest, where
					   the body was hashed for it; or NULL */
	unsigned char body_hash[BODYHASH_SIZE];	/* computed */
	uint64_t body_octets;		/* canonical octets of the body */
};

struct arc_validate;

/* Never NULL; in the arena. fields, lookups and hashes must outlive it. */
struct arc_validate *arc_validate_start(const struct arc_options *options,
    const struct header_field *fields, size_t count, struct lookups *lookups,
    struct bodyhashes *hashes, struct arena *arena);
void arc_validate_free(struct arc_validate *validate);
/* True when all that is needed is known; then the body, then the end. */
bool arc_validate_advance(struct arc_validate *validate);
/* The outcome, which lasts as long as the arena. */
const struct arc_outcome *arc_validate_end(struct arc_validate *validate);

const char *arc_result_name(enum arc_result result);

#endif
