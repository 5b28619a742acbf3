/*
 * quote.h - outside text as the values and comments of structured header
 * fields (RFC 5322 3.2), well-formed by construction.
 *
 * Whatever goes in, what comes out is printable ASCII of at most
 * QUOTE_TEXT_MAX octets: octets that must not stand in a header are escaped
 * (escape.h), what is too long is cut and ends in "...". So a part of ours
 * always fits into one line of 998 octets.
 */
#ifndef POSTERN_MAIL_QUOTE_H
#define POSTERN_MAIL_QUOTE_H

#include "common/mail/fold.h"

enum {
	QUOTE_VALUE_MAX = 512,	/* octets of one value that are shown */
	QUOTE_TEXT_MAX = 900	/* octets of one value as it is written */
};

/* A token of RFC 2045 5.1: neither empty nor with blanks or tspecials. */
bool quote_is_token_char(char c);
bool quote_is_token(struct span s);
/* A dot-atom of RFC 5322 3.2.3, ASCII alone. */
bool quote_is_dot_atom(struct span s);

/* The escaped text, not quoted yet: what the functions below quote. */
void quote_escape(struct span text, struct strbuf *out);

/* text in double quotes, '"' and '\' behind backslashes. max is for all of
 * it; text must come from quote_escape(). */
void quote_string(struct span text, size_t max, struct strbuf *out);

/* text in parentheses, from any octets; lines break at its spaces. Nothing
 * for an empty text. */
void quote_comment(struct span text, struct fold *fold);

#endif
