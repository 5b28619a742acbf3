#include "common/dkim/signset.h"

#include "common/base/mem.h"
#include "common/dkim/signature.h"

#include <stdlib.h>

/*
 * RFC 6376 5.4.1, and what came after it: the MIME fields that say how the
 * body is read, and fields whose readers ask for a signature over them
 * (List-Unsubscribe-Post: RFC 8058 4; Feedback-ID; BIMI-Selector).
 */
static const char default_sign[] =
    "From Sender Reply-To Subject Date Message-ID To Cc In-Reply-To "
    "References MIME-Version Content-Type Content-Transfer-Encoding "
    "Content-Disposition Content-ID Content-Description Content-Language "
    "Resent-From Resent-Sender Resent-To Resent-Cc Resent-Date "
    "Resent-Message-ID List-Id List-Help List-Unsubscribe "
    "List-Unsubscribe-Post List-Subscribe List-Post List-Owner List-Archive "
    "Autocrypt Feedback-ID BIMI-Selector";

/* RFC 6376 5.4.1 and fields that every hop may add or take away. */
static const char default_omit[] =
    "Return-Path Received Comments Keywords Bcc Resent-Bcc DKIM-Signature "
    "Authentication-Results Received-SPF ARC-* Delivered-To X-Original-To";

/*
 * The fields that occur once (RFC 5322 3.6) and that no honest relay adds
 * later. Not Sender: mailing lists and submission servers put one in, and it
 * would break the signature of every message that came without. Not List-*
 * and Resent-*: adding those is the very work of lists and resenders.
 */
static const char default_oversign[] =
    "From To Cc Subject Date Reply-To Message-ID In-Reply-To References "
    "MIME-Version Content-Type Content-Transfer-Encoding";

/* Whoever signs these has a signature that breaks on the way. */
static const char breaking[] =
    "Return-Path Received Bcc Resent-Bcc DKIM-Signature "
    "Authentication-Results Received-SPF ARC-* Delivered-To X-Original-To";

enum {
	NAMES_OCTETS_MAX = 24576	/* so that h= stays within a field */
};

struct entry {
	struct span name;	/* without the '*' of a prefix */
	bool is_prefix;		/* "X-*" */
	bool is_explicit;	/* the admin's, not a default's */
};

struct list {
	struct entry *entries;
	size_t count;
	size_t cap;
};

struct dkim_signset {
	struct arena arena;
	struct list sign;	/* From first; without what is omitted */
	struct list omit;
	struct list oversign;
};

static bool
entry_matches(const struct entry *entry, struct span name)
{
	if (entry->is_prefix)
		name = span_first(name, entry->name.len);
	return span_eq_nocase(entry->name, name);
}

static const struct entry *
list_match(const struct list *list, struct span name)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (entry_matches(&list->entries[i], name))
			return &list->entries[i];
	return NULL;
}

static struct entry
make_entry(struct span text, bool is_explicit)
{
	bool is_prefix = text.len != 0 && text.p[text.len - 1] == '*';

	return (struct entry){ span_first(text, text.len - is_prefix),
	    is_prefix, is_explicit };
}

/* True where both are the same row, not only match the same names. */
static bool
entry_eq(const struct entry *a, const struct entry *b)
{
	return a->is_prefix == b->is_prefix && span_eq_nocase(a->name, b->name);
}

static size_t
list_position(const struct list *list, const struct entry *entry)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (entry_eq(&list->entries[i], entry))
			break;
	return i;
}

static void
list_remove(struct list *list, size_t at)
{
	list->count--;
	memmove(list->entries + at, list->entries + at + 1,
	    (list->count - at) * sizeof(*list->entries));
}

static void
list_add(struct dkim_signset *set, struct list *list, struct entry entry)
{
	size_t at = list_position(list, &entry);

	if (at < list->count) {
		list->entries[at].is_explicit |= entry.is_explicit;
		return;
	}
	if (list->count == list->cap) {
		list->cap = list->cap != 0 ? 2 * list->cap : 64;
		list->entries = xreallocarray(list->entries, list->cap,
		    sizeof(*list->entries));
	}
	entry.name = arena_dup(&set->arena, entry.name);
	list->entries[list->count++] = entry;
}

static void
add_defaults(struct dkim_signset *set, struct list *list, const char *text)
{
	struct span rest = span_of(text), item;

	while (span_item(&rest, &item))
		list_add(set, list, make_entry(item, false));
}

/* ---- the admin's lists ---- */

