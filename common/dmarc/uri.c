#include "common/dmarc/uri.h"

#include "common/mail/address.h"

static int
hex_value(char c)
{
	c = ascii_lower(c);
	return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    -1;
}

/* Reserved and unreserved characters, but the two that DMARC has encoded. */
static bool
is_uri_char(char c)
{
	return is_alpha(c) || is_digit(c) ||
	    (c != '\0' && strchr("-._~:/?#[]@$&'()*+;=", c) != NULL);
}

static bool
has_uri_chars(struct span s)
{
	bool has_fragment = false;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '%') {
			if (s.len - i < 3 || hex_value(s.p[i + 1]) < 0 ||
			    hex_value(s.p[i + 2]) < 0)
				return false;
			i += 2;
		} else if (!is_uri_char(s.p[i]) ||
		    (s.p[i] == '#' && has_fragment)) {
			return false;
		}
		has_fragment = has_fragment || s.p[i] == '#';
	}
	return true;
}

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) */
static bool
is_scheme(struct span s)
{
	size_t i;

	if (s.len == 0 || !is_alpha(s.p[0]))
		return false;
	for (i = 1; i < s.len; i++)
		if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) &&
		    s.p[i] != '+' && s.p[i] != '-' && s.p[i] != '.')
			return false;
	return true;
}

/* obs-dmarc-report-size = "!" 1*DIGIT [ "k" / "m" / "g" / "t" ] */
static bool
cut_size(struct span *uri)
{
	size_t at = span_find(*uri, '!');
	struct span size = span_skip(*uri, at + 1);
	size_t i;

	if (at == uri->len)
		return true;
	if (size.len > 1 && strchr("kmgt", ascii_lower(size.p[size.len - 1])))
		size.len--;
	for (i = 0; i < size.len; i++)
		if (!is_digit(size.p[i]))
			return false;
	*uri = span_first(*uri, at);
	return size.len > 0;
}

/* What is behind "mailto:", up to the header fields it may have. */
static bool
is_mail_address(struct span rest, struct arena *arena)
{
	struct address address;
	struct span s;
	char *text;
	size_t i, len = 0;

	span_cut(&rest, '?', &s);
	text = arena_alloc(arena, s.len + 1);
	for (i = 0; i < s.len; i++) {
		text[len] = s.p[i];
		if (s.p[i] == '%') {
			text[len] = (char)(hex_value(s.p[i + 1]) * 16 +
			    hex_value(s.p[i + 2]));
			i += 2;
		}
		len++;
	}
	return address_parse_path(span_make(text, len), arena, &address) ==
	    ADDRESS_OK;
}

int
dmarc_uri_next(struct span *list, struct arena *arena, struct span *uri)
{
	struct span scheme, rest;

	*list = span_trim(*list);
	if (list->len == 0)
		return 0;
	span_cut(list, ',', uri);
	*uri = span_trim(*uri);
	if (!cut_size(uri))
		return -1;
	rest = *uri;
	if (!span_cut(&rest, ':', &scheme) || !is_scheme(scheme) ||
	    rest.len == 0 || !has_uri_chars(rest))
		return -1;
	if (span_is_nocase(scheme, "mailto") && !is_mail_address(rest, arena))
		return -1;
	return 1;
}
