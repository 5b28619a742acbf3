#include "common/spf/macro.h"

#include "common/mail/domain.h"

#include <inttypes.h>

enum {
	PARTS_MAX = 1000	/* right-hand parts that are told apart; 7.3
				   asks for 128 */
};

/* One "%{...}", read. */
struct macro {
	char letter;		/* lower case */
	bool is_escaped;	/* it came in upper case */
	bool is_reversed;
	unsigned parts;		/* right-hand ones to keep; 0: all */
	struct span delimiters;	/* "" means "." */
};

/* ---- the grammar ---- */

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* transformers: "0" is no number of parts. A number beyond all names is all. */
static bool
read_parts(struct span *rest, unsigned *parts)
{
	size_t digits = 0;

	*parts = 0;
	while (digits < rest->len && is_digit(rest->p[digits])) {
		if (*parts < PARTS_MAX)
			*parts = *parts * 10 + (unsigned)(rest->p[digits] -
			    '0');
		digits++;
	}
	*rest = span_skip(*rest, digits);
	return digits == 0 || *parts > 0;
}

/* What is behind "%{", up to and with the '}'. */
static bool
read_braces(struct span *rest, enum spf_macro_use use, struct macro *macro)
{
	size_t i;
	char c;

	if (rest->len == 0)
		return false;
	c = ascii_lower(rest->p[0]);
	if (!is_one_of(c, use == SPF_MACRO_IN_TEXT ? "slodiphvcrt" :
	    "slodiphv"))
		return false;
	macro->letter = c;
	macro->is_escaped = c != rest->p[0];
	*rest = span_skip(*rest, 1);
	if (!read_parts(rest, &macro->parts))
		return false;
	macro->is_reversed = rest->len > 0 && ascii_lower(rest->p[0]) == 'r';
	if (macro->is_reversed)
		*rest = span_skip(*rest, 1);
	for (i = 0; i < rest->len && is_one_of(rest->p[i], ".-+,/_="); i++)
		;
	macro->delimiters = span_first(*rest, i);
	if (i == rest->len || rest->p[i] != '}')
		return false;
	*rest = span_skip(*rest, i + 1);
	return true;
}

enum piece { PIECE_END, PIECE_BAD, PIECE_LITERAL, PIECE_MACRO };

/* Takes one macro-expand or one run of literals off *rest. A "%%" and its like
 * is a macro with a literal to stand for it. */
static enum piece
next_piece(struct span *rest, enum spf_macro_use use, struct macro *macro,
    struct span *literal)
{
	size_t len = span_find(*rest, '%');

	if (rest->len == 0)
		return PIECE_END;
	if (len > 0) {
		*literal = span_first(*rest, len);
		*rest = span_skip(*rest, len);
		return PIECE_LITERAL;
	}
	*macro = (struct macro){ .letter = '\0' };
	*rest = span_skip(*rest, 1);
	if (rest->len == 0)
		return PIECE_BAD;
	switch (rest->p[0]) {
	case '{':
		*rest = span_skip(*rest, 1);
		return read_braces(rest, use, macro) ? PIECE_MACRO :
		    PIECE_BAD;
	case '%':
		*literal = SPAN_LIT("%");
		break;
	case '_':
		*literal = SPAN_LIT(" ");
		break;
	case '-':
		*literal = SPAN_LIT("%20");
		break;
	default:
		return PIECE_BAD;
	}
	*rest = span_skip(*rest, 1);
	return PIECE_MACRO;
}

/* macro-literal: visible ASCII ('%' does not get here). */
static bool
are_literals(struct span s, bool blanks)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((s.p[i] < 0x21 || s.p[i] > 0x7e) &&
		    !(blanks && s.p[i] == ' '))
			return false;
	return true;
}

/* The check of both kinds of text; *tail gets what is behind the last macro,
 * *ends_in_macro whether that is nothing. */
static bool
check_pieces(struct span text, enum spf_macro_use use, bool blanks,
    struct span *tail, bool *ends_in_macro)
{
	struct span literal;
	struct macro macro;

	*tail = SPAN_LIT("");
	*ends_in_macro = false;
	for (;;) {
		switch (next_piece(&text, use, &macro, &literal)) {
		case PIECE_END:
			return true;
		case PIECE_BAD:
			return false;
		case PIECE_LITERAL:
			if (!are_literals(literal, blanks))
				return false;
			*tail = literal;
			*ends_in_macro = false;
			break;
		case PIECE_MACRO:
			*tail = SPAN_LIT("");
			*ends_in_macro = true;
			break;
		}
	}
}

