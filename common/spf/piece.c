#include "common/spf/piece.h"

enum {
	PARTS_MAX = 1000	/* right-hand parts that are told apart; 7.3
				   asks for 128 */
};

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
read_braces(struct span *rest, enum spf_macro_use use, struct spf_macro *macro)
{
	size_t i;
	char c;

	if (rest->len == 0)
		return false;
	c = ascii_lower(rest->p[0]);
	if (!span_has(use == SPF_MACRO_IN_TEXT ?
	    SPAN_LIT("slodiphvcrt") : SPAN_LIT("slodiphv"), c))
		return false;
	macro->letter = c;
	macro->is_escaped = c != rest->p[0];
	*rest = span_skip(*rest, 1);
	if (!read_parts(rest, &macro->parts))
		return false;
	macro->is_reversed = rest->len > 0 && ascii_lower(rest->p[0]) == 'r';
	if (macro->is_reversed)
		*rest = span_skip(*rest, 1);
	for (i = 0; i < rest->len && span_has(SPAN_LIT(".-+,/_="),
	    rest->p[i]); i++)
		;
	macro->delimiters = span_first(*rest, i);
	if (i == rest->len || rest->p[i] != '}')
		return false;
	*rest = span_skip(*rest, i + 1);
	return true;
}

enum spf_piece
spf_next_piece(struct span *rest, enum spf_macro_use use,
    struct spf_macro *macro, struct span *literal)
{
	size_t len = span_find(*rest, '%');

	if (rest->len == 0)
		return SPF_PIECE_END;
	if (len > 0) {
		*literal = span_first(*rest, len);
		*rest = span_skip(*rest, len);
		return SPF_PIECE_LITERAL;
	}
	*macro = (struct spf_macro){ .letter = '\0' };
	*rest = span_skip(*rest, 1);
	if (rest->len == 0)
		return SPF_PIECE_BAD;
	switch (rest->p[0]) {
	case '{':
		*rest = span_skip(*rest, 1);
		return read_braces(rest, use, macro) ? SPF_PIECE_MACRO :
		    SPF_PIECE_BAD;
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
		return SPF_PIECE_BAD;
	}
	*rest = span_skip(*rest, 1);
	return SPF_PIECE_MACRO;
}
