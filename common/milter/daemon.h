/*
 * daemon.h - the life of a milter daemon: options, settings, privileges,
 * socket, signals, counters. A daemon's main() is
 *
 *	return daemon_main(argc, argv, &filter);
 *
 *	-c FILE		configuration (default: sysconfdir/postern/<name>.conf)
 *	-f		stay in the foreground (log to stderr unless set)
 *	-n		check configuration, tables and keys fully, say all that
 *			is wrong; exit 0 or 78
 *	-h, --help	these options
 *	-V, --version	version
 *	--show-config	every setting's value and where it comes from
 *
 * Without -f it goes to the background when all stands; until then its errors
 * go to the terminal, and its exit status is the command's. Root makes the
 * socket and the pid file and becomes UserID before it reads tables and keys,
 * so that a reload sees what the start saw.
 *
 * Exit status: 0; 64 usage; 69 another instance answers on the socket; 71 the
 * system refused; 73 socket or pid file cannot be made; 77 no such user or no
 * right to become it; 78 configuration (sysexits(3)).
 *
 * SIGHUP: all is read anew beside the running state and swapped in, or, where
 * anything is wrong, refused with file:line and everything stays. SIGTERM,
 * SIGINT: no new connections, open sessions are finished, 30 s at most, exit 0;
 * a second one ends at once.
 */
#ifndef POSTERN_MILTER_DAEMON_H
#define POSTERN_MILTER_DAEMON_H

#include "common/milter/filter.h"

enum { DAEMON_STOP_SECONDS = 30, DAEMON_COUNTERS_SECONDS = 10 };

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

int daemon_main(int argc, char **argv, const struct filter *filter);

#endif
