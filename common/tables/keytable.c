#include "common/tables/keytable.h"

#include "common/base/mem.h"
#include "common/base/nearest.h"
#include "common/mail/domain.h"
#include "common/tables/keystore.h"
#include "common/tables/pattern.h"
#include "common/tables/rowindex.h"

#include <stdlib.h>

enum {
	NAME_MAX_OCTETS = 255,
	GUESS_NAMES_MAX = 10000,	/* names compared by spelling */
	SLOT_NONE = UINT32_MAX		/* no key: a faulty row, or by sender */
};

struct keytable {
	struct dataset set;		/* rows point into its text */
	struct arena arena;
	char *base;			/* for relative key paths; or NULL */
	struct keytable_row *rows;
	size_t count;
	size_t cap;
	struct rowindex names;
	struct keystore *store;
};

/* A row's value, cut. */
struct parts {
	struct span domain;
	struct span selector;
	struct span key;
	struct span algorithm;	/* empty: none */
};

static bool
is_named(const void *arg, uint32_t number, struct span name)
{
	const struct keytable *table = arg;

	return span_eq_nocase(table->rows[number].name, name);
}

static struct keytable *
new_table(const struct dataset_place *place,
    const struct keytable_options *options)
{
	struct keytable *table = xcalloc(1, sizeof(*table));

	if (place->base_directory != NULL)
		table->base = xstrdup(place->base_directory);
	table->store = keystore_new(options);
	rowindex_init(&table->names, 0, table, is_named);
	return table;
}

void
keytable_free(struct keytable *table)
{
	if (table == NULL)
		return;
	keystore_free(table->store);
	rowindex_clear(&table->names);
	dataset_close(&table->set);
	arena_clear(&table->arena);
	free(table->rows);
	free(table->base);
	free(table);
}

/* ---- one row ---- */

/* What every check of a row needs. */
struct load {
	struct keytable *table;
	struct keytable_row *row;
	struct diag *diag;
};

static void
row_error(const struct load *load, const char *text)
{
	if (!diag_skip(load->diag, DIAG_ERROR))
		diag_error(load->diag, load->table->set.name, load->row->line,
		    "key %s: %s", diag_quote(load->diag, load->row->name),
		    text);
}

static void
part_error(const struct load *load, const char *part, struct span value,
    const char *text)
{
	if (!diag_skip(load->diag, DIAG_ERROR))
		diag_error(load->diag, load->table->set.name, load->row->line,
		    "key %s: %s %s %s", diag_quote(load->diag,
		    load->row->name), part, diag_quote(load->diag, value),
		    text);
}

static bool
is_path(struct span key)
{
	return span_starts(key, SPAN_LIT("/")) ||
	    span_starts(key, SPAN_LIT("./")) ||
	    span_starts(key, SPAN_LIT("../"));
}

/* Whether what follows the last colon was meant as an algorithm: a path may
 * have colons of its own, a key in the row may not. */
static bool
is_algorithm(struct span key, struct span word)
{
	return !is_path(key) || word.len == 0 ||
	    span_starts(word, SPAN_LIT("rsa")) ||
	    span_starts(word, SPAN_LIT("ed25519"));
}

static void
cut_value(struct span value, struct parts *parts)
{
	struct span word;
	size_t colon;

	memset(parts, 0, sizeof(*parts));
	span_cut(&value, ':', &parts->domain);
	span_cut(&value, ':', &parts->selector);
	colon = span_rfind(value, ':');
	if (colon < value.len) {
		word = span_skip(value, colon + 1);
		if (is_algorithm(value, word)) {
			parts->algorithm = span_trim(word);
			value = span_first(value, colon);
		}
	}
	parts->domain = span_trim(parts->domain);
	parts->selector = span_trim(parts->selector);
	parts->key = span_trim(value);
}

static bool
has_all_parts(const struct load *load, const struct parts *parts)
{
	const struct {
		const char *name;
		struct span value;
	} all[] = {
		{ "domain", parts->domain },
		{ "selector", parts->selector },
		{ "key", parts->key },
	};
	struct strbuf text = STRBUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].value.len == 0)
			strbuf_addf(&text, "%s%s", text.len != 0 ? " and " :
			    "has no ", all[i].name);
	if (text.len == 0)
		return true;
	strbuf_adds(&text, "; write name domain:selector:key");
	row_error(load, text.s);
	strbuf_clear(&text);
	return false;
}

static bool
take_domain(const struct load *load, struct span domain)
{
	if (span_is(domain, "%")) {
		load->row->domain = domain;
		return true;
	}
	if (pattern_domain(domain, &load->table->arena, &load->row->domain))
		return true;
	part_error(load, "domain", domain, span_has(domain, '%') ?
	    "is not possible: \"%\" stands alone, for the sender's domain" :
	    "is no valid domain name; it becomes d=");
	return false;
}

