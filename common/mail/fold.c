#include "common/mail/fold.h"

void
fold_start(struct fold *fold, struct strbuf *out, size_t column)
{
	fold->out = out;
	fold->column = column;
}

static void
break_line(struct fold *fold)
{
	strbuf_add(fold->out, "\r\n\t", 3);
	fold->column = 1;
}

static void
add_pieces(struct fold *fold, struct span text, size_t limit)
{
	struct span piece;

	while (text.len != 0) {
		if (fold->column >= limit)
			break_line(fold);
		piece = span_first(text, limit - fold->column);
		strbuf_addspan(fold->out, piece);
		fold->column += piece.len;
		text = span_skip(text, piece.len);
	}
}

/* gap is what goes before the text where the line goes on. */
static void
add_whole(struct fold *fold, struct span gap, struct span text)
{
	if (text.len == 0)
		return;
	if (fold->column > 1 &&
	    fold->column + gap.len + text.len > FOLD_COLUMNS)
		break_line(fold);
	else
		add_pieces(fold, gap, FOLD_HARD_LIMIT);
	add_pieces(fold, text, FOLD_HARD_LIMIT);
}

void
fold_word(struct fold *fold, struct span text)
{
	add_whole(fold, SPAN_LIT(" "), text);
}

void
fold_glue(struct fold *fold, struct span text)
{
	add_whole(fold, SPAN_LIT(""), text);
}

void
fold_break(struct fold *fold)
{
	if (fold->column > 1)
		break_line(fold);
}

void
fold_stream(struct fold *fold, struct span text)
{
	add_pieces(fold, text, FOLD_COLUMNS);
}
