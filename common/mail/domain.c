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

/* Letters, digits and hyphens alone, and no label that says it is IDNA's. */
static bool
is_plain(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
		if (s.p[i] == '-' && i >= 3 && s.p[i - 1] == '-' &&
		    (i == 3 || s.p[i - 4] == '.') &&
		    span_eq_nocase(span_make(s.p + i - 3, 4),
		    SPAN_LIT("xn--")))
			return false;
	}
	return true;
}

/*
 * What is an A-label already must be well-formed Punycode; its code points are
 * not held against IDNA 2008. There are domains with emoji in DNS, they send
 * mail, and RFC 5891 5.4 leaves this check of an A-label to the application.
 */
static bool
convert(struct span s, struct arena *arena, struct span *ascii)
{
	const int flags = IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT |
	    IDN2_NO_ALABEL_ROUNDTRIP;
	uint8_t text[INPUT_MAX + 1], *out = NULL;

	if (span_has(s, '\0'))
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	if (idn2_lookup_u8(text, &out, flags) != IDN2_OK)
		return false;
	*ascii = arena_duplower(arena, span_of((const char *)out));
	idn2_free(out);
	return domain_is_valid(*ascii);
}

bool
domain_to_ascii(struct span s, struct arena *arena, struct span *ascii)
{
	if (s.len == 0 || s.len > INPUT_MAX)
		return false;
	if (!is_plain(s))
		return convert(s, arena, ascii);
	if (!domain_is_valid(s))
		return false;
	*ascii = arena_duplower(arena, s);
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
