#include "common/tables/signrows.h"

#include "common/base/mem.h"
#include "common/tables/pattern.h"

#include <stdlib.h>

enum {
	COVER_GLOBS_MAX = 64,
	EXTRA_MAX = 1 << 30
};

struct span
signrow_written(const struct signrows *rows, const struct signrow *row)
{
	return span_make(rows->text + row->at, row->at_len);
}

static struct span
pattern_of(const struct signrows *rows, const struct signrow *row)
{
	return row->is_extra ? span_of(rows->extra.s + row->pattern) :
	    signrow_written(rows, row);
}

static bool
has_pattern(const void *arg, uint32_t number, struct span text)
{
	const struct signrows *rows = arg;

	return span_eq_nocase(pattern_of(rows, &rows->rows[number]), text);
}

void
signrows_init(struct signrows *rows, const char *text, bool is_refile)
{
	memset(rows, 0, sizeof(*rows));
	rows->text = text;
	rows->is_refile = is_refile;
	strbuf_addc(&rows->extra, '\0');	/* no text is at 0 */
	rowindex_init(&rows->index, rows, has_pattern);
}

void
signrows_clear(struct signrows *rows)
{
	rowindex_clear(&rows->index);
	strbuf_clear(&rows->extra);
	free(rows->rows);
	free(rows->globs);
}

struct signrow *
signrows_add(struct signrows *rows, struct span written, unsigned line)
{
	struct signrow *row;

	if (rows->count == rows->cap) {
		rows->cap = rows->cap != 0 ? rows->cap * 2 : 16;
		rows->rows = xreallocarray(rows->rows, rows->cap,
		    sizeof(*rows->rows));
	}
	row = &rows->rows[rows->count++];
	memset(row, 0, sizeof(*row));
	row->at = (uint32_t)(written.p - rows->text);
	row->at_len = (uint16_t)(written.len < UINT16_MAX ? written.len :
	    UINT16_MAX);
	row->line = line;
	return row;
}

uint32_t
signrows_keep(struct signrows *rows, struct span text)
{
	size_t at = rows->extra.len;

	if (at > EXTRA_MAX) {
		rows->is_full = true;
		return 0;
	}
	strbuf_addspan(&rows->extra, text);
	strbuf_addc(&rows->extra, '\0');
	return (uint32_t)at;
}

static void
add_glob(struct signrows *rows, uint32_t number)
{
	if (rows->glob_count == rows->glob_cap) {
		rows->glob_cap = rows->glob_cap != 0 ? rows->glob_cap * 2 : 16;
		rows->globs = xreallocarray(rows->globs, rows->glob_cap,
		    sizeof(*rows->globs));
	}
	rows->globs[rows->glob_count++] = number;
}

static size_t
count_dots(struct span s)
{
	size_t i, n = 0;

	for (i = 0; i < s.len; i++)
		n += s.p[i] == '.';
	return n;
}

void
signrows_index(struct signrows *rows, const struct signpattern *pattern)
{
	uint32_t number = (uint32_t)(rows->count - 1), last;
	struct signrow *row = &rows->rows[number];
	bool is_glob = pattern->kind == SIGNPATTERN_GLOB;

	if (pattern->kind == SIGNPATTERN_NEVER)
		return;
	/* glob_match() wants lower case */
	if (is_glob || !span_eq_nocase(signrow_written(rows, row),
	    pattern->text)) {
		row->pattern = signrows_keep(rows, pattern->text);
		row->is_extra = true;
	}
	rows->has_kind[pattern->kind] = true;
	if (is_glob) {
		add_glob(rows, number);
		return;
	}
	if (pattern->kind == SIGNPATTERN_BELOW ||
	    pattern->kind == SIGNPATTERN_USER_BELOW)
		rows->has_below[count_dots(pattern->domain) + 1] = true;
	row->next = number;
	last = rowindex_add(&rows->index, pattern->text, number);
	if (last == number)
		return;
	row->next = rows->rows[last].next;
	rows->rows[last].next = number;
	rowindex_set(&rows->index, pattern->text, number);
}

