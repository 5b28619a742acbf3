#include "common/tables/regex.h"

#include "common/base/mem.h"

#include <stdio.h>

/* How deep PCRE2 lets parentheses be (PARENS_NEST_LIMIT's default). */
enum { DEPTH_MAX = 250 };

static const size_t no_atom = SIZE_MAX;

struct posix {
	struct span rest;
	struct strbuf *out;
	size_t atom;		/* where what a repetition would be of begins
				   in out; no_atom: there is none */
	bool is_repeated;	/* it has a repetition already */
	size_t groups[DEPTH_MAX];	/* where open groups begin */
	unsigned depth;
	char letter;
	struct strbuf *err;
};

static bool
fail(struct posix *posix, const char *text)
{
	strbuf_adds(posix->err, text);
	return false;
}

/* Something that may be repeated. */
static void
put_atom(struct posix *posix, const char *text, size_t len)
{
	posix->atom = posix->out->len;
	posix->is_repeated = false;
	strbuf_add(posix->out, text, len);
}

/* GNU's escapes, and what PCRE2 calls them. */
static const struct {
	char letter;
	const char *text;
} escapes[] = {
	{ 'w', "\\w" }, { 'W', "\\W" }, { 's', "\\s" }, { 'S', "\\S" },
	{ 'b', "\\b" }, { 'B', "\\B" },
	{ '<', "(?:\\b(?=\\w))" }, { '>', "(?:\\b(?<=\\w))" },
	{ '`', "\\A" }, { '\'', "\\z" },
};

static bool
read_escape(struct posix *posix)
{
	char c, text[8];
	size_t i;

	if (posix->rest.len == 0)
		return fail(posix, "ends in a backslash");
	c = posix->rest.p[0];
	posix->rest = span_skip(posix->rest, 1);
	for (i = 0; i < ARRAY_LEN(escapes); i++) {
		if (escapes[i].letter != c)
			continue;
		put_atom(posix, escapes[i].text, strlen(escapes[i].text));
		return true;
	}
	if (c >= '1' && c <= '9') {
		snprintf(text, sizeof(text), "\\g{%c}", c);
		put_atom(posix, text, strlen(text));
	} else if (is_alpha(c) || c == '0') {
		posix->letter = posix->letter != '\0' ? posix->letter : c;
		put_atom(posix, &c, 1);
	} else {
		snprintf(text, sizeof(text), "\\%c", c);
		put_atom(posix, text, 2);
	}
	return true;
}

/* What stands in a bracket expression at "[": a class, or itself. */
static bool
read_inner_bracket(struct posix *posix)
{
	char kind = posix->rest.len > 1 ? posix->rest.p[1] : '\0';
	const char *end;
	size_t len;

	if (kind == '.' || kind == '=')
		return fail(posix, "has a collating element, \"[.\" or "
		    "\"[=\", which is not read; write the characters");
	if (kind != ':') {
		strbuf_adds(posix->out, "\\[");
		posix->rest = span_skip(posix->rest, 1);
		return true;
	}
	end = memmem(posix->rest.p + 2, posix->rest.len - 2, ":]", 2);
	if (end == NULL)
		return fail(posix, "has a \"[:\" without its \":]\"");
	len = (size_t)(end - posix->rest.p) + 2;
	strbuf_add(posix->out, posix->rest.p, len);
	posix->rest = span_skip(posix->rest, len);
	return true;
}

/* A backslash in brackets is one in POSIX. */
static bool
read_bracket(struct posix *posix)
{
	bool is_first = true;
	char c;

	put_atom(posix, "[", 1);
	if (span_starts(posix->rest, SPAN_LIT("^"))) {
		strbuf_addc(posix->out, '^');
		posix->rest = span_skip(posix->rest, 1);
	}
	for (; posix->rest.len > 0; is_first = false) {
		c = posix->rest.p[0];
		if (c == '[') {
			if (!read_inner_bracket(posix))
				return false;
			continue;
		}
		posix->rest = span_skip(posix->rest, 1);
		if (c == ']' && !is_first) {
			strbuf_addc(posix->out, ']');
			return true;
		}
		if (c == ']' || c == '\\')
			strbuf_addc(posix->out, '\\');
		strbuf_addc(posix->out, c);
	}
	return fail(posix, "has a \"[\" without its \"]\"");
}

