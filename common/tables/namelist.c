#include "common/tables/namelist.h"

#include "common/base/mem.h"
#include "common/tables/entries.h"
#include "common/tables/pattern.h"

#include <stdlib.h>

struct glob {
	struct glob *next;
	const struct entry *entry;
};

/*
 * Keys are "user@domain", "domain", "user@.parent", ".parent", "user@*" and
 * "*"; whatever else has a "*" is a glob.
 */
struct namelist {
	struct entries entries;
	enum namelist_kind kind;
	struct glob *globs;	/* in file order */
	struct glob **globs_end;
};

enum { KEY_MAX = ADDRESS_LOCAL_MAX + 1 + DOMAIN_MAX };

static void
add(const struct entries_row *row, struct span key, bool is_glob)
{
	struct namelist *list = row->list;
	struct entry *entry = entries_add(row, key);
	struct glob *glob;

	if (entry == NULL || !is_glob)
		return;
	glob = arena_alloc(&list->entries.arena, sizeof(*glob));
	glob->next = NULL;
	glob->entry = entry;
	*list->globs_end = glob;
	list->globs_end = &glob->next;
}

/*
 * The domain part of an entry: a domain, ".parent" for both ".parent" and
 * "*.parent", "*", or a glob. False where no domain can be that.
 */
static bool
normalize_domain(struct span text, struct arena *arena, struct span *domain,
    bool *is_glob)
{
	struct span parent = text;

	*is_glob = false;
	*domain = text;
	if (span_is(text, "*"))
		return true;
	if (span_starts(text, SPAN_LIT("*.")))
		parent = span_skip(text, 1);
	if (span_starts(parent, SPAN_LIT(".")) &&
	    pattern_domain(span_skip(parent, 1), arena, domain)) {
		*domain = span_of(arena_printf(arena, ".%.*s",
		    SPAN_ARG(*domain)));
		return true;
	}
	*is_glob = span_has(text, '*');
	if (!*is_glob)
		return pattern_domain(text, arena, domain);
	return pattern_glob_is_domain(text);
}

static void
take_address(const struct entries_row *row, size_t at, struct arena *scratch)
{
	struct span local = span_first(row->text, at), domain;
	bool is_glob;

	if (local.len == 0) {
		entries_error(row, "has nothing before the @; write *@domain");
		return;
	}
	if (!normalize_domain(span_skip(row->text, at + 1), scratch, &domain,
	    &is_glob)) {
		entries_error(row, "has no domain name behind the @");
		return;
	}
	if (!is_glob && span_is(local, "*")) {
		add(row, domain, false);
		return;
	}
	add(row, span_of(arena_printf(scratch, "%s@%s",
	    arena_duplower(scratch, local).p,
	    arena_duplower(scratch, domain).p)),
	    is_glob || span_has(local, '*'));
}

static void
take_domain(const struct entries_row *row, bool domains_only,
    struct arena *scratch)
{
	struct span domain;
	bool is_glob;

	if (normalize_domain(row->text, scratch, &domain, &is_glob))
		add(row, arena_duplower(scratch, domain), is_glob);
	else
		entries_error(row, domains_only ? "is no domain name" :
		    "is neither an address nor a domain name");
}

static void
take_entry(const struct entries_row *row)
{
	const struct namelist *list = row->list;
	bool domains_only = list->kind == NAMELIST_DOMAINS;
	size_t at = span_rfind(row->text, '@');
	struct arena scratch = ARENA_INIT;

	if (at == row->text.len)
		take_domain(row, domains_only, &scratch);
	else if (domains_only)
		entries_error(row, "is an address; this is a list of "
		    "domains, write what follows the @");
	else
		take_address(row, at, &scratch);
	arena_clear(&scratch);
}

struct namelist *
namelist_load(const char *spec, enum namelist_kind kind,
    const struct dataset_place *place, struct diag *diag)
{
	struct namelist *list = xcalloc(1, sizeof(*list));

	list->kind = kind;
	list->globs_end = &list->globs;
	if (entries_load(&list->entries, spec, place, diag, list, take_entry))
		return list;
	namelist_free(list);
	return NULL;
}

void
namelist_free(struct namelist *list)
{
	if (list == NULL)
		return;
	entries_clear(&list->entries);
	free(list);
}

/* A look-up: "user@domain" in lower case, whose '@' is at offset at. */
struct query {
	const struct namelist *list;
	char text[KEY_MAX];
	size_t at;
	struct span domain;	/* into text */
};

static bool
make_query(struct query *query, const struct namelist *list,
    struct span local, struct span domain)
{
	size_t i, len = 0;

	if (namelist_count(list) == 0 || local.len > ADDRESS_LOCAL_MAX ||
	    domain.len > DOMAIN_MAX)
		return false;
	query->list = list;
	for (i = 0; i < local.len; i++)
		query->text[len++] = ascii_lower(local.p[i]);
	query->at = len;
	query->text[len++] = '@';
	query->domain = span_make(query->text + len, domain.len);
	for (i = 0; i < domain.len; i++)
		query->text[len++] = ascii_lower(domain.p[i]);
	return true;
}

/* The entry of "user@place", then, or else, of "place". */
static const struct entry *
find_place(const struct query *query, struct span place, bool without_user)
{
	char text[KEY_MAX];
	const struct entry *entry = NULL;
	size_t len = query->at + 1;

	if (query->at > 0) {
		memcpy(text, query->text, len);
		memcpy(text + len, place.p, place.len);
		entry = entries_find(&query->list->entries,
		    span_make(text, len + place.len));
	}
	if (entry == NULL && without_user)
		entry = entries_find(&query->list->entries, place);
	return entry;
}

static bool
glob_holds(const struct query *query, const struct entry *glob)
{
	size_t len = query->at + 1 + query->domain.len;

	if (!span_has(glob->key, '@'))
		return glob_match(glob->key, query->domain);
	return query->at > 0 && glob_match_address(glob->key,
	    span_make(query->text, len), query->at);
}

static const struct entry *
find(const struct query *query)
{
	const struct entry *entry = find_place(query, query->domain, true);
	const struct glob *glob;
	struct span place = query->domain;

	while (entry == NULL && place.len > 0) {
		place = span_skip(place, 1);
		place = span_skip(place, span_find(place, '.'));
		if (place.len > 0)
			entry = find_place(query, place, true);
	}
	if (entry == NULL)
		entry = find_place(query, SPAN_LIT("*"), false);
	for (glob = query->list->globs; entry == NULL && glob != NULL;
	    glob = glob->next)
		if (glob_holds(query, glob->entry))
			entry = glob->entry;
	return entry != NULL ? entry :
	    entries_find(&query->list->entries, SPAN_LIT("*"));
}

bool
namelist_match(const struct namelist *list, const struct address *address,
    struct span *entry)
{
	const struct entry *found = NULL;
	struct query query;

	if (make_query(&query, list, list->kind == NAMELIST_DOMAINS ?
	    span_of("") : address->local, address->domain))
		found = find(&query);
	if (entry != NULL)
		*entry = found != NULL ? found->text : span_of("");
	return found != NULL && !found->excludes;
}

bool
namelist_match_parents(const struct namelist *list, struct span domain,
    struct span *listed)
{
	struct address address = { span_of(""), domain };

	for (; address.domain.len > 0;
	    address.domain = domain_parent(address.domain)) {
		if (!namelist_match(list, &address, NULL))
			continue;
		if (listed != NULL)
			*listed = address.domain;
		return true;
	}
	return false;
}

size_t
namelist_count(const struct namelist *list)
{
	return list->entries.map.count;
}
