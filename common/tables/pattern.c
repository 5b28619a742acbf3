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

/* Numbers alone are an address somebody did not finish, not a name. */
static bool
is_number(struct span name)
{
	size_t dot = span_rfind(name, '.');
	uint64_t n;

	return span_number(dot < name.len ? span_skip(name, dot + 1) : name,
	    UINT64_MAX, &n);
}

bool
pattern_host(struct span text, struct arena *arena, struct span *name)
{
	bool below;

	if (span_starts(text, SPAN_LIT("*.")))
		text = span_skip(text, 1);
	below = span_starts(text, SPAN_LIT("."));
	if (below)
		text = span_skip(text, 1);
	if (!pattern_domain(text, arena, name)) {
		if (!domain_is_valid_owner(text))
			return false;
		*name = arena_duplower(arena, text);
	}
	if (is_number(*name))
		return false;
	if (below)
		*name = span_of(arena_printf(arena, ".%.*s", SPAN_ARG(*name)));
	return true;
}

const char *
pattern_host_fault(struct span text)
{
	struct span last = span_skip(text, span_rfind(text, '.') + 1);
	uint64_t n;

	if (span_is(text, "*"))
		return "is no host; for every address write 0.0.0.0/0 and ::/0";
	if (span_has(text, '@'))
		return "is a mail address, not a host";
	if (span_has(text, '/') || span_has(text, ':') ||
	    span_has(text, '['))
		return "is no IP address or network; write 192.0.2.0/24 or "
		    "2001:db8::/32";
	if (text.len > 0 && (last.len == 0 ||
	    span_number(last, UINT64_MAX, &n)) && is_digit(text.p[0]))
		return "is no full IPv4 address; write a network as "
		    "192.0.2.0/24";
	if (span_has(text, '*'))
		return "has a \"*\" other than in front of a domain; write "
		    "*.example.com, or a network as 192.0.2.0/24";
	return "is no host name, domain, IP address or network";
}
