#include "common/dkim/quoted.h"

/* dkim-safe-char = %x21-3A / %x3C / %x3E-7E, without the '|' of z= */
static bool
is_safe(char c)
{
	return c > ' ' && c <= '~' && c != ';' && c != '=' && c != '|';
}

void
dkim_quoted_encode(struct span text, struct strbuf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned octet;
	size_t i;

	strbuf_reserve(out, text.len);
	for (i = 0; i < text.len; i++) {
		octet = (unsigned char)text.p[i];
		if (is_safe(text.p[i])) {
			strbuf_addc(out, text.p[i]);
			continue;
		}
		strbuf_addc(out, '=');
		strbuf_addc(out, digits[octet >> 4]);
		strbuf_addc(out, digits[octet & 15]);
	}
}

void
dkim_quoted_fold(struct fold *fold, struct span encoded)
{
	size_t n;

	while (encoded.len > 0) {
		n = encoded.p[0] == '=' ? 3 : 1;
		fold_glue(fold, span_first(encoded, n));
		encoded = span_skip(encoded, n);
	}
}

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
dkim_quoted_decode(struct span value, struct strbuf *out)
{
	int high, low;
	size_t i;

	strbuf_reserve(out, value.len);
	for (i = 0; i < value.len; i++) {
		if (is_fws(value.p[i]))
			continue;
		if (value.p[i] != '=') {
			strbuf_addc(out, value.p[i]);
			continue;
		}
		if (value.len - i < 3)
			return false;
		high = hex_value(value.p[i + 1]);
		low = hex_value(value.p[i + 2]);
		if (high < 0 || low < 0)
			return false;
		strbuf_addc(out, (char)(high << 4 | low));
		i += 2;
	}
	return true;
}
