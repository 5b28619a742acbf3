/*
 * cachevalue.h - what stands on a memcached server, so that nothing but what
 * this program stored under that very key is ever believed. Whoever answers may
 * be late, broken or somebody else.
 *
 * A record is
 *
 *	octet 0		version, 1
 *	octet 1		length of the payload, 0..CACHE_VALUE_MAX
 *	octets 2..9	check: the key's own (cache_key_check()), with the octets
 *			before it and after it mixed in
 *	octets 10..	payload
 *
 * and bears the low half of the key's own check as the item's flags.
 *
 * A counter has to be what memcached's incr and decr understand, a decimal
 * number; its flags are the key's check again. The number is
 *
 *	2^62 + check * 2^42 + 2^41 + count
 *
 * with check the highest 20 bits of cache_key_check(). So 52 bits of the check
 * are compared. count is what was added less what was taken back, and has room
 * from -2^41 to 2^41 - 1: eight times CACHE_COUNTER_MAX (2^38) on either side,
 * and no single change is over that. Read, it is clamped to
 * 0..CACHE_COUNTER_MAX, and who sees it outside puts it back, so it cannot walk
 * away. What the server makes of count is its own: a server that reckons wrong
 * is believed. Every such number lies in 2^62..2^63 - 1: it has 19 digits always, so
 * memcached changes it in place and pads nothing; incr cannot overflow the 64
 * bits, and decr, which stops at 0, does not get there.
 */
#ifndef POSTERN_CACHE_CACHEVALUE_H
#define POSTERN_CACHE_CACHEVALUE_H

#include "common/cache/cache.h"

enum {
	CACHEVALUE_HEAD = 10,
	CACHEVALUE_DIGITS = 19,
	CACHEVALUE_MAX = CACHEVALUE_HEAD + CACHE_VALUE_MAX
};

uint32_t cachevalue_flags(const struct cache_key *key);

/* The stored form of an item's value or, of a counter, number (which may be
 * outside its bounds, by no more than count's room); the length of it. */
size_t cachevalue_write(const struct cache_item *item,
    unsigned char stored[CACHEVALUE_MAX]);

enum cachevalue_result {
	CACHEVALUE_GOOD,
	CACHEVALUE_OUTSIDE,	/* a good counter that was clamped */
	CACHEVALUE_WRONG	/* not this key's, or damaged */
};

/* Fills value and len, or number, of an item whose key and kind are set;
 * nothing where it is WRONG. */
enum cachevalue_result cachevalue_read(struct span stored, uint32_t flags,
    struct cache_item *item);

#endif
