#include "common/dkim/signature.h"

#include "common/base/base64.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/dkim/quoted.h"
#include "common/mail/domain.h"
#include "common/mail/taglist.h"

enum {
	TIME_DIGITS = 12,	/* RFC 6376 3.5, t= and x= */
	LENGTH_DIGITS = 76	/* l= */
};

struct parser {
	struct dkim_signature *signature;
	struct arena *arena;
};

/* Each reads one tag's value: NULL, or what is wrong. */

static const char *
read_version(struct parser *p, struct span value)
{
	(void)p;
	return span_is(value, "1") ? NULL : "unsupported version";
}

static const char *
read_algorithm(struct parser *p, struct span value)
{
	return dkim_algorithm_parse(value, &p->signature->algorithm) ? NULL :
	    "unsupported algorithm";
}

static bool
read_base64(struct parser *p, struct span value, struct span *octets)
{
	struct strbuf out = STRBUF_INIT;
	bool ok = base64_decode(value, &out);

	if (ok)
		*octets = arena_dup(p->arena, strbuf_span(&out));
	strbuf_clear(&out);
	return ok;
}

static const char *
read_signature(struct parser *p, struct span value)
{
	struct dkim_signature *s = p->signature;

	return read_base64(p, value, &s->signature) &&
	    s->signature.len <= DKIM_SIGNATURE_MAX ? NULL : "malformed b=";
}

static const char *
read_body_hash(struct parser *p, struct span value)
{
	struct dkim_signature *s = p->signature;

	return read_base64(p, value, &s->body_hash) &&
	    s->body_hash.len == BODYHASH_SIZE ? NULL : "malformed bh=";
}

static const char *
read_canon(struct parser *p, struct span value)
{
	return canon_parse_pair(value, &p->signature->header_canon,
	    &p->signature->body_canon) ? NULL : "unsupported c=";
}

static const char *
read_domain(struct parser *p, struct span value)
{
	return domain_to_ascii(value, p->arena, &p->signature->domain) ? NULL :
	    "malformed d=";
}

/* Not LDH alone: selectors with an underscore are in use. */
static const char *
read_selector(struct parser *p, struct span value)
{
	struct span *selector = &p->signature->selector;

	if (domain_is_valid_owner(value))
		*selector = arena_duplower(p->arena, value);
	else if (!domain_to_ascii(value, p->arena, selector))
		return "malformed s=";
	return NULL;
}

static const char *
read_identity(struct parser *p, struct span value)
{
	struct strbuf text = STRBUF_INIT;
	struct span identity, domain;
	bool ok = false;
	size_t at;

	if (dkim_quoted_decode(value, &text)) {
		identity = strbuf_span(&text);
		at = span_rfind(identity, '@');
		ok = at < identity.len && domain_to_ascii(
		    span_skip(identity, at + 1), p->arena, &domain);
		if (ok) {
			strbuf_truncate(&text, at + 1);
			strbuf_addspan(&text, domain);
			p->signature->identity = arena_dup(p->arena,
			    strbuf_span(&text));
		}
	}
	strbuf_clear(&text);
	return ok ? NULL : "malformed i=";
}

static const char *
read_names(struct parser *p, struct span value)
{
	struct dkim_signature *s = p->signature;
	struct span name, rest = value;
	bool has_from = false, more;
	size_t count = 1;

	for (; span_cut(&rest, ':', &name); count++)
		if (count == DKIM_HEADER_NAMES_MAX)
			return "too many names in h=";
	s->names = arena_alloc(p->arena, count * sizeof(*s->names));
	do {
		more = span_cut(&value, ':', &name);
		name = span_trim(name);
		if (!header_name_is_valid(name))
			return "malformed h=";
		has_from = has_from || span_is_nocase(name, "From");
		s->names[s->name_count++] = arena_dup(p->arena, name);
	} while (more);
	return has_from ? NULL : "From not in h=";
}

