#include "common/mail/quote.h"

#include "common/base/escape.h"
#include "common/mail/lexer.h"

/* RFC 2045 5.1: the printable ones but for the tspecials. */
static const bool token_chars[256] = {
	['!'] = true, ['#' ... '\''] = true, ['*'] = true, ['+'] = true,
	['-'] = true, ['.'] = true, ['0' ... '9'] = true,
	['A' ... 'Z'] = true, ['^' ... '~'] = true,
};

bool
quote_is_token_char(char c)
{
	return token_chars[(unsigned char)c];
}

bool
quote_is_token(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!quote_is_token_char(s.p[i]))
			return false;
	return s.len != 0;
}

bool
quote_is_dot_atom(struct span s)
{
	bool after_dot = true;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '.' ? after_dot :
		    !lexer_is_atext(s.p[i]) || (unsigned char)s.p[i] > '~')
			return false;
		after_dot = s.p[i] == '.';
	}
	return !after_dot;
}

void
quote_escape(struct span text, struct strbuf *out)
{
	escape_add(out, text, QUOTE_VALUE_MAX, ESCAPE_AGAIN);
}

/* text with a backslash before each of specials, max octets in all. */
static void
add_pairs(struct span text, const char *specials, size_t max,
    struct strbuf *out)
{
	size_t end = out->len + max - 3, i;

	for (i = 0; i < text.len && out->len + 2 <= end; i++) {
		if (strchr(specials, text.p[i]) != NULL)
			strbuf_addc(out, '\\');
		strbuf_addc(out, text.p[i]);
	}
	if (i < text.len)
		strbuf_adds(out, "...");
}

void
quote_string(struct span text, size_t max, struct strbuf *out)
{
	strbuf_addc(out, '"');
	add_pairs(text, "\"\\", max - 2, out);
	strbuf_addc(out, '"');
}

void
quote_comment(struct span text, struct fold *fold)
{
	struct strbuf plain = STRBUF_INIT, quoted = STRBUF_INIT;
	struct span rest, word;

	quote_escape(text, &plain);
	if (plain.len != 0) {
		strbuf_addc(&quoted, '(');
		add_pairs(strbuf_span(&plain), "()\\", QUOTE_TEXT_MAX - 2,
		    &quoted);
		strbuf_addc(&quoted, ')');
	}
	rest = strbuf_span(&quoted);
	while (rest.len != 0) {
		span_cut(&rest, ' ', &word);
		fold_word(fold, word);
	}
	strbuf_clear(&plain);
	strbuf_clear(&quoted);
}
