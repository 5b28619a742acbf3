/*
 * gate.h - lets connections in to libmilter.
 *
 * libmilter has no setting for what a daemon needs, so this module
 * puts functions of its own in the place of five of the C library's that
 * libmilter calls (the linker prefers the program's):
 *
 * - accept(): out of descriptors, libmilter tries again without a pause, and
 *   it knows neither a limit of sessions nor a way to let nobody more in while
 *   the open sessions go on. All of it is done here.
 * - poll(): libmilter looks for silent sessions every ten minutes only. Here is
 *   seen when each one last had something to read.
 * - read(), close(): libmilter makes five system calls for each command and each
 *   field of the header; here what has come is fetched at once (readahead.h).
 * - sigwait(): libmilter waits for SIGHUP, SIGTERM and SIGINT in a thread and
 *   cuts all sessions on each of them. That thread sleeps instead; the daemon
 *   takes its signals by sigtimedwait().
 */
#ifndef POSTERN_MILTER_GATE_H
#define POSTERN_MILTER_GATE_H

#include <stddef.h>
#include <stdint.h>

/* timeout: how long a session may be silent, ms. */
void gate_open(int fd, size_t max_sessions, int64_t timeout);

/*
 * Those who wait in the queue are let in, for a second at most, and then
 * nobody any more: who comes later is refused. A Unix socket's file must be
 * gone already.
 */
void gate_close(void);

/*
 * To be called twice a second or so. Ends silent sessions; and helps those that
 * libmilter forgets: of several that have something to read at the same moment
 * it may hand only some to a worker, the others wait until anything else
 * happens, which is as long as the first ones' clients like. Where data lies
 * unread, that something is made to happen: a connection of our own, which
 * ends at once.
 */
void gate_tick(void);

/*
 * A worker of libmilter is going to sit still. Where it was the one that the
 * sessions spoken of above waited for, they would do so until it goes on, or
 * until the second tick from now: a connection of our own has libmilter look
 * for another worker at once. Any thread.
 */
void gate_will_wait(void);

/* A connection that came through the gate is closed; one that was counted out
 * goes on after all. */
void gate_left(void);
void gate_entered(void);

size_t gate_inside(void);	/* connections open now */
uint64_t gate_total(void);	/* let in so far, without our own */

#endif
