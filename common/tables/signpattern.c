#include "common/tables/signpattern.h"

#include "common/tables/pattern.h"

/* "**" is "*". In lower case. */
static struct span
squeeze(struct span s, struct arena *arena)
{
	char *out = arena_alloc(arena, s.len + 1);
	size_t i, len = 0;

	for (i = 0; i < s.len; i++)
		if (s.p[i] != '*' || len == 0 || out[len - 1] != '*')
			out[len++] = ascii_lower(s.p[i]);
	return span_make(out, len);
}

static struct span
join(struct span a, const char *middle, struct span b, struct arena *arena)
{
	size_t between = strlen(middle);
	char *out = arena_alloc(arena, a.len + between + b.len + 1);

	memcpy(out, a.p, a.len);
	memcpy(out + a.len, middle, between);
	memcpy(out + a.len + between, b.p, b.len);
	return span_make(out, a.len + between + b.len);
}

static void
refuse(struct signpattern *pattern, const char *fault)
{
	pattern->kind = SIGNPATTERN_NEVER;
	pattern->fault = fault;
	pattern->is_error = true;
}

static void
never(struct signpattern *pattern, const char *fault)
{
	pattern->kind = SIGNPATTERN_NEVER;
	pattern->fault = fault;
}

/* The first octet OpenDKIM would hand to regcomp() as an operator, or NUL. */
static char
find_operator(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (memchr("()|[]?{}^$\\", s.p[i], 11) != NULL)
			return s.p[i];
	return '\0';
}

/* ---- refile: ---- */

/*
 * The domain's half of a refile: pattern: "*", "*.dom", "dom" or a glob. false
 * where no domain is ever that.
 */
static bool
take_glob_domain(struct span written, struct arena *arena,
    struct signpattern *pattern, bool *is_below)
{
	struct span domain = written;

	*is_below = span_starts(written, SPAN_LIT("*."));
	if (span_is(written, "*"))
		return true;
	if (*is_below)
		domain = span_skip(written, 2);
	if (pattern_domain(domain, arena, &pattern->domain))
		return true;
	*is_below = false;
	return span_has(written, '*') && pattern_glob_is_domain(written);
}

static void
take_glob_address(struct span s, size_t at, struct arena *arena,
    struct signpattern *pattern)
{
	struct span local = span_first(s, at), domain = span_skip(s, at + 1);
	bool is_any = span_is(local, "*"), is_below;

	if (!take_glob_domain(domain, arena, pattern, &is_below)) {
		if (span_starts(domain, SPAN_LIT(".")))
			never(pattern, arena_printf(arena, "no sender can "
			    "match it in a refile: table; write %.*s@*%.*s",
			    SPAN_ARG(local), SPAN_ARG(domain)));
		else
			refuse(pattern, "what follows the @ is no domain name, "
			    "so no sender can match it");
	} else if (local.len == 0) {
		never(pattern, arena_printf(arena, "no sender can match it; "
		    "write *@%.*s", SPAN_ARG(domain)));
	} else if (pattern->domain.len == 0 && span_is(domain, "*")) {
		pattern->kind = is_any ? SIGNPATTERN_ALL :
		    span_has(local, '*') ? SIGNPATTERN_GLOB : SIGNPATTERN_USER;
		pattern->text = is_any ? SPAN_LIT("*") : s;
	} else if (pattern->domain.len == 0) {
		pattern->kind = SIGNPATTERN_GLOB;
		pattern->text = s;
	} else {
		pattern->kind = is_any ?
		    is_below ? SIGNPATTERN_BELOW : SIGNPATTERN_DOMAIN :
		    span_has(local, '*') ? SIGNPATTERN_GLOB :
		    is_below ? SIGNPATTERN_USER_BELOW : SIGNPATTERN_ADDRESS;
		pattern->text = join(local, is_below ? "@*." : "@",
		    pattern->domain, arena);
	}
}

/* Without '@' a pattern is for the whole address. "*.dom" then is what
 * "*@*.dom" is: the '@' cannot be behind the last dot of dom. */
