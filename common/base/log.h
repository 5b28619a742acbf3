/*
 * log.h - where a daemon speaks: syslog, stderr (with the priority prefix the
 * journal understands) or JSON lines on stderr.
 *
 * All bytes that come in by a %s-like value of log_event are escaped here. The
 * printf-like functions are for texts whose outside parts went through
 * escape_add() already (struct diag does that). All functions may be called
 * from any thread; a line is written whole, by one call to the system.
 */
#ifndef POSTERN_BASE_LOG_H
#define POSTERN_BASE_LOG_H

#include "common/base/strbuf.h"

enum log_level { LOG_LEVEL_NONE = -1, LOG_LEVEL_ERROR, LOG_LEVEL_WARNING,
    LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_JSON };

/*
 * ident is borrowed for the life of the process. facility is a syslog word
 * ("mail", "daemon", "local0"...). Returns false, changing nothing, where it
 * is unknown. Before the first call lines go to stderr without a prefix.
 * May be called again (reload). most LOG_LEVEL_NONE: be silent.
 */
bool log_open(const char *ident, enum log_target target, const char *facility,
    enum log_level most);
bool log_facility_known(const char *facility);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * One line of key=value pairs about one message, or one JSON object:
 *
 *	struct log_event event;
 *
 *	log_event_start(&event, LOG_LEVEL_INFO, queue_id);
 *	log_event_add(&event, "result", SPAN_LIT("signed"));
 *	log_event_end(&event);
 *
 * The queue id comes first ("4X0000: result=signed ..."); an empty one is
 * "NOQUEUE". Keys are our own words. A value is cut at 512 bytes. A line below
 * the level costs next to nothing.
 */
struct log_event {
	struct strbuf line;
	enum log_level level;
	bool wanted;
	bool json;
};

void log_event_start(struct log_event *event, enum log_level level,
    struct span queue_id);
void log_event_add(struct log_event *event, const char *key,
    struct span value);
void log_event_adds(struct log_event *event, const char *key,
    const char *value);
void log_event_number(struct log_event *event, const char *key,
    int64_t value);
/* Several values of one key: "key=a key=b", in JSON an array. None: nothing. */
void log_event_list(struct log_event *event, const char *key,
    const struct span *values, size_t count);
void log_event_end(struct log_event *event);

#endif
