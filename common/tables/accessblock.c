#include "common/tables/accessblock.h"

static bool
cut_keyword(struct span *row, const char *keyword)
{
	size_t len = strlen(keyword);
	char next = row->len > len ? row->p[len] : '\0';

	if (!span_is_nocase(span_first(*row, len), keyword) ||
	    is_alpha(next) || is_digit(next))
		return false;
	*row = span_trim(span_skip(*row, len));
	return true;
}

enum access_block_word
access_block_word(struct access_source *source, struct span *row,
    unsigned depth)
{
	if (cut_keyword(row, "if"))
		return ACCESS_IF;
	if (!cut_keyword(row, "endif"))
		return ACCESS_RULE;
	if (row->len > 0)
		access_refuse(source, "%s stands behind endif; begin the next "
		    "row at the line's start", access_quote(source, *row));
	if (depth == 0)
		access_refuse(source, "there is no if that this endif ends; "
		    "remove it");
	return ACCESS_ENDIF;
}

void
access_block_end(struct access_source *source, unsigned depth, unsigned line)
{
	if (depth == 0)
		return;
	source->line = line;
	access_refuse(source, "this if has no endif; write one behind its "
	    "last row");
}