static const char *
read_length(struct parser *p, struct span value)
{
	struct dkim_signature *s = p->signature;
	size_t i;

	for (i = 0; i < value.len; i++)
		if (!is_digit(value.p[i]))
			break;
	if (i == 0 || i < value.len || value.len > LENGTH_DIGITS)
		return "malformed l=";
	/* More octets than any body has: not "no limit", but too many. */
	if (!span_number(value, UINT64_MAX - 1, &s->body_length))
		s->body_length = UINT64_MAX - 1;
	return NULL;
}

static const char *
read_query(struct parser *p, struct span value)
{
	struct span method;
	bool more;

	(void)p;
	do {
		more = span_cut(&value, ':', &method);
		if (span_is_nocase(span_trim(method), "dns/txt"))
			return NULL;
	} while (more);
	return "unsupported q=";
}

static bool
read_time(struct span value, int64_t *seconds)
{
	uint64_t n;

	if (value.len > TIME_DIGITS || !span_number(value, INT64_MAX, &n))
		return false;
	*seconds = (int64_t)n;
	return true;
}

static const char *
read_timestamp(struct parser *p, struct span value)
{
	return read_time(value, &p->signature->timestamp) ? NULL :
	    "malformed t=";
}

static const char *
read_expiration(struct parser *p, struct span value)
{
	return read_time(value, &p->signature->expiration) ? NULL :
	    "malformed x=";
}

static const struct reader {
	const char *name;
	const char *missing;	/* NULL: need not be there */
	const char *(*read)(struct parser *p, struct span value);
} readers[] = {
	{ "v", "no v=", read_version },
	{ "a", "no a=", read_algorithm },
	{ "d", "no d=", read_domain },
	{ "s", "no s=", read_selector },
	{ "h", "no h=", read_names },
	{ "bh", "no bh=", read_body_hash },
	{ "b", "no b=", read_signature },
	{ "c", NULL, read_canon },
	{ "i", NULL, read_identity },
	{ "l", NULL, read_length },
	{ "q", NULL, read_query },
	{ "t", NULL, read_timestamp },
	{ "x", NULL, read_expiration },
};

static const char *
read_tags(struct parser *p, const struct taglist *list)
{
	const char *reason;
	const struct tag *tag;
	size_t i;

	for (i = 0; i < ARRAY_LEN(readers); i++) {
		tag = taglist_find(list, readers[i].name);
		reason = tag != NULL ? readers[i].read(p, tag->value) :
		    readers[i].missing;
		if (reason != NULL)
			return reason;
	}
	return NULL;
}

/* What one tag says against another. */
static const char *
check_tags(const struct dkim_signature *s)
{
	struct span domain = span_skip(s->identity,
	    span_rfind(s->identity, '@') + 1);

	if (s->identity.len != 0 && !domain_is_within(domain, s->domain))
		return "i= not within d=";
	if (s->expiration >= 0 && s->expiration <= s->timestamp)
		return "x= not after t=";
	return NULL;
}

static const char *
list_reason(enum taglist_result result)
{
	static const char *const texts[] = {
		[TAGLIST_OK] = NULL,
		[TAGLIST_SYNTAX] = "malformed tag list",
		[TAGLIST_DUPLICATE] = "duplicate tag",
		[TAGLIST_TOO_MANY] = "too many tags",
	};

	return texts[result];
}

void
dkim_signature_parse(struct span value, struct arena *arena,
    struct dkim_signature *signature, const char **reason)
{
	struct parser p = { signature, arena };
	struct taglist list;

	*signature = (struct dkim_signature){
		.header_canon = CANON_SIMPLE,
		.body_canon = CANON_SIMPLE,
		.body_length = UINT64_MAX,
		.timestamp = -1,
		.expiration = -1,
	};
	*reason = "too long";
	if (value.len > DKIM_SIGNATURE_FIELD_MAX)
		return;
	*reason = list_reason(taglist_parse(value, &list));
	if (*reason == NULL)
		*reason = read_tags(&p, &list);
	if (*reason == NULL)
		*reason = check_tags(signature);
}

