#include "common/arc/set.h"

#include "common/dkim/headerhash.h"
#include "common/mail/lexer.h"
#include "common/mail/taglist.h"

struct finder {
	struct arc_chain *chain;
	struct arena *arena;
};

static const struct span names[] = {
	[ARC_AUTHENTICATION_RESULTS] = SPAN_LIT("ARC-Authentication-Results"),
	[ARC_MESSAGE_SIGNATURE] = SPAN_LIT("ARC-Message-Signature"),
	[ARC_SEAL] = SPAN_LIT("ARC-Seal"),
};

const char *
arc_field_name(enum arc_field field)
{
	return names[field].p;
}

/* The first trouble is what is told. */
static void
set_trouble(struct finder *f, unsigned instance, enum arc_field field,
    const char *what)
{
	if (f->chain->trouble != NULL)
		return;
	f->chain->trouble = arena_printf(f->arena, "%s: %s",
	    arc_field_name(field), what);
	f->chain->instance = instance;
}

/* position = 1*2DIGIT, 1 to 50. NULL, or what is wrong. */
static const char *
read_position(struct span s, unsigned *instance)
{
	uint64_t n;

	if (!span_number(s, UINT64_MAX, &n))
		return "malformed i=";
	if (n > ARC_SETS_MAX)
		return "i= over 50";
	if (n == 0 || s.len > 2)
		return "malformed i=";
	*instance = (unsigned)n;
	return NULL;
}

/*
 * instance [CFWS] ";" at the beginning of a value, CFWS between its parts;
 * false where it does not begin so.
 */
static bool
read_front(struct span value, struct span *digits, struct span *rest)
{
	struct lexer in;
	const char *start;

	lexer_start(&in, value);
	if (!lexer_skip_cfws(&in) || !lexer_skip(&in, 'i') ||
	    !lexer_skip_cfws(&in) || !lexer_skip(&in, '=') ||
	    !lexer_skip_cfws(&in))
		return false;
	for (start = in.p; in.p < in.end && is_digit(*in.p); in.p++)
		continue;
	*digits = span_make(start, (size_t)(in.p - start));
	if (!lexer_skip_cfws(&in) || !lexer_skip(&in, ';'))
		return false;
	*rest = span_make(in.p, (size_t)(in.end - in.p));
	return true;
}

/*
 * A signature's or seal's value as a tag list: comments about the instance,
 * which ARC allows and tag lists do not, are taken out.
 */
static struct span
as_tag_list(struct span value, struct arena *arena)
{
	struct strbuf plain = STRBUF_INIT;
	struct span digits, rest;

	if (!read_front(value, &digits, &rest) ||
	    !span_has(span_first(value, (size_t)(rest.p - value.p)), '('))
		return value;
	strbuf_adds(&plain, "i=");
	strbuf_addspan(&plain, digits);
	strbuf_addc(&plain, ';');
	strbuf_addspan(&plain, rest);
	value = arena_dup(arena, strbuf_span(&plain));
	strbuf_clear(&plain);
	return value;
}

/* NULL, or what is wrong. */
static const char *
read_instance(enum arc_field kind, struct span value, unsigned *instance)
{
	struct span digits, rest;
	const struct tag *tag;
	struct taglist list;

	if (kind == ARC_AUTHENTICATION_RESULTS)
		return read_front(value, &digits, &rest) ?
		    read_position(digits, instance) : "no i=";
	if (value.len > DKIM_SIGNATURE_FIELD_MAX)
		return "too long";
	switch (taglist_parse(value, &list)) {
	case TAGLIST_DUPLICATE:
		return "duplicate tag";
	case TAGLIST_OK:
		break;
	default:
		return "malformed tag list";
	}
	tag = taglist_find(&list, "i");
	return tag != NULL ? read_position(tag->value, instance) : "no i=";
}

static void
read_seal(struct finder *f, struct span value, struct arc_set *set,
    unsigned instance)
{
	const char *reason;

	dkim_signature_parse_as(DKIM_ARC_SEAL, value, f->arena, &set->seal,
	    &reason);
	set->has_seal = reason == NULL;
	if (reason != NULL)
		set_trouble(f, instance, ARC_SEAL, reason);
}

static void
add_field(struct finder *f, enum arc_field kind,
    const struct header_field *field)
{
	struct span value = field->value;
	struct arc_set *set;
	const char *reason;
	unsigned n;

	if (f->chain->sets == NULL)
		f->chain->sets = arena_zalloc(f->arena,
		    ARC_SETS_MAX * sizeof(*f->chain->sets));
	if (field->is_malformed && header_name_is_valid(field->name)) {
		set_trouble(f, 0, kind, "malformed header field");
		return;
	}
	if (kind != ARC_AUTHENTICATION_RESULTS)
		value = as_tag_list(value, f->arena);
	if ((reason = read_instance(kind, value, &n)) != NULL) {
		set_trouble(f, 0, kind, reason);
		return;
	}
	set = &f->chain->sets[n - 1];
	if (set->fields[kind] != NULL) {
		set_trouble(f, n, kind, "more than one");
		return;
	}
	set->fields[kind] = field;
	if (f->chain->count < n)
		f->chain->count = n;
	if (kind == ARC_SEAL)
		read_seal(f, value, set, n);
}

