#include "common/milter/service.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/notify.h"
#include "common/milter/hooks.h"
#include "common/milter/libmilter_driver.h"
#include "common/milter/pidfile.h"
#include "common/milter/reload.h"
#include "common/milter/snapshot.h"
#include "common/milter/vitals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	FILES_MAX = 1 << 16,
	/* Descriptors that are not sessions: mostly the resolver's sockets.
	 * Where there are few it has to get along with half of them. */
	RESERVED_FILES = 640,
	RESERVED_PART = 2,
	MIN_SESSIONS = 8,
	STOP_POLL_MS = 20,
	MILTER_MS = 500,
	FILTER_MS = 1000
};

/* Of the process: there is one service in it. */
static struct {
	const struct service *service;
	struct vitals *vitals;
	pthread_t main_thread;
	atomic_bool gave_up;	/* libmilter did */
} state;

static void
fill_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

void
service_block_signals(void)
{
	sigset_t set;

	fill_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
}

void
service_open_log(const struct service *service,
    const struct daemon_settings *settings)
{
	enum log_target target = service->foreground ? LOG_TO_STDERR :
	    LOG_TO_SYSLOG;

	if (settings->log_target > 0)
		target = (enum log_target)(settings->log_target - 1);
	log_open(service->filter->name, target, settings->syslog_facility,
	    (enum log_level)settings->log_level);
}

/* ---- serving ---- */

static void
publish(void)
{
	struct snapshot *snapshot = snapshot_current();

	vitals_publish(state.vitals, daemon_settings_of(snapshot->filter,
	    snapshot->conf)->counters_file);
	snapshot_unref(snapshot);
}

/* What recurs, and when next. */
enum { TICK_MILTER, TICK_FILTER, TICK_COUNTERS, TICK_WATCHDOG, TICKS };

struct ticks {
	struct {
		int64_t next;
		int64_t every;	/* 0: never */
		void (*act)(void);
	} of[TICKS];
};

static void
feed_watchdog(void)
{
	notify_send("WATCHDOG=1");
}

static void
tick_filter(void)
{
	hooks_tick(vitals_filter_counters(state.vitals));
}

static struct ticks
make_ticks(void)
{
	return (struct ticks){ {
		[TICK_MILTER] = { 0, MILTER_MS, libmilter_tick },
		[TICK_FILTER] = { 0, FILTER_MS, tick_filter },
		[TICK_COUNTERS] = { 0, DAEMON_COUNTERS_SECONDS * 1000,
		    publish },
		[TICK_WATCHDOG] = { 0, notify_watchdog_ms(), feed_watchdog },
	} };
}

/* Does what is due; returns when the next is. */
static int64_t
tick(struct ticks *ticks, int64_t now)
{
	int64_t next = INT64_MAX;
	int i;

	for (i = 0; i < TICKS; i++) {
		if (ticks->of[i].every == 0)
			continue;
		if (now >= ticks->of[i].next) {
			ticks->of[i].act();
			ticks->of[i].next = now + ticks->of[i].every;
		}
		if (ticks->of[i].next < next)
			next = ticks->of[i].next;
	}
	return next;
}

/* The next of our signals, or 0 after at most ms and whenever something
 * recurs. */
static int
wait_signal(struct ticks *ticks, int64_t ms)
{
	int64_t next = tick(ticks, clock_monotonic_ms());
	int64_t left = next - clock_monotonic_ms();
	struct timespec t;
	sigset_t set;
	int sig;

	if (left > ms)
		left = ms;
	if (left < 0)
		left = 0;
	t.tv_sec = (time_t)(left / 1000);
	t.tv_nsec = (long)(left % 1000 * 1000000);
	fill_signals(&set);
	sig = sigtimedwait(&set, NULL, &t);
	return sig > 0 ? sig : 0;
}

static void *
milter_thread(void *unused)
{
	libmilter_run();
	state.gave_up = true;
	pthread_kill(state.main_thread, SIGTERM);
	return unused;
}

static void
serve(struct ticks *ticks)
{
	int sig;

	for (;;) {
		sig = wait_signal(ticks, INT32_MAX);
		if (sig == SIGHUP)
			reload_request();
		else if (sig != 0)
			return;
	}
}

/* ---- the end ---- */

/* True where all sessions came to their end. */
static bool
drain(struct ticks *ticks)
{
	int64_t deadline = clock_monotonic_ms() + DAEMON_STOP_SECONDS * 1000;
	int sig;

	while (libmilter_sessions() > 0) {
		sig = wait_signal(ticks, STOP_POLL_MS);
		if ((sig != 0 && sig != SIGHUP) ||
		    clock_monotonic_ms() >= deadline)
			return false;
	}
	return true;
}

static int
stop(struct ticks *ticks)
{
	const struct service *service = state.service;
	int status = state.gave_up ? EX_SOFTWARE : EX_OK;
	bool all_done;

	notify_send("STOPPING=1\nSTATUS=Finishing open sessions");
	log_notice("stopping: %zu sessions open", libmilter_sessions());
	listen_unlink(&service->listener);
	libmilter_stop();
	all_done = drain(ticks);
	hooks_stop();
	publish();
	pidfile_remove(service->pid_file);
	if (all_done)
		log_notice("stopped");
	else
		log_warning("stopped, %zu sessions were cut",
		    libmilter_sessions());
	/* While others still work, nothing may be cleaned up below them. */
	if (!all_done || reload_is_running())
		_exit(status);
	return status;
}

/* ---- the start ---- */

static size_t
raise_limit(void)
{
	struct rlimit limit;
	rlim_t sessions;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return MIN_SESSIONS;
	limit.rlim_cur = limit.rlim_max < FILES_MAX ? limit.rlim_max :
	    FILES_MAX;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	sessions = limit.rlim_cur / RESERVED_PART;
	if (limit.rlim_cur - sessions > RESERVED_FILES)
		sessions = limit.rlim_cur - RESERVED_FILES;
	return sessions > MIN_SESSIONS ? (size_t)sessions : MIN_SESSIONS;
}

static int
open_milter(const struct daemon_settings *settings, struct strbuf *err)
{
	const struct service *service = state.service;
	struct libmilter_options options = {
		.fd = service->listener.fd,
		.timeout = settings->milter_timeout,
		.max_header_bytes = settings->max_header_bytes,
		.max_sessions = raise_limit(),
		.counters = vitals_filter_counters(state.vitals),
	};

	return libmilter_open(service->filter, &options, err);
}

int
service_open(const struct service *service, struct strbuf *err)
{
	struct snapshot *snapshot = snapshot_current();
	int rc;

	state.service = service;
	state.main_thread = pthread_self();
	state.vitals = vitals_new(service->filter);
	reload_open(service, state.vitals);
	rc = open_milter(daemon_settings_of(service->filter, snapshot->conf),
	    err);
	snapshot_unref(snapshot);
	return rc;
}

int
service_start(struct strbuf *err)
{
	pthread_t thread;
	int rc;

	hooks_serve();
	rc = pthread_create(&thread, NULL, milter_thread, NULL);
	if (rc != 0) {
		strbuf_addf(err, "cannot start a thread: %s", strerror(rc));
		return -1;
	}
	pthread_detach(thread);
	return 0;
}

int
service_run(void)
{
	struct ticks ticks = make_ticks();

	notify_send("READY=1\nSTATUS=Serving");
	serve(&ticks);
	if (state.gave_up)
		log_error("libmilter gave up");
	return stop(&ticks);
}
