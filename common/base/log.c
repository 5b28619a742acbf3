#include "common/base/log.h"

#include "common/base/escape.h"
#include "common/base/json.h"
#include "common/base/mem.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *_Atomic ident;
	_Atomic enum log_target target;
	_Atomic enum log_level most;
	_Atomic bool open;
} state = { "postern", LOG_TO_STDERR, LOG_LEVEL_INFO, false };

static const struct { int priority; const char *name; } levels[] = {
	[LOG_LEVEL_ERROR] = { LOG_ERR, "error" },
	[LOG_LEVEL_WARNING] = { LOG_WARNING, "warning" },
	[LOG_LEVEL_NOTICE] = { LOG_NOTICE, "notice" },
	[LOG_LEVEL_INFO] = { LOG_INFO, "info" },
	[LOG_LEVEL_DEBUG] = { LOG_DEBUG, "debug" },
};

static const struct { const char *name; int facility; } facilities[] = {
	{ "mail", LOG_MAIL }, { "daemon", LOG_DAEMON }, { "user", LOG_USER },
	{ "auth", LOG_AUTH }, { "authpriv", LOG_AUTHPRIV },
	{ "cron", LOG_CRON }, { "news", LOG_NEWS }, { "syslog", LOG_SYSLOG },
	{ "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
};

static int
find_facility(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(facilities); i++)
		if (span_is_nocase(span_of(name), facilities[i].name))
			return facilities[i].facility;
	return -1;
}

bool
log_facility_known(const char *facility)
{
	return find_facility(facility) >= 0;
}

bool
log_open(const char *ident, enum log_target target, const char *facility,
    enum log_level most)
{
	int number = find_facility(facility);

	if (number < 0)
		return false;
	state.ident = ident;
	state.target = target;
	state.most = most;
	state.open = true;
	if (target == LOG_TO_SYSLOG)
		openlog(ident, LOG_PID | LOG_NDELAY, number);
	return true;
}

static void
write_stderr(struct strbuf *line)
{
	size_t done = 0;
	ssize_t n;

	strbuf_addc(line, '\n');
	while (done < line->len) {
		n = write(STDERR_FILENO, line->s + done, line->len - done);
		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

static void
start_json(struct json *j, struct strbuf *out, enum log_level level)
{
	struct timespec now;
	struct tm utc;
	char stamp[40];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	strbuf_addf(out, "{\"time\": \"%s.%03ldZ\"", stamp,
	    now.tv_nsec / 1000000);
	json_start(j, out);
	j->has_member[0] = true;
	json_cstring(j, "level", levels[level].name);
	json_cstring(j, "program", state.ident);
}

static void
emit(enum log_level level, struct strbuf *line)
{
	struct strbuf prefixed = STRBUF_INIT;

	if (state.target == LOG_TO_SYSLOG) {
		syslog(levels[level].priority, "%s", strbuf_str(line));
		return;
	}
	if (state.open && state.target == LOG_TO_STDERR)
		strbuf_addf(&prefixed, "<%d>", levels[level].priority);
	strbuf_addspan(&prefixed, strbuf_span(line));
	write_stderr(&prefixed);
	strbuf_clear(&prefixed);
}

static void __attribute__((format(printf, 2, 0)))
log_text(enum log_level level, const char *fmt, va_list ap)
{
	struct strbuf text = STRBUF_INIT, line = STRBUF_INIT;
	struct json j;

	if (level > state.most)
		return;
	strbuf_vaddf(&text, fmt, ap);
	if (state.target == LOG_TO_JSON) {
		start_json(&j, &line, level);
		json_string(&j, "message", strbuf_span(&text));
		strbuf_addc(&line, '}');
	} else {
		escape_add(&line, strbuf_span(&text), SIZE_MAX,
		    ESCAPE_UTF8 | ESCAPE_AGAIN);
	}
	emit(level, &line);
	strbuf_clear(&line);
	strbuf_clear(&text);
}

#define LOG_FUNCTION(name, level)			\
void							\
name(const char *fmt, ...)				\
{							\
	va_list ap;					\
							\
	va_start(ap, fmt);				\
	log_text(level, fmt, ap);			\
	va_end(ap);					\
}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_notice, LOG_LEVEL_NOTICE)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

void
log_event_start(struct log_event *event, enum log_level level,
    struct span queue_id)
{
	struct json j;

	*event = (struct log_event){ .level = level };
	event->wanted = level <= state.most;
	event->json = state.target == LOG_TO_JSON;
	if (!event->wanted)
		return;
	if (queue_id.len == 0)
		queue_id = SPAN_LIT("NOQUEUE");
	if (event->json) {
		start_json(&j, &event->line, level);
		json_string(&j, "queue_id", queue_id);
		return;
	}
	escape_add(&event->line, queue_id, 64, 0);
	strbuf_addc(&event->line, ':');
}

static void
json_member(struct log_event *event, struct json *j)
{
	json_start(j, &event->line);
	j->has_member[0] = true;
}

void
log_event_add(struct log_event *event, const char *key, struct span value)
{
	struct json j;

	if (!event->wanted)
		return;
	if (event->json) {
		json_member(event, &j);
		json_string(&j, key, span_first(value, ESCAPE_MAX));
		return;
	}
	strbuf_addf(&event->line, " %s=", key);
	escape_value(&event->line, value, ESCAPE_MAX);
}

void
log_event_list(struct log_event *event, const char *key,
    const struct span *values, size_t count)
{
	struct json j;
	size_t i;

	if (!event->wanted || count == 0)
		return;
	if (!event->json) {
		for (i = 0; i < count; i++)
			log_event_add(event, key, values[i]);
		return;
	}
	json_member(event, &j);
	json_array(&j, key);
	for (i = 0; i < count; i++)
		json_string(&j, NULL, span_first(values[i], ESCAPE_MAX));
	json_array_end(&j);
}

void
log_event_adds(struct log_event *event, const char *key, const char *value)
{
	log_event_add(event, key, span_of(value));
}

void
log_event_number(struct log_event *event, const char *key, int64_t value)
{
	struct json j;

	if (!event->wanted)
		return;
	if (event->json) {
		json_member(event, &j);
		json_number(&j, key, value);
		return;
	}
	strbuf_addf(&event->line, " %s=%" PRId64, key, value);
}

void
log_event_end(struct log_event *event)
{
	if (event->wanted) {
		if (event->json)
			strbuf_addc(&event->line, '}');
		emit(event->level, &event->line);
	}
	strbuf_clear(&event->line);
}
