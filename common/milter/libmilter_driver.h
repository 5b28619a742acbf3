/*
 * libmilter_driver.h - runs a filter behind libmilter; the libmilter_*.c files
 * are the only ones that know that library. There is one filter in a process.
 */
#ifndef POSTERN_MILTER_LIBMILTER_DRIVER_H
#define POSTERN_MILTER_LIBMILTER_DRIVER_H

#include "common/milter/filter.h"

struct libmilter_options {
	int fd;				/* listening, see listen.h */
	int64_t timeout;		/* seconds the MTA may be silent */
	int64_t max_header_bytes;
	size_t max_sessions;		/* more wait in the socket's queue */
	struct counters *counters;	/* the filter's */
};

/* Registers the filter. -1, a sentence in err, where libmilter refuses. */
int libmilter_open(const struct filter *filter,
    const struct libmilter_options *options, struct strbuf *err);

/*
 * Serves; to be called with SIGHUP, SIGTERM and SIGINT blocked. Returns -1
 * where libmilter gave up: otherwise it goes on until the process exits, for
 * libmilter's own way to stop cuts the sessions that are open.
 */
int libmilter_run(void);

/* From any thread: who is in the socket's queue is served yet, then nobody
 * more is let in. */
void libmilter_stop(void);

/* Twice a second or so: see gate_tick(). */
void libmilter_tick(void);

/* Connections open now. */
size_t libmilter_sessions(void);
uint64_t libmilter_sessions_total(void);

/* After snapshot_swap(): lets go of the old snapshot where no message needs
 * it, without waiting for the next one. */
void libmilter_refresh(void);

#endif
