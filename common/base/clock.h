/*
 * clock.h - the two clocks. Intervals and deadlines use the monotonic one,
 * time stamps the wall clock. Modules below the daemons take times as
 * arguments and do not call these.
 */
#ifndef POSTERN_BASE_CLOCK_H
#define POSTERN_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall(void);		/* seconds since 1970 UTC */
int64_t clock_monotonic_ms(void);	/* milliseconds since some point */
int64_t clock_monotonic_us(void);
/* What the calling thread has had of a processor, in microseconds; some ten
 * times as dear to ask for. */
int64_t clock_thread_us(void);

#endif
