/*
 * nearest.h - which of the known words somebody meant who wrote another one.
 *
 *	struct nearest nearest;
 *
 *	nearest_start(&nearest, word);
 *	for each known name: nearest_offer(&nearest, name);
 *	if (nearest.best != NULL) ... "did you mean %s?"
 */
#ifndef POSTERN_BASE_NEAREST_H
#define POSTERN_BASE_NEAREST_H

#include "common/base/span.h"

enum { NEAREST_MAX = 64 };	/* octets of a word; longer ones match nothing */

struct nearest {
	struct span word;	/* borrowed */
	const char *best;	/* NULL: none is near enough */
	unsigned distance;	/* of best */
};

void nearest_start(struct nearest *nearest, struct span word);

/*
 * A candidate, borrowed. It is near enough where it can be had by changing,
 * adding, leaving out or swapping one letter in three (case ignored), or where
 * word is its beginning. Of equally near ones the first stays.
 */
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
