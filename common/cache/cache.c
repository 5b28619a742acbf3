#include "common/cache/cache.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/cache/backend.h"
#include "common/cache/store.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	/* Of the counters that this process keeps while servers are away. */
	FALLBACK_SIZE = 4 << 20
};

struct cache {
	struct cache *next;		/* in instances */
	size_t users;
	const struct cache_backend *backend;
	void *state;
	char *spec, *file;
	struct cache_secret secret;
	int64_t (*clock)(void);
	int64_t (*wall)(void);
	pthread_mutex_t fallback_lock;	/* for making it */
	struct store *_Atomic fallback;	/* NULL: nothing was in trouble yet */
	_Atomic uint64_t hits, misses, troubles;
};

static pthread_mutex_t instances_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cache *instances;

/* ---- instances ---- */

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_asked_for(const struct cache *cache, const struct cache_options *options)
{
	return strcmp(cache->spec, options->spec) == 0 &&
	    is_same_text(cache->file, options->file) &&
	    memcmp(&cache->secret, &options->secret,
	    sizeof(cache->secret)) == 0 &&
	    cache->clock == options->clock && cache->wall == options->wall;
}

/* The backend whose word begins spec; *rest is what follows the word. */
static const struct cache_backend *
find_backend(const char *spec, struct span *rest)
{
	static const struct {
		const char *word;
		const struct cache_backend *const *backend;
	} words[] = {
		{ "local", &cache_local_backend },
		{ "memcached", &cache_memcached_backend },
	};
	struct span text = span_trim(span_of(spec)), word;
	size_t i = 0;

	while (i < text.len && !is_fws(text.p[i]))
		i++;
	word = span_first(text, i);
	*rest = span_trim(span_skip(text, i));
	for (i = 0; i < ARRAY_LEN(words); i++)
		if (span_is_nocase(word, words[i].word))
			return *words[i].backend;
	return NULL;
}

static struct cache *
instance_new(const struct cache_options *options, struct strbuf *err)
{
	const struct cache_backend *backend;
	struct cache *cache;
	struct span rest;
	void *state;

	backend = find_backend(options->spec, &rest);
	if (backend == NULL) {
		strbuf_adds(err, "a cache is \"local\" or \"memcached HOST[:PORT]"
		    ", ...\"");
		return NULL;
	}
	if ((state = backend->make(options, rest, err)) == NULL)
		return NULL;
	cache = xcalloc(1, sizeof(*cache));
	cache->backend = backend;
	cache->state = state;
	cache->spec = xstrdup(options->spec);
	cache->file = options->file != NULL ? xstrdup(options->file) : NULL;
	cache->secret = options->secret;
	cache->clock = options->clock;
	cache->wall = options->wall;
	pthread_mutex_init(&cache->fallback_lock, NULL);
	return cache;
}

static void
instance_free(struct cache *cache)
{
	cache->backend->free(cache->state);
	store_free(cache->fallback);
	pthread_mutex_destroy(&cache->fallback_lock);
	OPENSSL_cleanse(&cache->secret, sizeof(cache->secret));
	free(cache->spec);
	free(cache->file);
	free(cache);
}

/* The instance in use that is asked for, with one user more. */
static struct cache *
instance_find(const struct cache_options *options)
{
	struct cache *cache = instances;

	while (cache != NULL && !is_asked_for(cache, options))
		cache = cache->next;
	if (cache == NULL)
		return NULL;
	cache->users++;
	if (cache->backend->resize != NULL)
		cache->backend->resize(cache->state, options->size);
	return cache;
}

struct cache *
cache_open(const struct cache_options *given, struct strbuf *err)
{
	struct cache_options options = *given;
	struct cache *cache;

	if (options.clock == NULL)
		options.clock = clock_monotonic_ms;
	if (options.wall == NULL)
		options.wall = clock_wall;
	pthread_mutex_lock(&instances_lock);
	cache = instance_find(&options);
	if (cache == NULL && (cache = instance_new(&options, err)) != NULL) {
		cache->users = 1;
		cache->next = instances;
		instances = cache;
	}
	pthread_mutex_unlock(&instances_lock);
	OPENSSL_cleanse(&options.secret, sizeof(options.secret));
	return cache;
}

/* The lock is held until the last one has saved: who opens the same again at
 * that moment reads what was saved. */
void
cache_close(struct cache *cache)
{
	struct cache **at = &instances;

	if (cache == NULL)
		return;
	pthread_mutex_lock(&instances_lock);
	if (--cache->users == 0) {
		while (*at != cache)
			at = &(*at)->next;
		*at = cache->next;
		instance_free(cache);
	}
	pthread_mutex_unlock(&instances_lock);
}

void
cache_serve(struct cache *cache)
{
	if (cache->backend->serve != NULL)
		cache->backend->serve(cache->state);
}

bool
cache_look(struct cache *cache, struct strbuf *err)
{
	return cache->backend->look == NULL ||
	    cache->backend->look(cache->state, err);
}

int
cache_save(struct cache *cache, struct strbuf *err)
{
	return cache->backend->save == NULL ? 0 :
	    cache->backend->save(cache->state, err);
}

void
cache_name(const struct cache *cache, const char *kind,
    const struct span *parts, size_t count, struct cache_key *key)
{
	cache_key_make(&cache->secret, kind, parts, count, key);
}

