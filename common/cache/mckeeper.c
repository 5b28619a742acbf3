#include "common/cache/mckeeper.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/cache/cachevalue.h"
#include "common/cache/mcexchange.h"
#include "common/cache/mcitem.h"
#include "common/cache/octets.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum {
	TICK_MS = 1000,
	TICK_AWAY_MS = 250,
	CHECK_MS = 60 * 1000,
	RESOLVE_MS = 5 * 1000,
	LOG_MS = 60 * 1000,
	QUIET_MS = 5 * 1000		/* without failures: all is well */
};

struct marker {
	struct cache_item item;
	char name[MCITEM_NAME + 1];
	bool is_there, is_wrong;	/* at the last check */
	int64_t since;
};

struct mckeeper {
	struct mcserver *server;
	struct marker *markers;
	size_t count;
	int64_t (*wall)(void);
	bool is_logged;
	char *called;			/* the server */

	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock;		/* of these */
	pthread_cond_t changed;
	bool is_ending, is_tried;
	bool is_known;			/* since is */
	int64_t since;

	/* the thread's own; monotonic milliseconds */
	int64_t checked_at, resolved_at, failed_at;
	int64_t logged_at, away_logged_at;
	uint64_t failures, failures_logged, events;
	bool is_trouble_logged;
};

/* ---- markers ---- */

static struct marker *
find_marker(struct mckeeper *keeper, struct span name)
{
	size_t i;

	for (i = 0; i < keeper->count; i++)
		if (span_is(name, keeper->markers[i].name))
			return &keeper->markers[i];
	return NULL;
}

static bool
on_reply(void *arg, struct mcexchange *x, const struct mcreply *reply)
{
	struct mckeeper *keeper = arg;
	struct marker *marker;

	if (reply->kind == MCREPLY_END)
		return true;
	if (reply->kind != MCREPLY_VALUE ||
	    (marker = find_marker(keeper, reply->key)) == NULL)
		return false;
	if (cachevalue_read(reply->data, reply->flags, &marker->item) !=
	    CACHEVALUE_GOOD || marker->item.len != 8) {
		x->is_suspect = true;
		marker->is_wrong = true;
		return true;
	}
	marker->is_there = true;
	marker->since = (int64_t)octets_get(marker->item.value, 8);
	return true;
}

/* Asks for all markers, and where there are none for one that is not there: a
 * server that answers is back. */
static bool
ask_for_markers(struct mckeeper *keeper)
{
	struct mcexchange x = { .server = keeper->server, .is_probe = true };
	struct mcgets gets = { .lines = 0 };
	size_t i;

	for (i = 0; i < keeper->count; i++) {
		keeper->markers[i].is_there = false;
		keeper->markers[i].is_wrong = false;
		mcwire_gets(&x.out, &gets, keeper->markers[i].name);
	}
	if (keeper->count == 0)
		mcwire_gets(&x.out, &gets, "pst1");
	mcwire_gets_end(&x.out, &gets);
	x.awaited = gets.lines;
	mcexchange_run(&x, 1, on_reply, keeper);
	strbuf_clear(&x.out);
	return x.is_well;
}

/* Puts back what is missing; the number of those. */
static size_t
restore_markers(struct mckeeper *keeper, int64_t now)
{
	struct mcexchange x = { .server = keeper->server };
	struct marker *marker = keeper->markers;
	size_t missing = 0;

	for (; marker < keeper->markers + keeper->count; marker++) {
		if (marker->is_there)
			continue;
		missing++;
		marker->since = now;
		marker->item.len = 8;
		octets_put(marker->item.value, 8, (uint64_t)now);
		/* Another keeper may be doing the same: the first one's time
		 * stays, and the next check reads it. */
		mcitem_store(&x.out, marker->is_wrong ? "set" : "add",
		    marker->name, &marker->item, 0, true);
	}
	mcexchange_run(&x, 1, on_reply, keeper);
	strbuf_clear(&x.out);
	return missing;
}

static void
log_empty(const struct mckeeper *keeper, size_t missing, int64_t now)
{
	char text[32];
	struct tm tm;
	time_t t = (time_t)now;

	if (missing == 0 || !keeper->is_logged)
		return;
	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	log_notice("cache: memcached %s: state empty since %s at the latest: "
	    "%zu%% of all keys", keeper->called, text,
	    missing * 100 / MCKEEPER_MARKERS);
}

/* False where the server did not answer. */
static bool
check(struct mckeeper *keeper)
{
	int64_t now = keeper->wall(), since = 0;
	size_t missing = 0, i;
	bool is_well = ask_for_markers(keeper);

	if (is_well)
		missing = restore_markers(keeper, now);
	for (i = 0; i < keeper->count; i++)
		if (keeper->markers[i].since > since)
			since = keeper->markers[i].since;
	pthread_mutex_lock(&keeper->lock);
	keeper->is_known = is_well;
	keeper->since = since;
	pthread_mutex_unlock(&keeper->lock);
	log_empty(keeper, missing, now);
	return is_well;
}

/* ---- the log ---- */

/* Not more than a line a minute, and one that says for the first time that the
 * server is away. */
static bool
is_worth_a_line(const struct mckeeper *keeper, bool is_away, int64_t now)
{
	return now - keeper->logged_at >= LOG_MS ||
	    (is_away && now - keeper->away_logged_at >= LOG_MS);
}

static void
log_failures(struct mckeeper *keeper, const struct mcserver_state *state,
    int64_t now)
{
	log_warning("cache: memcached %s %s: failures: %" PRIu64
	    ", the last one: %s", keeper->called,
	    state->is_away ? "is away" : "has trouble",
	    state->failures - keeper->failures_logged, state->why);
	keeper->failures_logged = state->failures;
	keeper->logged_at = now;
	if (state->is_away)
		keeper->away_logged_at = now;
	keeper->is_trouble_logged = true;
}

