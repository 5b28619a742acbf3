/*
 * octets.h - numbers in values and files: octets, the highest first.
 */
#ifndef POSTERN_CACHE_OCTETS_H
#define POSTERN_CACHE_OCTETS_H

#include <stddef.h>
#include <stdint.h>

/* The lowest count octets of number. */
static inline void
octets_put(unsigned char *p, size_t count, uint64_t number)
{
	while (count-- > 0) {
		p[count] = (unsigned char)number;
		number >>= 8;
	}
}

/* count: 8 at most. */
static inline uint64_t
octets_get(const unsigned char *p, size_t count)
{
	uint64_t number = 0;

	while (count-- > 0)
		number = number << 8 | *p++;
	return number;
}

#endif
