#include "common/milter/vitals.h"

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/milter/libmilter_driver.h"

#include <unistd.h>

enum row { START_TIME, SESSIONS_OPEN, SESSIONS, RELOADS_OK, RELOADS_FAILED,
    LAST_RELOAD_OK, ROWS };

static const struct counter_row patterns[ROWS] = {
	[START_TIME] = { "start_time_seconds", NULL,
	    "When the daemon started, seconds since 1970.", GAUGE },
	[SESSIONS_OPEN] = { "sessions_open", NULL,
	    "Connections of the MTA that are open.", GAUGE },
	[SESSIONS] = { "sessions_total", NULL,
	    "Connections of the MTA since the start.", COUNTER },
	[RELOADS_OK] = { "reloads_total", "result=\"ok\"",
	    "Reloads of the configuration.", COUNTER },
	[RELOADS_FAILED] = { "reloads_total", "result=\"failed\"",
	    NULL, COUNTER },
	[LAST_RELOAD_OK] = { "last_reload_successful", NULL,
	    "1 where the files on disk are the ones in use.", GAUGE },
};

struct vitals {
	struct arena arena;
	struct counter_row rows[ROWS];
	struct counter_schema schema;
	struct counters *own;
	struct counters *filter;
	bool has_failed;	/* to write the file */
};

/* "postern-sign", "sessions_open" make "postern_sign_sessions_open". */
static const char *
metric_name(struct arena *arena, const char *program, const char *name)
{
	char *metric = arena_printf(arena, "%s_%s", program, name);
	char *p;

	for (p = metric; *p != '\0'; p++)
		if (*p == '-')
			*p = '_';
	return metric;
}

struct vitals *
vitals_new(const struct filter *filter)
{
	struct vitals *v = xcalloc(1, sizeof(*v));
	size_t i;

	for (i = 0; i < ROWS; i++) {
		v->rows[i] = patterns[i];
		v->rows[i].metric = metric_name(&v->arena, filter->name,
		    patterns[i].metric);
	}
	v->schema = (struct counter_schema){ v->rows, ROWS };
	v->own = counters_new(&v->schema);
	if (filter->counters != NULL)
		v->filter = counters_new(filter->counters);
	counters_set(v->own, START_TIME, clock_wall());
	counters_set(v->own, LAST_RELOAD_OK, 1);
	return v;
}

struct counters *
vitals_filter_counters(struct vitals *vitals)
{
	return vitals->filter;
}

void
vitals_reloaded(struct vitals *vitals, bool is_ok)
{
	counters_add(vitals->own, is_ok ? RELOADS_OK : RELOADS_FAILED, 1);
	counters_set(vitals->own, LAST_RELOAD_OK, is_ok);
}

/* What to do about a directory that is not there, or not ours. */
static const char *
remedy(const char *path, struct arena *arena)
{
	size_t slash = span_rfind(span_of(path), '/');
	const char *directory = slash == strlen(path) ? "." :
	    arena_printf(arena, "%.*s", slash > 0 ? (int)slash : 1, path);

	if (access(directory, F_OK) != 0)
		return arena_printf(arena, "; make the directory %s and give "
		    "it to the daemon's user (the systemd unit does so with "
		    "RuntimeDirectory)", directory);
	if (access(directory, W_OK | X_OK) != 0)
		return arena_printf(arena, "; the daemon's user must be able "
		    "to write in %s", directory);
	return "";
}

static void
say_failure(const char *path, const char *why)
{
	struct arena arena = ARENA_INIT;

	log_error("CountersFile: %s%s", why, remedy(path, &arena));
	arena_clear(&arena);
}

void
vitals_publish(struct vitals *vitals, const char *path)
{
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	bool has_failed;

	if (path == NULL)
		return;
	counters_set(vitals->own, SESSIONS_OPEN,
	    (int64_t)libmilter_sessions());
	counters_set(vitals->own, SESSIONS,
	    (int64_t)libmilter_sessions_total());
	if (vitals->filter != NULL)
		counters_format(vitals->filter, &text);
	counters_format(vitals->own, &text);
	has_failed = file_publish(path, strbuf_span(&text), 0644, &err) != 0;
	if (has_failed && !vitals->has_failed)
		say_failure(path, err.s);
	else if (!has_failed && vitals->has_failed)
		log_notice("CountersFile: %s is written again", path);
	vitals->has_failed = has_failed;
	strbuf_clear(&err);
	strbuf_clear(&text);
}
