#include "tests/unit/zone.h"

#include "common/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { CNAMES_MAX = 10, STRING_MAX = 255, TTL = 3600 };

/* ---- lines ---- */

struct line {
	struct span whole;
	struct span name, type, data;
};

static struct span
next_word(struct span *rest)
{
	struct span word;
	size_t i = 0;

	*rest = span_trim(*rest);
	while (i < rest->len && !is_fws(rest->p[i]))
		i++;
	word = span_first(*rest, i);
	*rest = span_trim(span_skip(*rest, i));
	return word;
}

static void
bad_line(const struct zone *zone, const struct line *line)
{
	if (zone->lenient)
		return;
	fprintf(stderr, "zone: cannot read: %.*s\n", SPAN_ARG(line->whole));
	abort();
}

static struct span
without_dot(struct span name)
{
	if (name.len > 1 && name.p[name.len - 1] == '.')
		name.len--;
	return name;
}

static bool
next_line(struct span *rest, struct line *line)
{
	struct span text;

	while (span_line(rest, &text)) {
		line->whole = text;
		if (span_trim(text).len == 0 || text.p[0] == '#')
			continue;
		line->name = without_dot(next_word(&text));
		line->type = next_word(&text);
		line->data = text;
		return true;
	}
	return false;
}

static struct span
zone_text(const struct zone *zone)
{
	return zone->len > 0 ? span_make(zone->text, zone->len) :
	    span_of(zone->text);
}

/* ---- record data ---- */

static bool
add_name(struct strbuf *out, struct span name)
{
	struct span label;
	bool more = name.len > 0 && !span_is(name, ".");

	name = without_dot(name);
	while (more) {
		more = span_cut(&name, '.', &label);
		if (label.len == 0 || label.len > 63)
			return false;
		strbuf_addc(out, (char)label.len);
		strbuf_addspan(out, label);
	}
	strbuf_addc(out, '\0');
	return true;
}

static bool
make_name(struct span data, struct strbuf *out)
{
	return add_name(out, data);
}

static bool
make_mx(struct span data, struct strbuf *out)
{
	uint64_t preference;

	if (!span_number(next_word(&data), 65535, &preference))
		return false;
	strbuf_addc(out, (char)(preference >> 8));
	strbuf_addc(out, (char)(preference & 255));
	return add_name(out, data);
}

static bool
make_a(struct span data, struct strbuf *out)
{
	struct ipaddr address;

	if (!ipaddr_parse(data, &address) || address.family != 4)
		return false;
	strbuf_add(out, address.octets, 4);
	return true;
}