/* PCRE2 takes a second repetition, as in "a+?", for a flag of the first. */
static bool
put_repetition(struct posix *posix, const char *text, size_t len)
{
	struct strbuf *out = posix->out;

	if (posix->atom == no_atom)
		return fail(posix, "repeats nothing: there is nothing before "
		    "a \"*\", \"+\", \"?\" or \"{\"");
	if (posix->is_repeated) {
		strbuf_reserve(out, 3);
		memmove(out->s + posix->atom + 3, out->s + posix->atom,
		    out->len - posix->atom);
		memcpy(out->s + posix->atom, "(?:", 3);
		out->len += 3;
		strbuf_addc(out, ')');
	}
	strbuf_add(out, text, len);
	posix->is_repeated = true;
	return true;
}

static bool
read_interval(struct posix *posix)
{
	struct span inner, from, to, rest = posix->rest;
	uint64_t low = 0, high;
	char text[32];
	int len;

	if (!span_cut(&rest, '}', &inner))
		return fail(posix, "has a \"{\" without its \"}\"; write \\{ "
		    "for the character");
	to = inner;
	if (!span_cut(&to, ',', &from))
		to = from;
	high = UINT16_MAX;
	if ((from.len > 0 && !span_number(from, INT16_MAX, &low)) ||
	    (to.len > 0 && !span_number(to, INT16_MAX, &high)) ||
	    inner.len == 0 || low > high)
		return fail(posix, "has a \"{\" that counts nothing; write "
		    "{2}, {2,} or {2,5}, or \\{ for the character");
	len = high == UINT16_MAX ? snprintf(text, sizeof(text), "{%u,}",
	    (unsigned)low) : snprintf(text, sizeof(text), "{%u,%u}",
	    (unsigned)low, (unsigned)high);
	posix->rest = rest;
	return put_repetition(posix, text, (size_t)len);
}

static bool
open_group(struct posix *posix)
{
	if (posix->depth == DEPTH_MAX)
		return fail(posix, "has too many groups in groups");
	if (span_starts(posix->rest, SPAN_LIT("?")))
		return fail(posix, "has a \"(?\", which is Perl's; make the "
		    "table a pcre: one");
	if (span_starts(posix->rest, SPAN_LIT("*")))
		return fail(posix, "repeats nothing: there is a \"(*\"");
	posix->groups[posix->depth++] = posix->out->len;
	strbuf_addc(posix->out, '(');
	posix->atom = no_atom;
	return true;
}

static bool
close_group(struct posix *posix)
{
	if (posix->depth == 0) {
		put_atom(posix, "\\)", 2);
		return true;
	}
	posix->atom = posix->groups[--posix->depth];
	posix->is_repeated = false;
	strbuf_addc(posix->out, ')');
	return true;
}

static bool
read_one(struct posix *posix)
{
	char c = posix->rest.p[0];

	posix->rest = span_skip(posix->rest, 1);
	switch (c) {
	case '\\':
		return read_escape(posix);
	case '[':
		return read_bracket(posix);
	case '{':
		return read_interval(posix);
	case '(':
		return open_group(posix);
	case ')':
		return close_group(posix);
	case '*':
	case '+':
	case '?':
		return put_repetition(posix, &c, 1);
	default:
		break;
	}
	put_atom(posix, &c, 1);
	if (c == '|' || c == '^' || c == '$')
		posix->atom = no_atom;
	return true;
}

bool
regex_from_posix(struct span text, struct strbuf *out, char *letter,
    struct strbuf *err)
{
	struct posix posix = { .rest = text, .out = out, .atom = no_atom,
	    .err = err };

	while (posix.rest.len > 0)
		if (!read_one(&posix))
			return false;
	*letter = posix.letter;
	if (posix.depth == 0)
		return true;
	return fail(&posix, "has a \"(\" without its \")\"");
}