static void
take_glob_text(struct span s, struct arena *arena,
    struct signpattern *pattern)
{
	pattern->text = s;
	if (span_is(s, "*")) {
		pattern->kind = SIGNPATTERN_ALL;
	} else if (span_starts(s, SPAN_LIT("*.")) &&
	    pattern_domain(span_skip(s, 2), arena, &pattern->domain)) {
		pattern->kind = SIGNPATTERN_BELOW;
		pattern->text = join(SPAN_LIT("*@*."), "", pattern->domain,
		    arena);
	} else if (span_has(s, '*')) {
		pattern->kind = SIGNPATTERN_GLOB;
	} else {
		never(pattern, arena_printf(arena, "no sender can match it in "
		    "a refile: table, it has no \"@\"; write *@%s%.*s",
		    span_starts(s, SPAN_LIT(".")) ? "*" : "", SPAN_ARG(s)));
	}
}

/* Operators explain all other faults. */
static void
take_operators(struct span s, struct arena *arena,
    struct signpattern *pattern)
{
	char operator = find_operator(s);

	if (operator == '\0')
		return;
	pattern->is_error = false;
	pattern->fault = arena_printf(arena, "\"%c\" is an ordinary character "
	    "here, an operator of regular expressions in OpenDKIM; only \"*\" "
	    "is special, write a row for each case", operator);
}

/* ---- file: and csl: ---- */

static void
refuse_star(struct span s, struct arena *arena, struct signpattern *pattern)
{
	const char *plain = NULL;

	if (span_starts(s, SPAN_LIT("*@*.")))
		plain = arena_dup(arena, span_skip(s, 3)).p;
	else if (span_is(s, "*@*"))
		plain = "*";
	else if (span_starts(s, SPAN_LIT("*@")) &&
	    !span_has(span_skip(s, 2), '*'))
		plain = arena_dup(arena, span_skip(s, 2)).p;
	refuse(pattern, plain != NULL ? arena_printf(arena, "\"*\" has no "
	    "effect here; write refile: before the table's path, or %s in the "
	    "row", plain) : "\"*\" has no effect here; write refile: before "
	    "the table's path");
}

/* "dom" or ".dom"; local empty where there is no '@'. */
static void
take_place(struct span local, struct span place, struct arena *arena,
    struct signpattern *pattern)
{
	bool is_below = span_starts(place, SPAN_LIT("."));
	bool has_user = local.len > 0;

	if (!pattern_domain(is_below ? span_skip(place, 1) : place, arena,
	    &pattern->domain)) {
		refuse(pattern, has_user ? "what follows the @ is no domain "
		    "name, so no sender can match it" :
		    "is no domain name, so no sender can match it");
		return;
	}
	pattern->kind = is_below ?
	    has_user ? SIGNPATTERN_USER_BELOW : SIGNPATTERN_BELOW :
	    has_user ? SIGNPATTERN_ADDRESS : SIGNPATTERN_DOMAIN;
	pattern->text = join(local, is_below ? has_user ? "@." : "." :
	    has_user ? "@" : "", pattern->domain, arena);
}

static void
take_exact(struct span s, size_t at, struct arena *arena,
    struct signpattern *pattern)
{
	bool has_user = at < s.len;
	struct span local = has_user ? span_first(s, at) : span_of("");
	struct span place = has_user ? span_skip(s, at + 1) : s;

	if (span_is(s, "*")) {
		pattern->kind = SIGNPATTERN_ALL;
		pattern->text = s;
	} else if (has_user && span_is(place, "*") && local.len > 0 &&
	    !span_has(local, '*')) {
		pattern->kind = SIGNPATTERN_USER;
		pattern->text = s;
	} else if (span_has(s, '*')) {
		refuse_star(s, arena, pattern);
	} else if (has_user && local.len == 0) {
		never(pattern, arena_printf(arena, "no sender can match it; "
		    "write %.*s", SPAN_ARG(place)));
	} else {
		take_place(local, place, arena, pattern);
	}
}

void
signpattern_parse(struct span written, bool is_refile, struct arena *arena,
    struct signpattern *pattern)
{
	struct span s = squeeze(written, arena);
	size_t at = span_rfind(s, '@');

	memset(pattern, 0, sizeof(*pattern));
	pattern->text = s;
	if (!is_refile)
		take_exact(s, at, arena, pattern);
	else if (at == s.len)
		take_glob_text(s, arena, pattern);
	else
		take_glob_address(s, at, arena, pattern);
	if (is_refile)
		take_operators(s, arena, pattern);
	if (s.len <= SIGNPATTERN_MAX && pattern->text.len <= SIGNPATTERN_MAX)
		return;
	pattern->text = span_first(pattern->text, SIGNPATTERN_MAX);
	refuse(pattern, "is longer than any address");
}
