#include "common/cache/mcring.h"

#include "common/base/mem.h"

#include <libmemcached/memcached.h>
#include <stdlib.h>

struct mcring {
	memcached_st *servers;		/* never connected */
	size_t count;
};

/* Its functions fail for want of memory alone. */
static void
must(memcached_return_t rc)
{
	if (rc != MEMCACHED_SUCCESS)
		abort();
}

struct mcring *
mcring_new(const struct mcnames *names)
{
	struct mcring *ring = xcalloc(1, sizeof(*ring));
	const struct mcname *name;

	ring->count = names->count;
	ring->servers = xnonnull(memcached_create(NULL));
	must(memcached_behavior_set(ring->servers,
	    MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1));
	for (name = names->items; name < names->items + names->count; name++)
		must(name->port == 0 ?
		    memcached_server_add_unix_socket(ring->servers,
		    name->host) : memcached_server_add(ring->servers,
		    name->host, (in_port_t)name->port));
	return ring;
}

void
mcring_free(struct mcring *ring)
{
	if (ring == NULL)
		return;
	memcached_free(ring->servers);
	free(ring);
}

unsigned
mcring_find(const struct mcring *ring, const char *key)
{
	if (ring->count == 1)
		return 0;
	return memcached_generate_hash(ring->servers, key, strlen(key));
}
