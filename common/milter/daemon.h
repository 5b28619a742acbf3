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
 * Exit status: 0; 64 usage; 69 another instance answers on the socket; 70
 * libmilter gave up; 71 the system refused; 73 socket or pid file cannot be
 * made; 77 no such user or no right to become it; 78 configuration
 * (sysexits(3)).
 *
 * SIGHUP: all is read anew beside the running state and swapped in, or, where
 * anything is wrong, refused with file:line and everything stays. SIGTERM,
 * SIGINT: no new connections, open sessions are finished, 30 s at most, exit 0;
 * a second one ends at once.
 */
#ifndef POSTERN_MILTER_DAEMON_H
#define POSTERN_MILTER_DAEMON_H

#include "common/milter/daemon_settings.h"

enum { DAEMON_STOP_SECONDS = 30, DAEMON_COUNTERS_SECONDS = 10 };

int daemon_main(int argc, char **argv, const struct filter *filter);

#endif
