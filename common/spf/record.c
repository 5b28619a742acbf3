#include "common/spf/record.h"

#include "common/base/mem.h"
#include "common/spf/macro.h"
#include "common/spf/spf.h"

#include <arpa/inet.h>
#include <stdlib.h>

static const struct span version = { "v=spf1", 6 };

/* ---- the parts of a term ---- */

/* 1*DIGIT without a leading zero, at most max. */
static bool
read_bits(struct span digits, unsigned max, unsigned char *bits)
{
	uint64_t value;

	if (digits.len == 0 || (digits.len > 1 && digits.p[0] == '0') ||
	    !span_number(digits, max, &value))
		return false;
	*bits = (unsigned char)value;
	return true;
}

/* Takes "/digits" off the end of *rest; false where there is none. */
static bool
cut_prefix_length(struct span *rest, struct span *digits)
{
	size_t i = rest->len;

	while (i > 0 && is_digit(rest->p[i - 1]))
		i--;
	if (i == 0 || i == rest->len || rest->p[i - 1] != '/')
		return false;
	*digits = span_skip(*rest, i);
	rest->len = i - 1;
	return true;
}

/* dual-cidr-length, off the end of *rest. */
static bool
cut_dual_lengths(struct span *rest, struct spf_term *term)
{
	struct span digits;

	term->ip4_bits = 32;
	term->ip6_bits = 128;
	if (!cut_prefix_length(rest, &digits))
		return true;
	if (rest->len > 0 && rest->p[rest->len - 1] == '/') {
		rest->len--;
		if (!read_bits(digits, 128, &term->ip6_bits))
			return false;
		if (!cut_prefix_length(rest, &digits))
			return true;
	}
	return read_bits(digits, 32, &term->ip4_bits);
}

/* ---- mechanisms ---- */

/* value is what follows the name: "", ":...", "/...". */

static bool
read_nothing(struct span value, struct spf_term *term)
{
	(void)term;
	return value.len == 0;
}

static bool
read_spec(struct span value, struct spf_term *term)
{
	if (value.len == 0 || value.p[0] != ':')
		return false;
	term->spec = span_skip(value, 1);
	return spf_domain_spec_check(term->spec);
}

static bool
read_optional_spec(struct span value, struct spf_term *term)
{
	return value.len == 0 || read_spec(value, term);
}

static bool
read_spec_and_lengths(struct span value, struct spf_term *term)
{
	return cut_dual_lengths(&value, term) &&
	    read_optional_spec(value, term);
}

/* Four qnums: numbers up to 255 without leading zeros. */
static bool
is_dotted_quad(struct span s)
{
	struct span part;
	unsigned char octet;
	unsigned count = 0;
	bool more;

	do {
		more = span_cut(&s, '.', &part);
		if (!read_bits(part, 255, &octet))
			return false;
		count++;
	} while (more);
	return count == 4;
}

static bool
read_ip4(struct span value, struct spf_term *term)
{
	unsigned char bits = 32;
	struct span digits;

	if (value.len == 0 || value.p[0] != ':')
		return false;
	value = span_skip(value, 1);
	if (cut_prefix_length(&value, &digits) &&
	    !read_bits(digits, 32, &bits))
		return false;
	if (!is_dotted_quad(value) || !ipaddr_parse(value, &term->network))
		return false;
	term->network = ipaddr_mask(term->network, bits);
	return true;
}

/*
 * An address of RFC 4291 2.2. Not by ipaddr_parse(), which takes more and makes
 * an IPv4-mapped one an IPv4 address: here it stays IPv6, which the clients it
 * seems to mean are not (5.6).
 */
static bool
parse_ip6(struct span s, struct ipaddr *address)
{
	char text[IPADDR_TEXT];

	if (s.len >= sizeof(text))
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	*address = (struct ipaddr){ .family = 6, .bits = 128 };
	return strlen(text) == s.len &&
	    inet_pton(AF_INET6, text, address->octets) == 1;
}

static bool
read_ip6(struct span value, struct spf_term *term)
{
	unsigned char bits = 128;
	struct span digits;

	if (value.len == 0 || value.p[0] != ':')
		return false;
	value = span_skip(value, 1);
	if (cut_prefix_length(&value, &digits) &&
	    !read_bits(digits, 128, &bits))
		return false;
	if (!parse_ip6(value, &term->network))
		return false;
	term->network = ipaddr_mask(term->network, bits);
	return true;
}

static const struct mechanism {
	const char *name;
	bool (*read)(struct span value, struct spf_term *term);
	bool is_counted;
} mechanisms[] = {
	[SPF_ALL] = { "all", read_nothing, false },
	[SPF_INCLUDE] = { "include", read_spec, true },
	[SPF_A] = { "a", read_spec_and_lengths, true },
	[SPF_MX] = { "mx", read_spec_and_lengths, true },
	[SPF_PTR] = { "ptr", read_optional_spec, true },
	[SPF_IP4] = { "ip4", read_ip4, false },
	[SPF_IP6] = { "ip6", read_ip6, false },
	[SPF_EXISTS] = { "exists", read_spec, true },
};

bool
spf_mechanism_is_counted(enum spf_mechanism mechanism)
{
	return mechanisms[mechanism].is_counted;
}

/* ---- a record under way ---- */

struct reader {
	struct spf_record *record;
	size_t cap;
	bool has_all;
	const char *reason;
};

static bool
bad(struct reader *reader, const char *reason)
{
	reader->reason = reason;
	return false;
}

static void
add_term(struct reader *reader, const struct spf_term *term)
{
	struct spf_record *record = reader->record;

	if (reader->has_all)
		return;
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
	struct spf_term term = { .qualifier = '+', .text = text,
	    .spec = SPAN_LIT("") };
	struct span name;
	size_t i, len;

	if (text.len > 0 && strchr("+-~?", text.p[0]) != NULL &&
	    text.p[0] != '\0') {
		term.qualifier = text.p[0];
		text = span_skip(text, 1);
	}
	for (len = 0; len < text.len && text.p[len] != ':' &&
	    text.p[len] != '/'; len++)
		;
	name = span_first(text, len);
	for (i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (span_is_nocase(name, mechanisms[i].name))
			break;
	if (i == ARRAY_LEN(mechanisms))
		return bad(reader, "unknown mechanism");
	term.mechanism = (enum spf_mechanism)i;
	if (!mechanisms[i].read(span_skip(text, len), &term))
		return bad(reader, "syntax error in a mechanism");
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