/* ---- questions ---- */

typedef void ask_function(void *state, struct cache_item *items,
    size_t count);

static void
clear_answers(struct cache_item *items, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		items[i].state = CACHE_MISS;
		items[i].number = 0;
		items[i].len = 0;
		items[i].version = 0;
	}
}

/*
 * What this process counts while servers are away. It begins with nothing and
 * is not carried over to the servers when they are back. So N processes that
 * share a counter, each with a limit of its own count, let through at most N
 * times the limit for as long as the servers are away, and once more the limit
 * when they are back.
 */
static struct store *
fallback(struct cache *cache)
{
	if (cache->fallback != NULL)
		return cache->fallback;
	pthread_mutex_lock(&cache->fallback_lock);
	if (cache->fallback == NULL)
		cache->fallback = store_new(FALLBACK_SIZE, cache->clock);
	pthread_mutex_unlock(&cache->fallback_lock);
	return cache->fallback;
}

static void
count_alone(struct cache *cache, struct cache_item *item, bool is_increment)
{
	if (item->kind != CACHE_COUNTER)
		return;
	if (is_increment)
		store_increment(fallback(cache), item, 1);
	else if (cache->fallback != NULL)
		store_get(cache->fallback, item, 1);
	item->state = CACHE_TROUBLE;
}

/* False where any is in trouble. */
static bool
look_through(struct cache *cache, struct cache_item *items, size_t count,
    bool is_increment)
{
	uint64_t found[CACHE_TROUBLE + 1] = { 0 };
	size_t i;

	for (i = 0; i < count; i++) {
		found[items[i].state]++;
		if (items[i].state == CACHE_TROUBLE)
			count_alone(cache, &items[i], is_increment);
	}
	cache->hits += found[CACHE_HIT];
	cache->misses += found[CACHE_MISS];
	cache->troubles += found[CACHE_TROUBLE];
	return found[CACHE_TROUBLE] == 0;
}

static bool
ask(struct cache *cache, struct cache_item *items, size_t count,
    bool is_increment)
{
	ask_function *function = is_increment ? cache->backend->increment :
	    cache->backend->get;
	bool is_well = true;
	size_t n;

	for (; count > 0; items += n, count -= n) {
		n = count < CACHE_BATCH_MAX ? count : CACHE_BATCH_MAX;
		clear_answers(items, n);
		function(cache->state, items, n);
		is_well &= look_through(cache, items, n, is_increment);
	}
	return is_well;
}

bool
cache_get(struct cache *cache, struct cache_item *items, size_t count)
{
	return ask(cache, items, count, false);
}

bool
cache_increment(struct cache *cache, struct cache_item *items, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		items[i].kind = CACHE_COUNTER;
	return ask(cache, items, count, true);
}

/* Those in trouble were counted here alone. */
void
cache_take_back(struct cache *cache, const struct cache_item *items,
    size_t count)
{
	size_t i, n;
	bool is_trouble;

	for (i = 0; i < count; i += n) {
		is_trouble = items[i].state == CACHE_TROUBLE;
		n = 1;
		while (i + n < count && n < CACHE_BATCH_MAX &&
		    (items[i + n].state == CACHE_TROUBLE) == is_trouble)
			n++;
		if (is_trouble)
			store_take_back(fallback(cache), items + i, n);
		else
			cache->backend->take_back(cache->state, items + i, n);
	}
}

/* ---- changes ---- */

static bool
is_storable(const struct cache_item *item)
{
	return item->kind == CACHE_COUNTER ? item->number >= 0 &&
	    item->number <= CACHE_COUNTER_MAX : item->len <= CACHE_VALUE_MAX;
}

enum cache_outcome
cache_add(struct cache *cache, const struct cache_item *item)
{
	return is_storable(item) ? cache->backend->add(cache->state, item) :
	    CACHE_FAILED;
}

enum cache_outcome
cache_update(struct cache *cache, const struct cache_item *item)
{
	if (item->kind != CACHE_RECORD || item->state == CACHE_TROUBLE ||
	    !is_storable(item))
		return CACHE_FAILED;
	return cache->backend->update(cache->state, item);
}

void
cache_put(struct cache *cache, const struct cache_item *item)
{
	if (is_storable(item))
		cache->backend->put(cache->state, item);
}

void
cache_delete(struct cache *cache, const struct cache_key *key,
    enum cache_kind kind)
{
	cache->backend->remove(cache->state, key, kind);
}

/* ---- about it ---- */

bool
cache_is_remote(const struct cache *cache)
{
	return cache->backend->is_remote;
}

int64_t
cache_age(struct cache *cache)
{
	return cache->backend->age(cache->state);
}

void
cache_count(struct cache *cache, struct cache_stats *stats)
{
	*stats = (struct cache_stats){ .servers = 0 };
	cache->backend->count(cache->state, stats);
	stats->hits = cache->hits;
	stats->misses = cache->misses;
	stats->troubles = cache->troubles;
}

void
cache_describe(const struct cache *cache, struct strbuf *out)
{
	cache->backend->describe(cache->state, out);
}

void
cache_warn(const struct cache *cache, struct strbuf *out)
{
	if (cache->backend->warn != NULL)
		cache->backend->warn(cache->state, out);
}
