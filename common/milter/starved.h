/*
 * starved.h - finds connections whose data nobody reads.
 */
#ifndef POSTERN_MILTER_STARVED_H
#define POSTERN_MILTER_STARVED_H

#include <stddef.h>

/* fd is a connection from now on until it is closed, by whomever. */
void starved_watch(int fd);

/* How many connections have exactly as much unread as at the last call. */
size_t starved_count(void);

#endif