/* ---- finding ---- */

static bool
make_query(struct signrows_query *query, const struct signrows *rows,
    struct span local, struct span domain)
{
	size_t i, len = 0;

	if (local.len > ADDRESS_LOCAL_MAX || domain.len > DOMAIN_MAX)
		return false;
	for (i = 0; i < local.len; i++)
		query->text[len++] = ascii_lower(local.p[i]);
	query->text[len++] = '@';
	for (i = 0; i < domain.len; i++)
		query->text[len++] = ascii_lower(domain.p[i]);
	query->rows = rows;
	query->local = span_make(query->text, local.len);
	query->domain = span_make(query->text + local.len + 1, domain.len);
	query->count = 0;
	query->glob = 0;
	query->wanted = SIGNROWS_PLACES_MAX;
	query->trace = NULL;
	return true;
}

/* A look-up that is told about is made also where it cannot find anything, so
 * that the telling is complete. */
static bool
is_wanted(const struct signrows_query *query, enum signpattern_kind kind)
{
	return query->count < query->wanted &&
	    (query->trace != NULL || query->rows->has_kind[kind]);
}

/* The rows of the pattern head + middle + place. */
static void
find_ring(struct signrows_query *query, enum signpattern_kind kind,
    struct span head, const char *middle, struct span place)
{
	const struct signrows *rows = query->rows;
	char text[ADDRESS_LOCAL_MAX + DOMAIN_MAX + 8];
	size_t between = strlen(middle);
	struct span pattern;
	uint32_t last;

	if (!is_wanted(query, kind))
		return;
	memcpy(text, head.p, head.len);
	memcpy(text + head.len, middle, between);
	memcpy(text + head.len + between, place.p, place.len);
	pattern = span_make(text, head.len + between + place.len);
	last = rowindex_get(&rows->index, pattern);
	if (query->trace != NULL)
		query->trace(query->trace_arg, pattern, last != SIGNROW_NONE ?
		    rows->rows[rows->rows[last].next].line : 0);
	if (last != SIGNROW_NONE)
		query->rings[query->count++] = (struct signrows_ring){
		    rows->rows[last].next, last };
}

/* For each parent suffix of the domain, from the longest. */
static void
find_below(struct signrows_query *query, bool has_user)
{
	bool is_refile = query->rows->is_refile;
	struct span place = query->domain;
	size_t dots;

	if (!is_wanted(query, SIGNPATTERN_USER_BELOW) &&
	    !is_wanted(query, SIGNPATTERN_BELOW))
		return;
	for (dots = count_dots(place); dots > 0; dots--) {
		place = span_skip(place, span_find(place, '.'));
		if (query->trace != NULL || query->rows->has_below[dots]) {
			if (has_user)
				find_ring(query, SIGNPATTERN_USER_BELOW,
				    query->local, is_refile ? "@*" : "@",
				    place);
			find_ring(query, SIGNPATTERN_BELOW, span_of(""),
			    is_refile ? "*@*" : "", place);
		}
		place = span_skip(place, 1);
	}
}

/*
 * All patterns but globs. A local part "*" (it is a legal one) would ask for
 * the patterns of whole domains as if they were its own.
 */
static void
find_rings(struct signrows_query *query)
{
	bool is_refile = query->rows->is_refile;
	bool has_user = query->local.len > 0 && !span_is(query->local, "*");

	if (has_user)
		find_ring(query, SIGNPATTERN_ADDRESS, query->local, "@",
		    query->domain);
	find_ring(query, SIGNPATTERN_DOMAIN, span_of(""),
	    is_refile ? "*@" : "", query->domain);
	find_below(query, has_user);
	if (has_user)
		find_ring(query, SIGNPATTERN_USER, query->local, "@*",
		    span_of(""));
	find_ring(query, SIGNPATTERN_ALL, span_of(""), "*", span_of(""));
}

bool
signrows_find(const struct signrows *rows, struct span local,
    struct span domain, bool first_only, signtable_trace *trace,
    void *trace_arg, struct signrows_query *query)
{
	if (!make_query(query, rows, local, domain))
		return false;
	query->trace = trace;
	query->trace_arg = trace_arg;
	/* In a refile: a row that stands higher may be found later. */
	if (first_only && !rows->is_refile)
		query->wanted = 1;
	find_rings(query);
	return true;
}

