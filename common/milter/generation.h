/*
 * generation.h - sessions that agreed with the MTA on the same stages and
 * macros.
 *
 * A session gets each new snapshot at its next message, as long as that one
 * needs no stage or macro the session did without when it began. Where it
 * does, the session keeps to the newest one that fits, and new sessions agree
 * anew. An idle session holds on to no snapshot of its own.
 *
 * All functions may be called from any thread.
 */
#ifndef POSTERN_MILTER_GENERATION_H
#define POSTERN_MILTER_GENERATION_H

#include "common/milter/snapshot.h"

struct generation;

/* The one a new session belongs to; generation_leave() gives it back. */
struct generation *generation_join(void);
void generation_leave(struct generation *generation);

/* The enum filter_step bits its sessions agree on. */
unsigned generation_steps(const struct generation *generation);
/* The macros they asked for by filter->extra_macros; "": none. */
const char *generation_macros(const struct generation *generation);

/* A reference to the snapshot its next message is to be handled with. */
struct snapshot *generation_snapshot(struct generation *generation);

/* Looks at snapshot_current() now and not at the next message only. */
void generation_refresh(void);

#endif
