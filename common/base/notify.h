/*
 * notify.h - what a service tells systemd: one datagram to $NOTIFY_SOCKET
 * (sd_notify(3)'s protocol). Without that variable nothing happens.
 */
#ifndef POSTERN_BASE_NOTIFY_H
#define POSTERN_BASE_NOTIFY_H

#include <stdint.h>

/* state: lines such as "READY=1" or "STATUS=...", separated by LF. */
void notify_send(const char *state);

/* How often to send WATCHDOG=1, in milliseconds: half of what systemd asks of
 * this process by $WATCHDOG_USEC and $WATCHDOG_PID; 0: not at all. */
int64_t notify_watchdog_ms(void);

#endif
