#include "common/tables/accesssource.h"

#include "common/base/escape.h"

#include <errno.h>
#include <sys/stat.h>

/* What postmap made of a text file that went missing is no text file. */
static bool
refuse_made(struct span path, const char *made,
    const struct dataset_place *place, struct arena *arena,
    struct diag *diag)
{
	const char *text = dataset_resolve(place->base_directory, path, arena);
	const char *other;
	struct stat st;

	if (made == NULL || stat(text, &st) == 0 || errno != ENOENT)
		return false;
	other = arena_printf(arena, "%s%s", text, made);
	if (stat(other, &st) != 0)
		return false;
	diag_error(diag, place->file, place->line, "%s: there is only %s, and "
	    "that is not read, but the text it was made of; write that again "
	    "(postmap -s TYPE:%s > %s)", place->setting, other, text, text);
	return true;
}

bool
access_source_open(struct access_source *source, struct span path,
    const char *made, const struct dataset_place *place, struct diag *diag)
{
	const char *spec;

	source->diag = diag;
	spec = arena_printf(&source->scratch, "file:%.*s", SPAN_ARG(path));
	return !refuse_made(path, made, place, &source->scratch, diag) &&
	    dataset_open(spec, place, &source->set, diag) == 0;
}

void
access_source_close(struct access_source *source)
{
	if (source->set.name != NULL)
		dataset_close(&source->set);
	strbuf_clear(&source->joined);
	arena_clear(&source->scratch);
}

/* The next line that is no comment, as it stands; empty ones are none. */
static bool
next_line(struct access_source *source, struct span *line)
{
	struct span text;

	while (span_line(&source->set.rest, line)) {
		source->set.line++;
		text = span_trim(*line);
		if (text.len > 0 && text.p[0] != '#')
			return true;
	}
	return false;
}

/* Whether what follows may go on with the row at hand: as Postfix has it,
 * comments and empty lines between do not end it. */
static bool
may_go_on(const struct access_source *source)
{
	struct span rest = source->set.rest;

	return rest.len > 0 && (is_fws(rest.p[0]) || rest.p[0] == '#');
}

static void
join_lines(struct access_source *source, struct span *row)
{
	struct span before, line;
	unsigned number;

	strbuf_reset(&source->joined);
	while (may_go_on(source)) {
		before = source->set.rest;
		number = source->set.line;
		if (!next_line(source, &line))
			break;
		if (!is_wsp(line.p[0])) {
			source->set.rest = before;
			source->set.line = number;
			break;
		}
		if (source->joined.len == 0)
			strbuf_addspan(&source->joined, *row);
		strbuf_addspan(&source->joined, line);
	}
	if (source->joined.len > 0)
		*row = strbuf_span(&source->joined);
}

bool
access_source_next(struct access_source *source, struct span *row)
{
	const char *why;

	while (next_line(source, row)) {
		arena_reset(&source->scratch);
		source->line = source->set.line;
		if (is_wsp(row->p[0]))
			why = "begins with blanks, but there is no row before "
			    "it that it could go on with";
		else {
			join_lines(source, row);
			why = dataset_fault(*row);
		}
		*row = span_trim(*row);
		if (why == NULL)
			return true;
		access_refuse(source, "%s", why);
	}
	return false;
}

void
access_cut_word(struct span *row, struct span *word)
{
	bool is_quoted = false;
	size_t n;

	for (n = 0; n < row->len; n++) {
		if (row->p[n] == '\\' && is_quoted && n + 1 < row->len)
			n++;
		else if (row->p[n] == '"')
			is_quoted = !is_quoted;
		else if (is_fws(row->p[n]) && !is_quoted)
			break;
	}
	*word = span_first(*row, n);
	*row = span_trim(span_skip(*row, n));
}

static void __attribute__((format(printf, 3, 0)))
complain(struct access_source *source, enum diag_level level, const char *fmt,
    va_list ap)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_vaddf(&text, fmt, ap);
	if (level == DIAG_ERROR)
		diag_error(source->diag, source->set.name, source->line,
		    "%s: %s", source->set.setting, text.s);
	else
		diag_warning(source->diag, source->set.name, source->line,
		    "%s: %s", source->set.setting, text.s);
	strbuf_clear(&text);
}

#define COMPLAINT(name, level)						\
void									\
name(struct access_source *source, const char *fmt, ...)		\
{									\
	va_list ap;							\
									\
	if (diag_skip(source->diag, level))				\
		return;							\
	va_start(ap, fmt);						\
	complain(source, level, fmt, ap);				\
	va_end(ap);							\
}

COMPLAINT(access_refuse, DIAG_ERROR)
COMPLAINT(access_advise, DIAG_WARNING)

/* In the scratch memory, not diag's: a million bad rows quote a million. */
const char *
access_quote(struct access_source *source, struct span text)
{
	struct strbuf quoted = STRBUF_INIT;
	const char *result;

	strbuf_addc(&quoted, '"');
	escape_add(&quoted, text, 128, ESCAPE_QUOTE | ESCAPE_UTF8);
	strbuf_addc(&quoted, '"');
	result = arena_dup(&source->scratch, strbuf_span(&quoted)).p;
	strbuf_clear(&quoted);
	return result;
}
