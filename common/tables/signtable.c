#include "common/tables/signtable.h"

#include "common/base/mem.h"
#include "common/tables/signrows.h"

#include <stdlib.h>

enum { SAME_CHECKED_MAX = 16 };	/* rows of one pattern that are compared */

struct signtable {
	struct dataset set;
	const struct keytable *keys;
	bool multiple;
	struct signrows rows;
};

void
signtable_free(struct signtable *table)
{
	if (table == NULL)
		return;
	signrows_clear(&table->rows);
	dataset_close(&table->set);
	free(table);
}

/* i= has to be d= or below (RFC 6376 3.5). */
static bool
identity_fits(struct span identity, struct span domain)
{
	return domain_is_within(span_skip(identity,
	    span_rfind(identity, '@') + 1), domain);
}

/* text with every "%" replaced. */
static struct span
replace_percent(struct span text, struct span domain, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT;
	struct span head;

	if (!span_has(text, '%'))
		return text;
	while (span_cut(&text, '%', &head)) {
		strbuf_addspan(&out, head);
		strbuf_addspan(&out, domain);
	}
	strbuf_addspan(&out, head);
	text = arena_dup(arena, strbuf_span(&out));
	strbuf_clear(&out);
	return text;
}

/* ---- load ---- */

struct load {
	struct signtable *table;
	struct diag *diag;
	struct arena scratch;		/* of one row */
	struct dataset_row row;
	struct signpattern pattern;
	const struct keytable_row *key;	/* of this row, or of an earlier one */
};

/* "pattern": text */
static void
say(const struct load *load, enum diag_level level, const char *text)
{
	void (*report)(struct diag *, const char *, unsigned, const char *,
	    ...) = level == DIAG_ERROR ? diag_error : diag_warning;

	report(load->diag, load->table->set.name, load->row.line, "%s: %s",
	    diag_quote(load->diag, load->row.key), text);
}

static void
say_unknown_key(struct load *load, struct span name)
{
	const struct keytable *keys = load->table->keys;
	const struct keytable_row *meant;
	const char *quoted, *text;

	if (diag_skip(load->diag, DIAG_ERROR))
		return;
	meant = keytable_guess(keys, name, load->pattern.domain);
	quoted = diag_quote(load->diag, name);
	if (meant != NULL)
		text = arena_printf(&load->scratch, "the KeyTable has no key "
		    "%s; the one meant is surely %s (%s:%u, d=%.*s s=%.*s): "
		    "write that name here, or rename that row to %s", quoted,
		    diag_quote(load->diag, meant->name), keytable_file(keys),
		    meant->line, SPAN_ARG(meant->domain),
		    SPAN_ARG(meant->selector), quoted);
	else
		text = arena_printf(&load->scratch, "the KeyTable (%s) has no "
		    "key %s; add that row there (postern key generate "
		    "makes one), or name one of its rows here",
		    keytable_file(keys), quoted);
	say(load, DIAG_ERROR, text);
}

/* The row's key: NULL for "%", and where it is unknown. */
static const struct keytable_row *
find_key(struct load *load, struct span name)
{
	const struct keytable *keys = load->table->keys;

	if (keys == NULL || span_is(name, "%"))
		return NULL;
	/* Rows of one key often stand together. */
	if (load->key == NULL || !span_eq_nocase(load->key->name, name))
		load->key = keytable_find(keys, name);
	if (load->key == NULL)
		say_unknown_key(load, name);
	return load->key;
}

static struct span
last_labels(struct span domain, unsigned count)
{
	size_t i = domain.len;

	while (i > 0 && (domain.p[i - 1] != '.' || --count > 0))
		i--;
	return span_skip(domain, i);
}

/* "co.uk" and its like: what is below is not of one owner. */
static bool
is_registry(struct span two_labels)
{
	static const char *const words[] = { "ac", "co", "com", "edu", "go",
	    "gob", "gov", "ne", "net", "or", "org" };
	struct span word, top = two_labels;
	size_t i;

	if (!span_cut(&top, '.', &word) || top.len != 2)
		return false;
	for (i = 0; i < ARRAY_LEN(words); i++)
		if (span_is(word, words[i]))
			return true;
	return false;
}

/*
 * Whether DMARC could count d= for that domain (relaxed alignment), as far as
 * one can tell without asking DNS: one is below the other, or both are below
 * one name that somebody registered.
 */
static bool
is_aligned(struct span domain, struct span d)
{
	unsigned labels = is_registry(last_labels(domain, 2)) ? 3 : 2;

	return domain_is_within(domain, d) || domain_is_within(d, domain) ||
	    span_eq(last_labels(domain, labels), last_labels(d, labels));
}

