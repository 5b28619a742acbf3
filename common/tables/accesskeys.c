#include "common/tables/accesstable.h"

#include "common/base/mem.h"
#include "common/tables/accessnets.h"
#include "common/tables/pattern.h"

#include <stdlib.h>

/* Room for "user@domain" of both look-ups and rows; longer ones are neither. */
enum { KEY_MAX = ADDRESS_LOCAL_MAX + 1 + DOMAIN_MAX };

struct keyrow {
	const char *key;
	uint32_t len;
	uint32_t line;
	const struct access_rule *rule;
};

/* Names and mail addresses are found by text, addresses as networks. */
struct access_keys {
	struct keyrow *rows;
	size_t count, cap;
	struct rowindex index;
	struct access_nets nets;
};

static bool
is_row(const void *table, uint32_t row, struct span key)
{
	const struct access_keys *keys = table;

	return span_eq(span_make(keys->rows[row].key, keys->rows[row].len),
	    key);
}

struct access_keys *
access_keys_new(void)
{
	struct access_keys *keys = xcalloc(1, sizeof(*keys));

	rowindex_init(&keys->index, keys, is_row);
	access_nets_init(&keys->nets);
	return keys;
}

void
access_keys_free(struct access_keys *keys)
{
	if (keys == NULL)
		return;
	rowindex_clear(&keys->index);
	access_nets_clear(&keys->nets);
	free(keys->rows);
	free(keys);
}

size_t
access_keys_count(const struct access_keys *keys)
{
	return keys->count + keys->nets.count;
}

static bool
add_text(struct access_keys *keys, struct access_source *source,
    struct span key, const struct access_rule *rule)
{
	uint32_t found = rowindex_get(&keys->index, key);
	struct keyrow *row;

	if (found != ROWINDEX_NONE) {
		access_advise(source, "%s is there already, on line %u, and "
		    "that row counts; remove one of them",
		    access_quote(source, key), keys->rows[found].line);
		return true;
	}
	if (keys->count == keys->cap) {
		keys->cap = keys->cap != 0 ? keys->cap * 2 : 16;
		keys->rows = xreallocarray(keys->rows, keys->cap,
		    sizeof(*keys->rows));
	}
	row = &keys->rows[keys->count];
	row->key = arena_dup(source->arena, key).p;
	row->len = (uint32_t)key.len;
	row->line = source->line;
	row->rule = rule;
	rowindex_add(&keys->index, key, (uint32_t)keys->count++);
	return true;
}

static bool
refuse(struct access_source *source, struct span key, const char *why)
{
	access_refuse(source, "%s %s", access_quote(source, key), why);
	return false;
}

/* The beginning of an address, one to three decimal numbers with dots
 * between: access(5)'s net, net.work and net.work.addr. */
static bool
parse_begin4(struct span text, struct ipaddr *network)
{
	struct span part;
	uint64_t n;
	bool more = true;
	unsigned i;

	memset(network, 0, sizeof(*network));
	for (i = 0; more; i++) {
		more = span_cut(&text, '.', &part);
		if (i == 3 || part.len > 3 || !span_number(part, 255, &n))
			return false;
		network->octets[i] = (unsigned char)n;
	}
	network->family = 4;
	network->bits = (unsigned char)(8 * i);
	return true;
}

static bool
parse_hex(struct span text, unsigned *value)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;
	size_t i;

	*value = 0;
	for (i = 0; i < text.len; i++) {
		digit = strchr(digits, ascii_lower(text.p[i]));
		if (digit == NULL || *digit == '\0')
			return false;
		*value = *value * 16 + (unsigned)(digit - digits);
	}
	return text.len > 0 && text.len <= 4;
}

/* The same of IPv6: up to seven hexadecimal numbers with colons between. */
static bool
parse_begin6(struct span text, struct ipaddr *network)
{
	struct span part;
	bool more = true;
	unsigned i, n;

	memset(network, 0, sizeof(*network));
	for (i = 0; more; i++) {
		more = span_cut(&text, ':', &part);
		if (i == 7 || (i == 0 && !more && !is_digit(part.p[0])) ||
		    !parse_hex(part, &n))
			return false;
		network->octets[2 * i] = (unsigned char)(n >> 8);
		network->octets[2 * i + 1] = (unsigned char)n;
	}
	network->family = 6;
	network->bits = (unsigned char)(16 * i);
	return true;
}

