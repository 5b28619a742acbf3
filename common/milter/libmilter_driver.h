/*
 * libmilter_driver.h - runs a filter behind libmilter; its .c is the only file
 * that knows that library.
 */
#ifndef POSTERN_MILTER_LIBMILTER_DRIVER_H
#define POSTERN_MILTER_LIBMILTER_DRIVER_H

#include "common/milter/filter.h"

struct libmilter_options {
	const char *socket;		/* "unix:/path" or "inet:port@host" */
	int64_t timeout;		/* seconds */
	int64_t max_header_bytes;
	struct counters *counters;
};

/* Registers the filter and opens the socket. -1, a sentence in err. */
int libmilter_open(const struct filter *filter,
    const struct libmilter_options *options, struct strbuf *err);

/* Serves until libmilter_stop(); 0, or -1 where libmilter gave up. */
int libmilter_run(void);

/* From any thread: accept nothing more. libmilter_run() returns when the
 * sessions in hand are done or the caller gives up on them and exits. */
void libmilter_stop(void);

/* Sessions open now. */
size_t libmilter_sessions(void);

#endif