static bool
make_aaaa(struct span data, struct strbuf *out)
{
	struct ipaddr address;

	if (!ipaddr_parse(data, &address))
		return false;
	if (address.family == 4) {	/* was written as ::ffff:192.0.2.1 */
		strbuf_add(out, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		strbuf_add(out, address.octets, 4);
	} else {
		strbuf_add(out, address.octets, 16);
	}
	return true;
}

static void
add_strings(struct strbuf *out, struct span text)
{
	struct span part;

	do {
		part = span_first(text, STRING_MAX);
		strbuf_addc(out, (char)part.len);
		strbuf_addspan(out, part);
		text = span_skip(text, part.len);
	} while (text.len > 0);
}

/* An escape's octet; *rest stands behind the backslash. */
static bool
unescape(struct span *rest, char *c)
{
	uint64_t value;

	if (rest->len >= 3 && span_number(span_first(*rest, 3), 255, &value)) {
		*c = (char)value;
		*rest = span_skip(*rest, 3);
		return true;
	}
	if (rest->len == 0)
		return false;
	*c = rest->p[0];
	*rest = span_skip(*rest, 1);
	return true;
}

/* Takes "..." off *rest, whose first quote is gone. */
static bool
take_quoted(struct span *rest, struct strbuf *text)
{
	char c;

	while (rest->len > 0) {
		c = rest->p[0];
		*rest = span_skip(*rest, 1);
		if (c == '"')
			return true;
		if (c == '\\' && !unescape(rest, &c))
			return false;
		strbuf_addc(text, c);
	}
	return false;
}

static bool
make_txt(struct span data, struct strbuf *out)
{
	struct strbuf text = STRBUF_INIT;
	bool ok = data.len > 0;

	while (ok && data.len > 0) {
		strbuf_reset(&text);
		if (data.p[0] == '"') {
			data = span_skip(data, 1);
			ok = take_quoted(&data, &text);
		} else {
			strbuf_addspan(&text, next_word(&data));
		}
		add_strings(out, strbuf_span(&text));
		while (data.len > 0 && is_fws(data.p[0]))
			data = span_skip(data, 1);
	}
	strbuf_clear(&text);
	return ok;
}

static const struct {
	const char *name;
	enum dns_type type;
	bool (*make)(struct span data, struct strbuf *out);
} types[] = {
	{ "A", DNS_A, make_a },
	{ "AAAA", DNS_AAAA, make_aaaa },
	{ "MX", DNS_MX, make_mx },
	{ "PTR", DNS_PTR, make_name },
	{ "TXT", DNS_TXT, make_txt },
};

static const struct {
	const char *name;
	enum dns_result result;
} pseudo[] = {
	{ "NODATA", DNS_NODATA },
	{ "NXDOMAIN", DNS_NXDOMAIN },
	{ "SERVFAIL", DNS_SERVFAIL },
	{ "TIMEOUT", DNS_TIMEOUT },
	{ "BOGUS", DNS_BOGUS },
	{ "MALFORMED", DNS_MALFORMED },
};

/* ---- answers ---- */

struct asked {
	struct zone *zone;
	struct span name;
	enum dns_type type;
	struct arena *arena;
	struct dns_answer *answer;
	bool exists, has_pseudo;
	struct span alias;
	unsigned late;		/* LATE lines seen */
	bool is_late;
};

/* "" is every type. */
static bool
is_type(struct span word, enum dns_type type)
{
	return word.len == 0 || span_is(word, dns_type_name(type));
}

static bool
read_pseudo(struct asked *asked, const struct line *line)
{
	size_t i;

	if (span_is(line->type, "SECURE")) {
		asked->answer->is_secure = true;
		return true;
	}
	for (i = 0; i < ARRAY_LEN(pseudo); i++) {
		if (!span_is(line->type, pseudo[i].name))
			continue;
		if (is_type(line->data, asked->type)) {
			asked->answer->result = pseudo[i].result;
			asked->has_pseudo = true;
		}
		return true;
	}
	return false;
}

static bool
read_late(struct asked *asked, const struct line *line)
{
	struct span rest = line->data;
	uint64_t times;
	unsigned *waited;

	if (!span_is(line->type, "LATE"))
		return false;
	if (!span_number(next_word(&rest), 1000000, &times) ||
	    asked->late > ZONE_LATE_MAX) {
		bad_line(asked->zone, line);
		return true;
	}
	waited = &asked->zone->waited[asked->late - 1];
	if (is_type(rest, asked->type) && *waited < times) {
		++*waited;
		asked->is_late = true;
	}
	return true;
}

static void
add_record(struct asked *asked, struct span data)
{
	struct dns_answer *answer = asked->answer;
	struct dns_record *records = arena_alloc(asked->arena,
	    (answer->count + 1) * sizeof(*records));

	if (answer->count > 0)
		memcpy(records, answer->records,
		    answer->count * sizeof(*records));
	records[answer->count++].data = arena_dup(asked->arena, data);
	answer->records = records;
}

static bool
read_record(struct asked *asked, const struct line *line)
{
	struct strbuf data = STRBUF_INIT;
	size_t i;
	bool ok = false;

	if (span_is(line->type, "CNAME")) {
		asked->alias = without_dot(line->data);
		return line->data.len > 0;
	}
	for (i = 0; i < ARRAY_LEN(types); i++) {
		if (!span_is(line->type, types[i].name))
			continue;
		ok = types[i].make(line->data, &data);
		if (ok && types[i].type == asked->type &&
		    asked->answer->count < DNS_RECORDS_MAX)
			add_record(asked, strbuf_span(&data));
	}
	strbuf_clear(&data);
	return ok;
}

static bool
is_below(struct span name, struct span parent)
{
	return name.len > parent.len + 1 &&
	    name.p[name.len - parent.len - 1] == '.' &&
	    span_ends_nocase(name, parent);
}

static void
read_line(struct asked *asked, const struct line *line)
{
	if (span_is(line->type, "LATE"))
		asked->late++;
	if (is_below(line->name, asked->name))
		asked->exists = true;
	if (!span_eq_nocase(line->name, asked->name))
		return;
	if (read_late(asked, line) || read_pseudo(asked, line))
		return;
	asked->exists = true;
	if (!read_record(asked, line))
		bad_line(asked->zone, line);
}

/* All that the zone says of one name; false: late. */
static bool
read_zone(struct asked *asked)
{
	struct span rest = zone_text(asked->zone);
	struct line line;

	asked->exists = asked->has_pseudo = asked->is_late = false;
	asked->alias = SPAN_LIT("");
	asked->late = 0;
	while (next_line(&rest, &line))
		read_line(asked, &line);
	return !asked->is_late;
}

static void
conclude(struct asked *asked)
{
	struct dns_answer *answer = asked->answer;

	asked->zone->asked++;
	answer->ttl = TTL;
	if (asked->has_pseudo) {
		answer->count = 0;
		if (answer->result != DNS_NODATA &&
		    answer->result != DNS_NXDOMAIN)
			answer->detail = dns_result_text(answer->result);
	} else if (answer->count > 0) {
		answer->result = DNS_FOUND;
	} else if (asked->alias.len > 0) {
		answer->result = DNS_SERVFAIL;
		answer->detail = "too many CNAMEs";
	} else {
		answer->result = asked->exists ? DNS_NODATA : DNS_NXDOMAIN;
	}
}

bool
zone_source(void *arg, struct span name, enum dns_type type,
    struct arena *arena, struct dns_answer *answer)
{
	struct asked asked = { .zone = arg, .name = name, .type = type,
		.arena = arena, .answer = answer };
	unsigned aliases = 0;

	for (;;) {
		if (!read_zone(&asked))
			return false;
		if (asked.alias.len == 0 || answer->count > 0 ||
		    asked.has_pseudo || aliases++ == CNAMES_MAX)
			break;
		asked.name = asked.alias;
		answer->canonical_name = arena_dup(arena, asked.alias);
	}
	conclude(&asked);
	return true;
}

struct lookups *
zone_lookups(struct zone *zone)
{
	const struct lookups_options options = {
		.source = zone_source, .source_arg = zone };

	return lookups_new(&options);
}