static bool
parse_network(struct access_source *source, struct span key,
    struct ipaddr *network)
{
	struct strbuf text = STRBUF_INIT;
	bool host_bits;

	if (!ipaddr_parse_network(key, network, &host_bits))
		return parse_begin4(key, network) ||
		    parse_begin6(key, network);
	if (host_bits) {
		ipaddr_add(&text, network);
		access_advise(source, "%s has bits set behind its prefix; it "
		    "is read as %s, write that", access_quote(source, key),
		    text.s);
		strbuf_clear(&text);
	}
	return true;
}

static bool
add_client(struct access_keys *keys, struct access_source *source,
    struct span key, const struct access_rule *rule)
{
	struct ipaddr network;
	struct span name;

	if (parse_network(source, key, &network)) {
		access_nets_add(&keys->nets, source, &network, rule);
		return true;
	}
	if (span_starts(key, SPAN_LIT("*.")))
		return refuse(source, key, "has a \"*\", which is a character "
		    "like others here; write example.com, which means what is "
		    "below it too, or .example.com");
	if (!pattern_host(key, &source->scratch, &name))
		return refuse(source, key, pattern_host_fault(key));
	return add_text(keys, source, name, rule);
}

/* HELO's name is whatever the client says, so most of it may be a key. */
static bool
add_helo(struct access_keys *keys, struct access_source *source,
    struct span key, const struct access_rule *rule)
{
	struct span name;

	if (span_has(key, '*') || span_has(key, '@') || span_has(key, '/'))
		return refuse(source, key, "is nothing that HELO says; write "
		    "a host name, .example.com or [192.0.2.1]");
	if (!pattern_host(key, &source->scratch, &name))
		name = arena_duplower(&source->scratch, key);
	return add_text(keys, source, name, rule);
}

/* The domain of a key, as addresses have it. */
static bool
read_domain(struct access_source *source, struct span text,
    struct span *domain)
{
	bool is_literal = text.len > 2 && text.p[0] == '[' &&
	    text.p[text.len - 1] == ']';

	*domain = arena_duplower(&source->scratch, text);
	return is_literal || pattern_domain(text, &source->scratch, domain) ||
	    domain_is_valid_owner(text);
}

/* "john smith"@example.com: keys are looked up without quotes. */
static struct span
unquote(struct access_source *source, struct span local)
{
	struct address address;
	const char *whole;

	if (!span_starts(local, SPAN_LIT("\"")))
		return local;
	whole = arena_printf(&source->scratch, "%.*s@x", SPAN_ARG(local));
	return address_parse_path(span_of(whole), &source->scratch,
	    &address) == ADDRESS_OK ? address.local : local;
}

static bool
add_address(struct access_keys *keys, struct access_source *source,
    struct span key, size_t at, const struct access_rule *rule)
{
	struct span local = span_first(key, at), domain;
	const char *text;

	domain = span_skip(key, at + 1);
	if (local.len == 0 || span_is(local, "*"))
		return refuse(source, key, "has no user before the \"@\"; "
		    "write the domain alone");
	if (span_has(domain, '*') || (domain.len > 0 &&
	    !read_domain(source, domain, &domain)))
		return refuse(source, key, "has no domain behind the \"@\"; "
		    "write user@domain, or user@ for every domain");
	local = arena_duplower(&source->scratch, unquote(source, local));
	text = arena_printf(&source->scratch, "%.*s@%.*s", SPAN_ARG(local),
	    SPAN_ARG(domain));
	return add_text(keys, source, span_of(text), rule);
}

static bool
add_mail(struct access_keys *keys, struct access_source *source,
    struct span key, const struct access_rule *rule)
{
	size_t at = span_rfind(key, '@');
	bool below = key.len > 1 && key.p[0] == '.';
	struct span domain;

	if (span_is(key, "<>"))
		return add_text(keys, source, key, rule);
	if (at < key.len)
		return add_address(keys, source, key, at, rule);
	if (!read_domain(source, below ? span_skip(key, 1) : key, &domain))
		return refuse(source, key, "is neither an address nor a "
		    "domain; write user@domain, domain, .domain, user@ or <>");
	if (below)
		domain = span_of(arena_printf(&source->scratch, ".%.*s",
		    SPAN_ARG(domain)));
	return add_text(keys, source, domain, rule);
}

