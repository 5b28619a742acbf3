/*
 * sealhash.h - the hashes that the seals of a chain are signatures of.
 */
#ifndef POSTERN_ARC_SEALHASH_H
#define POSTERN_ARC_SEALHASH_H

#include "common/arc/set.h"

enum { ARC_SEAL_HASH_SIZE = 32 };

/*
 * SHA-256 of arc_seal_text() for each of the count sets. Each seal covers all
 * that is before it, so one running hash does for all: the time grows with the
 * octets of the sets, not with their square. 0, or -1 with a sentence in err.
 */
int arc_seal_hashes(const struct arc_set *sets, size_t count,
    unsigned char hashes[][ARC_SEAL_HASH_SIZE], struct strbuf *err);

#endif
