#include "common/tables/pattern.h"

/* The first place of piece in text; glibc's memmem is linear. */
static bool
find_piece(struct span text, struct span piece, size_t *at)
{
	const char *hit;

	if (piece.len == 0) {
		*at = 0;
		return true;
	}
	hit = text.len < piece.len ? NULL :
	    memmem(text.p, text.len, piece.p, piece.len);
	if (hit == NULL)
		return false;
	*at = (size_t)(hit - text.p);
	return true;
}

bool
glob_match(struct span pattern, struct span text)
{
	struct span piece;
	size_t at;

	if (!span_cut(&pattern, '*', &piece))
		return span_eq(piece, text);
	if (!span_starts(text, piece))
		return false;
	text = span_skip(text, piece.len);
	/* Every piece but the last goes as far left as it can. */
	while (span_cut(&pattern, '*', &piece)) {
		if (!find_piece(text, piece, &at))
			return false;
		text = span_skip(text, at + piece.len);
	}
	return text.len >= piece.len &&
	    span_eq(span_skip(text, text.len - piece.len), piece);
}

bool
glob_match_address(struct span pattern, struct span address, size_t at)
{
	size_t split = span_rfind(pattern, '@');

	if (split == pattern.len)
		return glob_match(pattern, address);
	return glob_match(span_first(pattern, split),
	    span_first(address, at)) &&
	    glob_match(span_skip(pattern, split + 1),
	    span_skip(address, at + 1));
}

/* IDNA's labels are left to domain_to_ascii(): their Punycode may be bad. */
static bool
is_normal(struct span s)
{
	size_t i;

	if (s.len >= 4 && memmem(s.p, s.len, "xn--", 4) != NULL)
		return false;
	for (i = 0; i < s.len; i++)
		if (s.p[i] != ascii_lower(s.p[i]))
			return false;
	return domain_is_valid(s);
}

bool
pattern_domain(struct span written, struct arena *arena, struct span *out)
{
	struct span ascii;

	if (written.len > 1 && written.p[written.len - 1] == '.')
		written.len--;
	ascii = written;
	if (!is_normal(written) && !domain_to_ascii(written, arena, &ascii))
		return false;
	*out = ascii;
	return true;
}

bool
pattern_glob_is_domain(struct span glob)
{
	size_t i;

	for (i = 0; i < glob.len; i++)
		if (!is_alpha(glob.p[i]) && !is_digit(glob.p[i]) &&
		    memchr("*.-", glob.p[i], 3) == NULL)
			return false;
	return glob.len > 0;
}
