#include "common/spf/macro.h"

#include "common/spf/piece.h"

#include <inttypes.h>

/* ---- what the letters stand for ---- */

/* "192.0.2.1"; IPv6 as 32 nibbles with dots, in capitals as 7.4 shows them. */
static void
add_dotted(struct strbuf *out, const struct ipaddr *address)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned i;

	if (address->family == 4) {
		ipaddr_add(out, address);
		return;
	}
	for (i = 0; i < 32; i++) {
		if (i > 0)
			strbuf_addc(out, '.');
		strbuf_addc(out, hex[address->octets[i / 2] >>
		    (i % 2 == 0 ? 4 : 0) & 0xf]);
	}
}

static void
add_value(struct strbuf *out, char letter, const struct spf_macros *macros)
{
	switch (letter) {
	case 's':
		strbuf_addspan(out, macros->sender.local);
		strbuf_addc(out, '@');
		strbuf_addspan(out, macros->sender.domain);
		break;
	case 'l':
		strbuf_addspan(out, macros->sender.local);
		break;
	case 'o':
		strbuf_addspan(out, macros->sender.domain);
		break;
	case 'd':
		strbuf_addspan(out, macros->domain);
		break;
	case 'i':
		add_dotted(out, &macros->client);
		break;
	case 'p':
		strbuf_addspan(out, macros->validated);
		break;
	case 'v':
		strbuf_adds(out, macros->client.family == 4 ? "in-addr" :
		    "ip6");
		break;
	case 'h':
		strbuf_addspan(out, macros->helo);
		break;
	case 'c':
		ipaddr_add(out, &macros->client);
		break;
	case 'r':
		strbuf_addspan(out, macros->receiver);
		break;
	case 't':
		strbuf_addf(out, "%" PRId64, macros->now);
		break;
	}
}

/* ---- transformers ---- */

static bool
is_delimiter(const struct spf_macro *macro, char c)
{
	return macro->delimiters.len > 0 ? span_has(macro->delimiters, c) :
	    c == '.';
}

static size_t
count_parts(struct span value, const struct spf_macro *macro)
{
	size_t i, count = 1;

	for (i = 0; i < value.len; i++)
		count += is_delimiter(macro, value.p[i]);
	return count;
}

/* All but the first skip parts, joined by dots. */
static void
add_right_parts(struct strbuf *out, struct span value,
    const struct spf_macro *macro, size_t skip)
{
	size_t i;

	for (i = 0; skip > 0; i++)
		skip -= is_delimiter(macro, value.p[i]);
	for (; i < value.len; i++)
		strbuf_addc(out, is_delimiter(macro, value.p[i]) ? '.' :
		    value.p[i]);
}

/* The first keep parts, the last of them first. */
static void
add_reversed_parts(struct strbuf *out, struct span value,
    const struct spf_macro *macro, size_t keep)
{
	size_t end, start;

	for (end = 0; end < value.len; end++)
		if (is_delimiter(macro, value.p[end]) && --keep == 0)
			break;
	for (;;) {
		for (start = end; start > 0 &&
		    !is_delimiter(macro, value.p[start - 1]); start--)
			;
		strbuf_add(out, value.p + start, end - start);
		if (start == 0)
			return;
		strbuf_addc(out, '.');
		end = start - 1;
	}
}

/* Right-hand parts are those of what the reversal made (7.3). */
static void
transform(struct strbuf *out, struct span value, const struct spf_macro *macro)
{
	size_t count = count_parts(value, macro), keep;

	keep = macro->parts > 0 && macro->parts < count ? macro->parts :
	    count;
	if (macro->is_reversed)
		add_reversed_parts(out, value, macro, keep);
	else
		add_right_parts(out, value, macro, count - keep);
}

static void
add_url_escaped(struct strbuf *out, struct span s)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char c;
	size_t i;

	for (i = 0; i < s.len; i++) {
		c = (unsigned char)s.p[i];
		if (is_alpha(s.p[i]) || is_digit(s.p[i]) ||
		    span_has(SPAN_LIT("-._~"), s.p[i])) {
			strbuf_addc(out, s.p[i]);
			continue;
		}
		strbuf_addc(out, '%');
		strbuf_addc(out, hex[c >> 4]);
		strbuf_addc(out, hex[c & 0xf]);
	}
}

static void
add_macro(struct strbuf *out, const struct spf_macro *macro,
    const struct spf_macros *macros)
{
	struct strbuf value = STRBUF_INIT, made = STRBUF_INIT;

	add_value(&value, macro->letter, macros);
	transform(&made, strbuf_span(&value), macro);
	if (macro->is_escaped)
		add_url_escaped(out, strbuf_span(&made));
	else
		strbuf_addspan(out, strbuf_span(&made));
	strbuf_clear(&value);
	strbuf_clear(&made);
}

void
spf_macro_expand(struct span text, const struct spf_macros *macros,
    struct strbuf *out)
{
	size_t start = out->len;
	struct span literal;
	struct spf_macro macro;
	enum spf_piece piece;

	for (;;) {
		piece = spf_next_piece(&text, SPF_MACRO_IN_TEXT, &macro,
		    &literal);
		if (piece == SPF_PIECE_END || piece == SPF_PIECE_BAD)
			return;
		if (piece == SPF_PIECE_MACRO && macro.letter != '\0')
			add_macro(out, &macro, macros);
		else
			strbuf_addspan(out, literal);
		if (out->len - start > SPF_EXPANSION_MAX) {
			strbuf_truncate(out, start + SPF_EXPANSION_MAX);
			return;
		}
	}
}
