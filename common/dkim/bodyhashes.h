/*
 * bodyhashes.h - the body hashes that the signatures of one message need: each
 * canonical form and length limit is computed once, for DKIM and ARC together.
 *
 * A zeroed struct is an empty, valid one.
 */
#ifndef POSTERN_DKIM_BODYHASHES_H
#define POSTERN_DKIM_BODYHASHES_H

#include "common/dkim/bodyhash.h"

enum { BODYHASHES_MAX = 16 };	/* distinct ones of a message */

struct bodyhashes_item {
	enum canon canon;
	uint64_t limit;
	struct bodyhash *hash;		/* NULL once it is done */
	unsigned users;			/* who still waits for it */
	unsigned char digest[BODYHASH_SIZE];
	uint64_t canonical;		/* octets of the canonical body */
};

struct bodyhashes {
	struct bodyhashes_item items[BODYHASHES_MAX];
	size_t count;
	bool is_ended;
};

/*
 * Asks for a hash before the first piece; the result is its index, or -1 with
 * a sentence in err (over BODYHASHES_MAX, or the crypto library).
 */
int bodyhashes_want(struct bodyhashes *hashes, enum canon canon,
    uint64_t limit, struct strbuf *err);
/* One of those who asked needs it no more; without any it is not computed. */
void bodyhashes_drop(struct bodyhashes *hashes, int index);
/* Whether anybody needs more of the body. */
bool bodyhashes_wanted(const struct bodyhashes *hashes);

void bodyhashes_add(struct bodyhashes *hashes, struct span piece);
int bodyhashes_end(struct bodyhashes *hashes, struct strbuf *err);
void bodyhashes_clear(struct bodyhashes *hashes);

#endif
