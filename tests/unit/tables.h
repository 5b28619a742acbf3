/*
 * tables.h - what the tests of the tables share: files in a scratch directory
 * and the diagnostics they give, as text.
 */
#ifndef POSTERN_TESTS_TABLES_H
#define POSTERN_TESTS_TABLES_H

#include "common/base/file.h"
#include "common/tables/dataset.h"
#include "tests/unit/unit.h"

#include <unistd.h>

static char scratch[] = "/tmp/postern-test-XXXXXX";
static char scratch_files[64][64];
static size_t scratch_count;

/* The path of a file in the scratch directory; lasts until the fourth next
 * call. */
static inline const char *
scratch_path(const char *name)
{
	static char paths[4][128];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", scratch, name);
	return paths[turn];
}

/* text with each "DIR" replaced by the scratch directory; lasts until the next
 * call. */
static inline struct span
scratch_text(const char *text)
{
	static char buffer[8192];
	struct strbuf out = STRBUF_INIT;
	const char *hit;

	for (; (hit = strstr(text, "DIR")) != NULL; text = hit + 3) {
		strbuf_add(&out, text, (size_t)(hit - text));
		strbuf_adds(&out, scratch);
	}
	strbuf_adds(&out, text);
	assert_true(out.len < sizeof(buffer));
	memcpy(buffer, strbuf_str(&out), out.len + 1);
	text = buffer;
	hit = buffer + out.len;
	strbuf_clear(&out);
	return span_make(text, (size_t)(hit - text));
}

static inline void
scratch_write(const char *name, struct span text, mode_t mode)
{
	struct strbuf err = STRBUF_INIT;
	size_t i;

	if (file_publish(scratch_path(name), text, mode, &err) != 0)
		fail_msg("%s", err.s);
	for (i = 0; i < scratch_count; i++)
		if (strcmp(scratch_files[i], name) == 0)
			return;
	assert_true(scratch_count < ARRAY_LEN(scratch_files));
	snprintf(scratch_files[scratch_count++], sizeof(scratch_files[0]),
	    "%s", name);
}

static inline int
scratch_make(void **state)
{
	(void)state;
	return mkdtemp(scratch) != NULL ? 0 : -1;
}

static inline int
scratch_remove(void **state)
{
	(void)state;
	while (scratch_count > 0)
		unlink(scratch_path(scratch_files[--scratch_count]));
	return rmdir(scratch);
}

/* All of diag, a line each; "DIR" stands for the scratch directory. */
static inline void
diag_text(const struct diag *diag, struct strbuf *out)
{
	struct strbuf line = STRBUF_INIT;
	struct span rest;
	const char *hit;
	size_t i;

	for (i = 0; i < diag->count; i++) {
		strbuf_reset(&line);
		diag_format(&diag->items[i], &line);
		rest = strbuf_span(&line);
		while ((hit = rest.len != 0 ? memmem(rest.p, rest.len, scratch,
		    strlen(scratch)) : NULL) != NULL) {
			strbuf_add(out, rest.p, (size_t)(hit - rest.p));
			strbuf_adds(out, "DIR");
			rest = span_skip(rest, (size_t)(hit - rest.p) +
			    strlen(scratch));
		}
		strbuf_addspan(out, rest);
		strbuf_addc(out, '\n');
	}
	strbuf_clear(&line);
}

/* For rows of a table: diag says exactly that; it is cleared. */
static inline void
row_says(const char *name, struct diag *diag, const char *want)
{
	struct strbuf got = STRBUF_INIT;

	diag_text(diag, &got);
	if (!span_is(strbuf_span(&got), want))
		fail_msg("%s: got\n%swant\n%s", name, strbuf_str(&got), want);
	strbuf_clear(&got);
	diag_clear(diag);
}

#endif