/* False where it is no field of ARC's. */
static bool
find_kind(const struct header_field *field, enum arc_field *kind)
{
	struct span name = field->name;
	size_t i;

	if (name.len < 8 || ascii_lower(name.p[0]) != 'a')
		return false;
	while (is_wsp(name.p[name.len - 1]))
		name.len--;
	for (i = 0; i < ARC_FIELDS; i++)
		if (span_eq_nocase(name, names[i])) {
			*kind = (enum arc_field)i;
			return true;
		}
	return false;
}

static void
check_complete(struct finder *f)
{
	const struct arc_set *set;
	unsigned n, kind;

	for (n = 1; n <= f->chain->count; n++) {
		set = &f->chain->sets[n - 1];
		for (kind = 0; kind < ARC_FIELDS; kind++)
			if (set->fields[kind] == NULL)
				set_trouble(f, n, kind, "missing");
	}
}

/* What is no "none" at the beginning, no "pass" behind it. */
static void
check_statuses(struct finder *f)
{
	const struct arc_set *set;
	unsigned n;

	for (n = 1; n <= f->chain->count; n++) {
		set = &f->chain->sets[n - 1];
		if (!set->has_seal)
			continue;
		if (set->seal.cv == ARC_CV_FAIL)
			set_trouble(f, n, ARC_SEAL, "cv=fail");
		else if ((set->seal.cv == ARC_CV_NONE) != (n == 1))
			set_trouble(f, n, ARC_SEAL, n == 1 ?
			    "cv= of the first set is not none" :
			    "cv=none in a later set");
	}
}

/* RFC 8617 5.2, 2: of a chain that was marked as failed nothing else is asked,
 * its older sets may be anything. */
static bool
is_marked_failed(const struct arc_chain *chain)
{
	const struct arc_set *newest = &chain->sets[chain->count - 1];

	return newest->has_seal && newest->seal.cv == ARC_CV_FAIL;
}

static void
read_message_signature(struct finder *f)
{
	struct arc_chain *chain = f->chain;
	struct dkim_signature *signature = &chain->message_signature;
	unsigned n = (unsigned)chain->count;
	const char *reason;
	size_t i;

	dkim_signature_parse_as(DKIM_ARC_MESSAGE_SIGNATURE, as_tag_list(
	    chain->sets[n - 1].fields[ARC_MESSAGE_SIGNATURE]->value, f->arena),
	    f->arena, signature, &reason);
	if (reason != NULL) {
		set_trouble(f, n, ARC_MESSAGE_SIGNATURE, reason);
		return;
	}
	for (i = 0; i < signature->name_count; i++)
		if (span_eq_nocase(signature->names[i], names[ARC_SEAL]))
			set_trouble(f, n, ARC_MESSAGE_SIGNATURE,
			    "ARC-Seal in h=");
}

void
arc_chain_find(const struct header_field *fields, size_t count,
    struct arena *arena, struct arc_chain *chain)
{
	struct finder f = { chain, arena };
	enum arc_field kind;
	size_t i;

	memset(chain, 0, sizeof(*chain));
	for (i = 0; i < count; i++)
		if (find_kind(&fields[i], &kind))
			add_field(&f, kind, &fields[i]);
	if (chain->count != 0 && is_marked_failed(chain)) {
		chain->trouble = NULL;
		set_trouble(&f, (unsigned)chain->count, ARC_SEAL, "cv=fail");
	}
	check_complete(&f);
	check_statuses(&f);
	if (chain->count != 0 && chain->trouble == NULL)
		read_message_signature(&f);
}

void
arc_set_text(const struct arc_set *set, bool is_last, struct strbuf *out)
{
	canon_header(CANON_RELAXED, set->fields[ARC_AUTHENTICATION_RESULTS],
	    out);
	canon_header(CANON_RELAXED, set->fields[ARC_MESSAGE_SIGNATURE], out);
	if (is_last)
		dkim_headers_add_own(CANON_RELAXED, set->fields[ARC_SEAL],
		    out);
	else
		canon_header(CANON_RELAXED, set->fields[ARC_SEAL], out);
}

void
arc_seal_text(const struct arc_set *sets, size_t count, struct strbuf *out)
{
	size_t i;

	for (i = 0; i < count; i++)
		arc_set_text(&sets[i], i + 1 == count, out);
}
