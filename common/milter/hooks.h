/*
 * hooks.h - calls a filter's serve, tick and stop: never two of them at a
 * time, none after stop.
 */
#ifndef POSTERN_MILTER_HOOKS_H
#define POSTERN_MILTER_HOOKS_H

#include "common/milter/counters.h"

/* snapshot_current() is in use from now on. It stays until it is served no
 * longer: the one before it is still there while the filter takes over. */
void hooks_serve(void);

/* Does not wait: while another hook runs this is left out. */
void hooks_tick(struct counters *counters);

/* Once; returns when the filter has saved what it has to. */
void hooks_stop(void);

#endif
