#include "common/tables/keycache.h"

#include "common/base/map.h"
#include "common/base/mem.h"

#include <pthread.h>
#include <stdlib.h>

struct node {
	struct node *next;	/* in its bucket */
	struct node *older;
	struct node *newer;
	struct dkim_key *key;
	uint64_t hash;
	size_t len;
	char path[];
};

struct keycache {
	pthread_mutex_t lock;
	size_t max;
	size_t count;
	struct node *newest;
	struct node *oldest;
	size_t bucket_count;	/* a power of two */
	struct node *buckets[];
};

struct keycache *
keycache_new(size_t max)
{
	struct keycache *cache;
	size_t buckets = 16;

	while (buckets < max)
		buckets *= 2;
	cache = xcalloc(1, sizeof(*cache) + buckets * sizeof(struct node *));
	pthread_mutex_init(&cache->lock, NULL);
	cache->max = max;
	cache->bucket_count = buckets;
	return cache;
}

void
keycache_free(struct keycache *cache)
{
	struct node *node;

	if (cache == NULL)
		return;
	while ((node = cache->oldest) != NULL) {
		cache->oldest = node->newer;
		dkim_key_free(node->key);
		free(node);
	}
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

static struct node **
bucket_of(struct keycache *cache, uint64_t hash)
{
	return &cache->buckets[hash & (cache->bucket_count - 1)];
}

static struct node *
find(struct keycache *cache, struct span path, uint64_t hash)
{
	struct node *node = *bucket_of(cache, hash);

	while (node != NULL && (node->hash != hash ||
	    !span_eq(span_make(node->path, node->len), path)))
		node = node->next;
	return node;
}

static void
unlink_age(struct keycache *cache, struct node *node)
{
	*(node->older != NULL ? &node->older->newer : &cache->oldest) =
	    node->newer;
	*(node->newer != NULL ? &node->newer->older : &cache->newest) =
	    node->older;
}

static void
link_newest(struct keycache *cache, struct node *node)
{
	node->newer = NULL;
	node->older = cache->newest;
	*(node->older != NULL ? &node->older->newer : &cache->oldest) = node;
	cache->newest = node;
}

static void
drop_oldest(struct keycache *cache)
{
	struct node *node = cache->oldest;
	struct node **at = bucket_of(cache, node->hash);

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	unlink_age(cache, node);
	cache->count--;
	dkim_key_free(node->key);
	free(node);
}

struct dkim_key *
keycache_get(struct keycache *cache, struct span path)
{
	struct dkim_key *key = NULL;
	struct node *node;

	pthread_mutex_lock(&cache->lock);
	node = find(cache, path, map_hash(path));
	if (node != NULL) {
		unlink_age(cache, node);
		link_newest(cache, node);
		key = dkim_key_ref(node->key);
	}
	pthread_mutex_unlock(&cache->lock);
	return key;
}

static struct node *
make_node(struct span path, uint64_t hash, struct dkim_key *key)
{
	struct node *node = xmalloc(sizeof(*node) + path.len);

	node->key = dkim_key_ref(key);
	node->hash = hash;
	node->len = path.len;
	memcpy(node->path, path.p, path.len);
	return node;
}

void
keycache_put(struct keycache *cache, struct span path, struct dkim_key *key)
{
	uint64_t hash = map_hash(path);
	struct node *node, **bucket;

	pthread_mutex_lock(&cache->lock);
	if (cache->max != 0 && find(cache, path, hash) == NULL) {
		if (cache->count == cache->max)
			drop_oldest(cache);
		node = make_node(path, hash, key);
		bucket = bucket_of(cache, hash);
		node->next = *bucket;
		*bucket = node;
		link_newest(cache, node);
		cache->count++;
	}
	pthread_mutex_unlock(&cache->lock);
}