static void
check_alignment(struct load *load, const struct keytable_row *key)
{
	if (key == NULL || load->pattern.domain.len == 0 ||
	    span_is(key->domain, "%") || key->domain.len == 0 ||
	    is_aligned(load->pattern.domain, key->domain) ||
	    diag_skip(load->diag, DIAG_WARNING))
		return;
	say(load, DIAG_WARNING, arena_printf(&load->scratch, "key %s (%s:%u) "
	    "signs as d=%.*s, which DMARC does not count for senders in "
	    "%.*s; give them a key of their domain",
	    diag_quote(load->diag, key->name),
	    keytable_file(load->table->keys), key->line,
	    SPAN_ARG(key->domain), SPAN_ARG(load->pattern.domain)));
}

static void
check_pattern(struct load *load)
{
	enum diag_level level = load->pattern.is_error ? DIAG_ERROR :
	    DIAG_WARNING;

	if (load->pattern.fault != NULL && !diag_skip(load->diag, level))
		say(load, level, load->pattern.fault);
}

static struct span
identity_of(const struct signtable *table, const struct signrow *row)
{
	return row->identity != 0 ?
	    span_of(table->rows.extra.s + row->identity) : span_of("");
}

/* An earlier row of the same pattern, key and identity. */
static uint32_t
find_same(const struct signtable *table, const struct signrow *row,
    uint32_t first)
{
	const struct signrow *rows = table->rows.rows, *other;
	uint32_t i = first;
	unsigned checked;

	for (checked = 0; checked < SAME_CHECKED_MAX; checked++) {
		other = &rows[i];
		if (other->key == row->key &&
		    other->is_by_sender == row->is_by_sender &&
		    span_eq(identity_of(table, other),
		    identity_of(table, row)))
			return i;
		i = other->next;
		if (i == first)
			break;
	}
	return SIGNROW_NONE;
}

/*
 * A row behind one that matches whatever it does. Where all matching rows sign
 * only one that says the same again is of no use. Called before the row is
 * indexed.
 */
static void
check_shadow(struct load *load)
{
	const struct signtable *table = load->table;
	const struct signrows *rows = &table->rows;
	const struct signrow *row = &rows->rows[rows->count - 1], *by;
	uint32_t cover;

	if (table->multiple || !rows->is_refile)
		cover = signrows_same(rows, &load->pattern);
	else
		cover = signrows_cover(rows, &load->pattern);
	if (cover != SIGNROW_NONE && table->multiple)
		cover = find_same(table, row, cover);
	if (cover == SIGNROW_NONE || diag_skip(load->diag, DIAG_WARNING))
		return;
	by = &rows->rows[cover];
	say(load, DIAG_WARNING, arena_printf(&load->scratch,
	    table->multiple ? "says the same as line %u, %s; remove one" :
	    rows->is_refile ? "is never used: line %u, %s, comes first and "
	    "matches all it does; move it above that line or remove it" :
	    "is never used: line %u, %s, is the same pattern; remove one, or "
	    "set MultipleSignatures to sign with both", by->line,
	    diag_quote(load->diag, signrow_written(rows, by))));
}

/* The identity in the form i= has: "@" or "local@", then A-labels; with its
 * "%" left in place. False, reported, where it is none. */
static bool
normalize_identity(struct load *load, struct span written,
    struct span *identity)
{
	struct span stand_in = SPAN_LIT("example.com"), text, domain, ascii;
	size_t at = span_rfind(written, '@');
	struct address address;

	domain = span_skip(written, at < written.len ? at + 1 : at);
	text = replace_percent(span_first(written, at), stand_in,
	    &load->scratch);
	if (at == written.len || !domain_to_ascii(replace_percent(domain,
	    stand_in, &load->scratch), &load->scratch, &ascii) ||
	    (at > 0 && address_parse_path(span_of(arena_printf(&load->scratch,
	    "%.*s@%.*s", SPAN_ARG(text), SPAN_ARG(ascii))), &load->scratch,
	    &address) != ADDRESS_OK)) {
		if (!diag_skip(load->diag, DIAG_ERROR))
			say(load, DIAG_ERROR, arena_printf(&load->scratch,
			    "identity %s is no address; write @domain or "
			    "user@domain, it becomes i=",
			    diag_quote(load->diag, written)));
		return false;
	}
	if (!span_has(domain, '%'))
		domain = ascii;
	*identity = span_of(arena_printf(&load->scratch, "%.*s@%.*s",
	    (int)at, written.p, SPAN_ARG(domain)));
	return true;
}

