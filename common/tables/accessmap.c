#include "common/tables/accessmap.h"

#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/tables/accesstable.h"

#include <stdlib.h>
#include <unistd.h>

struct access_map {
	enum access_subject subject;
	struct access_table *tables;
	struct arena arena;
};

/* made: what postmap appends for the file it makes. */
static const struct type {
	const char *name;
	const struct access_kind *kind;
	const char *made;
} types[] = {
	{ "texthash", &access_text_kind, NULL },
	{ "file", &access_text_kind, NULL },
	{ "hash", &access_text_kind, ".db" },
	{ "btree", &access_text_kind, ".db" },
	{ "lmdb", &access_text_kind, ".lmdb" },
	{ "cdb", &access_text_kind, ".cdb" },
	{ "dbm", &access_text_kind, ".pag" },
	{ "sdbm", &access_text_kind, ".pag" },
	{ "cidr", &access_cidr_kind, NULL },
	{ "regexp", &access_regexp_kind, NULL },
	{ "pcre", &access_pcre_kind, NULL },
	{ "postgrey", &access_postgrey_kind, NULL },
};

static const char *const subject_words[] = {
	[ACCESS_CLIENT] = "clients",
	[ACCESS_HELO] = "HELO names",
	[ACCESS_SENDER] = "senders",
	[ACCESS_RECIPIENT] = "recipients",
	[ACCESS_HEADER] = "header fields",
};

static bool
refuse(const struct dataset_place *place, struct diag *diag, struct span what,
    const char *text)
{
	diag_error(diag, place->file, place->line, "%s: %s %s",
	    place->setting, diag_quote(diag, what), text);
	return false;
}

static bool
check_subject(const struct type *type, enum access_subject subject,
    struct span item, const struct dataset_place *place, struct diag *diag)
{
	if ((type->kind->subjects & 1u << subject) != 0)
		return true;
	diag_error(diag, place->file, place->line, "%s: %s: %s: tables are "
	    "not for %s; use a %s one", place->setting,
	    diag_quote(diag, item), type->name, subject_words[subject],
	    subject == ACCESS_HEADER ? "regexp: or pcre:" :
	    "hash:, regexp: or pcre:");
	return false;
}

/* "cidr:/etc/postern/access-client" into its parts. */
static bool
read_item(struct span item, enum access_subject subject,
    const struct dataset_place *place, struct diag *diag,
    const struct type **type, struct span *path)
{
	struct span word;
	size_t i;

	*path = item;
	*type = &types[0];
	if (dataset_is_path(item))
		return check_subject(*type, subject, item, place, diag);
	if (!span_cut(path, ':', &word) || path->len == 0)
		return refuse(place, diag, item, "is no table; write "
		    "TYPE:/path, or /path");
	for (i = 0; i < ARRAY_LEN(types); i++) {
		if (!span_is_nocase(word, types[i].name))
			continue;
		*type = &types[i];
		return check_subject(*type, subject, item, place, diag);
	}
	return refuse(place, diag, item, "is of a type that is not read; "
	    "export its rows to a text file and write texthash:/path; there "
	    "are texthash:, hash:, btree:, lmdb:, cidr:, regexp:, pcre: and "
	    "postgrey:");
}

/* postgrey passes over a list of the admin's own that is not there. */
static bool
may_be_missing(const struct type *type, struct span path,
    const struct dataset_place *place, struct arena *arena)
{
	return type->kind == &access_postgrey_kind &&
	    span_ends_nocase(path, SPAN_LIT(".local")) &&
	    access(dataset_resolve(place->base_directory, path, arena),
	    F_OK) != 0;
}

static struct access_table *
load_table(struct access_map *map, struct span item, struct map *rules,
    const struct dataset_place *place, struct diag *diag)
{
	struct access_source source = { .subject = map->subject,
	    .arena = &map->arena, .rules = rules };
	struct access_table *table = NULL;
	const struct type *type;
	struct span path;

	if (!read_item(item, map->subject, place, diag, &type, &path) ||
	    may_be_missing(type, path, place, &map->arena))
		return NULL;
	if (access_source_open(&source, path, type->made, place, diag)) {
		table = arena_zalloc(&map->arena, sizeof(*table));
		table->kind = type->kind;
		table->name = arena_dup(&map->arena, span_skip(path,
		    span_has(path, '/') ? span_rfind(path, '/') + 1 : 0)).p;
		table->rows = type->kind->load(&source);
	}
	access_source_close(&source);
	return table;
}

struct access_map *
access_map_load(const char *spec, enum access_subject subject,
    const struct dataset_place *place, struct diag *diag)
{
	struct access_map *map = xcalloc(1, sizeof(*map));
	struct access_table **tail = &map->tables;
	size_t errors = diag->found[DIAG_ERROR];
	struct span item, rest = span_of(spec);
	struct map rules = MAP_INIT;

	map->subject = subject;
	while (span_item(&rest, &item)) {
		*tail = load_table(map, item, &rules, place, diag);
		if (*tail != NULL)
			tail = &(*tail)->next;
	}
	map_clear(&rules);
	if (diag->found[DIAG_ERROR] == errors)
		return map;
	access_map_free(map);
	return NULL;
}

