/*
 * lexer.h - the lexical tokens of structured header fields (RFC 5322 3.2 with
 * the obsolete forms of 4.1): atoms, quoted strings, domain literals, comments
 * and folding white space. One pass, nothing is allocated.
 *
 * A line end is allowed as part of a fold alone, CRLF before WSP; a NUL
 * nowhere. Octets over 127 are text like letters (RFC 6532); whether they are
 * UTF-8 is for the caller to ask where it matters.
 */
#ifndef POSTERN_MAIL_LEXER_H
#define POSTERN_MAIL_LEXER_H

#include "common/base/span.h"

enum {
	LEXER_END = -1,
	LEXER_COMMENT_DEPTH = 32
};

struct lexer {
	const char *p;
	const char *end;
	bool is_too_deep;	/* comments in comments, over the bound */
};

/* A token's text without quotes and white space, in room of the caller's. */
struct lexer_text {
	char *p;
	size_t len;
	size_t max;
	bool is_over;		/* more than max came: the text is worthless */
};

void lexer_start(struct lexer *in, struct span s);

bool lexer_is_atext(char c);

void lexer_put(struct lexer_text *text, const char *p, size_t len);

/* The next octet, or LEXER_END. */
static inline int
lexer_peek(const struct lexer *in)
{
	return in->p < in->end ? (unsigned char)*in->p : LEXER_END;
}

/* Takes c where it is next. */
static inline bool
lexer_skip(struct lexer *in, char c)
{
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

/* Takes what there is of comments and folding white space, maybe nothing.
 * False where it is malformed. */
bool lexer_skip_cfws(struct lexer *in);

/*
 * Each takes one token that must be next, without the CFWS around it, and adds
 * it to text: an atom; a quoted string without its quotes and backslashes;
 * either of the two; a literal with its brackets and backslashes, without white
 * space. False where there is none or it is malformed.
 */
bool lexer_atom(struct lexer *in, struct lexer_text *text);
bool lexer_quoted(struct lexer *in, struct lexer_text *text);
bool lexer_word(struct lexer *in, struct lexer_text *text);
bool lexer_literal(struct lexer *in, struct lexer_text *text);

#endif
