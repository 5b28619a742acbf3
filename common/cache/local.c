#include "common/cache/backend.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/cache/storefile.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SAVE_SECONDS = 60 };

/* What the process does with the file. */
enum use { IDLE, LOOKING, SERVING };

struct local {
	struct store *store;
	_Atomic size_t size;
	char *file;			/* NULL: nowhere */
	struct cache_secret secret;
	int64_t (*clock)(void);
	int64_t (*wall)(void);
	bool is_logged;
	_Atomic int64_t born;		/* by clock, when age was 0; seconds */
	_Atomic uint64_t failures;

	pthread_mutex_t lock;		/* over what follows */
	pthread_cond_t stop;
	bool is_stopping;
	enum use use;
	pthread_t saver;
	bool has_saver;

	pthread_mutex_t save_lock;	/* one saves at a time */
	uint64_t saved_changes;
};

static void *
local_make(const struct cache_options *options, struct span rest,
    struct strbuf *err)
{
	pthread_condattr_t attr;
	struct local *local;

	if (rest.len != 0) {
		strbuf_adds(err, "nothing may follow \"local\"");
		return NULL;
	}
	local = xcalloc(1, sizeof(*local));
	local->store = store_new(options->size, options->clock);
	local->size = options->size;
	local->file = options->file != NULL ? xstrdup(options->file) : NULL;
	local->secret = options->secret;
	local->clock = options->clock;
	local->wall = options->wall;
	local->is_logged = options->is_logged;
	local->born = options->clock() / 1000;
	pthread_mutex_init(&local->lock, NULL);
	pthread_mutex_init(&local->save_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&local->stop, &attr);
	pthread_condattr_destroy(&attr);
	return local;
}

static int64_t
local_age(void *state)
{
	struct local *local = state;
	int64_t age = local->clock() / 1000 - local->born;

	return age > 0 ? age : 0;
}

/* ---- saving ---- */

static int
save(struct local *local, bool only_changes, struct strbuf *err)
{
	uint64_t changes;
	int rc = 0;

	pthread_mutex_lock(&local->save_lock);
	changes = store_changes(local->store);
	if (!only_changes || changes != local->saved_changes) {
		rc = storefile_save(local->store, local->file, &local->secret,
		    local->wall(), local_age(local), err);
		if (rc == 0)
			local->saved_changes = changes;
		else
			local->failures++;
	}
	pthread_mutex_unlock(&local->save_lock);
	return rc;
}

static void
save_and_log(struct local *local)
{
	struct strbuf err = STRBUF_INIT;

	if (save(local, true, &err) != 0 && local->is_logged)
		log_warning("cache: %s", strbuf_str(&err));
	strbuf_clear(&err);
}

/* False when it is time to stop. */
static bool
wait_for_turn(struct local *local)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += SAVE_SECONDS;
	pthread_mutex_lock(&local->lock);
	while (!local->is_stopping && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&local->stop, &local->lock,
		    &until);
	rc = !local->is_stopping;
	pthread_mutex_unlock(&local->lock);
	return rc;
}

static void *
run_saver(void *arg)
{
	struct local *local = arg;

	while (wait_for_turn(local))
		save_and_log(local);
	return NULL;
}

/* Signals are for the thread that waits for them. */
static void
start_saver(struct local *local)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	local->has_saver = pthread_create(&local->saver, NULL, run_saver,
	    local) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!local->has_saver && local->is_logged)
		log_warning("cache: no thread to save %s with: it is saved at "
		    "the end only", local->file);
}

static int
local_save(void *state, struct strbuf *err)
{
	struct local *local = state;
	bool is_serving;

	pthread_mutex_lock(&local->lock);
	is_serving = local->use == SERVING;
	pthread_mutex_unlock(&local->lock);
	if (local->file == NULL)
		return 0;
	if (!is_serving) {
		strbuf_addf(err, "%s: not saved: the cache is not in service",
		    local->file);
		return -1;
	}
	return save(local, false, err);
}

/* ---- loading ---- */

static enum storefile_result
load(struct local *local, uint64_t *count, struct strbuf *err)
{
	enum storefile_result result;
	int64_t age;

	result = storefile_load(local->store, local->file, &local->secret,
	    local->wall(), &age, count, err);
	if (result == STOREFILE_READ)
		local->born = local->clock() / 1000 - age;
	return result;
}

