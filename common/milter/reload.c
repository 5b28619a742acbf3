#include "common/milter/reload.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/notify.h"
#include "common/milter/hooks.h"
#include "common/milter/libmilter_driver.h"
#include "common/milter/snapshot.h"

#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* Of the process. */
static struct {
	const struct service *service;
	struct vitals *vitals;
	char **at_start;	/* values of SETTING_AT_START rows, or NULL */
	pthread_mutex_t lock;
	bool is_wanted;		/* under the lock */
	bool is_running;
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

static char *
format_setting(const struct setting *setting, const void *conf)
{
	struct strbuf text = STRBUF_INIT;

	config_format(setting, conf, &text);
	return text.s != NULL ? strbuf_detach(&text) : xstrdup("");
}

/* A later reload is held against what the start took, not against the reload
 * before it. */
static void
remember_at_start(const struct snapshot *snapshot)
{
	const struct config_schema *schema = snapshot->filter->schema;
	size_t i;

	state.at_start = xcalloc(schema->count, sizeof(*state.at_start));
	for (i = 0; i < schema->count; i++)
		if ((schema->settings[i].flags & SETTING_AT_START) != 0)
			state.at_start[i] = format_setting(
			    &schema->settings[i], snapshot->conf);
}

static void
warn_of_restart(const struct snapshot *snapshot, struct diag *diag)
{
	const struct config_schema *schema = snapshot->filter->schema;
	char *now;
	size_t i;

	for (i = 0; i < schema->count; i++) {
		if (state.at_start[i] == NULL)
			continue;
		now = format_setting(&schema->settings[i], snapshot->conf);
		if (strcmp(now, state.at_start[i]) != 0)
			diag_warning(diag, snapshot->origins[i].file,
			    snapshot->origins[i].line, "%s: the new value "
			    "counts after a restart only; \"%s\" stays in use",
			    schema->settings[i].name, state.at_start[i]);
		free(now);
	}
}

static void
say_reloading(void)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n"
	    "STATUS=Reading the configuration anew", clock_monotonic_us());
	notify_send(text.s);
	strbuf_clear(&text);
}

static struct snapshot *
load_anew(struct diag *diag)
{
	const struct service *service = state.service;
	struct snapshot_options options = { .file = service->config,
	    .uid = geteuid(), .gid = getegid() };
	struct snapshot *next;

	next = snapshot_load(service->filter, &options, diag);
	if (next == NULL)
		return NULL;
	service->check(service, next->conf, next->origins, diag);
	if (!diag_failed(diag)) {
		warn_of_restart(next, diag);
		return next;
	}
	snapshot_unref(next);
	return NULL;
}

static void
reload(void)
{
	const struct service *service = state.service;
	struct diag diag = DIAG_INIT;
	int64_t began = clock_monotonic_ms();
	struct snapshot *next;

	say_reloading();
	next = load_anew(&diag);
	if (next != NULL) {
		service_open_log(service,
		    daemon_settings_of(service->filter, next->conf));
		snapshot_swap(next);
		hooks_serve();
		libmilter_refresh();
		malloc_trim(0);	/* the old tables' memory */
	}
	diag_log(&diag);
	if (next != NULL)
		log_notice("configuration reloaded in %" PRId64 " ms",
		    clock_monotonic_ms() - began);
	else
		log_error("reload refused, see above: everything stays as it "
		    "was");
	vitals_reloaded(state.vitals, next != NULL);
	notify_send(next != NULL ? "READY=1\nSTATUS=Serving" :
	    "READY=1\nSTATUS=Serving with the old configuration: the new one "
	    "was refused");
	diag_clear(&diag);
}

static bool
is_done(void)
{
	bool done;

	pthread_mutex_lock(&state.lock);
	done = !state.is_wanted;
	state.is_wanted = false;
	if (done)
		state.is_running = false;
	pthread_mutex_unlock(&state.lock);
	return done;
}

static void *
reload_thread(void *unused)
{
	while (!is_done())
		reload();
	return unused;
}

void
reload_open(const struct service *service, struct vitals *vitals)
{
	struct snapshot *snapshot = snapshot_current();

	state.service = service;
	state.vitals = vitals;
	remember_at_start(snapshot);
	snapshot_unref(snapshot);
}

void
reload_request(void)
{
	pthread_t thread;
	bool start;
	int rc = 0;

	pthread_mutex_lock(&state.lock);
	state.is_wanted = true;
	start = !state.is_running;
	state.is_running = true;
	pthread_mutex_unlock(&state.lock);
	if (start)
		rc = pthread_create(&thread, NULL, reload_thread, NULL);
	if (start && rc == 0)
		pthread_detach(thread);
	if (rc == 0)
		return;
	log_error("cannot reload: %s", strerror(rc));
	while (!is_done())
		;
}

bool
reload_is_running(void)
{
	bool is;

	pthread_mutex_lock(&state.lock);
	is = state.is_running;
	pthread_mutex_unlock(&state.lock);
	return is;
}
