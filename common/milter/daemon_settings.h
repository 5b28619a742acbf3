/*
 * daemon_settings.h - the settings that every daemon has, as rows to put into
 * the daemon's own table.
 */
#ifndef POSTERN_MILTER_DAEMON_SETTINGS_H
#define POSTERN_MILTER_DAEMON_SETTINGS_H

#include "common/milter/filter.h"

/* The settings every daemon has. */
struct daemon_settings {
	const char *socket;
	const char *socket_group;
	int64_t socket_mode;
	int64_t umask;
	const char *user;
	const char *pid_file;
	const char *base_directory;
	const char *counters_file;
	int log_target;			/* enum log_target + 1; 0: by -f */
	int log_level;
	const char *syslog_facility;
	int64_t milter_timeout;		/* seconds the MTA may be silent */
	int64_t max_header_bytes;
};

/* Their rows; type is the daemon's conf struct, member its daemon_settings. */
#define DAEMON_ROW(type, member, name, kind, field, def, lo, hi, words, flags) \
	{ name, kind, offsetof(type, member) +				\
	    offsetof(struct daemon_settings, field), def, lo, hi, words, flags }

extern const char *const log_target_words[];
extern const char *const log_level_words[];

#define DAEMON_SETTINGS(t, m)						\
	DAEMON_ROW(t, m, "Socket", SETTING_STRING, socket, NULL,	\
	    1, 4096, NULL, SETTING_AT_START),				\
	DAEMON_ROW(t, m, "SocketGroup", SETTING_STRING, socket_group, NULL, \
	    1, 64, NULL, SETTING_AT_START),				\
	DAEMON_ROW(t, m, "SocketMode", SETTING_OCTAL, socket_mode, "0660", \
	    0, 0777, NULL, SETTING_AT_START),				\
	DAEMON_ROW(t, m, "UMask", SETTING_OCTAL, umask, "007",		\
	    0, 0777, NULL, SETTING_AT_START),				\
	DAEMON_ROW(t, m, "UserID", SETTING_STRING, user, NULL,		\
	    1, 130, NULL, SETTING_AT_START),				\
	DAEMON_ROW(t, m, "PidFile", SETTING_PATH, pid_file, NULL,	\
	    1, 4096, NULL, SETTING_AT_START),				\
	DAEMON_ROW(t, m, "BaseDirectory", SETTING_STRING, base_directory, \
	    NULL, 1, 4096, NULL, 0),					\
	DAEMON_ROW(t, m, "CountersFile", SETTING_PATH, counters_file, NULL, \
	    1, 4096, NULL, 0),						\
	DAEMON_ROW(t, m, "LogTarget", SETTING_WORD, log_target, "auto",	\
	    0, 0, log_target_words, 0),					\
	DAEMON_ROW(t, m, "LogLevel", SETTING_WORD, log_level, "info",	\
	    0, 0, log_level_words, 0),					\
	DAEMON_ROW(t, m, "SyslogFacility", SETTING_STRING, syslog_facility, \
	    "mail", 1, 16, NULL, 0),					\
	DAEMON_ROW(t, m, "MilterTimeout", SETTING_SECONDS, milter_timeout, \
	    "10m", 10, 7210, NULL, SETTING_AT_START),			\
	DAEMON_ROW(t, m, "MaximumHeaders", SETTING_BYTES, max_header_bytes, \
	    "1M", 1024, 64 << 20, NULL, 0)

static inline const struct daemon_settings *
daemon_settings_of(const struct filter *filter, const void *conf)
{
	return (const void *)((const char *)conf + filter->daemon_offset);
}

#endif
