#include "common/base/span.h"

bool
span_eq_nocase(struct span a, struct span b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++)
		if (a.p[i] != b.p[i] &&
		    ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool
span_is(struct span a, const char *text)
{
	return span_eq(a, span_of(text));
}

bool
span_is_nocase(struct span a, const char *text)
{
	return span_eq_nocase(a, span_of(text));
}

bool
span_starts(struct span a, struct span prefix)
{
	return a.len >= prefix.len && span_eq(span_first(a, prefix.len), prefix);
}

bool
span_ends_nocase(struct span a, struct span suffix)
{
	return a.len >= suffix.len &&
	    span_eq_nocase(span_skip(a, a.len - suffix.len), suffix);
}

int
span_cmp(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n != 0 ? memcmp(a.p, b.p, n) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && is_fws(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_fws(s.p[s.len - 1]))
		s.len--;
	return s;
}

struct span
span_skip(struct span s, size_t n)
{
	if (n > s.len)
		n = s.len;
	return n != 0 ? span_make(s.p + n, s.len - n) : s;
}

struct span
span_first(struct span s, size_t n)
{
	return span_make(s.p, n < s.len ? n : s.len);
}

size_t
span_find(struct span s, char c)
{
	const char *hit = s.len != 0 ? memchr(s.p, c, s.len) : NULL;

	return hit != NULL ? (size_t)(hit - s.p) : s.len;
}

size_t
span_rfind(struct span s, char c)
{
	size_t i = s.len;

	while (i > 0)
		if (s.p[--i] == c)
			return i;
	return s.len;
}

bool
span_has(struct span s, char c)
{
	return span_find(s, c) < s.len;
}

bool
span_cut(struct span *rest, char c, struct span *head)
{
	size_t at = span_find(*rest, c);
	bool found = at < rest->len;

	*head = span_first(*rest, at);
	*rest = span_skip(*rest, found ? at + 1 : at);
	return found;
}

bool
span_line(struct span *rest, struct span *line)
{
	if (rest->len == 0)
		return false;
	span_cut(rest, '\n', line);
	if (line->len > 0 && line->p[line->len - 1] == '\r')
		line->len--;
	return true;
}

bool
span_item(struct span *rest, struct span *item)
{
	size_t n = 0;

	while (rest->len > 0 && (is_fws(rest->p[0]) || rest->p[0] == ','))
		*rest = span_skip(*rest, 1);
	while (n < rest->len && !is_fws(rest->p[n]) && rest->p[n] != ',')
		n++;
	*item = span_first(*rest, n);
	*rest = span_skip(*rest, n);
	return n > 0;
}

bool
span_number(struct span s, uint64_t max, uint64_t *value)
{
	uint64_t n = 0, digit;
	size_t i;

	if (s.len == 0)
		return false;
	for (i = 0; i < s.len; i++) {
		if (!is_digit(s.p[i]))
			return false;
		digit = (uint64_t)(s.p[i] - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (n > max)
		return false;
	*value = n;
	return true;
}