static bool
take_selector(const struct load *load, struct span selector)
{
	if (pattern_domain(selector, &load->table->arena,
	    &load->row->selector))
		return true;
	part_error(load, "selector", selector, span_has(selector, '%') ?
	    "is not possible: \"%\" is not replaced in selectors" :
	    "is no valid selector: letters, digits and hyphens, with dots "
	    "between");
	return false;
}

static bool
take_algorithm(const struct load *load, struct span word)
{
	if (word.len == 0)
		return true;
	load->row->has_algorithm = true;
	if (dkim_algorithm_parse(word, &load->row->algorithm))
		return true;
	if (!load->row->is_path)	/* word may be a piece of the key */
		row_error(load, "what follows its key is no algorithm; leave "
		    "it out, or write rsa-sha256 or ed25519-sha256");
	else
		part_error(load, "algorithm", word,
		    span_is_nocase(word, "rsa-sha1") ?
		    "is not allowed any more (RFC 8301); leave it out" :
		    "is unknown; leave it out, or write rsa-sha256 or "
		    "ed25519-sha256");
	return false;
}

/* path with every "%" replaced, in the arena where anything changes. */
static struct span
expand_path(const struct keytable *table, struct span path,
    struct span domain, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT;
	struct span rest = path, head;
	bool again;

	if (!span_has(path, '%') &&
	    (table->base == NULL || span_starts(path, SPAN_LIT("/"))))
		return path;
	do {
		again = span_cut(&rest, '%', &head);
		strbuf_addspan(&text, head);
		if (again)
			strbuf_addspan(&text, domain);
	} while (again);
	path = span_of(dataset_resolve(table->base, strbuf_span(&text),
	    arena));
	strbuf_clear(&text);
	return path;
}

static bool
is_by_sender(const struct keytable_row *row)
{
	return row->is_path && span_is(row->domain, "%") &&
	    span_has(row->key, '%');
}

static void
take_key(const struct load *load, struct span key)
{
	struct keytable *table = load->table;
	struct keytable_row *row = load->row;

	row->key = key;
	if (is_by_sender(row))
		return;
	if (row->is_path)
		key = expand_path(table, key, row->domain, &table->arena);
	row->slot = keystore_add(table->store, key, row->is_path, row->line);
}

/* All parts are looked at, also where one is no good. */
static void
take_value(const struct load *load, struct span value)
{
	struct parts parts;
	bool good;

	if (value.len == 0) {
		row_error(load, "has no value; write name "
		    "domain:selector:key");
		return;
	}
	cut_value(value, &parts);
	if (!has_all_parts(load, &parts))
		return;
	load->row->is_path = is_path(parts.key);
	good = take_domain(load, parts.domain);
	good = take_selector(load, parts.selector) && good;
	good = take_algorithm(load, parts.algorithm) && good;
	if (good)
		take_key(load, parts.key);
}

/* ---- the table ---- */

static struct keytable_row *
add_row(struct keytable *table, struct span name, unsigned line)
{
	struct keytable_row *row;

	if (table->count == table->cap) {
		table->cap = table->cap != 0 ? table->cap * 2 : 16;
		table->rows = xreallocarray(table->rows, table->cap,
		    sizeof(*table->rows));
	}
	row = &table->rows[table->count++];
	memset(row, 0, sizeof(*row));
	row->name = name;
	row->line = line;
	row->slot = SLOT_NONE;
	return row;
}

/* The name in lower case for the index; false where it is too long. */
static bool
lower_name(struct span name, char lower[NAME_MAX_OCTETS], struct span *out)
{
	size_t i;

	if (name.len > NAME_MAX_OCTETS)
		return false;
	for (i = 0; i < name.len; i++)
		lower[i] = ascii_lower(name.p[i]);
	*out = span_make(lower, name.len);
	return true;
}

static void
take_name(const struct load *load)
{
	struct keytable *table = load->table;
	uint32_t number = (uint32_t)(table->count - 1), first;
	char lower[NAME_MAX_OCTETS];
	struct strbuf text = STRBUF_INIT;
	struct span key;

	if (!lower_name(load->row->name, lower, &key)) {
		row_error(load, "its name is longer than 255 bytes");
		return;
	}
	if (span_has(load->row->name, ':'))
		row_error(load, "its name has a \":\", so no SigningTable row "
		    "can point at it; rename it");
	first = rowindex_add(&table->names, key, number);
	if (first == number)
		return;
	strbuf_addf(&text, "line %u has that name already; rename one, or "
	    "remove it", table->rows[first].line);
	row_error(load, text.s);
	strbuf_clear(&text);
}

