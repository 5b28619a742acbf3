/*
 * readahead.h - fewer system calls for libmilter's small reads.
 *
 * libmilter asks the system five times for each packet: it polls, reads the
 * packet's length, polls, reads the rest, polls for the next one. A message's
 * header is dozens of packets that lie in the socket together. What is there is
 * read at once and handed out from memory.
 *
 * The bytes read ahead belong to the thread that read them: libmilter gives a
 * session to another thread only after a poll found nothing more of it.
 */
#ifndef POSTERN_MILTER_READAHEAD_H
#define POSTERN_MILTER_READAHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whether a read of fd by this thread would be served from memory. */
bool readahead_has(int fd);

/* As read(2); only connections that came by watch_start() are read ahead. */
ssize_t readahead_read(int fd, void *to, size_t size);

/* Before this thread closes fd: its number may be a file's next. */
void readahead_forget(int fd);

#endif
