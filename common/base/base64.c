#include "common/base/base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { FILL = '=' };

static unsigned
octet(struct span data, size_t i)
{
	return i < data.len ? (unsigned char)data.p[i] : 0;
}

void
base64_encode(struct span data, struct strbuf *out)
{
	unsigned group;
	size_t i;

	strbuf_reserve(out, data.len / 3 * 4 + 4);
	for (i = 0; i < data.len; i += 3) {
		group = octet(data, i) << 16 | octet(data, i + 1) << 8 |
		    octet(data, i + 2);
		strbuf_addc(out, alphabet[group >> 18]);
		strbuf_addc(out, alphabet[group >> 12 & 63]);
		strbuf_addc(out, i + 1 < data.len ?
		    alphabet[group >> 6 & 63] : FILL);
		strbuf_addc(out, i + 2 < data.len ? alphabet[group & 63] :
		    FILL);
	}
}

/* 0 to 63, or -1. No table indexed by the octet: keys come through here. */
static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Digits and fill seen so far; false where c has no place there. */
struct decoder {
	unsigned group;
	size_t digits;
	size_t fills;
};

static bool
take(struct decoder *d, char c, struct strbuf *out)
{
	int value = digit_value(c);

	if (is_fws(c))
		return true;
	if (c == FILL) {
		d->fills++;
		return true;
	}
	if (value < 0 || d->fills != 0)
		return false;
	d->group = d->group << 6 | (unsigned)value;
	d->digits++;
	if (d->digits % 4 != 1)
		strbuf_addc(out,
		    (char)(d->group >> (4 - d->digits % 4) % 4 * 2 & 0xff));
	return true;
}

bool
base64_decode(struct span s, struct strbuf *out)
{
	struct decoder d = { 0, 0, 0 };
	size_t start = out->len, i;
	bool ok = true;

	strbuf_reserve(out, s.len / 4 * 3 + 3);
	for (i = 0; i < s.len && ok; i++)
		ok = take(&d, s.p[i], out);
	if (ok && d.digits % 4 != 1 && d.digits != 0 &&
	    (d.fills == 0 || (d.digits % 4 != 0 &&
	    d.digits % 4 + d.fills == 4)))
		return true;
	strbuf_truncate(out, start);
	return false;
}