/* The fourth part against what the key turned out to be. */
static void
check_algorithm(const struct load *load)
{
	const struct keytable_row *row = load->row;
	enum dkim_algorithm is;
	struct strbuf text = STRBUF_INIT;

	if (!row->has_algorithm || row->slot == SLOT_NONE ||
	    !keystore_algorithm(load->table->store, row->slot, &is) ||
	    is == row->algorithm)
		return;
	strbuf_addf(&text, "says %s, but its key is for %s; correct the "
	    "fourth part or leave it out",
	    dkim_algorithm_name(row->algorithm), dkim_algorithm_name(is));
	row_error(load, text.s);
	strbuf_clear(&text);
}

static bool
has_inline_keys(const struct keytable *table)
{
	enum dkim_algorithm algorithm;
	size_t i;

	for (i = 0; i < table->count; i++)
		if (!table->rows[i].is_path &&
		    table->rows[i].slot != SLOT_NONE &&
		    keystore_algorithm(table->store, table->rows[i].slot,
		    &algorithm))
			return true;
	return false;
}

/* A table with keys in its rows is a key file itself. */
static void
check_table_file(const struct keytable *table,
    const struct keytable_options *options, struct diag *diag)
{
	struct strbuf err = STRBUF_INIT;
	struct stat st;

	if (has_inline_keys(table) && stat(table->set.name, &st) == 0 &&
	    !dkim_key_file_is_safe(table->set.name, &st, options->uid,
	    options->gid, &err))
		(options->require_safe_keys ? diag_error : diag_warning)(diag,
		    table->set.name, 0, "there are private keys in its rows: "
		    "%s", err.s);
	strbuf_clear(&err);
}

static void
check_keys(struct keytable *table, const struct keytable_options *options,
    struct diag *diag)
{
	struct load load = { table, NULL, diag };
	size_t i;

	keystore_check(table->store, table->set.name, diag);
	for (i = 0; i < table->count; i++) {
		load.row = &table->rows[i];
		check_algorithm(&load);
	}
	check_table_file(table, options, diag);
}

struct keytable *
keytable_load(const char *spec, const struct dataset_place *place,
    const struct keytable_options *options, struct diag *diag)
{
	struct keytable *table = new_table(place, options);
	struct load load = { table, NULL, diag };
	struct dataset_row row;

	if (dataset_open(spec, place, &table->set, diag) != 0) {
		keytable_free(table);
		return NULL;
	}
	if (table->set.type == DATASET_REFILE)
		diag_note(diag, place->file, place->line, "%s: its names are "
		    "no patterns; refile: is read as file:", place->setting);
	while (dataset_next(&table->set, &row, diag)) {
		load.row = add_row(table, row.key, row.line);
		take_name(&load);
		take_value(&load, row.value);
	}
	if (table->count == 0)
		diag_warning(diag, table->set.name, 0, "%s has no rows, so "
		    "nothing will be signed; a row is name "
		    "domain:selector:key", place->setting);
	check_keys(table, options, diag);
	return table;
}

struct keytable *
keytable_single(const char *domain, const char *selector,
    const char *key_file, const struct dataset_place *place,
    const struct keytable_options *options, struct diag *diag)
{
	struct keytable *table = new_table(place, options);
	struct load load = { table, NULL, diag };
	struct span key;
	bool good;

	table->set.name = xstrdup(place->file != NULL ? place->file :
	    place->setting);
	load.row = add_row(table, SPAN_LIT("default"), place->line);
	take_name(&load);
	key = arena_dup(&table->arena, span_trim(span_of(key_file)));
	load.row->is_path = true;
	if (key.len == 0)
		row_error(&load, "the path of its file is missing");
	good = take_domain(&load, arena_dup(&table->arena, span_of(domain)));
	good = take_selector(&load, arena_dup(&table->arena,
	    span_of(selector))) && good;
	if (good && key.len != 0)
		take_key(&load, key);
	check_keys(table, options, diag);
	return table;
}

const char *
keytable_file(const struct keytable *table)
{
	return table->set.name;
}

size_t
keytable_count(const struct keytable *table)
{
	return table->count;
}

const struct keytable_row *
keytable_find(const struct keytable *table, struct span name)
{
	char lower[NAME_MAX_OCTETS];
	struct span key;
	uint32_t number = ROWINDEX_NONE;

	if (lower_name(name, lower, &key))
		number = rowindex_get(&table->names, key);
	return number != ROWINDEX_NONE ? &table->rows[number] : NULL;
}

/* ---- what was meant ---- */

/* Whether the row is the one of an owner name "selector._domainkey.domain",
 * or, without_selector, of its domain. */
