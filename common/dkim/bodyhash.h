/*
 * bodyhash.h - SHA-256 over one canonical form of a body, with an optional
 * length limit (l=), computed once for all signatures that share the form.
 */
#ifndef POSTERN_DKIM_BODYHASH_H
#define POSTERN_DKIM_BODYHASH_H

#include "common/dkim/canon.h"

enum { BODYHASH_SIZE = 32 };

struct bodyhash;

/*
 * limit: canonical octets that are hashed; UINT64_MAX: all. NULL, a sentence
 * in err, where the crypto library refuses. Heap memory: about 9 KiB.
 */
struct bodyhash *bodyhash_new(enum canon canon, uint64_t limit,
    struct strbuf *err);
void bodyhash_free(struct bodyhash *hash);

void bodyhash_add(struct bodyhash *hash, struct span piece);
/* Once, after the last piece. -1 where the crypto library failed. */
int bodyhash_end(struct bodyhash *hash, unsigned char out[BODYHASH_SIZE],
    struct strbuf *err);

#endif
