/*
 * piece.h - a macro-string (RFC 7208 7.1) taken apart, piece by piece. Used by
 * the files of this folder only.
 */
#ifndef POSTERN_SPF_PIECE_H
#define POSTERN_SPF_PIECE_H

#include "common/spf/macro.h"

/* One "%{...}". */
struct spf_macro {
	char letter;		/* lower case; NUL: "%%", "%_" or "%-" */
	bool is_escaped;	/* it came in upper case */
	bool is_reversed;
	unsigned parts;		/* right-hand ones to keep; 0: all */
	struct span delimiters;	/* "" means "." */
};

enum spf_piece {
	SPF_PIECE_END,
	SPF_PIECE_BAD,		/* a '%' that begins no macro */
	SPF_PIECE_LITERAL,	/* a run of octets without '%', any */
	SPF_PIECE_MACRO
};

/* Takes the next piece off *rest. *literal is what a literal or a macro
 * without a letter stands for. */
enum spf_piece spf_next_piece(struct span *rest, enum spf_macro_use use,
    struct spf_macro *macro, struct span *literal);

#endif
