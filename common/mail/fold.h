/*
 * fold.h - writes a header field's value so that lines stay under 78 columns
 * where the parts allow it, and never pass 998 octets.
 *
 * A part longer than that is cut at the limit, as the next MTA would do it: who
 * cannot bear this bounds the parts. A TAB is one column.
 */
#ifndef POSTERN_MAIL_FOLD_H
#define POSTERN_MAIL_FOLD_H

#include "common/base/strbuf.h"

enum { FOLD_COLUMNS = 77, FOLD_HARD_LIMIT = 998 };

struct fold {
	struct strbuf *out;
	size_t column;
};

/* column: how far the first line is already filled ("Name:" included). */
void fold_start(struct fold *fold, struct strbuf *out, size_t column);

/*
 * Adds text that must stay in one piece, preceded by a space, or by
 * CRLF + TAB where the line would pass FOLD_COLUMNS.
 */
void fold_word(struct fold *fold, struct span text);

/* Adds text directly behind what is there, CRLF + TAB before it where the
 * line would pass FOLD_COLUMNS: for list items that may be folded between. */
void fold_glue(struct fold *fold, struct span text);

/* Begins a new line, unless nothing is on this one. */
void fold_break(struct fold *fold);

/* Adds text that may be broken between any two octets (base64). */
void fold_stream(struct fold *fold, struct span text);

#endif
