#include "common/tables/accesstable.h"

#include "common/base/mem.h"
#include "common/tables/accessblock.h"

#include <stdlib.h>

enum { DEPTH_MAX = 100 };	/* of if in if */

struct pattern {
	struct regex *regex;
	bool is_negated;
	unsigned line;
	const struct access_rule *rule;	/* NULL: an if */
	size_t end;		/* of an if: the first row behind its endif */
};

struct patterns {
	struct pattern *rows;
	size_t count, cap;
	size_t rules;
};

/* What letters behind a pattern turn round, and what there is without. */
struct dialect {
	bool is_posix;
	unsigned flags;
	struct {
		char letter;
		unsigned flags;
	} letters[8];
};

static const struct dialect posix = {
	.is_posix = true,
	.flags = REGEX_NOCASE | REGEX_DOTALL | REGEX_DOLLAR_END,
	.letters = {
		{ 'i', REGEX_NOCASE },
		{ 'm', REGEX_MULTILINE | REGEX_DOTALL },
	},
};

static const struct dialect pcre = {
	.flags = REGEX_NOCASE | REGEX_DOTALL,
	.letters = {
		{ 'i', REGEX_NOCASE },
		{ 'm', REGEX_MULTILINE },
		{ 's', REGEX_DOTALL },
		{ 'x', REGEX_EXTENDED },
		{ 'A', REGEX_ANCHORED },
		{ 'E', REGEX_DOLLAR_END },
		{ 'U', REGEX_UNGREEDY },
		{ 'X', 0 },
	},
};

static struct regex *
compile_posix(struct access_source *source, struct span text, unsigned flags,
    struct strbuf *err)
{
	struct strbuf perl = STRBUF_INIT;
	struct regex *regex = NULL;
	char letter;

	if (regex_from_posix(text, &perl, &letter, err)) {
		regex = regex_compile(strbuf_span(&perl), flags, err);
		if (letter != '\0')
			access_advise(source, "\"\\%c\" is the letter %c in "
			    "regexp: tables; write that, or make the table a "
			    "pcre: one", letter, letter);
	}
	strbuf_clear(&perl);
	return regex;
}

struct regex *
access_regex_read(struct access_source *source, struct span pattern,
    unsigned flags, bool is_posix)
{
	struct strbuf err = STRBUF_INIT;
	struct regex *regex;

	regex = is_posix ? compile_posix(source, pattern, flags, &err) :
	    regex_compile(pattern, flags, &err);
	if (regex == NULL)
		access_refuse(source, "the pattern %s: %s",
		    access_quote(source, pattern), strbuf_str(&err));
	strbuf_clear(&err);
	return regex;
}

/* The pattern between its delimiters; false where the second is missing. */
static bool
cut_delimited(struct span *row, struct span *pattern)
{
	char delimiter = row->p[0];
	size_t i;

	for (i = 1; i < row->len && row->p[i] != delimiter; i++)
		if (row->p[i] == '\\')
			i++;
	if (i >= row->len)
		return false;
	*pattern = span_make(row->p + 1, i - 1);
	*row = span_skip(*row, i + 1);
	return true;
}

static bool
read_flag(const struct dialect *dialect, char letter, unsigned *flags)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(dialect->letters); i++) {
		if (letter != dialect->letters[i].letter)
			continue;
		*flags ^= dialect->letters[i].flags;
		return true;
	}
	return false;
}

static bool
read_flags(struct access_source *source, const struct dialect *dialect,
    struct span *row, unsigned *flags)
{
	struct span word;
	size_t i;

	*flags = dialect->flags;
	access_cut_word(row, &word);
	for (i = 0; i < word.len; i++) {
		if (word.p[i] == '!')
			access_refuse(source, "two patterns in a row are not "
			    "read; write if and endif around the second");
		else if (dialect->is_posix && word.p[i] == 'x')
			access_refuse(source, "basic expressions, by the flag "
			    "x, are not read; write it as an extended one, "
			    "without x");
		else if (!read_flag(dialect, word.p[i], flags))
			access_refuse(source, "%s has a letter behind the "
			    "pattern that means nothing there; the action "
			    "comes after a blank", access_quote(source, word));
		else
			continue;
		return false;
	}
	return true;
}

/* "!/pattern/flags", at the beginning of *row. */
static bool
read_pattern(struct access_source *source, const struct dialect *dialect,
    struct span *row, struct pattern *pattern)
{
	struct span text;
	unsigned flags;

	while (row->len > 0 && row->p[0] == '!') {
		pattern->is_negated = !pattern->is_negated;
		*row = span_trim(span_skip(*row, 1));
	}
	if (row->len == 0 || is_alpha(row->p[0]) || is_digit(row->p[0]) ||
	    row->p[0] == '\\') {
		access_refuse(source, "%s begins with no pattern; write "
		    "/pattern/ ACTION", access_quote(source, *row));
		return false;
	}
	if (!cut_delimited(row, &text)) {
		access_refuse(source, "%s: the pattern has no end; write a "
		    "second \"%c\"", access_quote(source, *row), row->p[0]);
		return false;
	}
	if (!read_flags(source, dialect, row, &flags))
		return false;
	pattern->regex = access_regex_read(source, text, flags,
	    dialect->is_posix);
	return pattern->regex != NULL;
}

