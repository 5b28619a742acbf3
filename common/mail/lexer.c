#include "common/mail/lexer.h"

/* RFC 5322 3.2.3; what is not ASCII is atext by RFC 6532 3.2. */
static const bool atext[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
	['!'] = true, ['#' ... '\''] = true, ['*'] = true, ['+'] = true,
	['-'] = true, ['/'] = true, ['='] = true, ['?'] = true,
	['^' ... '`'] = true, ['{' ... '~'] = true, [0x80 ... 0xff] = true,
};

void
lexer_start(struct lexer *in, struct span s)
{
	in->p = s.p;
	in->end = s.p + s.len;
	in->is_too_deep = false;
}

bool
lexer_is_atext(char c)
{
	return atext[(unsigned char)c];
}

void
lexer_put(struct lexer_text *text, const char *p, size_t len)
{
	if (len > text->max - text->len) {
		text->is_over = true;
		return;
	}
	memcpy(text->p + text->len, p, len);
	text->len += len;
}

/* RFC 5322 4.1: controls within quotes and comments, but for NUL, CR, LF. */
static bool
is_quotable(char c)
{
	return c != '\0' && c != '\r' && c != '\n';
}

/* Up to the WSP of a fold, which is as much white space as any. */
static bool
skip_fold(struct lexer *in)
{
	if (in->end - in->p < 3 || in->p[0] != '\r' || in->p[1] != '\n' ||
	    !is_wsp(in->p[2]))
		return false;
	in->p += 2;
	return true;
}

/* One octet, quoted pair or fold inside of quotes, brackets or parentheses. */
static bool
skip_enclosed(struct lexer *in)
{
	if (skip_fold(in))
		return true;
	lexer_skip(in, '\\');
	if (in->p == in->end || !is_quotable(*in->p))
		return false;
	in->p++;
	return true;
}

/* Comments nest; hostile ones must not nest the stack. */
static bool
skip_comment(struct lexer *in)
{
	unsigned depth = 0;

	do {
		if (lexer_skip(in, '('))
			depth++;
		else if (lexer_skip(in, ')'))
			depth--;
		else if (!skip_enclosed(in))
			return false;
		in->is_too_deep = depth > LEXER_COMMENT_DEPTH;
	} while (depth > 0 && !in->is_too_deep);
	return depth == 0;
}

bool
lexer_skip_cfws(struct lexer *in)
{
	for (;;) {
		switch (lexer_peek(in)) {
		case ' ': case '\t':
			in->p++;
			break;
		case '\r':
			if (!skip_fold(in))
				return false;
			break;
		case '(':
			if (!skip_comment(in))
				return false;
			break;
		default:
			return true;
		}
	}
}

bool
lexer_atom(struct lexer *in, struct lexer_text *text)
{
	const char *start = in->p;

	while (in->p < in->end && lexer_is_atext(*in->p))
		in->p++;
	lexer_put(text, start, (size_t)(in->p - start));
	return in->p > start;
}

bool
lexer_quoted(struct lexer *in, struct lexer_text *text)
{
	const char *start;

	if (!lexer_skip(in, '"'))
		return false;
	while (!lexer_skip(in, '"')) {
		start = in->p;
		if (!skip_enclosed(in))
			return false;
		if (*start == '\\')
			start++;
		if (*start != '\r')
			lexer_put(text, start, (size_t)(in->p - start));
	}
	return true;
}

bool
lexer_word(struct lexer *in, struct lexer_text *text)
{
	return lexer_peek(in) == '"' ? lexer_quoted(in, text) :
	    lexer_atom(in, text);
}

bool
lexer_literal(struct lexer *in, struct lexer_text *text)
{
	const char *start;

	if (!lexer_skip(in, '['))
		return false;
	lexer_put(text, "[", 1);
	while (!lexer_skip(in, ']')) {
		start = in->p;
		if (lexer_peek(in) == '[' || !skip_enclosed(in))
			return false;
		if (!is_fws(*start))
			lexer_put(text, start, (size_t)(in->p - start));
	}
	lexer_put(text, "]", 1);
	return true;
}
