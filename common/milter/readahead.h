/*
 * readahead.h - fetches what the MTA has sent by one read() instead of many:
 * libmilter reads the five octets before each command and the command by
 * themselves, and asks before each whether there is something. For mail with
 * little to do for a filter that is more than half of what a message costs.
 *
 * By descriptor, like watch.h. A connection is read by one thread at a time;
 * for the rest, any thread.
 */
#ifndef POSTERN_MILTER_READAHEAD_H
#define POSTERN_MILTER_READAHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Before anything else, when the limit of open files is what it will be. */
void readahead_open(void);

/* fd is a connection from now on: one thread accepts. */
void readahead_start(int fd);
/* fd is going to be closed, whatever it is. Safe in a signal handler and after
 * fork(). */
void readahead_stop(int fd);

/*
 * fd has something to read, and whoever reads it is going to ask
 * readahead_has() before he waits for more: only then may more be fetched than
 * he wants. Nothing happens where fd is no connection.
 */
void readahead_allow(int fd);

/* Whether something was fetched and not read yet. */
bool readahead_has(int fd);

/* As read(2), with *got its result; false where fd is none that may be read
 * ahead of, and nothing was done. */
bool readahead_read(int fd, void *data, size_t len, ssize_t *got);

#endif