static bool
is_owner(const struct keytable_row *row, struct span name,
    bool without_selector)
{
	static const struct span mark = { "._domainkey.", 12 };
	const char *at = name.len != 0 ?
	    memmem(name.p, name.len, mark.p, mark.len) : NULL;
	struct span domain;

	if (at == NULL)
		return false;
	domain = span_skip(name, (size_t)(at - name.p) + mark.len);
	return span_eq_nocase(row->domain, domain) && (without_selector ||
	    span_eq_nocase(row->selector,
	    span_first(name, (size_t)(at - name.p))));
}

/* How surely the row was meant; 0: not at all. */
static unsigned
likeness(const struct keytable_row *row, struct span name, struct span domain)
{
	if (is_owner(row, name, false))
		return 4;
	if (is_owner(row, name, true))
		return 3;
	if (span_eq_nocase(row->domain, name))
		return 2;
	return domain.len != 0 && span_eq_nocase(row->domain, domain) ? 1 : 0;
}

static const struct keytable_row *
guess_by_spelling(const struct keytable *table, struct span name)
{
	struct arena scratch = ARENA_INIT;
	const struct keytable_row *found = NULL;
	struct nearest nearest;
	const char *candidate;
	size_t i;

	nearest_start(&nearest, name);
	for (i = 0; i < table->count && i < GUESS_NAMES_MAX; i++) {
		candidate = arena_dup(&scratch, table->rows[i].name).p;
		nearest_offer(&nearest, candidate);
		if (nearest.best == candidate)
			found = &table->rows[i];
	}
	arena_clear(&scratch);
	return found;
}

const struct keytable_row *
keytable_guess(const struct keytable *table, struct span name,
    struct span domain)
{
	const struct keytable_row *best = NULL, *similar;
	unsigned level, top = 0;
	size_t i;

	for (i = 0; i < table->count; i++) {
		level = likeness(&table->rows[i], name, domain);
		if (level <= top)
			continue;
		top = level;
		best = &table->rows[i];
	}
	if (top > 1)
		return best;
	similar = guess_by_spelling(table, name);
	if (similar != NULL)
		return similar;
	return best != NULL || table->count != 1 ? best : &table->rows[0];
}

const struct keytable_row *
keytable_next(const struct keytable *table, size_t *i)
{
	return *i < table->count ? &table->rows[(*i)++] : NULL;
}

/* ---- use ---- */

/* The row's domain for that sender; false where it would be none. */
static bool
domain_for(const struct keytable_row *row, struct span sender_domain,
    struct arena *arena, struct span *domain)
{
	if (!span_is(row->domain, "%")) {
		*domain = row->domain;
		return true;
	}
	*domain = arena_duplower(arena, sender_domain);
	return domain_is_valid(*domain);
}

static struct dkim_key *
key_for(const struct keytable *table, const struct keytable_row *row,
    struct span domain, struct arena *arena, struct strbuf *err)
{
	if (row->slot != SLOT_NONE)
		return keystore_get(table->store, row->slot, err);
	if (is_by_sender(row))
		return keystore_get_path(table->store,
		    expand_path(table, row->key, domain, arena), err);
	strbuf_addf(err, "%s:%u: the row is faulty", table->set.name,
	    row->line);
	return NULL;
}

int
keytable_resolve(const struct keytable *table,
    const struct keytable_row *row, struct span sender_domain,
    struct arena *arena, struct dkim_sign_key *key, struct strbuf *err)
{
	memset(key, 0, sizeof(*key));
	if (!domain_for(row, sender_domain, arena, &key->domain)) {
		strbuf_addf(err, "%s:%u: the sender's domain cannot be d=: it "
		    "is no valid domain name", table->set.name, row->line);
		return -1;
	}
	key->selector = row->selector;
	key->key = key_for(table, row, key->domain, arena, err);
	if (key->key == NULL)
		return -1;
	if (!row->has_algorithm ||
	    dkim_key_algorithm(key->key) == row->algorithm)
		return 0;
	strbuf_addf(err, "%s:%u: the row says %s, but its key is for %s",
	    table->set.name, row->line, dkim_algorithm_name(row->algorithm),
	    dkim_algorithm_name(dkim_key_algorithm(key->key)));
	dkim_key_free(key->key);
	key->key = NULL;
	return -1;
}

const char *
keytable_path(const struct keytable *table, const struct keytable_row *row,
    struct span sender_domain, struct arena *arena)
{
	struct span domain;

	if (!row->is_path || !domain_for(row, sender_domain, arena, &domain))
		return NULL;
	return arena_dup(arena, expand_path(table, row->key, domain,
	    arena)).p;
}