bool
access_keys_add(struct access_keys *keys, struct access_source *source,
    struct span key, const struct access_rule *rule)
{
	static bool (*const adders[ACCESS_SUBJECTS])(struct access_keys *,
	    struct access_source *, struct span,
	    const struct access_rule *) = {
		[ACCESS_CLIENT] = add_client,
		[ACCESS_HELO] = add_helo,
		[ACCESS_SENDER] = add_mail,
		[ACCESS_RECIPIENT] = add_mail,
	};

	if (key.len > KEY_MAX)
		return refuse(source, key, "is longer than any name or "
		    "address");
	return adders[source->subject](keys, source, key, rule);
}

static const struct keyrow *
get(const struct access_keys *keys, struct span key)
{
	uint32_t row = rowindex_get(&keys->index, key);

	return row != ROWINDEX_NONE ? &keys->rows[row] : NULL;
}

static struct span
lower(char *to, struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		to[i] = ascii_lower(text.p[i]);
	return span_make(to, text.len);
}

/* The name, then for each parent, the nearest first, ".parent", "parent". */
static const struct keyrow *
find_domain(const struct access_keys *keys, struct span written)
{
	char text[KEY_MAX];
	const struct keyrow *row;
	struct ipaddr address;
	struct span name;

	if (written.len > 1 && written.p[written.len - 1] == '.')
		written.len--;
	if (written.len == 0 || written.len > sizeof(text))
		return NULL;
	name = lower(text, written);
	row = get(keys, name);
	if (row != NULL || name.p[0] == '[' || ipaddr_parse(name, &address))
		return row;
	while (row == NULL) {
		name = span_skip(name, 1);
		name = span_skip(name, span_find(name, '.'));
		if (name.len < 2)
			break;
		row = get(keys, name);
		if (row == NULL)
			row = get(keys, span_skip(name, 1));
	}
	return row;
}

/* "local@domain"; the domain may be none. */
static const struct keyrow *
find_address(const struct access_keys *keys, struct span local,
    struct span domain)
{
	char text[KEY_MAX];

	if (local.len == 0)
		return NULL;
	lower(text, local);
	text[local.len] = '@';
	lower(text + local.len + 1, domain);
	return get(keys, span_make(text, local.len + 1 + domain.len));
}

/* Without "+extension"; empty where there is none. */
static struct span
bare_local(struct span local)
{
	size_t plus = span_find(local, '+');

	return span_first(local, plus < local.len ? plus : 0);
}

/* In access(5)'s order. */
static const struct keyrow *
find_mail(const struct access_keys *keys, const struct access_query *query)
{
	struct span none = { "", 0 }, bare = bare_local(query->local);
	const struct keyrow *row;

	if (query->is_null)
		return get(keys, SPAN_LIT("<>"));
	if (query->local.len > ADDRESS_LOCAL_MAX ||
	    query->domain.len > DOMAIN_MAX)
		return NULL;
	row = query->domain.len == 0 ? NULL :
	    find_address(keys, query->local, query->domain);
	if (row == NULL && query->domain.len > 0)
		row = find_address(keys, bare, query->domain);
	if (row == NULL)
		row = find_domain(keys, query->domain);
	if (row == NULL)
		row = find_address(keys, query->local, none);
	if (row == NULL)
		row = find_address(keys, bare, none);
	return row;
}

static bool
hit_by(struct access_hit *hit, const struct access_rule *rule, unsigned line)
{
	*hit = (struct access_hit){ rule, rule->text, line };
	return true;
}

bool
access_keys_find(const struct access_keys *keys,
    const struct access_query *query, struct access_hit *hit)
{
	const struct access_net *net = NULL;
	const struct keyrow *row;

	if (query->subject == ACCESS_CLIENT || query->subject == ACCESS_HELO)
		row = find_domain(keys, query->name);
	else
		row = find_mail(keys, query);
	if (row != NULL)
		return hit_by(hit, row->rule, row->line);
	if (query->subject == ACCESS_CLIENT)
		net = access_nets_find(&keys->nets, query->address,
		    ACCESS_NETS_LONGEST);
	return net != NULL && hit_by(hit, net->rule, net->line);
}