/*
 * The ring that is next: in a refile: the one at the lowest row, else the first
 * found. NULL where all are at their end.
 */
static struct signrows_ring *
next_ring(struct signrows_query *query)
{
	struct signrows_ring *ring, *best = NULL;
	size_t i;

	for (i = 0; i < query->count; i++) {
		ring = &query->rings[i];
		if (ring->next == SIGNROW_NONE)
			continue;
		if (!query->rows->is_refile)
			return ring;
		if (best == NULL || ring->next < best->next)
			best = ring;
	}
	return best;
}

/* The next glob that matches and stands above row limit. */
static uint32_t
next_glob(struct signrows_query *query, uint32_t limit)
{
	const struct signrows *rows = query->rows;
	struct span address = span_make(query->text,
	    query->local.len + 1 + query->domain.len);
	const struct signrow *row;
	uint32_t number;
	bool is_match;

	while (query->glob < rows->glob_count &&
	    rows->globs[query->glob] < limit) {
		number = rows->globs[query->glob++];
		row = &rows->rows[number];
		is_match = glob_match_address(pattern_of(rows, row), address,
		    query->local.len);
		if (query->trace != NULL)
			query->trace(query->trace_arg,
			    signrow_written(rows, row),
			    is_match ? row->line : 0);
		if (is_match)
			return number;
	}
	return SIGNROW_NONE;
}

uint32_t
signrows_next(struct signrows_query *query)
{
	struct signrows_ring *ring = next_ring(query);
	uint32_t number = ring != NULL ? ring->next : SIGNROW_NONE;
	uint32_t above = next_glob(query, number);

	if (above != SIGNROW_NONE || ring == NULL)
		return above;
	ring->next = number == ring->last ? SIGNROW_NONE :
	    query->rows->rows[number].next;
	return number;
}

/* ---- covering ---- */

/* A pattern that matches another one's text, "*" for "*", matches all that
 * other one does. */
static bool
glob_covers(struct span glob, struct span text)
{
	size_t at = span_rfind(text, '@');

	if (at < text.len)
		return glob_match_address(glob, text, at);
	return !span_has(glob, '@') && glob_match(glob, text);
}

static uint32_t
first_of_ring(const struct signrows *rows, struct span pattern)
{
	uint32_t last = rowindex_get(&rows->index, pattern);

	return last != SIGNROW_NONE ? rows->rows[last].next : SIGNROW_NONE;
}

/* The first row but for globs: a pattern's halves are looked up as if they were
 * an address. */
static uint32_t
first_cover(const struct signrows *rows, struct span text)
{
	size_t at = span_rfind(text, '@');
	struct signrows_query query;
	struct signrows_ring *ring;

	if (at == text.len || !make_query(&query, rows, span_first(text, at),
	    span_skip(text, at + 1)))
		return first_of_ring(rows, SPAN_LIT("*"));
	find_rings(&query);
	ring = next_ring(&query);
	return ring != NULL ? ring->next : SIGNROW_NONE;
}

uint32_t
signrows_same(const struct signrows *rows, const struct signpattern *pattern)
{
	return pattern->kind == SIGNPATTERN_NEVER ? SIGNROW_NONE :
	    first_of_ring(rows, pattern->text);
}

uint32_t
signrows_cover(const struct signrows *rows,
    const struct signpattern *pattern)
{
	const struct signrow *row;
	uint32_t first;
	size_t i;

	if (pattern->kind == SIGNPATTERN_NEVER)
		return SIGNROW_NONE;
	first = first_cover(rows, pattern->text);
	for (i = 0; i < rows->glob_count && i < COVER_GLOBS_MAX; i++) {
		row = &rows->rows[rows->globs[i]];
		if (rows->globs[i] < first &&
		    glob_covers(pattern_of(rows, row), pattern->text))
			return rows->globs[i];
	}
	return first;
}