static void
add(struct patterns *patterns, const struct pattern *pattern)
{
	if (patterns->count == patterns->cap) {
		patterns->cap = patterns->cap != 0 ? patterns->cap * 2 : 16;
		patterns->rows = xreallocarray(patterns->rows, patterns->cap,
		    sizeof(*patterns->rows));
	}
	patterns->rows[patterns->count++] = *pattern;
}

struct loading {
	struct access_source *source;
	const struct dialect *dialect;
	struct patterns *patterns;
	size_t open[DEPTH_MAX];		/* the rows of the ifs */
	unsigned depth;
};

static void
take_if(struct loading *load, struct span row)
{
	struct pattern pattern = { .line = load->source->line };

	if (load->depth == DEPTH_MAX) {
		access_refuse(load->source, "there are over %d if around "
		    "this one; make several tables", DEPTH_MAX - 1);
		return;
	}
	/* A bad one is opened too, for its endif's sake. */
	if (read_pattern(load->source, load->dialect, &row, &pattern) &&
	    row.len > 0)
		access_refuse(load->source, "%s stands behind the pattern of "
		    "an if; write it on a line of its own",
		    access_quote(load->source, row));
	load->open[load->depth++] = load->patterns->count;
	add(load->patterns, &pattern);
}

static void
take_endif(struct loading *load)
{
	struct patterns *patterns = load->patterns;

	if (load->depth > 0)
		patterns->rows[load->open[--load->depth]].end =
		    patterns->count;
}

static void
take_rule(struct loading *load, struct span row)
{
	struct pattern pattern = { .line = load->source->line };

	if (!read_pattern(load->source, load->dialect, &row, &pattern))
		return;
	pattern.rule = access_rule_read(load->source, row,
	    pattern.is_negated ? ACCESS_NEGATED :
	    (int)regex_groups(pattern.regex));
	if (pattern.rule == NULL) {
		regex_free(pattern.regex);
		return;
	}
	add(load->patterns, &pattern);
	load->patterns->rules++;
}

static void *
load_patterns(struct access_source *source, const struct dialect *dialect)
{
	struct loading load = { .source = source, .dialect = dialect };
	struct span row, rest;

	load.patterns = xcalloc(1, sizeof(*load.patterns));
	while (access_source_next(source, &row)) {
		rest = row;
		switch (access_block_word(source, &rest, load.depth)) {
		case ACCESS_IF:
			take_if(&load, rest);
			break;
		case ACCESS_ENDIF:
			take_endif(&load);
			break;
		default:
			take_rule(&load, row);
			break;
		}
	}
	access_block_end(source, load.depth, load.depth == 0 ? 0 :
	    load.patterns->rows[load.open[load.depth - 1]].line);
	return load.patterns;
}

static void *
load_posix(struct access_source *source)
{
	return load_patterns(source, &posix);
}

static void *
load_pcre(struct access_source *source)
{
	return load_patterns(source, &pcre);
}

static void
free_patterns(void *rows)
{
	struct patterns *patterns = rows;
	size_t i;

	if (patterns == NULL)
		return;
	for (i = 0; i < patterns->count; i++)
		regex_free(patterns->rows[i].regex);
	free(patterns->rows);
	free(patterns);
}

/* Whether the row holds; one that ran into a limit, or for which there was no
 * time, does not, negated or not. */
static bool
holds(const struct pattern *pattern, struct regex_scratch *scratch,
    struct span whole)
{
	enum regex_result result = regex_match(pattern->regex, scratch, whole);

	return result != REGEX_LIMIT &&
	    (result == REGEX_YES) != pattern->is_negated;
}

static bool
find_whole(const struct patterns *patterns, struct regex_scratch *scratch,
    struct span whole, struct arena *arena, struct access_hit *hit)
{
	const struct pattern *pattern;
	size_t i = 0;

	while (i < patterns->count) {
		pattern = &patterns->rows[i++];
		if (!holds(pattern, scratch, whole)) {
			if (pattern->rule == NULL)
				i = pattern->end;
			continue;
		}
		if (pattern->rule == NULL)
			continue;
		*hit = (struct access_hit){ pattern->rule,
		    pattern->rule->text, pattern->line };
		if (!pattern->rule->has_groups || access_rule_fill(
		    pattern->rule, scratch, arena, &hit->text))
			return true;
	}
	return false;
}

static bool
find_pattern(const void *rows, const struct access_query *query,
    struct access_hit *hit)
{
	struct regex_scratch *scratch = regex_scratch_new(query->patterns);
	bool found = false;
	size_t i;

	for (i = 0; i < ARRAY_LEN(query->wholes) && !found; i++)
		if (query->wholes[i].len > 0)
			found = find_whole(rows, scratch, query->wholes[i],
			    query->arena, hit);
	regex_scratch_free(scratch);
	return found;
}

static size_t
count_patterns(const void *rows)
{
	return ((const struct patterns *)rows)->rules;
}

#define PATTERN_KIND(loader)						\
{									\
	.subjects = (1 << ACCESS_SUBJECTS) - 1,				\
	.load = loader,							\
	.free = free_patterns,						\
	.find = find_pattern,						\
	.count = count_patterns,					\
}

const struct access_kind access_regexp_kind = PATTERN_KIND(load_posix);
const struct access_kind access_pcre_kind = PATTERN_KIND(load_pcre);
