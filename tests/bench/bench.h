/*
 * bench.h - what the measuring programs share.
 */
#ifndef POSTERN_TESTS_BENCH_H
#define POSTERN_TESTS_BENCH_H

/* One line on stderr, exit 2. */
void bench_die(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

double bench_now(void);		/* seconds, monotonic */
double bench_cpu(void);		/* user + system of this process, seconds */

#endif