struct reading {
	struct dkim_signset *set;
	struct list *list;
	struct diag *diag;
	const char *setting;
	const char *file;
	unsigned line;
	bool is_delta;
};

static bool
is_entry_valid(const struct entry *entry)
{
	return header_name_is_valid(entry->name) &&
	    !span_has(entry->name, '*') && !span_has(entry->name, ';');
}

static void
read_item(const struct reading *r, struct span item)
{
	char sign = item.p[0] == '+' || item.p[0] == '-' ? item.p[0] : '\0';
	struct entry entry = make_entry(span_skip(item, sign != '\0'), true);
	size_t at;

	if (!is_entry_valid(&entry)) {
		diag_error(r->diag, r->file, r->line, "%s: %s is no header "
		    "field name", r->setting, diag_quote(r->diag, item));
	} else if (sign != '\0' && !r->is_delta) {
		diag_error(r->diag, r->file, r->line, "%s: %s changes a list, "
		    "but there is none; put \"*\" in front: \"*,%c...\"",
		    r->setting, diag_quote(r->diag, item), sign);
	} else if (sign != '-') {
		list_add(r->set, r->list, entry);
	} else if ((at = list_position(r->list, &entry)) < r->list->count) {
		list_remove(r->list, at);
	} else {
		diag_warning(r->diag, r->file, r->line, "%s: %s is not in the "
		    "list it is taken from", r->setting,
		    diag_quote(r->diag, item));
	}
}

/* "." alone is OpenDKIM's word for an empty list. */
static void
read_list(struct reading *r, const char *text, const char *defaults)
{
	struct span rest = span_of(text), ahead = rest, item;

	if (text == NULL) {
		add_defaults(r->set, r->list, defaults);
		return;
	}
	if (span_is(span_trim(rest), "."))
		return;
	while (span_item(&ahead, &item))
		if (span_is(item, "*"))
			r->is_delta = true;
	if (r->is_delta)
		add_defaults(r->set, r->list, defaults);
	while (span_item(&rest, &item))
		if (!span_is(item, "*"))
			read_item(r, item);
}

/* ---- how the lists go together ---- */

static bool
is_breaking(struct span name)
{
	struct span rest = span_of(breaking), item;
	struct entry entry;

	while (span_item(&rest, &item)) {
		entry = make_entry(item, false);
		if (entry_matches(&entry, name))
			return true;
	}
	return false;
}

static void
check_breaking(const struct reading *r)
{
	const struct entry *entry;
	size_t i;

	for (i = 0; i < r->list->count; i++) {
		entry = &r->list->entries[i];
		if (!entry->is_explicit || entry->is_prefix ||
		    !is_breaking(entry->name))
			continue;
		if (r->list == &r->set->oversign ||
		    span_is_nocase(entry->name, "DKIM-Signature"))
			diag_error(r->diag, r->file, r->line, "%s: %s is added "
			    "to messages after they are signed, so no "
			    "signature would ever verify; leave it out",
			    r->setting, diag_quote(r->diag, entry->name));
		else
			diag_warning(r->diag, r->file, r->line, "%s: %s "
			    "changes on the way, which breaks the signature; "
			    "better leave it out", r->setting,
			    diag_quote(r->diag, entry->name));
	}
}

static void
check_oversign(const struct reading *r)
{
	const struct entry *entry;
	size_t i;

	for (i = 0; i < r->list->count; i++) {
		entry = &r->list->entries[i];
		if (entry->is_prefix)
			diag_error(r->diag, r->file, r->line, "%s: \"%.*s*\" "
			    "stands for many names; only whole names can be "
			    "sealed", r->setting, SPAN_ARG(entry->name));
		else if (entry->is_explicit &&
		    list_match(&r->set->omit, entry->name) != NULL)
			diag_warning(r->diag, r->file, r->line, "%s: %s is in "
			    "OmitHeaders too and is not signed", r->setting,
			    diag_quote(r->diag, entry->name));
	}
}

/* An explicit name beats the default OmitHeaders; an explicit OmitHeaders
 * beats everything. */
static bool
is_omitted(const struct dkim_signset *set, const struct entry *entry)
{
	const struct entry *omit;
	size_t i;

	for (i = 0; i < set->omit.count; i++) {
		omit = &set->omit.entries[i];
		if (entry_matches(omit, entry->name) && !entry->is_prefix &&
		    (omit->is_explicit || !entry->is_explicit))
			return true;
	}
	return false;
}

