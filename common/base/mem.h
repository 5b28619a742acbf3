/*
 * mem.h - memory that is there or the process is not.
 *
 * None of these returns NULL: without memory they log one line and abort, so
 * that the supervisor restarts a clean process and no caller carries a branch
 * that nobody can test. Sizes that come from outside are bounded before they
 * get here.
 */
#ifndef POSTERN_BASE_MEM_H
#define POSTERN_BASE_MEM_H

#include <stddef.h>

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
/* Zeroed. */
void *xcalloc(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull));
/* An array of count members of size bytes each; the product is checked. */
void *xreallocarray(void *old, size_t count, size_t size)
    __attribute__((returns_nonnull));
/* What a library's function gave that has no other failure than memory: p. */
void *xnonnull(void *p) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xmemdup0(const void *data, size_t len)
    __attribute__((malloc, returns_nonnull));

#endif
