#include "common/spf/macro.h"

#include "common/mail/domain.h"
#include "common/spf/piece.h"

/* ---- the grammar ---- */

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
	struct spf_macro macro;

	*tail = SPAN_LIT("");
	*ends_in_macro = false;
	for (;;) {
		switch (spf_next_piece(&text, use, &macro, &literal)) {
		case SPF_PIECE_END:
			return true;
		case SPF_PIECE_BAD:
			return false;
		case SPF_PIECE_LITERAL:
			if (!are_literals(literal, blanks))
				return false;
			*tail = literal;
			*ends_in_macro = false;
			break;
		case SPF_PIECE_MACRO:
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
	struct spf_macro macro;
	enum spf_piece piece;

	do {
		piece = spf_next_piece(&text, SPF_MACRO_IN_TEXT, &macro,
		    &literal);
		if (piece == SPF_PIECE_MACRO && macro.letter == letter)
			return true;
	} while (piece == SPF_PIECE_LITERAL || piece == SPF_PIECE_MACRO);
	return false;
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
