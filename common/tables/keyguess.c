#include "common/tables/keytable.h"

#include "common/base/nearest.h"

enum { NAMES_MAX = 2000 };	/* names that are compared by spelling */

/* What somebody wrote instead of a row's name. */
struct hint {
	struct span name;
	struct span selector;	/* of an owner name, "s._domainkey.d" */
	struct span owner;	/* its domain; empty: it is none */
	struct span domain;	/* of the senders; may be empty */
};

static struct hint
read_hint(struct span name, struct span domain)
{
	static const struct span mark = { "._domainkey.", 12 };
	struct hint hint = { .name = name, .domain = domain };
	const char *at = name.len != 0 ?
	    memmem(name.p, name.len, mark.p, mark.len) : NULL;

	if (at == NULL)
		return hint;
	hint.selector = span_first(name, (size_t)(at - name.p));
	hint.owner = span_skip(name, hint.selector.len + mark.len);
	return hint;
}

/* How surely the row was meant; 0: not at all. */
static unsigned
likeness(const struct keytable_row *row, const struct hint *hint)
{
	if (row->domain.len == 0)
		return 0;
	if (span_eq_nocase(row->domain, hint->owner))
		return span_eq_nocase(row->selector, hint->selector) ? 4 : 3;
	if (span_eq_nocase(row->domain, hint->name))
		return 2;
	return span_eq_nocase(row->domain, hint->domain) ? 1 : 0;
}

static const struct keytable_row *
guess_by_spelling(const struct keytable *table, struct span name)
{
	struct arena scratch = ARENA_INIT;
	const struct keytable_row *row, *found = NULL;
	struct nearest nearest;
	const char *candidate;
	size_t i = 0;

	nearest_start(&nearest, name);
	while (i < NAMES_MAX && (row = keytable_next(table, &i)) != NULL) {
		candidate = arena_dup(&scratch, row->name).p;
		nearest_offer(&nearest, candidate);
		if (nearest.best == candidate)
			found = row;
	}
	arena_clear(&scratch);
	return found;
}

const struct keytable_row *
keytable_guess(const struct keytable *table, struct span name,
    struct span domain)
{
	const struct keytable_row *row, *similar, *best = NULL;
	struct hint hint = read_hint(name, domain);
	unsigned level, top = 0;
	size_t i = 0;

	while ((row = keytable_next(table, &i)) != NULL) {
		level = likeness(row, &hint);
		if (level <= top)
			continue;
		top = level;
		best = row;
	}
	similar = top > 1 ? best : guess_by_spelling(table, name);
	if (similar != NULL)
		return similar;
	i = 0;
	if (best != NULL || keytable_count(table) != 1)
		return best;
	/* the only key there is, where it could sign for these senders */
	row = keytable_next(table, &i);
	return row->domain.len == 0 || domain.len == 0 ? row : NULL;
}
