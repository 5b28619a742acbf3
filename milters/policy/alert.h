/*
 * alert.h - tells the admin of the first overrun of a limit: a line in the log
 * and, where AlertCommand is set, a program of the admin's.
 *
 * The program is run without a shell and without arguments, its standard input
 * /dev/null, what it has to know in its environment: POSTERN_RULE,
 * POSTERN_KEY, POSTERN_COUNT, POSTERN_LIMIT, POSTERN_PERIOD (seconds) and
 * POSTERN_QUEUE_ID, escaped as in the log, and PATH. Nobody waits for it.
 */
#ifndef POSTERN_MILTERS_POLICY_ALERT_H
#define POSTERN_MILTERS_POLICY_ALERT_H

#include "common/base/span.h"

enum {
	ALERTS_MAX = 4,		/* programs at a time; more are dropped, with a
				   line in the log */
	ALERT_SECONDS = 60	/* then it is killed */
};

struct alert {
	struct span rule, key, queue_id;
	int64_t count, limit, period;
};

/* command NULL: only the log line. now_ms: the monotonic clock. */
void alert_raise(const char *command, const struct alert *alert,
    int64_t now_ms);

/* Once a second or so: looks after programs that have ended or take too long.
 * How many still run. */
size_t alert_tick(int64_t now_ms);

#endif
