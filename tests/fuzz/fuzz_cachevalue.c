#include "tests/fuzz/fuzz.h"

#include "common/cache/cachevalue.h"
#include "common/cache/mcwire.h"

static struct cache_item
item_of(enum cache_kind kind)
{
	struct cache_item item = { .kind = kind, .number = -1,
		.len = SIZE_MAX };

	memset(item.key.digest, 'k', sizeof(item.key.digest));
	return item;
}

/* What is read is what would have been stored. */
static void
check_value(struct span stored, uint32_t flags, enum cache_kind kind)
{
	unsigned char again[CACHEVALUE_MAX];
	struct cache_item item = item_of(kind);
	enum cachevalue_result result = cachevalue_read(stored, flags, &item);

	if (result == CACHEVALUE_WRONG) {
		MUST(item.number == -1 && item.len == SIZE_MAX);
		return;
	}
	if (kind == CACHE_COUNTER)
		MUST(item.number >= 0 && item.number <= CACHE_COUNTER_MAX);
	else
		MUST(item.len <= CACHE_VALUE_MAX);
	if (result == CACHEVALUE_GOOD) {
		MUST(cachevalue_write(&item, again) == stored.len);
		MUST(memcmp(again, stored.p, stored.len) == 0);
	}
}

static bool
is_part(struct span part, struct span whole)
{
	return part.p >= whole.p && part.p + part.len <= whole.p + whole.len;
}

/* The same answers come of text that comes in pieces. */
static void
check_replies(struct span text)
{
	struct span rest = text, early = span_first(text, text.len / 2);
	struct mcreply reply, first;
	int rc, before;

	before = mcwire_next(&early, &first);
	while ((rc = mcwire_next(&rest, &reply)) == 1) {
		if (before == 1)
			MUST(first.kind == reply.kind &&
			    span_eq(first.key, reply.key) &&
			    span_eq(first.data, reply.data) &&
			    first.version == reply.version);
		before = 0;
		if (reply.kind != MCREPLY_VALUE)
			continue;
		MUST(is_part(reply.key, text) && is_part(reply.data, text));
		MUST(reply.key.len > 0 && reply.data.len <= CACHEVALUE_MAX);
		check_value(reply.data, reply.flags, CACHE_COUNTER);
		check_value(reply.data, reply.flags, CACHE_RECORD);
	}
	MUST(before != 1);
	MUST(rc != 0 || rest.len < MCWIRE_REPLY_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cache_item item = item_of(CACHE_RECORD);
	struct span text = span_make(data, size);

	check_replies(text);
	check_value(text, cachevalue_flags(&item.key), CACHE_COUNTER);
	check_value(text, cachevalue_flags(&item.key), CACHE_RECORD);
	return 0;
}
