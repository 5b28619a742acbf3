#include "common/base/diag.h"

#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <stdlib.h>

static const char *const level_names[] = {
	[DIAG_ERROR] = "error",
	[DIAG_WARNING] = "warning",
	[DIAG_NOTE] = "note",
};

const char *
diag_level_name(enum diag_level level)
{
	return level_names[level];
}

void
diag_clear(struct diag *d)
{
	arena_clear(&d->arena);
	free(d->items);
	*d = (struct diag)DIAG_INIT;
}

static void __attribute__((format(printf, 5, 0)))
report(struct diag *d, enum diag_level level, const char *file, unsigned line,
    const char *fmt, va_list ap)
{
	struct strbuf text = STRBUF_INIT, clean = STRBUF_INIT;
	struct diag_item *item;

	if (diag_skip(d, level))
		return;
	d->found[level]++;
	if (d->count == d->cap) {
		d->cap = d->cap != 0 ? d->cap * 2 : 8;
		d->items = xreallocarray(d->items, d->cap, sizeof(*d->items));
	}
	strbuf_vaddf(&text, fmt, ap);
	escape_add(&clean, strbuf_span(&text), SIZE_MAX,
	    ESCAPE_UTF8 | ESCAPE_AGAIN);
	item = &d->items[d->count++];
	item->level = level;
	item->file = file != NULL ? arena_strdup(&d->arena, file) : NULL;
	item->line = line;
	item->text = arena_strdup(&d->arena, strbuf_str(&clean));
	strbuf_clear(&clean);
	strbuf_clear(&text);
}

#define DIAG_FUNCTION(name, level)					\
void									\
name(struct diag *d, const char *file, unsigned line, const char *fmt, ...) \
{									\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	report(d, level, file, line, fmt, ap);				\
	va_end(ap);							\
}

DIAG_FUNCTION(diag_error, DIAG_ERROR)
DIAG_FUNCTION(diag_warning, DIAG_WARNING)
DIAG_FUNCTION(diag_note, DIAG_NOTE)

bool
diag_skip(struct diag *d, enum diag_level level)
{
	if (d->found[level] < DIAG_KEEP)
		return false;
	d->found[level]++;
	return true;
}

const char *
diag_quote(struct diag *d, struct span s)
{
	struct strbuf quoted = STRBUF_INIT;
	const char *text;

	strbuf_addc(&quoted, '"');
	escape_add(&quoted, s, 128, ESCAPE_QUOTE | ESCAPE_UTF8);
	strbuf_addc(&quoted, '"');
	text = arena_strdup(&d->arena, strbuf_str(&quoted));
	strbuf_clear(&quoted);
	return text;
}

void
diag_format(const struct diag_item *item, struct strbuf *out)
{
	if (item->file != NULL && item->line != 0)
		strbuf_addf(out, "%s:%u: ", item->file, item->line);
	else if (item->file != NULL)
		strbuf_addf(out, "%s: ", item->file);
	strbuf_addf(out, "%s: %s", level_names[item->level], item->text);
}

/* "and 12 more errors", or nothing; true where there is something to say. */
static bool
format_rest(const struct diag *d, enum diag_level level, struct strbuf *out)
{
	size_t found = d->found[level];

	strbuf_reset(out);
	if (found <= DIAG_KEEP)
		return false;
	strbuf_addf(out, "and %zu more %ss", found - DIAG_KEEP,
	    level_names[level]);
	return true;
}

static void
log_item(enum diag_level level, const char *text)
{
	if (level == DIAG_ERROR)
		log_error("%s", text);
	else if (level == DIAG_WARNING)
		log_warning("%s", text);
	else
		log_notice("%s", text);
}

void
diag_log(const struct diag *d)
{
	struct strbuf line = STRBUF_INIT;
	size_t i;
	int level;

	for (i = 0; i < d->count; i++) {
		strbuf_reset(&line);
		diag_format(&d->items[i], &line);
		log_item(d->items[i].level, strbuf_str(&line));
	}
	for (level = DIAG_ERROR; level <= DIAG_NOTE; level++)
		if (format_rest(d, (enum diag_level)level, &line))
			log_item((enum diag_level)level, strbuf_str(&line));
	strbuf_clear(&line);
}

void
diag_print(const struct diag *d, FILE *fp)
{
	struct strbuf line = STRBUF_INIT;
	size_t i;
	int level;

	for (i = 0; i < d->count; i++) {
		strbuf_reset(&line);
		diag_format(&d->items[i], &line);
		fprintf(fp, "%s\n", strbuf_str(&line));
	}
	for (level = DIAG_ERROR; level <= DIAG_NOTE; level++)
		if (format_rest(d, (enum diag_level)level, &line))
			fprintf(fp, "%s\n", strbuf_str(&line));
	strbuf_clear(&line);
}
