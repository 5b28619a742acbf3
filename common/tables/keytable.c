#include "common/tables/keytable.h"

#include "common/base/mem.h"
#include "common/mail/domain.h"
#include "common/tables/keyrow.h"
#include "common/tables/keystore.h"
#include "common/tables/rowindex.h"

#include <stdlib.h>

enum {
	NAME_MAX_OCTETS = 255,
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
	rowindex_init(&table->names, table, is_named);
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
add_key(struct keytable *table, struct keytable_row *row)
{
	struct span source = row->key;

	if (is_by_sender(row))
		return;
	if (row->is_path)
		source = expand_path(table, source, row->domain,
		    &table->arena);
	row->slot = keystore_add(table->store, source, row->is_path,
	    row->line);
}

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

static struct keyrow_load
load_of(struct keytable *table, struct keytable_row *row, struct diag *diag)
{
	return (struct keyrow_load){ row, table->set.name, &table->arena,
	    diag };
}

static void
take_name(struct keytable *table, const struct keyrow_load *load)
{
	uint32_t number = (uint32_t)(table->count - 1), first;
	char lower[NAME_MAX_OCTETS];
	struct strbuf text = STRBUF_INIT;
	struct span key;

	if (!lower_name(load->row->name, lower, &key)) {
		keyrow_error(load, "its name is longer than 255 bytes");
		return;
	}
	if (span_has(load->row->name, ':'))
		keyrow_error(load, "its name has a \":\", so no SigningTable "
		    "row can point at it; rename it");
	first = rowindex_add(&table->names, key, number);
	if (first == number)
		return;
	strbuf_addf(&text, "line %u has that name already; rename one, or "
	    "remove it", table->rows[first].line);
	keyrow_error(load, text.s);
	strbuf_clear(&text);
}

/* The fourth part against what the key turned out to be. */
static void
check_algorithm(const struct keytable *table, const struct keyrow_load *load)
{
	const struct keytable_row *row = load->row;
	enum dkim_algorithm is;
	struct strbuf text = STRBUF_INIT;

	if (!row->has_algorithm || row->slot == SLOT_NONE ||
	    !keystore_algorithm(table->store, row->slot, &is) ||
	    is == row->algorithm)
		return;
	strbuf_addf(&text, "says %s, but its key is for %s; correct the "
	    "fourth part or leave it out",
	    dkim_algorithm_name(row->algorithm), dkim_algorithm_name(is));
	keyrow_error(load, text.s);
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
	struct keyrow_load load;
	size_t i;

	keystore_check(table->store, table->set.name, diag);
	for (i = 0; i < table->count; i++) {
		load = load_of(table, &table->rows[i], diag);
		check_algorithm(table, &load);
	}
	check_table_file(table, options, diag);
}

struct keytable *
keytable_load(const char *spec, const struct dataset_place *place,
    const struct keytable_options *options, struct diag *diag)
{
	struct keytable *table = new_table(place, options);
	struct keyrow_load load;
	struct dataset_row row;

	if (dataset_open(spec, place, &table->set, diag) != 0) {
		keytable_free(table);
		return NULL;
	}
	if (table->set.type == DATASET_REFILE)
		diag_note(diag, place->file, place->line, "%s: its names are "
		    "no patterns; refile: is read as file:", place->setting);
	while (dataset_next(&table->set, &row, diag)) {
		load = load_of(table, add_row(table, row.key, row.line), diag);
		take_name(table, &load);
		if (keyrow_parse(&load, row.value))
			add_key(table, load.row);
	}
	if (table->count == 0)
		diag_warning(diag, table->set.name, 0, "%s has no rows, so "
		    "nothing will be signed; make a key with: postern key "
		    "generate DOMAIN (or write name domain:selector:key)",
		    place->setting);
	check_keys(table, options, diag);
	return table;
}

struct keytable *
keytable_single(const char *domain, const char *selector,
    const char *key_file, const struct dataset_place *place,
    const struct keytable_options *options, struct diag *diag)
{
	struct keytable *table = new_table(place, options);
	struct arena *arena = &table->arena;
	struct keyrow_load load;

	table->set.name = xstrdup(place->file != NULL ? place->file :
	    place->setting);
	load = load_of(table, add_row(table, SPAN_LIT("default"),
	    place->line), diag);
	take_name(table, &load);
	if (keyrow_take(&load, arena_dup(arena, span_of(domain)),
	    arena_dup(arena, span_of(selector)),
	    arena_dup(arena, span_trim(span_of(key_file)))))
		add_key(table, load.row);
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
	struct span domain = sender_domain;

	if (!row->is_path || (span_has(row->key, '%') &&
	    !domain_for(row, sender_domain, arena, &domain)))
		return NULL;
	return arena_dup(arena, expand_path(table, row->key, domain,
	    arena)).p;
}
