#include "common/base/escape.h"

static size_t
sequence_length(unsigned char first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

size_t
utf8_sequence(struct span s, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = s.len != 0 ? sequence_length(p[0]) : 0;
	uint32_t c;
	size_t i;

	if (n == 0 || n > s.len)
		return 0;
	c = p[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return n;
}

/* C1 controls, line and paragraph separators, bidi marks and overrides, BOM */
static bool
is_treacherous(uint32_t c)
{
	return c < 0xa0 || c == 0xad || c == 0x61c || c == 0xfeff ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || (c >= 0xfff9 && c <= 0xfffb) ||
	    (c >= 0xe0000 && c <= 0xe0fff);
}

static size_t
plain_utf8(struct span s)
{
	uint32_t code;
	size_t n = utf8_sequence(s, &code);

	return n != 0 && !is_treacherous(code) ? n : 0;
}

void
escape_add(struct strbuf *out, struct span s, size_t max, unsigned flags)
{
	struct span rest = span_first(s, max);
	size_t n;
	char c;

	while (rest.len > 0) {
		c = rest.p[0];
		n = 1;
		if ((c == '\\' && (flags & ESCAPE_AGAIN) == 0) ||
		    (c == '"' && (flags & ESCAPE_QUOTE) != 0)) {
			strbuf_addc(out, '\\');
			strbuf_addc(out, c);
		} else if (c >= ' ' && c <= '~') {
			strbuf_addc(out, c);
		} else if ((flags & ESCAPE_UTF8) != 0 &&
		    (n = plain_utf8(rest)) != 0) {
			strbuf_add(out, rest.p, n);
		} else {
			n = 1;
			strbuf_addf(out, "\\x%02x", (unsigned char)c);
		}
		rest = span_skip(rest, n);
	}
	if (s.len > max)
		strbuf_adds(out, "...");
}

static bool
is_plain_word(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' ||
		    s.p[i] == '\\' || s.p[i] == '=')
			return false;
	return s.len != 0;
}

void
escape_value(struct strbuf *out, struct span s, size_t max)
{
	if (s.len <= max && is_plain_word(s)) {
		strbuf_addspan(out, s);
		return;
	}
	strbuf_addc(out, '"');
	escape_add(out, s, max, ESCAPE_QUOTE);
	strbuf_addc(out, '"');
}
