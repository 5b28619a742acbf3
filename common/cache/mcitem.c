#include "common/cache/mcitem.h"

#include "common/cache/backend.h"
#include "common/cache/cachevalue.h"
#include "common/cache/mcwire.h"

/* memcached takes what is longer than that for a point of time. */
enum { RELATIVE_MAX = 30 * 86400 };

void
mcitem_name(const struct cache_key *key, enum cache_kind kind,
    char name[MCITEM_NAME + 1])
{
	size_t len;

	cache_key_text(key, name);
	len = strlen(name);
	name[len] = ':';
	name[len + 1] = kind == CACHE_COUNTER ? 'c' : 'r';
	name[len + 2] = '\0';
}

void
mcitem_store(struct strbuf *out, const char *verb, const char *name,
    const struct cache_item *item, int64_t wall, bool is_silent)
{
	unsigned char stored[CACHEVALUE_MAX];
	struct mcstore store = {
		.verb = verb,
		.key = name,
		.flags = cachevalue_flags(&item->key),
		.version = item->version,
		.is_silent = is_silent,
	};

	if (wall != 0) {
		store.expires = cache_item_ttl(item);
		if (store.expires > RELATIVE_MAX)
			store.expires += wall;
	}
	store.data = span_make(stored, cachevalue_write(item, stored));
	mcwire_store(out, &store);
}
