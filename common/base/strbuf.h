/*
 * strbuf.h - text we make: a buffer that grows, so nothing is cut silently.
 *
 * A zeroed struct strbuf is an empty, valid one. s is always NUL-terminated
 * once anything was added; strbuf_str() gives a C string in every case. The
 * content may hold NUL bytes; len counts them.
 */
#ifndef POSTERN_BASE_STRBUF_H
#define POSTERN_BASE_STRBUF_H

#include "common/base/span.h"

#include <stdarg.h>

struct strbuf {
	char *s;
	size_t len;
	size_t cap;
};

#define STRBUF_INIT	{ NULL, 0, 0 }

void strbuf_clear(struct strbuf *b);	/* frees; b is empty and usable after */
/* Overwrites what it held (secrets), then frees. */
void strbuf_wipe(struct strbuf *b);
void strbuf_reset(struct strbuf *b);	/* empties, keeps the memory */
void strbuf_reserve(struct strbuf *b, size_t more);
void strbuf_truncate(struct strbuf *b, size_t len);

void strbuf_add(struct strbuf *b, const void *data, size_t len);
void strbuf_adds(struct strbuf *b, const char *s);
void strbuf_addspan(struct strbuf *b, struct span s);
void strbuf_addlower(struct strbuf *b, struct span s);
void strbuf_addf(struct strbuf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static inline void
strbuf_addc(struct strbuf *b, char c)
{
	if (b->cap - b->len < 2)
		strbuf_reserve(b, 1);
	b->s[b->len++] = c;
	b->s[b->len] = '\0';
}

static inline const char *
strbuf_str(const struct strbuf *b)
{
	return b->s != NULL ? b->s : "";
}

static inline struct span
strbuf_span(const struct strbuf *b)
{
	return span_make(strbuf_str(b), b->len);
}

/* Hands the malloc'ed C string to the caller and leaves b empty. */
char *strbuf_detach(struct strbuf *b);

#endif
