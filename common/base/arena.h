/*
 * arena.h - memory with one lifetime: a message's, a connection's, a
 * configuration's. Taken piece by piece, given back all at once.
 *
 * A zeroed struct arena is an empty, valid one. An arena is for one thread at
 * a time. Pieces are aligned for any type and are not zeroed.
 */
#ifndef POSTERN_BASE_ARENA_H
#define POSTERN_BASE_ARENA_H

#include "common/base/span.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;	/* newest first */
	size_t total;			/* bytes handed out since the reset */
};

#define ARENA_INIT	{ NULL, 0 }

void *arena_alloc(struct arena *a, size_t size)
    __attribute__((returns_nonnull));
void *arena_zalloc(struct arena *a, size_t size)
    __attribute__((returns_nonnull));
/* Copies with a NUL behind, so that .p is also a C string. */
struct span arena_dup(struct arena *a, struct span s);
struct span arena_duplower(struct arena *a, struct span s);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Everything becomes free again; the first block is kept for what follows. */
void arena_reset(struct arena *a);
void arena_clear(struct arena *a);	/* everything back to the system */

#endif