static void
drop_omitted(const struct dkim_signset *set, struct list *list)
{
	size_t i = 0;

	while (i < list->count)
		if (is_omitted(set, &list->entries[i]))
			list_remove(list, i);
		else
			i++;
}

static void
combine(struct dkim_signset *set)
{
	size_t i;

	drop_omitted(set, &set->sign);
	drop_omitted(set, &set->oversign);
	for (i = 0; i < set->oversign.count; i++)
		if (!set->oversign.entries[i].is_prefix)
			list_add(set, &set->sign, set->oversign.entries[i]);
}

struct dkim_signset *
dkim_signset_new(const struct dkim_signset_options *o, struct diag *diag)
{
	struct dkim_signset *set = xcalloc(1, sizeof(*set));
	struct reading sign = { set, &set->sign, diag, "SignHeaders", o->file,
	    o->sign_line, false };
	struct reading omit = { set, &set->omit, diag, "OmitHeaders", o->file,
	    o->omit_line, false };
	struct reading over = { set, &set->oversign, diag, "OversignHeaders",
	    o->file, o->oversign_line, false };

	read_list(&sign, o->sign, default_sign);
	read_list(&omit, o->omit, default_omit);
	read_list(&over, o->oversign, default_oversign);
	if (list_match(&set->omit, SPAN_LIT("From")) != NULL)
		diag_error(diag, o->file, o->omit_line, "OmitHeaders: From "
		    "cannot be left out (RFC 6376 5.4)");
	if (sign.is_delta && list_match(&set->sign, SPAN_LIT("From")) == NULL)
		diag_error(diag, o->file, o->sign_line, "SignHeaders: From "
		    "cannot be left out (RFC 6376 5.4)");
	check_breaking(&sign);
	check_breaking(&over);
	check_oversign(&over);
	combine(set);
	list_add(set, &set->sign, make_entry(SPAN_LIT("From"), true));
	return set;
}

void
dkim_signset_free(struct dkim_signset *set)
{
	if (set == NULL)
		return;
	free(set->sign.entries);
	free(set->omit.entries);
	free(set->oversign.entries);
	arena_clear(&set->arena);
	free(set);
}

/* ---- h= of a message ---- */

struct selection {
	const struct dkim_signset *set;
	struct span *names;
	size_t count;
	size_t octets;
};

static bool
has_room(const struct selection *s, struct span name)
{
	return s->count + s->set->oversign.count < DKIM_HEADER_NAMES_MAX &&
	    s->octets + name.len <= NAMES_OCTETS_MAX;
}

/* From goes first, so that no number of other fields can push it out. */
static void
select_fields(struct selection *s, const struct header_field *fields,
    size_t count, bool from)
{
	const struct header_field *field;
	size_t i = count;

	while (i-- > 0) {
		field = &fields[i];
		if (field->is_malformed || !has_room(s, field->name) ||
		    span_is_nocase(field->name, "From") != from ||
		    !dkim_signset_signs(s->set, field->name))
			continue;
		s->names[s->count++] = field->name;
		s->octets += field->name.len;
	}
}

void
dkim_signset_select(const struct dkim_signset *set,
    const struct header_field *fields, size_t count, struct arena *arena,
    struct span **names, size_t *name_count)
{
	struct selection s = { set, NULL, 0, 0 };
	size_t i, most = count + set->oversign.count + 1;

	if (most > DKIM_HEADER_NAMES_MAX)
		most = DKIM_HEADER_NAMES_MAX;
	s.names = arena_alloc(arena, most * sizeof(*s.names));
	select_fields(&s, fields, count, true);
	/* h= must have it (RFC 6376 5.4), even where the message does not */
	if (s.count == 0)
		s.names[s.count++] = SPAN_LIT("From");
	select_fields(&s, fields, count, false);
	for (i = 0; i < set->oversign.count && s.count < most; i++)
		s.names[s.count++] = set->oversign.entries[i].name;
	*names = s.names;
	*name_count = s.count;
}

/* Whole names were held against OmitHeaders at load, prefixes are here. */
bool
dkim_signset_signs(const struct dkim_signset *set, struct span name)
{
	const struct entry *entry;
	bool by_prefix = false;
	size_t i;

	for (i = 0; i < set->sign.count; i++) {
		entry = &set->sign.entries[i];
		if (!entry_matches(entry, name))
			continue;
		if (!entry->is_prefix)
			return true;
		by_prefix = true;
	}
	/* a ';' would end h= (RFC 6376 2.10) */
	return by_prefix && !span_has(name, ';') &&
	    list_match(&set->omit, name) == NULL;
}
