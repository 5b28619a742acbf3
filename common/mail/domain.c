#include "common/mail/domain.h"

#include <idn2.h>

enum { INPUT_MAX = 1000 };

static bool
is_ldh(char c)
{
	return is_alpha(c) || is_digit(c) || c == '-';
}

static bool
is_label(struct span label, bool underscore)
{
	size_t i;

	if (label.len == 0 || label.len > LABEL_MAX || label.p[0] == '-' ||
	    label.p[label.len - 1] == '-')
		return false;
	for (i = 0; i < label.len; i++)
		if (!is_ldh(label.p[i]) && !(underscore && label.p[i] == '_'))
			return false;
	return true;
}

static bool
is_name(struct span s, bool underscore)
{
	struct span label;
	bool more;

	if (s.len > DOMAIN_MAX)
		return false;
	do {
		more = span_cut(&s, '.', &label);
		if (!is_label(label, underscore))
			return false;
	} while (more);
	return true;
}

bool
domain_is_valid(struct span s)
{
	return is_name(s, false);
}

bool
domain_is_valid_owner(struct span s)
{
	return is_name(s, true);
}

struct name {
	char text[DOMAIN_MAX];
	size_t len;
};

static bool
add_lower(struct name *name, struct span s)
{
	size_t i;

	if (s.len > sizeof(name->text) - name->len)
		return false;
	for (i = 0; i < s.len; i++)
		name->text[name->len++] = ascii_lower(s.p[i]);
	return true;
}

static bool
is_plain(struct span label)
{
	size_t i;

	for (i = 0; i < label.len; i++)
		if ((unsigned char)label.p[i] >= 0x80)
			return false;
	return !span_eq_nocase(span_first(label, 4), SPAN_LIT("xn--"));
}

/*
 * One label: "r3---sn" is none of IDNA's, but libidn2 would refuse it beside
 * one that is. What is an A-label already must be well-formed Punycode; its
 * code points are not held against IDNA 2008. There are domains with emoji in
 * DNS, they send mail, and RFC 5891 5.4 leaves that check to the application.
 */
static bool
add_label(struct name *name, struct span label)
{
	const int flags = IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT |
	    IDN2_NO_ALABEL_ROUNDTRIP;
	uint8_t text[INPUT_MAX + 1], *ascii = NULL;
	bool ok;

	if (is_plain(label))
		return add_lower(name, label);
	memcpy(text, label.p, label.len);
	text[label.len] = '\0';
	if (idn2_lookup_u8(text, &ascii, flags) != IDN2_OK)
		return false;
	ok = add_lower(name, span_of((const char *)ascii));
	idn2_free(ascii);
	return ok;
}

bool
domain_to_ascii(struct span s, struct arena *arena, struct span *ascii)
{
	struct name name = { .len = 0 };
	struct span label;
	bool more;

	if (s.len > INPUT_MAX || span_has(s, '\0'))
		return false;
	do {
		more = span_cut(&s, '.', &label);
		if (!add_label(&name, label) ||
		    (more && !add_lower(&name, SPAN_LIT("."))))
			return false;
	} while (more);
	if (!domain_is_valid(span_make(name.text, name.len)))
		return false;
	*ascii = arena_dup(arena, span_make(name.text, name.len));
	return true;
}

bool
domain_is_within(struct span name, struct span parent)
{
	struct span tail;

	if (parent.len == 0 || name.len < parent.len)
		return false;
	tail = span_skip(name, name.len - parent.len);
	return span_eq(tail, parent) &&
	    (tail.p == name.p || tail.p[-1] == '.');
}

struct span
domain_parent(struct span name)
{
	struct span label;

	span_cut(&name, '.', &label);
	return name;
}