void
access_map_free(struct access_map *map)
{
	struct access_table *table;

	if (map == NULL)
		return;
	for (table = map->tables; table != NULL; table = table->next)
		table->kind->free(table->rows);
	arena_clear(&map->arena);
	free(map);
}

size_t
access_map_count(const struct access_map *map)
{
	const struct access_table *table;
	size_t count = 0;

	for (table = map->tables; table != NULL; table = table->next)
		count += table->kind->count(table->rows);
	return count;
}

static bool
find(const struct access_map *map, const struct access_query *query,
    struct access_action *action)
{
	const struct access_table *table;
	struct access_hit hit;

	for (table = map->tables; table != NULL; table = table->next)
		if (table->kind->find(table->rows, query, &hit))
			break;
	if (table == NULL)
		return false;
	*action = (struct access_action){
		.verb = hit.rule->verb,
		.code = hit.rule->code,
		.enhanced = hit.rule->enhanced,
		.text = hit.text,
		.row = span_of(arena_printf(query->arena, "%s:%u",
		    table->name, hit.line)),
	};
	return true;
}

static struct span
address_text(const struct ipaddr *address, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT;
	struct span result = { "", 0 };

	if (address->family != 0) {
		ipaddr_add(&text, address);
		result = arena_dup(arena, strbuf_span(&text));
		strbuf_clear(&text);
	}
	return result;
}

bool
access_map_client(const struct access_map *map, struct span name,
    const struct ipaddr *address, struct arena *arena,
    struct regex_budget *patterns, struct access_action *action)
{
	struct access_query query = { .subject = ACCESS_CLIENT, .name = name,
	    .address = address, .arena = arena, .patterns = patterns };

	if (map->tables == NULL)
		return false;
	query.wholes[0] = name;
	query.wholes[1] = address_text(address, arena);
	return find(map, &query, action);
}

bool
access_map_helo(const struct access_map *map, struct span helo,
    struct arena *arena, struct regex_budget *patterns,
    struct access_action *action)
{
	struct ipaddr address = { 0 };
	struct access_query query = { .subject = ACCESS_HELO, .name = helo,
	    .address = &address, .arena = arena, .patterns = patterns };

	if (map->tables == NULL || helo.len == 0)
		return false;
	if (!ipaddr_parse(helo, &address))
		address.family = 0;
	query.wholes[0] = helo;
	return find(map, &query, action);
}

/* "local@domain" without the quotes it may need, as Postfix's keys are. */
static struct span
plain_address(const struct address *address, struct arena *arena)
{
	size_t len = address->local.len;
	char *text = arena_alloc(arena, len + address->domain.len + 1);

	if (address->domain.len == 0)
		return address->local;
	if (len > 0)
		memcpy(text, address->local.p, len);
	text[len] = '@';
	memcpy(text + len + 1, address->domain.p, address->domain.len);
	return span_make(text, len + 1 + address->domain.len);
}

bool
access_map_address(const struct access_map *map,
    const struct address *address, struct arena *arena,
    struct regex_budget *patterns, struct access_action *action)
{
	struct access_query query = { .subject = map->subject,
	    .arena = arena, .patterns = patterns };

	if (map->tables == NULL)
		return false;
	query.is_null = address == NULL ||
	    (address->local.len == 0 && address->domain.len == 0);
	if (query.is_null) {
		query.wholes[0] = SPAN_LIT("<>");
	} else {
		query.local = address->local;
		query.domain = address->domain;
		query.wholes[0] = plain_address(address, arena);
	}
	return find(map, &query, action);
}

/* Folds are taken out: what follows them stays as it is. */
static struct span
unfold(struct span name, struct span value, struct arena *arena)
{
	size_t max = name.len + 1 + value.len, len, i;
	char *text;

	if (max > REGEX_SUBJECT_MAX)
		max = REGEX_SUBJECT_MAX;
	text = arena_alloc(arena, max + 1);
	len = name.len < max ? name.len : max;
	if (len > 0)
		memcpy(text, name.p, len);
	if (len < max)
		text[len++] = ':';
	for (i = 0; i < value.len && len < max; i++)
		if (value.p[i] != '\r' && value.p[i] != '\n')
			text[len++] = value.p[i];
	return span_make(text, len);
}

bool
access_map_header(const struct access_map *map, struct span name,
    struct span value, struct arena *arena, struct regex_budget *patterns,
    struct access_action *action)
{
	struct access_query query = { .subject = ACCESS_HEADER,
	    .arena = arena, .patterns = patterns };

	if (map->tables == NULL)
		return false;
	query.wholes[0] = unfold(name, value, arena);
	return find(map, &query, action);
}

uint64_t
access_map_limited(void)
{
	return regex_limited();
}
