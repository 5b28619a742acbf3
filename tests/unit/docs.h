/*
 * docs.h - a daemon's settings table held against what is written of it: each
 * setting stands in the manual and in the sample file, with its default, and
 * each name that the daemon knows of other software in the migration table.
 */
#ifndef POSTERN_TESTS_UNIT_DOCS_H
#define POSTERN_TESTS_UNIT_DOCS_H

#include "tests/unit/unit.h"

#include "common/base/file.h"
#include "common/config/settings.h"

struct docs {
	const struct config_schema *schema;
	const char *settings_page;	/* "man/sign.conf.5" */
	const char *daemon_page;	/* has the migration table */
	const char *sample;
};

static inline struct strbuf
docs_read(const char *name)
{
	struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;
	struct strbuf err = STRBUF_INIT;
	const char *srcdir = getenv("POSTERN_SRCDIR");

	strbuf_addf(&path, "%s/%s", srcdir != NULL ? srcdir : ".", name);
	if (file_read(path.s, 1 << 20, &text, NULL, &err) != 0)
		fail_msg("%s", strbuf_str(&err));
	strbuf_clear(&path);
	return text;
}

/* True where word stands there with no name character on either side. */
static inline bool
docs_has_word(const struct strbuf *text, const char *word)
{
	const char *at = strbuf_str(text);
	size_t len = strlen(word);
	char before, after;

	for (; (at = strstr(at, word)) != NULL; at++) {
		before = at == text->s ? ' ' : at[-1];
		after = at[len];
		if (!is_alpha(before) && before != '-' && !is_alpha(after) &&
		    after != '-')
			return true;
	}
	return false;
}

static inline void
docs_have_settings(const struct docs *docs)
{
	struct strbuf manual = docs_read(docs->settings_page);
	struct strbuf sample = docs_read(docs->sample);
	const char *name;
	size_t i;

	for (i = 0; i < docs->schema->count; i++) {
		name = docs->schema->settings[i].name;
		if (!docs_has_word(&manual, name))
			fail_msg("%s is not in %s", name,
			    docs->settings_page);
		if (!docs_has_word(&sample, name))
			fail_msg("%s is not in %s", name, docs->sample);
	}
	strbuf_clear(&manual);
	strbuf_clear(&sample);
}

static inline void
docs_have_foreign(const struct docs *docs)
{
	struct strbuf manual = docs_read(docs->daemon_page);
	size_t i;

	for (i = 0; i < docs->schema->foreign_count; i++)
		if (!docs_has_word(&manual, docs->schema->foreign[i].name))
			fail_msg("%s is not in %s",
			    docs->schema->foreign[i].name,
			    docs->daemon_page);
	strbuf_clear(&manual);
}

/* What the page says of a setting: from its .It line to the next one. */
static inline struct span
docs_paragraph(const struct strbuf *manual, const char *name)
{
	struct span rest = strbuf_span(manual), line, found = SPAN_LIT("");
	struct strbuf item = STRBUF_INIT;
	const char *end;

	while (found.len == 0 && span_line(&rest, &line)) {
		strbuf_reset(&item);
		strbuf_addspan(&item, line);
		if (!span_starts(line, SPAN_LIT(".It Cm ")) ||
		    !docs_has_word(&item, name))
			continue;
		end = strstr(rest.p, "\n.It Cm ");
		if (end == NULL)
			end = rest.p + rest.len;
		found = span_make(line.p, (size_t)(end - line.p));
	}
	strbuf_clear(&item);
	return found;
}

/* "Default 5s", or the value in a .Li or .Cm of its own behind that word. */
static inline bool
docs_says_default(struct span paragraph, const char *value)
{
	static const char *const before[] = { " ", ":\n.Li ", "\n.Li ",
	    "\n.Cm ", ":\n.D1 ", ":\n.Dl " };
	struct strbuf text = STRBUF_INIT, want = STRBUF_INIT;
	bool found = false;
	size_t i;

	strbuf_addspan(&text, paragraph);
	for (i = 0; i < ARRAY_LEN(before) && !found; i++) {
		strbuf_reset(&want);
		strbuf_addf(&want, "efault%s%s", before[i], value);
		found = strstr(strbuf_str(&text), want.s) != NULL;
	}
	strbuf_clear(&text);
	strbuf_clear(&want);
	return found;
}

/* A default of rows has no line of its own, and no place to be shown at. */
static inline void
docs_bound_rows(const struct docs *docs)
{
	const struct setting *setting;
	size_t i;

	for (i = 0; i < docs->schema->count; i++) {
		setting = &docs->schema->settings[i];
		if (setting->type == SETTING_ROWS &&
		    (setting->value != NULL || setting->max <= 0))
			fail_msg("%s: rows have a bound and no default",
			    setting->name);
	}
}

static inline void
docs_tell_defaults(const struct docs *docs)
{
	struct strbuf manual = docs_read(docs->settings_page);
	const struct setting *setting;
	size_t i;

	for (i = 0; i < docs->schema->count; i++) {
		setting = &docs->schema->settings[i];
		if (setting->value != NULL && !docs_says_default(
		    docs_paragraph(&manual, setting->name), setting->value))
			fail_msg("%s: %s does not say \"Default %s\"",
			    setting->name, docs->settings_page,
			    setting->value);
	}
	strbuf_clear(&manual);
}

/* A line "#Name<tabs>value" of the sample is the default, where there is
 * one. */
static inline void
docs_show_defaults(const struct docs *docs)
{
	struct strbuf sample = docs_read(docs->sample);
	const struct setting *setting;
	struct span rest, line, name;
	size_t i;
	bool found;

	for (i = 0; i < docs->schema->count; i++) {
		setting = &docs->schema->settings[i];
		if (setting->value == NULL)
			continue;
		rest = strbuf_span(&sample);
		found = false;
		while (!found && span_line(&rest, &line)) {
			if (!span_cut(&line, '\t', &name) || name.len < 2 ||
			    name.p[0] != '#' ||
			    !span_is(span_skip(name, 1), setting->name))
				continue;
			found = true;
			line = span_trim(line);
			if (!span_is(line, setting->value))
				fail_msg("%s: the sample has \"%.*s\", the "
				    "default is \"%s\"", setting->name,
				    SPAN_ARG(line), setting->value);
		}
		if (!found)
			fail_msg("no \"#%s\" in %s", setting->name,
			    docs->sample);
	}
	strbuf_clear(&sample);
}

static const struct docs *docs_held;	/* by the tests below */

static inline void
test_settings(void **state)
{
	(void)state;
	docs_have_settings(docs_held);
	docs_bound_rows(docs_held);
	docs_tell_defaults(docs_held);
}

static inline void
test_foreign(void **state)
{
	(void)state;
	docs_have_foreign(docs_held);
}

static inline void
test_sample_defaults(void **state)
{
	(void)state;
	docs_show_defaults(docs_held);
}

/* All tests; what main() returns. */
static inline int
docs_run(const struct docs *docs)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_sample_defaults),
	};

	docs_held = docs;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
