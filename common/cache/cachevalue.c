#include "common/cache/cachevalue.h"

#include "common/cache/backend.h"
#include "common/cache/octets.h"

enum {
	LAYOUT = 1,
	CHECK_AT = 2,
	COUNT_BITS = 42,
	NUMBER_CHECK_BITS = 20
};
#define NUMBER_BASE	((uint64_t)1 << 62)
#define NUMBER_BIAS	((int64_t)1 << (COUNT_BITS - 1))
#define COUNT_MASK	(((uint64_t)1 << COUNT_BITS) - 1)

uint32_t
cachevalue_flags(const struct cache_key *key)
{
	return (uint32_t)cache_key_check(key);
}

/* ---- counters ---- */

/* The number that stands for a count of -2^41. */
static uint64_t
number_floor(const struct cache_key *key)
{
	return NUMBER_BASE |
	    cache_key_check(key) >> (64 - NUMBER_CHECK_BITS) << COUNT_BITS;
}

static size_t
write_counter(const struct cache_item *item, unsigned char *stored)
{
	uint64_t number = number_floor(&item->key) +
	    ((uint64_t)(item->number + NUMBER_BIAS) & COUNT_MASK);
	size_t i;

	for (i = CACHEVALUE_DIGITS; i-- > 0; number /= 10)
		stored[i] = (unsigned char)('0' + number % 10);
	return CACHEVALUE_DIGITS;
}

static enum cachevalue_result
read_counter(struct span stored, struct cache_item *item)
{
	uint64_t number, floor = number_floor(&item->key);
	int64_t count;

	if (stored.len != CACHEVALUE_DIGITS ||
	    !span_number(stored, UINT64_MAX, &number) || number < floor ||
	    number - floor > COUNT_MASK)
		return CACHEVALUE_WRONG;
	count = (int64_t)(number - floor) - NUMBER_BIAS;
	item->number = cache_counter_add(0, count);
	return item->number == count ? CACHEVALUE_GOOD : CACHEVALUE_OUTSIDE;
}

/* ---- records ---- */

/* Mixes in every octet so that each changes about half of the result. */
static uint64_t
mix(uint64_t sum, const unsigned char *p, size_t len)
{
	while (len-- > 0) {
		sum = (sum ^ *p++) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 29;
	}
	return sum;
}

static uint64_t
record_check(const struct cache_key *key, const unsigned char *stored,
    size_t len)
{
	uint64_t sum = mix(cache_key_check(key), stored, CHECK_AT);

	return mix(sum, stored + CACHEVALUE_HEAD, len);
}

static size_t
write_record(const struct cache_item *item, unsigned char *stored)
{
	stored[0] = LAYOUT;
	stored[1] = (unsigned char)item->len;
	memcpy(stored + CACHEVALUE_HEAD, item->value, item->len);
	octets_put(stored + CHECK_AT, 8,
	    record_check(&item->key, stored, item->len));
	return CACHEVALUE_HEAD + item->len;
}

static enum cachevalue_result
read_record(struct span stored, struct cache_item *item)
{
	const unsigned char *p = (const unsigned char *)stored.p;
	size_t len = stored.len - CACHEVALUE_HEAD;

	if (stored.len < CACHEVALUE_HEAD || stored.len > CACHEVALUE_MAX ||
	    p[0] != LAYOUT || p[1] != len ||
	    octets_get(p + CHECK_AT, 8) != record_check(&item->key, p, len))
		return CACHEVALUE_WRONG;
	memcpy(item->value, p + CACHEVALUE_HEAD, len);
	item->len = len;
	return CACHEVALUE_GOOD;
}

size_t
cachevalue_write(const struct cache_item *item,
    unsigned char stored[CACHEVALUE_MAX])
{
	return item->kind == CACHE_COUNTER ? write_counter(item, stored) :
	    write_record(item, stored);
}

enum cachevalue_result
cachevalue_read(struct span stored, uint32_t flags, struct cache_item *item)
{
	if (flags != cachevalue_flags(&item->key))
		return CACHEVALUE_WRONG;
	return item->kind == CACHE_COUNTER ? read_counter(stored, item) :
	    read_record(stored, item);
}