static void
log_trouble(struct mckeeper *keeper, int64_t now)
{
	struct mcserver_state state;

	mcserver_look(keeper->server, &state);
	if (state.failures != keeper->failures || state.is_away)
		keeper->failed_at = now;
	keeper->failures = state.failures;
	if (!keeper->is_logged)
		return;
	if (keeper->failed_at == now &&
	    is_worth_a_line(keeper, state.is_away, now)) {
		log_failures(keeper, &state, now);
	} else if (keeper->is_trouble_logged &&
	    now - keeper->failed_at >= QUIET_MS) {
		log_notice("cache: memcached %s: all is well again",
		    keeper->called);
		keeper->is_trouble_logged = false;
	}
}

/* ---- the thread ---- */

static void
resolve(struct mckeeper *keeper, int64_t now)
{
	struct strbuf err = STRBUF_INIT;

	if (now - keeper->resolved_at < RESOLVE_MS)
		return;
	if (!mcserver_resolve(keeper->server, &err))
		mcserver_note(keeper->server, err.s);
	strbuf_clear(&err);
	keeper->resolved_at = clock_monotonic_ms();
}

/* Every minute, and soon after anything has happened to the server. */
static bool
check_is_due(struct mckeeper *keeper, int64_t now)
{
	struct mcserver_state state;
	bool is_changed;

	if (mcserver_probe_is_due(keeper->server))
		return true;
	mcserver_look(keeper->server, &state);
	is_changed = state.failures + state.hangups != keeper->events;
	keeper->events = state.failures + state.hangups;
	return !state.is_away && (is_changed || now - keeper->checked_at >=
	    (keeper->is_known ? CHECK_MS : TICK_MS));
}

static void
tick(struct mckeeper *keeper)
{
	int64_t now = clock_monotonic_ms();
	unsigned tries;

	if (mcserver_is_away(keeper->server))
		resolve(keeper, now);
	if (!mcserver_is_resolved(keeper->server)) {
		log_trouble(keeper, now);
		return;
	}
	if (check_is_due(keeper, now)) {
		keeper->checked_at = now;
		/* One that is not there is known as such at once. */
		for (tries = 0; tries < BREAKER_FAILURES &&
		    !check(keeper) && !mcserver_is_away(keeper->server);
		    tries++)
			;
	}
	log_trouble(keeper, now);
}

/* Until something has changed, or for that time. The lock is held. */
static void
wait_ms(struct mckeeper *keeper, int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&keeper->changed, &keeper->lock, &until);
}

static void *
run(void *arg)
{
	struct mckeeper *keeper = arg;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->is_ending) {
		pthread_mutex_unlock(&keeper->lock);
		tick(keeper);
		pthread_mutex_lock(&keeper->lock);
		keeper->is_tried = true;
		pthread_cond_broadcast(&keeper->changed);
		if (!keeper->is_ending)
			wait_ms(keeper, mcserver_is_away(keeper->server) ?
			    TICK_AWAY_MS : TICK_MS);
	}
	pthread_mutex_unlock(&keeper->lock);
	return NULL;
}

/* ---- the keeper ---- */

struct mckeeper *
mckeeper_new(struct mcserver *server, const struct cache_key *markers,
    size_t count, int64_t (*wall)(void), bool is_logged)
{
	struct mckeeper *keeper = xcalloc(1, sizeof(*keeper));
	struct strbuf called = STRBUF_INIT;
	pthread_condattr_t attr;
	size_t i;

	mcname_add(&called, mcserver_name(server));
	keeper->called = strbuf_detach(&called);
	keeper->server = server;
	keeper->wall = wall;
	keeper->is_logged = is_logged;
	keeper->count = count;
	keeper->markers = xcalloc(count + 1, sizeof(*keeper->markers));
	for (i = 0; i < count; i++) {
		keeper->markers[i].item.key = markers[i];
		mcitem_name(&markers[i], CACHE_RECORD,
		    keeper->markers[i].name);
	}
	keeper->checked_at = -CHECK_MS;
	keeper->resolved_at = -RESOLVE_MS;
	keeper->logged_at = keeper->away_logged_at = -LOG_MS;
	pthread_mutex_init(&keeper->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&keeper->changed, &attr);
	pthread_condattr_destroy(&attr);
	return keeper;
}

void
mckeeper_start(struct mckeeper *keeper)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&keeper->thread, NULL, run, keeper);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		/* Then whoever comes probes it. */
		log_error("cache: memcached %s: no thread: %s",
		    keeper->called, strerror(rc));
		return;
	}
	keeper->is_started = true;
	mcserver_keep(keeper->server);
}

void
mckeeper_wait(struct mckeeper *keeper, int64_t ms)
{
	pthread_mutex_lock(&keeper->lock);
	if (keeper->is_started && !keeper->is_tried)
		wait_ms(keeper, ms);
	pthread_mutex_unlock(&keeper->lock);
}

void
mckeeper_free(struct mckeeper *keeper)
{
	if (keeper == NULL)
		return;
	pthread_mutex_lock(&keeper->lock);
	keeper->is_ending = true;
	pthread_cond_broadcast(&keeper->changed);
	pthread_mutex_unlock(&keeper->lock);
	if (keeper->is_started)
		pthread_join(keeper->thread, NULL);
	pthread_cond_destroy(&keeper->changed);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper->markers);
	free(keeper->called);
	free(keeper);
}

int64_t
mckeeper_since(struct mckeeper *keeper)
{
	int64_t since;

	pthread_mutex_lock(&keeper->lock);
	since = keeper->is_known ? keeper->since : -1;
	pthread_mutex_unlock(&keeper->lock);
	return since;
}