static void
take_identity(struct load *load, struct span written, struct signrow *row)
{
	const struct keytable_row *key = row->key;
	struct span identity;

	if (written.len == 0 || !normalize_identity(load, written, &identity))
		return;
	if (key != NULL && !span_is(key->domain, "%") &&
	    !span_has(identity, '%') && !identity_fits(identity, key->domain)) {
		if (!diag_skip(load->diag, DIAG_WARNING))
			say(load, DIAG_WARNING, arena_printf(&load->scratch,
			    "identity %s is not within d=%.*s of key %s, so "
			    "i= is left out; correct or remove it",
			    diag_quote(load->diag, written),
			    SPAN_ARG(key->domain),
			    diag_quote(load->diag, key->name)));
		return;
	}
	row->identity = signrows_keep(&load->table->rows, identity);
}

static void
take_row(struct load *load)
{
	struct signrows *rows = &load->table->rows;
	struct span identity = load->row.value, name;
	struct signrow *row;

	arena_reset(&load->scratch);
	signpattern_parse(load->row.key, rows->is_refile, &load->scratch,
	    &load->pattern);
	check_pattern(load);
	span_cut(&identity, ':', &name);
	name = span_trim(name);
	if (name.len == 0) {
		if (!diag_skip(load->diag, DIAG_ERROR))
			say(load, DIAG_ERROR, "names no key; write pattern "
			    "keyname");
		return;
	}
	row = signrows_add(rows, load->row.key, load->row.line);
	row->is_by_sender = span_is(name, "%");
	row->key = find_key(load, name);
	take_identity(load, span_trim(identity), row);
	check_alignment(load, row->key);
	check_shadow(load);
	signrows_index(rows, &load->pattern);
}

struct signtable *
signtable_load(const char *spec, const struct dataset_place *place,
    const struct keytable *keys, bool multiple, struct diag *diag)
{
	struct signtable *table = xcalloc(1, sizeof(*table));
	struct load load = { .table = table, .diag = diag };
	size_t errors = diag->found[DIAG_ERROR];

	table->keys = keys;
	table->multiple = multiple;
	if (dataset_open(spec, place, &table->set, diag) != 0) {
		free(table);
		return NULL;
	}
	signrows_init(&table->rows, strbuf_str(&table->set.text),
	    table->set.type == DATASET_REFILE);
	while (dataset_next(&table->set, &load.row, diag))
		take_row(&load);
	arena_clear(&load.scratch);
	if (table->rows.is_full)
		diag_error(diag, table->set.name, 0, "the table is too large "
		    "to be kept; use patterns instead of single addresses");
	if (table->rows.count == 0 && diag->found[DIAG_ERROR] == errors)
		diag_warning(diag, table->set.name, 0, "%s has no rows, so "
		    "nothing will be signed; \"postern key generate\" adds "
		    "a row (or write pattern keyname)",
		    place->setting);
	return table;
}

const char *
signtable_file(const struct signtable *table)
{
	return table->set.name;
}

size_t
signtable_count(const struct signtable *table)
{
	return table->rows.count;
}

/* ---- use ---- */

static void
fill_match(const struct signtable *table, const struct signrow *row,
    struct span domain, struct arena *arena, struct signtable_match *match)
{
	memset(match, 0, sizeof(*match));
	match->pattern = signrow_written(&table->rows, row);
	match->line = row->line;
	match->key = row->key;
	match->key_name = row->key != NULL ? row->key->name : span_of("");
	match->is_key_by_sender = row->is_by_sender;
	if (row->is_by_sender) {
		match->key_name = arena_dup(arena, domain);
		if (table->keys != NULL)
			match->key = keytable_find(table->keys,
			    match->key_name);
	}
	match->is_identity_by_sender = span_has(identity_of(table, row), '%');
	match->identity = replace_percent(identity_of(table, row), domain,
	    arena);
	if (match->identity.len != 0 && (match->key == NULL ||
	    !identity_fits(match->identity, span_is(match->key->domain, "%") ?
	    domain : match->key->domain)))
		match->identity = span_of("");
}

size_t
signtable_lookup(const struct signtable *table, const struct address *sender,
    struct arena *arena, struct signtable_match *matches, size_t max,
    signtable_trace *trace, void *trace_arg)
{
	struct signrows_query query;
	size_t count = 0;
	uint32_t number;

	if (max == 0 || !signrows_find(&table->rows, sender->local,
	    sender->domain, max == 1, trace, trace_arg, &query))
		return 0;
	while (count < max &&
	    (number = signrows_next(&query)) != SIGNROW_NONE)
		fill_match(table, &table->rows.rows[number], sender->domain,
		    arena, &matches[count++]);
	return count;
}
