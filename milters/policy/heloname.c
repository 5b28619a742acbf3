#include "milters/policy/heloname.h"

#include "common/mail/domain.h"

struct span
heloname_without_dot(struct span text)
{
	if (text.len > 1 && text.p[text.len - 1] == '.')
		text.len--;
	return text;
}

static bool
is_number(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is_digit(s.p[i]))
			return false;
	return true;
}

static bool
is_literal(struct span text)
{
	struct ipaddr address;

	return text.p[text.len - 1] == ']' && ipaddr_parse(text, &address);
}

enum heloname_kind
heloname_kind(struct span text)
{
	size_t dot;

	if (text.len > 0 && text.p[0] == '[')
		return is_literal(text) ? HELONAME_LITERAL : HELONAME_INVALID;
	text = heloname_without_dot(text);
	if (!domain_is_valid_owner(text))
		return HELONAME_INVALID;
	dot = span_rfind(text, '.');
	if (dot == text.len)
		return is_number(text) ? HELONAME_INVALID : HELONAME_SHORT;
	return is_number(span_skip(text, dot + 1)) ? HELONAME_INVALID :
	    HELONAME_FULL;
}
