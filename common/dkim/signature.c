#include "common/dkim/signature.h"

#include "common/base/base64.h"
#include "common/base/mem.h"
#include "common/dkim/quoted.h"
#include "common/mail/domain.h"
#include "common/mail/taglist.h"

enum {
	TIME_DIGITS = 12,	/* RFC 6376 3.5, t= and x= */
	LENGTH_DIGITS = 76,	/* l= */
	INSTANCE_DIGITS = 2,	/* RFC 8617 4.2.1 */
	INSTANCE_MAX = 50
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
	/* RFC 8301 3.1: a permanent failure, whatever its signature is worth */
	if (span_is_nocase(value, "rsa-sha1"))
		return "rsa-sha1 is no longer accepted";
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
read_instance(struct parser *p, struct span value)
{
	uint64_t n;

	if (value.len > INSTANCE_DIGITS ||
	    !span_number(value, INSTANCE_MAX, &n) || n == 0)
		return "malformed i=";
	p->signature->instance = (unsigned)n;
	return NULL;
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

/* "dns" alone, as DomainKeys and DKIM's drafts wrote it, can only mean TXT. */
static const char *
read_query(struct parser *p, struct span value)
{
	struct span method;
	bool more;

	(void)p;
	do {
		more = span_cut(&value, ':', &method);
		method = span_trim(method);
		if (span_is_nocase(method, "dns/txt") ||
		    span_is_nocase(method, "dns"))
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

static const char *
read_cv(struct parser *p, struct span value)
{
	static const char *const words[] = {
		[ARC_CV_NONE] = "none",
		[ARC_CV_PASS] = "pass",
		[ARC_CV_FAIL] = "fail",
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		if (!span_is_nocase(value, words[i]))
			continue;
		p->signature->cv = (enum arc_cv)i;
		return NULL;
	}
	return "malformed cv=";
}

/* RFC 8617 4.1.3: what a seal covers is not for the sealer to choose. */
static const char *
refuse_names(struct parser *p, struct span value)
{
	(void)p;
	(void)value;
	return "h= in a seal";
}

enum {
	IN_DKIM = 1 << DKIM_SIGNATURE,
	IN_AMS = 1 << DKIM_ARC_MESSAGE_SIGNATURE,
	IN_SEAL = 1 << DKIM_ARC_SEAL,
	IN_ARC = IN_AMS | IN_SEAL,
	IN_BODY = IN_DKIM | IN_AMS,	/* what covers one */
	IN_ALL = IN_BODY | IN_SEAL
};

static const struct reader {
	const char *name;
	unsigned kinds;		/* elsewhere it is an unknown tag */
	const char *missing;	/* NULL: need not be there */
	const char *(*read)(struct parser *p, struct span value);
} readers[] = {
	{ "v", IN_DKIM, "no v=", read_version },
	{ "i", IN_ARC, "no i=", read_instance },
	{ "a", IN_ALL, "no a=", read_algorithm },
	{ "d", IN_ALL, "no d=", read_domain },
	{ "s", IN_ALL, "no s=", read_selector },
	{ "cv", IN_SEAL, "no cv=", read_cv },
	{ "h", IN_BODY, "no h=", read_names },
	{ "h", IN_SEAL, NULL, refuse_names },
	{ "bh", IN_BODY, "no bh=", read_body_hash },
	{ "b", IN_ALL, "no b=", read_signature },
	{ "c", IN_BODY, NULL, read_canon },
	{ "i", IN_DKIM, NULL, read_identity },
	{ "l", IN_BODY, NULL, read_length },
	{ "q", IN_BODY, NULL, read_query },
	{ "t", IN_ALL, NULL, read_timestamp },
	{ "x", IN_BODY, NULL, read_expiration },
};

static const char *
read_tags(struct parser *p, unsigned kind, const struct taglist *list)
{
	const char *reason;
	const struct tag *tag;
	size_t i;

	for (i = 0; i < ARRAY_LEN(readers); i++) {
		if ((readers[i].kinds & kind) == 0)
			continue;
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
dkim_signature_parse_as(enum dkim_signature_kind kind, struct span value,
    struct arena *arena, struct dkim_signature *signature,
    const char **reason)
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
		*reason = read_tags(&p, 1u << kind, &list);
	if (*reason == NULL)
		*reason = check_tags(signature);
}

void
dkim_signature_parse(struct span value, struct arena *arena,
    struct dkim_signature *signature, const char **reason)
{
	dkim_signature_parse_as(DKIM_SIGNATURE, value, arena, signature,
	    reason);
}

/* ---- what can be had of any field ---- */

static struct span *
peeked_tag(struct dkim_signature_peek *peek, struct span name)
{
	if (name.len != 1)
		return NULL;
	switch (name.p[0]) {
	case 'd':
		return &peek->domain;
	case 's':
		return &peek->selector;
	case 'i':
		return &peek->identity;
	case 'a':
		return &peek->algorithm;
	case 'b':
		return &peek->signature;
	}
	return NULL;
}

void
dkim_signature_peek(struct span value, struct dkim_signature_peek *peek)
{
	struct span item, name, *tag;
	bool more;

	memset(peek, 0, sizeof(*peek));
	do {
		more = span_cut(&value, ';', &item);
		if (!span_cut(&item, '=', &name))
			continue;
		tag = peeked_tag(peek, span_trim(name));
		if (tag != NULL && tag->p == NULL)
			*tag = span_trim(item);
	} while (more);
}

/* ---- without b= ---- */

/* Where the value of b= is; an empty span at the end where there is none. */
static struct span
find_b(struct span value)
{
	struct span rest = value, item, name;
	bool more;

	do {
		more = span_cut(&rest, ';', &item);
		if (span_cut(&item, '=', &name) &&
		    span_is(span_trim(name), "b"))
			return item;
	} while (more);
	return span_skip(value, value.len);
}

/* RFC 6376 3.7: the white space around the value goes with it. */
void
dkim_signature_add_stripped(struct span value, struct strbuf *out)
{
	struct span b = find_b(value);
	size_t head = (size_t)(b.p - value.p);

	strbuf_addspan(out, span_first(value, head));
	strbuf_addspan(out, span_skip(value, head + b.len));
}

struct span
dkim_signature_strip_b(struct span value, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT;
	struct span stripped;

	dkim_signature_add_stripped(value, &out);
	stripped = arena_dup(arena, strbuf_span(&out));
	strbuf_clear(&out);
	return stripped;
}
