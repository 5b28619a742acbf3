/*
 * bodyhashes.h - the body hashes that the signatures of one message need, for
 * DKIM and ARC together: a body is brought into each canonical form once and
 * hashed once, however many length limits (l=) there are.
 *
 * A zeroed struct is an empty, valid one; it stays where it is.
 */
#ifndef POSTERN_DKIM_BODYHASHES_H
#define POSTERN_DKIM_BODYHASHES_H

#include "common/dkim/canon.h"

enum {
	BODYHASH_SIZE = 32,	/* SHA-256 */
	BODYHASHES_MAX = 80	/* distinct ones of a message */
};

struct bodyhashes_item {
	enum canon canon;
	uint64_t limit;			/* UINT64_MAX: none */
	unsigned users;			/* who still waits for it */
	bool is_done;			/* digest holds */
	unsigned char digest[BODYHASH_SIZE];
};

struct bodyhashes_form;

struct bodyhashes {
	struct bodyhashes_item items[BODYHASHES_MAX];
	size_t count;
	struct bodyhashes_form *forms[CANON_RELAXED + 1];	/* by canon */
	bool is_started;		/* a piece came */
	bool is_ended;
};

/*
 * Asks for a hash before the first piece; the result is its index, or -1 with
 * a sentence in err (over BODYHASHES_MAX, too late, or the crypto library).
 */
int bodyhashes_want(struct bodyhashes *hashes, enum canon canon,
    uint64_t limit, struct strbuf *err);
/* One of those who asked needs it no more; without any it is not computed. */
void bodyhashes_drop(struct bodyhashes *hashes, int index);
/* Whether anybody needs more of the body. */
bool bodyhashes_wanted(const struct bodyhashes *hashes);

void bodyhashes_add(struct bodyhashes *hashes, struct span piece);
/* Once, after the last piece. -1, a sentence in err, where the crypto library
 * failed: items that are not done are to be had no more. */
int bodyhashes_end(struct bodyhashes *hashes, struct strbuf *err);

/* NULL where it was dropped or failed. */
const unsigned char *bodyhashes_digest(const struct bodyhashes *hashes,
    int index);
/*
 * After the end: the octets of the canonical body; where nobody needed all of
 * it, at least one more than the greatest limit.
 */
uint64_t bodyhashes_octets(const struct bodyhashes *hashes, int index);

void bodyhashes_clear(struct bodyhashes *hashes);

#endif