bool
spf_macro_check(struct span text, enum spf_macro_use use, bool of_text)
{
	struct span tail;
	bool ends_in_macro;

	return check_pieces(text, use, of_text, &tail, &ends_in_macro);
}

/* Letters, digits and inner hyphens, but not digits alone. */
static bool
is_toplabel(struct span label)
{
	bool only_digits = true;
	size_t i;

	if (label.len == 0 || label.p[0] == '-' ||
	    label.p[label.len - 1] == '-')
		return false;
	for (i = 0; i < label.len; i++) {
		if (!is_alpha(label.p[i]) && !is_digit(label.p[i]) &&
		    label.p[i] != '-')
			return false;
		only_digits = only_digits && is_digit(label.p[i]);
	}
	return !only_digits;
}

bool
spf_domain_spec_check(struct span spec)
{
	struct span tail;
	bool ends_in_macro;
	size_t dot;

	if (!check_pieces(spec, SPF_MACRO_IN_TERM, false, &tail,
	    &ends_in_macro))
		return false;
	if (ends_in_macro)
		return true;
	if (tail.len > 0 && tail.p[tail.len - 1] == '.')
		tail.len--;
	dot = span_rfind(tail, '.');
	return dot < tail.len && is_toplabel(span_skip(tail, dot + 1));
}

bool
spf_macro_uses(struct span text, char letter)
{
	struct span literal;
	struct macro macro;
	enum piece piece;

	do {
		piece = next_piece(&text, SPF_MACRO_IN_TEXT, &macro, &literal);
		if (piece == PIECE_MACRO && macro.letter == letter)
			return true;
	} while (piece == PIECE_LITERAL || piece == PIECE_MACRO);
	return false;
}

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
is_delimiter(const struct macro *macro, char c)
{
	return macro->delimiters.len > 0 ? span_has(macro->delimiters, c) :
	    c == '.';
}

static size_t
count_parts(struct span value, const struct macro *macro)
{
	size_t i, count = 1;

	for (i = 0; i < value.len; i++)
		count += is_delimiter(macro, value.p[i]);
	return count;
}

/* All but the first skip parts, joined by dots. */
static void
add_right_parts(struct strbuf *out, struct span value,
    const struct macro *macro, size_t skip)
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
    const struct macro *macro, size_t keep)
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
transform(struct strbuf *out, struct span value, const struct macro *macro)
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
		    is_one_of(s.p[i], "-._~")) {
			strbuf_addc(out, s.p[i]);
			continue;
		}
		strbuf_addc(out, '%');
		strbuf_addc(out, hex[c >> 4]);
		strbuf_addc(out, hex[c & 0xf]);
	}
}

static void
add_macro(struct strbuf *out, const struct macro *macro,
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
	struct macro macro;
	enum piece piece;

	for (;;) {
		piece = next_piece(&text, SPF_MACRO_IN_TEXT, &macro, &literal);
		if (piece == PIECE_END || piece == PIECE_BAD)
			return;
		if (piece == PIECE_MACRO && macro.letter != '\0')
			add_macro(out, &macro, macros);
		else
			strbuf_addspan(out, literal);
		if (out->len - start > SPF_EXPANSION_MAX) {
			strbuf_truncate(out, start + SPF_EXPANSION_MAX);
			return;
		}
	}
}

/* ---- names ---- */

/* Labels go from the left until it fits; one that is longer than that goes
 * whole, and no name is left. */
static struct span
fit(struct span name)
{
	struct span label;

	while (name.len > SPF_NAME_MAX)
		span_cut(&name, '.', &label);
	return name;
}

static struct span
without_last_dot(struct span name)
{
	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	return name;
}

struct span
spf_macro_name(struct span spec, const struct spf_macros *macros,
    struct arena *arena)
{
	struct strbuf name = STRBUF_INIT;
	struct span made;

	if (!span_has(spec, '%'))
		return arena_dup(arena, fit(without_last_dot(spec)));
	spf_macro_expand(spec, macros, &name);
	made = arena_dup(arena, fit(without_last_dot(strbuf_span(&name))));
	strbuf_clear(&name);
	return made;
}

bool
spf_name_is_askable(struct span name)
{
	struct span label;
	size_t i;
	bool more;

	if (name.len > SPF_NAME_MAX)
		return false;
	for (i = 0; i < name.len; i++)
		if (name.p[i] < 0x20 || name.p[i] > 0x7e)
			return false;
	do {
		more = span_cut(&name, '.', &label);
		if (label.len == 0 || label.len > LABEL_MAX)
			return false;
	} while (more);
	return true;
}
