/*
 * span.h - text that belongs to somebody else: a pointer and a length.
 *
 * All text from outside (message, envelope, DNS, tables) is handled as spans.
 * A span may hold any byte, NUL too; it is cut and compared in place and never
 * outlives what it points into. Letters are compared in ASCII only: mail's
 * case-insensitive names are ASCII, and a locale must not change them.
 */
#ifndef POSTERN_BASE_SPAN_H
#define POSTERN_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *p;
	size_t len;
};

/* For printf's "%.*s": only where the text is known to be printable. */
#define SPAN_ARG(s)	(int)(s).len, (s).p
#define SPAN_LIT(text)	((struct span){ (text), sizeof(text) - 1 })

static inline struct span
span_make(const void *p, size_t len)
{
	return (struct span){ p, len };
}

/* The bytes of a C string; NULL gives the empty span. */
static inline struct span
span_of(const char *s)
{
	return (struct span){ s != NULL ? s : "", s != NULL ? strlen(s) : 0 };
}

static inline bool
is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* WSP, CR and LF: what folding and blank runs are made of. */
static inline bool
is_fws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool
span_eq(struct span a, struct span b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool span_eq_nocase(struct span a, struct span b);
bool span_is(struct span a, const char *text);		/* exact */
bool span_is_nocase(struct span a, const char *text);
bool span_starts(struct span a, struct span prefix);
bool span_ends_nocase(struct span a, struct span suffix);
/* < 0, 0, > 0 as memcmp over the bytes, the shorter first when it is a prefix */
int span_cmp(struct span a, struct span b);

/* Without leading and trailing WSP, CR and LF. */
struct span span_trim(struct span s);
struct span span_skip(struct span s, size_t n);		/* n clipped to len */
struct span span_first(struct span s, size_t n);	/* n clipped to len */

/* The offset of the first c, or s.len where there is none. */
size_t span_find(struct span s, char c);
size_t span_rfind(struct span s, char c);
bool span_has(struct span s, char c);

/*
 * Cuts *rest at the first c: *head gets what is before it, *rest what is after
 * it, and true is returned. Without a c, *head gets everything, *rest becomes
 * empty, and false is returned.
 */
bool span_cut(struct span *rest, char c, struct span *head);

/*
 * Takes the next line off *rest, without its LF or CRLF. False at the end.
 */
bool span_line(struct span *rest, struct span *line);

/*
 * Takes the next item of a list off *rest; items are separated by commas
 * and/or blanks and come without them. False when nothing is left.
 */
bool span_item(struct span *rest, struct span *item);

/*
 * Reads all of s as a decimal number. False, *value untouched, where s is
 * empty, holds anything but digits, or is over max.
 */
bool span_number(struct span s, uint64_t max, uint64_t *value);

#endif
