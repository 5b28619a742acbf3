#include "common/base/nearest.h"

void
nearest_start(struct nearest *nearest, struct span word)
{
	*nearest = (struct nearest){ .word = word };
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned two = a < b ? a : b;

	return two < c ? two : c;
}

/* The number of edits, a swap of neighbours being one (optimal string
 * alignment); rows[i % 3] is the row for the first i octets of a. */
static unsigned
distance(struct span a, struct span b)
{
	unsigned rows[3][NEAREST_MAX + 1];
	unsigned *row, *above;
	size_t i, k;
	bool same;

	for (k = 0; k <= b.len; k++)
		rows[0][k] = (unsigned)k;
	for (i = 1; i <= a.len; i++) {
		row = rows[i % 3];
		above = rows[(i - 1) % 3];
		row[0] = (unsigned)i;
		for (k = 1; k <= b.len; k++) {
			same = ascii_lower(a.p[i - 1]) ==
			    ascii_lower(b.p[k - 1]);
			row[k] = least(above[k] + 1, row[k - 1] + 1,
			    above[k - 1] + (same ? 0 : 1));
			if (i > 1 && k > 1 &&
			    ascii_lower(a.p[i - 1]) == ascii_lower(b.p[k - 2]) &&
			    ascii_lower(a.p[i - 2]) == ascii_lower(b.p[k - 1]))
				row[k] = least(row[k], row[k],
				    rows[(i - 2) % 3][k - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}

void
nearest_offer(struct nearest *nearest, const char *candidate)
{
	struct span word = nearest->word, known = span_of(candidate);
	size_t longer = word.len > known.len ? word.len : known.len;
	unsigned found;

	if (word.len == 0 || longer > NEAREST_MAX)
		return;
	if (word.len >= 2 &&
	    span_eq_nocase(span_first(known, word.len), word))
		found = 1;
	else
		found = distance(word, known);
	if (found > (longer + 2) / 3 || found >= longer)
		return;
	if (nearest->best == NULL || found < nearest->distance) {
		nearest->best = candidate;
		nearest->distance = found;
	}
}
