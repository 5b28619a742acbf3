/*
 * unit.h - what every unit test includes: cmocka and comparisons that print
 * what differs.
 */
#ifndef POSTERN_TESTS_UNIT_H
#define POSTERN_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/diag.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"

/* For rows of a table: name is the row's. */
#define ROW_EQ(name, got, want) do {					\
	struct span got_ = (got), want_ = (want);			\
	if (!span_eq(got_, want_))					\
		fail_msg("%s: got \"%.*s\", want \"%.*s\"", (name),	\
		    SPAN_ARG(got_), SPAN_ARG(want_));			\
} while (0)

#define ROW_IS(name, condition) do {					\
	if (!(condition))						\
		fail_msg("%s: does not hold: %s", (name), #condition);	\
} while (0)

#define SPAN_IS(got, text)	ROW_EQ(#got, (got), span_of(text))

/* True where an item of that level holds text. */
static inline bool
diag_has(const struct diag *d, enum diag_level level, const char *text)
{
	struct strbuf line = STRBUF_INIT;
	bool found = false;
	size_t i;

	for (i = 0; i < d->count && !found; i++) {
		strbuf_reset(&line);
		diag_format(&d->items[i], &line);
		found = d->items[i].level == level &&
		    strstr(line.s, text) != NULL;
	}
	strbuf_clear(&line);
	return found;
}

#endif
