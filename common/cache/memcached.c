#include "common/cache/backend.h"

static void *
refuse(const struct cache_options *options, struct span rest,
    struct strbuf *err)
{
	(void)options;
	(void)rest;
	strbuf_adds(err, "memcached: this program is built without it");
	return NULL;
}

static const struct cache_backend backend = {
	.is_remote = true,
	.make = refuse,
};

const struct cache_backend *const cache_memcached_backend = &backend;
