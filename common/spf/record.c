#include "common/spf/record.h"

#include "common/base/mem.h"
#include "common/spf/macro.h"
#include "common/spf/spf.h"

#include <stdlib.h>

static const struct span version = { "v=spf1", 6 };

/* ---- a record under way ---- */

struct reader {
	struct spf_record *record;
	size_t cap;
	size_t counted;			/* terms that need DNS */
	bool has_all;
	const char *reason;
};

static bool
bad(struct reader *reader, const char *reason)
{
	reader->reason = reason;
	return false;
}

/* What cannot be reached is not kept: nothing behind the term that is one too
 * many, however many octets of record are full of such. */
static void
add_term(struct reader *reader, const struct spf_term *term)
{
	struct spf_record *record = reader->record;

	if (reader->has_all || reader->counted > SPF_TERMS_MAX)
		return;
	reader->counted += spf_mechanism_is_counted(term->mechanism);
	if (record->count == reader->cap) {
		reader->cap = reader->cap == 0 ? 8 : 2 * reader->cap;
		record->terms = xreallocarray(record->terms, reader->cap,
		    sizeof(*record->terms));
	}
	record->terms[record->count++] = *term;
	reader->has_all = term->mechanism == SPF_ALL;
}

static bool
read_directive(struct reader *reader, struct span text)
{
	struct spf_term term;

	if (!spf_term_parse(text, &term, &reader->reason))
		return false;
	add_term(reader, &term);
	return true;
}

/* Whether the term is NAME=VALUE; ':' and '/' come later, if at all (4.6.1). */
static bool
is_modifier(struct span text, struct span *name, struct span *value)
{
	size_t i;

	for (i = 0; i < text.len && text.p[i] != '='; i++)
		if (i == 0 ? !is_alpha(text.p[i]) : !is_alpha(text.p[i]) &&
		    !is_digit(text.p[i]) && text.p[i] != '-' &&
		    text.p[i] != '_' && text.p[i] != '.')
			return false;
	*name = span_first(text, i);
	*value = span_skip(text, i + 1);
	return i > 0 && i < text.len;
}

static bool
read_known_modifier(struct reader *reader, struct spf_modifier *modifier,
    struct span text, struct span value)
{
	if (modifier->text.len > 0)
		return bad(reader, "the modifier is there twice");
	if (!spf_domain_spec_check(value))
		return bad(reader, "syntax error in a modifier");
	*modifier = (struct spf_modifier){ value, text };
	return true;
}

static bool
read_term(struct reader *reader, struct span text)
{
	struct span name, value;

	if (!is_modifier(text, &name, &value))
		return read_directive(reader, text);
	if (span_is_nocase(name, "redirect"))
		return read_known_modifier(reader, &reader->record->redirect,
		    text, value);
	if (span_is_nocase(name, "exp"))
		return read_known_modifier(reader, &reader->record->exp, text,
		    value);
	if (!spf_macro_check(value, SPF_MACRO_IN_TEXT, false))
		return bad(reader, "syntax error in a modifier");
	return true;
}

static bool
starts_with_version(struct span text)
{
	return span_eq_nocase(span_first(text, version.len), version) &&
	    (text.len == version.len || text.p[version.len] == ' ');
}

/* All of published->text, which has its version. */
static void
read_record(struct spf_published *published, struct span text)
{
	struct spf_record *record = &published->record;
	struct reader reader = { .record = record };
	struct span rest = span_skip(text, version.len), term;

	published->found = SPF_FOUND_ONE;
	while (rest.len > 0) {
		span_cut(&rest, ' ', &term);
		if (term.len == 0 || read_term(&reader, term))
			continue;
		published->found = SPF_FOUND_BAD;
		published->reason = reader.reason;
		published->bad_term = term;
		return;
	}
	if (reader.has_all)
		record->redirect = (struct spf_modifier){ SPAN_LIT(""),
		    SPAN_LIT("") };
}

bool
spf_record_parse(struct span text, struct spf_published *published)
{
	*published = (struct spf_published){ .reason = "" };
	if (!starts_with_version(text) || text.len > SPF_RECORD_MAX) {
		published->found = SPF_FOUND_BAD;
		published->reason = text.len > SPF_RECORD_MAX ?
		    "the record is too long" : "no SPF record";
		return false;
	}
	published->text = xmemdup0(text.p, text.len);
	read_record(published, span_make(published->text, text.len));
	return published->found == SPF_FOUND_ONE;
}

void
spf_published_clear(struct spf_published *published)
{
	free(published->record.terms);
	free(published->text);
}

/* ---- kept with the answer ---- */

/* The strings joined; false where one is cut off. dns_txt_join() refuses a
 * NUL: here it is a syntax error, as any other octet but visible ASCII. */
static bool
join_strings(struct span data, struct arena *arena, struct span *text)
{
	char *p = arena_alloc(arena, data.len + 1);
	size_t len, total = 0;

	while (data.len > 0) {
		len = (unsigned char)data.p[0];
		if (len > data.len - 1)
			return false;
		memcpy(p + total, data.p + 1, len);
		total += len;
		data = span_skip(data, 1 + len);
	}
	*text = span_make(p, total);
	return true;
}

/* A TXT record that cannot be read is none of ours: another may be. */
static bool
is_ours(const struct dns_record *record, struct arena *arena,
    struct span *text)
{
	return join_strings(record->data, arena, text) &&
	    starts_with_version(*text);
}

static void *
make_published(const struct dns_answer *answer)
{
	struct spf_published *published = xcalloc(1, sizeof(*published));
	struct arena arena = ARENA_INIT;
	struct span text, ours = SPAN_LIT("");
	size_t i, count = 0;

	for (i = 0; i < answer->count; i++) {
		if (!is_ours(&answer->records[i], &arena, &text))
			continue;
		ours = text;
		count++;
	}
	published->reason = "";
	if (count == 1)
		spf_record_parse(ours, published);
	else
		published->found = count == 0 ? SPF_FOUND_NONE :
		    SPF_FOUND_SEVERAL;
	arena_clear(&arena);
	return published;
}

static void
free_published(void *made)
{
	spf_published_clear(made);
	free(made);
}

const struct dns_derivation spf_derivation = { make_published,
    free_published };