static void
set_aside(const struct local *local, const struct strbuf *why)
{
	struct strbuf name = STRBUF_INIT;
	const char *trouble;

	strbuf_addf(&name, "%s.damaged", local->file);
	trouble = rename(local->file, name.s) != 0 ? strerror(errno) : NULL;
	if (local->is_logged && trouble == NULL)
		log_warning("cache: %s; it is %s now, and the cache begins "
		    "empty", why->s, name.s);
	else if (local->is_logged)
		log_warning("cache: %s; it cannot be renamed (%s), and the "
		    "cache begins empty", why->s, trouble);
	strbuf_clear(&name);
}

static void
load_or_set_aside(struct local *local)
{
	struct strbuf err = STRBUF_INIT;
	uint64_t count;

	switch (load(local, &count, &err)) {
	case STOREFILE_DAMAGED:
		set_aside(local, &err);
		break;
	case STOREFILE_READ:
		local->saved_changes = store_changes(local->store);
		if (local->is_logged)
			log_info("cache: %zu entries read from %s",
			    (size_t)count, local->file);
		break;
	case STOREFILE_NONE:
		if (local->is_logged)
			log_notice("cache: there is no %s yet: the cache "
			    "begins empty", local->file);
		break;
	}
	strbuf_clear(&err);
}

static void
local_serve(void *state)
{
	struct local *local = state;

	pthread_mutex_lock(&local->lock);
	if (local->use == IDLE && local->file != NULL) {
		local->use = SERVING;
		load_or_set_aside(local);
		start_saver(local);
	}
	pthread_mutex_unlock(&local->lock);
}

static bool
local_look(void *state, struct strbuf *err)
{
	struct local *local = state;
	uint64_t count;
	bool ok = true;

	pthread_mutex_lock(&local->lock);
	if (local->use == IDLE && local->file != NULL) {
		local->use = LOOKING;
		ok = load(local, &count, err) != STOREFILE_DAMAGED;
	}
	pthread_mutex_unlock(&local->lock);
	return ok;
}

static void
local_free(void *state)
{
	struct local *local = state;

	pthread_mutex_lock(&local->lock);
	local->is_stopping = true;
	pthread_cond_signal(&local->stop);
	pthread_mutex_unlock(&local->lock);
	if (local->has_saver)
		pthread_join(local->saver, NULL);
	if (local->use == SERVING)
		save_and_log(local);
	pthread_mutex_destroy(&local->save_lock);
	pthread_cond_destroy(&local->stop);
	pthread_mutex_destroy(&local->lock);
	store_free(local->store);
	OPENSSL_cleanse(&local->secret, sizeof(local->secret));
	free(local->file);
	free(local);
}

/* ---- the store behind it ---- */

static void
local_get(void *state, struct cache_item *items, size_t count)
{
	store_get(((struct local *)state)->store, items, count);
}

static void
local_increment(void *state, struct cache_item *items, size_t count)
{
	store_increment(((struct local *)state)->store, items, count);
}

static void
local_take_back(void *state, const struct cache_item *items, size_t count)
{
	store_take_back(((struct local *)state)->store, items, count);
}

static enum cache_outcome
local_add(void *state, const struct cache_item *item)
{
	return store_add(((struct local *)state)->store, item);
}

static enum cache_outcome
local_update(void *state, const struct cache_item *item)
{
	return store_update(((struct local *)state)->store, item);
}

static void
local_put(void *state, const struct cache_item *item)
{
	store_put(((struct local *)state)->store, item);
}

static void
local_remove(void *state, const struct cache_key *key, enum cache_kind kind)
{
	store_remove(((struct local *)state)->store, key, kind);
}

static void
local_resize(void *state, size_t size)
{
	struct local *local = state;

	if (local->size == size)
		return;
	local->size = size;
	store_resize(local->store, size);
}

static void
local_count(void *state, struct cache_stats *stats)
{
	struct local *local = state;

	store_count(local->store, stats);
	stats->failures = local->failures;
}

static void
local_describe(const void *state, struct strbuf *out)
{
	const struct local *local = state;
	size_t size = local->size > STORE_SIZE_MIN ? local->size :
	    STORE_SIZE_MIN;

	strbuf_addf(out, "local, %zu MB", size >> 20);
	if (local->file != NULL)
		strbuf_addf(out, ", %s", local->file);
}

static const struct cache_backend backend = {
	.is_remote = false,
	.make = local_make,
	.free = local_free,
	.serve = local_serve,
	.look = local_look,
	.save = local_save,
	.resize = local_resize,
	.get = local_get,
	.increment = local_increment,
	.take_back = local_take_back,
	.add = local_add,
	.update = local_update,
	.put = local_put,
	.remove = local_remove,
	.age = local_age,
	.count = local_count,
	.describe = local_describe,
};

const struct cache_backend *const cache_local_backend = &backend;