/* ---- the text that is hashed ---- */

/*
 * A name of h=: how often it is there, and the fields of that name bottom-up.
 * Made by one pass over each, for both may be long: 2000 names times the
 * fields of a header of some megabytes is more than a message may cost.
 */
struct wanted {
	size_t count;
	const struct header_field **fields;
	size_t found;
	size_t used;
};

static struct span
lower_name(struct span name, char room[HEADER_NAME_MAX])
{
	size_t i;

	while (name.len > 0 && is_wsp(name.p[name.len - 1]))
		name.len--;
	if (name.len > HEADER_NAME_MAX)
		return SPAN_LIT("");
	for (i = 0; i < name.len; i++)
		room[i] = ascii_lower(name.p[i]);
	return span_make(room, name.len);
}

static struct wanted *
get_wanted(const struct map *map, struct span name)
{
	char room[HEADER_NAME_MAX];

	return map_get(map, lower_name(name, room));
}

static void
count_names(struct map *map, const struct span *names, size_t name_count,
    struct arena *arena)
{
	char room[HEADER_NAME_MAX];
	struct wanted *wanted;
	struct span key;
	size_t i;

	map_reserve(map, name_count);
	for (i = 0; i < name_count; i++) {
		key = lower_name(names[i], room);
		wanted = map_get(map, key);
		if (wanted == NULL) {
			wanted = arena_zalloc(arena, sizeof(*wanted));
			map_add(map, arena_dup(arena, key), wanted);
		}
		wanted->count++;
	}
}

static void
find_fields(const struct map *map, const struct header_field *fields,
    size_t count, struct arena *arena)
{
	struct wanted *wanted;
	size_t i = count;

	while (i-- > 0) {
		wanted = get_wanted(map, fields[i].name);
		if (wanted == NULL || wanted->found == wanted->count)
			continue;
		if (wanted->fields == NULL)
			wanted->fields = arena_alloc(arena,
			    wanted->count * sizeof(struct header_field *));
		wanted->fields[wanted->found++] = &fields[i];
	}
}

void
dkim_signature_header_text(enum canon canon,
    const struct header_field *fields, size_t count, const struct span *names,
    size_t name_count, const struct header_field *own, struct strbuf *out)
{
	struct arena arena = ARENA_INIT;
	struct map map = MAP_INIT;
	struct wanted *wanted;
	size_t i;

	count_names(&map, names, name_count, &arena);
	find_fields(&map, fields, count, &arena);
	for (i = 0; i < name_count; i++) {
		wanted = get_wanted(&map, names[i]);
		if (wanted->used < wanted->found)
			canon_header(canon, wanted->fields[wanted->used++],
			    out);
	}
	if (own != NULL)
		dkim_signature_add_own(canon, own, out);
	map_clear(&map);
	arena_clear(&arena);
}

void
dkim_signature_add_own(enum canon canon, const struct header_field *own,
    struct strbuf *out)
{
	canon_header(canon, own, out);
	strbuf_truncate(out, out->len - 2);
}

/* RFC 6376 3.7: the white space around the value goes with it. */
struct span
dkim_signature_strip_b(struct span value, struct arena *arena)
{
	struct span rest = value, item, name, head, tail;
	char *out;
	bool more;

	do {
		more = span_cut(&rest, ';', &item);
		if (!span_cut(&item, '=', &name))
			continue;
		if (!span_is(span_trim(name), "b"))
			continue;
		head = span_first(value, (size_t)(item.p - value.p));
		tail = span_skip(value, head.len + item.len);
		out = arena_alloc(arena, head.len + tail.len + 1);
		memcpy(out, head.p, head.len);
		memcpy(out + head.len, tail.p, tail.len);
		out[head.len + tail.len] = '\0';
		return span_make(out, head.len + tail.len);
	} while (more);
	return arena_dup(arena, value);
}
