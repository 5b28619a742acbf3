/*
 * watch.h - the MTA's connections, seen from outside of libmilter, which keeps
 * them to itself.
 */
#ifndef POSTERN_MILTER_WATCH_H
#define POSTERN_MILTER_WATCH_H

#include <stddef.h>
#include <stdint.h>

/* Before anything else, when the limit of open files is what it will be. */
void watch_open(void);

/* fd is a connection from now on, until it is closed by whomever. */
void watch_start(int fd);

/* We wait for fd's other end; it is we who have something to do. Nothing
 * happens where fd is no connection. Any thread, lock-free. */
void watch_waits(int fd);
void watch_works(int fd);

/* How many connections have exactly as much unread as at the last call: one
 * thread only. */
size_t watch_starved(void);

/* Ends the connections whose other end was silent for that long. */
void watch_expire(int64_t ms);

#endif
