#include "common/tables/hostlist.h"

#include "common/base/mem.h"
#include "common/tables/entries.h"
#include "common/tables/pattern.h"

#include <stdlib.h>

/* Keys are names, "host.example" or ".example", and networks: the bytes of a
 * struct ipaddr, which start with a 4 or a 6 as no name does. */
struct hostlist {
	struct entries entries;
	bool has_bits4[32 + 1];	/* which prefix lengths there are */
	bool has_bits6[128 + 1];
};

static void
warn_masked(const struct entries_row *row, const struct ipaddr *network)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "has bits set behind its prefix; it is read as ");
	ipaddr_add(&text, network);
	strbuf_adds(&text, ", write that");
	entries_warning(row, text.s);
	strbuf_clear(&text);
}

static bool
take_network(const struct entries_row *row)
{
	struct hostlist *list = row->list;
	struct ipaddr network;
	bool host_bits;

	if (!ipaddr_parse_network(row->text, &network, &host_bits))
		return false;
	if (host_bits)
		warn_masked(row, &network);
	(network.family == 4 ? list->has_bits4 : list->has_bits6)
	    [network.bits] = true;
	entries_add(row, span_make(&network, sizeof(network)));
	return true;
}

static void
take_entry(const struct entries_row *row)
{
	struct arena scratch = ARENA_INIT;
	struct span name;

	if (take_network(row))
		return;
	if (pattern_host(row->text, &scratch, &name))
		entries_add(row, name);
	else
		entries_error(row, pattern_host_fault(row->text));
	arena_clear(&scratch);
}

struct hostlist *
hostlist_load(const char *spec, const struct dataset_place *place,
    struct diag *diag)
{
	struct hostlist *list = xcalloc(1, sizeof(*list));

	if (entries_load(&list->entries, spec, place, diag, list, take_entry))
		return list;
	hostlist_free(list);
	return NULL;
}

void
hostlist_free(struct hostlist *list)
{
	if (list == NULL)
		return;
	entries_clear(&list->entries);
	free(list);
}

/* name in lower case, without the root's dot; false where it is none. */
static bool
lower_name(struct span name, char lower[DOMAIN_MAX], struct span *result)
{
	size_t i;

	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > DOMAIN_MAX || name.p[0] == '[' ||
	    span_is_nocase(name, "unknown"))
		return false;
	for (i = 0; i < name.len; i++)
		lower[i] = ascii_lower(name.p[i]);
	*result = span_make(lower, name.len);
	return true;
}

static const struct entry *
find_name(const struct hostlist *list, struct span written)
{
	char lower[DOMAIN_MAX];
	const struct entry *entry;
	struct span name;

	if (hostlist_count(list) == 0 || !lower_name(written, lower, &name))
		return NULL;
	entry = entries_find(&list->entries, name);
	while (entry == NULL && name.len > 0) {
		name = span_skip(name, 1);
		name = span_skip(name, span_find(name, '.'));
		entry = entries_find(&list->entries, name);
	}
	return entry;
}

static const struct entry *
find_address(const struct hostlist *list, const struct ipaddr *address)
{
	const bool *has = address->family == 4 ? list->has_bits4 :
	    list->has_bits6;
	const struct entry *entry;
	struct ipaddr network;
	int bits;

	if (address->family == 0)
		return NULL;
	for (bits = address->bits; bits >= 0; bits--) {
		if (!has[bits])
			continue;
		network = ipaddr_mask(*address, (unsigned)bits);
		entry = entries_find(&list->entries,
		    span_make(&network, sizeof(network)));
		if (entry != NULL)
			return entry;
	}
	return NULL;
}

bool
hostlist_match(const struct hostlist *list, struct span name,
    const struct ipaddr *address, struct span *entry)
{
	const struct entry *found = find_name(list, name);

	if (found == NULL)
		found = find_address(list, address);
	if (entry != NULL)
		*entry = found != NULL ? found->text : span_of("");
	return found != NULL && !found->excludes;
}

size_t
hostlist_count(const struct hostlist *list)
{
	return list->entries.map.count;
}
