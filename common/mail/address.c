#include "common/mail/address.h"

#include "common/base/escape.h"
#include "common/mail/domain.h"

enum {
	DOMAIN_TEXT_MAX = 1000,	/* before IDNA, as domain_to_ascii() has it */
	END = -1
};

static const char *const result_texts[] = {
	[ADDRESS_OK] = "ok",
	[ADDRESS_EMPTY] = "no address",
	[ADDRESS_SYNTAX] = "syntax error",
	[ADDRESS_NO_DOMAIN] = "no domain",
	[ADDRESS_BAD_DOMAIN] = "invalid domain",
	[ADDRESS_LITERAL] = "domain literal",
	[ADDRESS_TOO_LONG] = "too long",
};

/* RFC 5322 3.2.3; what is not ASCII is atext by RFC 6532 3.2. */
static const bool atext[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
	['!'] = true, ['#' ... '\''] = true, ['*'] = true, ['+'] = true,
	['-'] = true, ['/'] = true, ['='] = true, ['?'] = true,
	['^' ... '`'] = true, ['{' ... '~'] = true, [0x80 ... 0xff] = true,
};

struct scan {
	const char *p;
	const char *end;
};

/* Text of a word or a domain, without quotes, comments and white space. */
struct text {
	char *p;
	size_t len;
	size_t max;
	bool is_over;
};

/*
 * Words and dots up to the next special: a local part, a display name, or
 * neither; what follows tells which it was meant to be.
 */
struct run {
	struct text local;
	bool any;
	bool is_local;
	bool is_phrase;
};

/* A local part and its domain as they were written, CFWS taken out. */
struct parts {
	char local[ADDRESS_LOCAL_MAX];
	char domain[DOMAIN_TEXT_MAX];
	struct run run;
	struct text host;
	bool has_domain;
	bool is_literal;
};

static bool
is_atext(char c)
{
	return atext[(unsigned char)c];
}

/* RFC 5322 4.1: controls within quotes and comments, but for NUL, CR, LF. */
static bool
is_quotable(char c)
{
	return c != '\0' && c != '\r' && c != '\n';
}

static int
peek(const struct scan *in)
{
	return in->p < in->end ? (unsigned char)*in->p : END;
}

static bool
skip(struct scan *in, char c)
{
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

static void
put(struct text *text, const char *p, size_t len)
{
	if (len > text->max - text->len) {
		text->is_over = true;
		return;
	}
	memcpy(text->p + text->len, p, len);
	text->len += len;
}

/* CRLF before WSP, which is all a line end may be in here. */
static bool
skip_fold(struct scan *in)
{
	if (in->end - in->p < 3 || in->p[0] != '\r' || in->p[1] != '\n' ||
	    !is_wsp(in->p[2]))
		return false;
	in->p += 2;
	return true;
}

static bool
skip_quoted_pair(struct scan *in)
{
	if (in->end - in->p < 2 || !is_quotable(in->p[1]))
		return false;
	in->p += 2;
	return true;
}

static enum address_result
skip_comment(struct scan *in)
{
	unsigned depth = 0;

	do {
		switch (peek(in)) {
		case '(':
			if (++depth > ADDRESS_COMMENT_DEPTH)
				return ADDRESS_TOO_LONG;
			in->p++;
			break;
		case ')':
			depth--;
			in->p++;
			break;
		case '\\':
			if (!skip_quoted_pair(in))
				return ADDRESS_SYNTAX;
			break;
		case '\r':
			if (!skip_fold(in))
				return ADDRESS_SYNTAX;
			break;
		case END: case '\0': case '\n':
			return ADDRESS_SYNTAX;
		default:
			in->p++;
		}
	} while (depth > 0);
	return ADDRESS_OK;
}

/* Comments and folding white space; what is neither stops it. */
static enum address_result
skip_cfws(struct scan *in)
{
	enum address_result result;

	for (;;) {
		switch (peek(in)) {
		case ' ': case '\t':
			in->p++;
			break;
		case '\r':
			if (!skip_fold(in))
				return ADDRESS_SYNTAX;
			break;
		case '(':
			if ((result = skip_comment(in)) != ADDRESS_OK)
				return result;
			break;
		default:
			return ADDRESS_OK;
		}
	}
}

static bool
read_atom(struct scan *in, struct text *text)
{
	const char *start = in->p;

	while (in->p < in->end && is_atext(*in->p))
		in->p++;
	put(text, start, (size_t)(in->p - start));
	return in->p > start;
}

/*
 * One octet, quoted pair or fold inside of quotes or brackets. False where the
 * text ends or has what it may not.
 */
static bool
skip_enclosed(struct scan *in)
{
	if (skip_fold(in))
		return true;
	if (peek(in) == '\\')
		return skip_quoted_pair(in);
	if (in->p == in->end || !is_quotable(*in->p))
		return false;
	in->p++;
	return true;
}

static bool
read_quoted(struct scan *in, struct text *text)
{
	const char *start;

	in->p++;
	while (!skip(in, '"')) {
		start = in->p;
		if (!skip_enclosed(in))
			return false;
		if (*start == '\\')
			start++;
		if (*start != '\r')
			put(text, start, (size_t)(in->p - start));
	}
	return true;
}

/* Quoted pairs stay as they are, so that the text reads the same again. */
static bool
read_literal(struct scan *in, struct text *text)
{
	const char *start;

	in->p++;
	put(text, "[", 1);
	while (!skip(in, ']')) {
		start = in->p;
		if (peek(in) == '[' || !skip_enclosed(in))
			return false;
		if (!is_fws(*start))
			put(text, start, (size_t)(in->p - start));
	}
	put(text, "]", 1);
	return true;
}

static bool
read_word(struct scan *in, struct text *text)
{
	return peek(in) == '"' ? read_quoted(in, text) : read_atom(in, text);
}

/*
 * obs-local-part = word *("." word); phrase = word *(word / "."), RFC 5322
 * 4.1 and 4.4, CFWS anywhere between.
 */
static enum address_result
read_run(struct scan *in, struct run *run)
{
	enum address_result result;
	bool after_word = false;

	run->local.len = 0;
	run->local.is_over = false;
	run->any = false;
	run->is_local = run->is_phrase = true;
	while ((result = skip_cfws(in)) == ADDRESS_OK) {
		bool is_dot = skip(in, '.');

		if (!is_dot && peek(in) != '"' &&
		    (in->p == in->end || !is_atext(*in->p)))
			break;
		if (is_dot)
			put(&run->local, ".", 1);
		else if (!read_word(in, &run->local))
			return ADDRESS_SYNTAX;
		run->is_phrase = run->is_phrase && (run->any || !is_dot);
		run->is_local = run->is_local && is_dot == after_word;
		run->any = true;
		after_word = !is_dot;
	}
	run->is_local = run->is_local && after_word;
	run->is_phrase = run->is_phrase && run->any;
	return result;
}

/* obs-domain = atom *("." atom), CFWS anywhere between; or a literal. */
static enum address_result
read_domain(struct scan *in, struct text *host, bool *is_literal)
{
	enum address_result result;

	host->len = 0;
	host->is_over = false;
	if ((result = skip_cfws(in)) != ADDRESS_OK)
		return result;
	*is_literal = peek(in) == '[';
	if (*is_literal)
		return read_literal(in, host) ? skip_cfws(in) : ADDRESS_SYNTAX;
	for (;;) {
		if (!read_atom(in, host))
			return ADDRESS_SYNTAX;
		if ((result = skip_cfws(in)) != ADDRESS_OK || !skip(in, '.'))
			return result;
		put(host, ".", 1);
		if ((result = skip_cfws(in)) != ADDRESS_OK)
			return result;
	}
}

/* obs-route = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain]) ":" */
static enum address_result
skip_route(struct scan *in, struct text *host)
{
	enum address_result result;
	bool is_literal, any = false;

	if ((result = skip_cfws(in)) != ADDRESS_OK ||
	    (peek(in) != '@' && peek(in) != ','))
		return result;
	while (result == ADDRESS_OK && !skip(in, ':')) {
		if (skip(in, '@')) {
			any = true;
			result = read_domain(in, host, &is_literal);
			if (peek(in) != ',' && peek(in) != ':')
				return ADDRESS_SYNTAX;
		} else {
			result = skip(in, ',') ? skip_cfws(in) :
			    ADDRESS_SYNTAX;
		}
	}
	return result != ADDRESS_OK || any ? result : ADDRESS_SYNTAX;
}

/* The local part is read already; in is at what follows it. */
static enum address_result
read_addr_spec(struct scan *in, struct parts *parts)
{
	if (!parts->run.is_local)
		return ADDRESS_SYNTAX;
	parts->has_domain = skip(in, '@');
	return parts->has_domain ?
	    read_domain(in, &parts->host, &parts->is_literal) : ADDRESS_OK;
}

static enum address_result
read_angle(struct scan *in, struct parts *parts)
{
	enum address_result result;

	in->p++;
	result = skip_route(in, &parts->host);
	if (result == ADDRESS_OK)
		result = read_run(in, &parts->run);
	if (result == ADDRESS_OK)
		result = read_addr_spec(in, parts);
	if (result != ADDRESS_OK)
		return result;
	return skip(in, '>') ? skip_cfws(in) : ADDRESS_SYNTAX;
}

static bool
is_utf8(const struct text *text)
{
	struct span rest = span_make(text->p, text->len);
	uint32_t code;
	size_t n;

	while (rest.len > 0) {
		n = (unsigned char)rest.p[0] < 0x80 ? 1 :
		    utf8_sequence(rest, &code);
		if (n == 0)
			return false;
		rest = span_skip(rest, n);
	}
	return true;
}

static enum address_result
finish(const struct parts *parts, struct arena *arena,
    struct address *address)
{
	const struct text *local = &parts->run.local, *host = &parts->host;
	struct span domain = span_make(host->p, host->len);

	if (!parts->has_domain)
		return ADDRESS_NO_DOMAIN;
	if (local->is_over)
		return ADDRESS_TOO_LONG;
	if (host->is_over)
		return ADDRESS_BAD_DOMAIN;
	if (!is_utf8(local) || !is_utf8(host))
		return ADDRESS_SYNTAX;
	if (parts->is_literal)
		address->domain = arena_dup(arena, domain);
	else if (!domain_to_ascii(domain, arena, &address->domain))
		return ADDRESS_BAD_DOMAIN;
	address->local = arena_dup(arena, span_make(local->p, local->len));
	return parts->is_literal ? ADDRESS_LITERAL : ADDRESS_OK;
}

static void
parts_init(struct parts *parts)
{
	parts->run.local = (struct text){ .p = parts->local,
	    .max = sizeof(parts->local) };
	parts->host = (struct text){ .p = parts->domain,
	    .max = sizeof(parts->domain) };
	parts->has_domain = parts->is_literal = false;
}

const char *
address_result_text(enum address_result result)
{
	return result_texts[result];
}

static enum address_result
append(struct address_list *list, const struct parts *parts,
    struct arena *arena)
{
	size_t count = list->count, cap;
	struct address *items;
	struct address address;
	enum address_result result = finish(parts, arena, &address);

	if (result != ADDRESS_OK)
		return result;
	if (count == ADDRESS_LIST_MAX)
		return ADDRESS_TOO_LONG;
	if ((count & (count - 1)) == 0) {	/* full at powers of two */
		cap = count != 0 ? count * 2 : 1;
		items = arena_alloc(arena, cap * sizeof(*items));
		if (count != 0)
			memcpy(items, list->items, count * sizeof(*items));
		list->items = items;
	}
	list->items[list->count++] = address;
	return ADDRESS_OK;
}

/* One mailbox whose first words are in parts->run, up to its separator. */
static enum address_result
read_mailbox(struct scan *in, struct parts *parts)
{
	if (peek(in) != '<')
		return read_addr_spec(in, parts);
	if (parts->run.any && !parts->run.is_phrase)
		return ADDRESS_SYNTAX;
	return read_angle(in, parts);
}

/* One element: a mailbox, nothing (obs-addr-list), or a group's beginning,
 * its separator behind it included. */
static enum address_result
read_element(struct scan *in, struct parts *parts, bool *in_group,
    struct address_list *list, struct arena *arena)
{
	enum address_result result = read_run(in, &parts->run);
	bool any = parts->run.any || peek(in) == '<' || peek(in) == '@';

	if (result != ADDRESS_OK)
		return result;
	if (peek(in) == ':' && parts->run.is_phrase && !*in_group) {
		in->p++;
		*in_group = true;
		return ADDRESS_OK;
	}
	if (any && (result = read_mailbox(in, parts)) != ADDRESS_OK)
		return result;
	if (*in_group && skip(in, ';')) {
		*in_group = false;
		result = skip_cfws(in);
	}
	if (result == ADDRESS_OK && in->p < in->end && !skip(in, ','))
		result = ADDRESS_SYNTAX;
	if (result == ADDRESS_OK && any)
		result = append(list, parts, arena);
	return result;
}

void
address_list_parse(struct span value, struct arena *arena,
    struct address_list *list)
{
	struct scan in = { value.p, value.p + value.len };
	enum address_result result = ADDRESS_OK;
	struct parts parts;
	bool in_group = false;

	*list = (struct address_list){ .result = ADDRESS_TOO_LONG };
	if (value.len > ADDRESS_FIELD_MAX)
		return;
	parts_init(&parts);
	while (result == ADDRESS_OK && in.p < in.end)
		result = read_element(&in, &parts, &in_group, list, arena);
	if (result == ADDRESS_OK && in_group)
		result = ADDRESS_SYNTAX;
	if (result == ADDRESS_OK && list->count == 0)
		result = ADDRESS_EMPTY;
	list->result = result;
}

static bool
is_null_path(struct span s)
{
	return s.len == 0 || span_is(s, "<>");
}

enum address_result
address_parse_path(struct span s, struct arena *arena,
    struct address *address)
{
	struct scan in = { s.p, s.p + s.len };
	enum address_result result;
	struct parts parts;

	*address = (struct address){ SPAN_LIT(""), SPAN_LIT("") };
	if (is_null_path(span_trim(s)))
		return ADDRESS_EMPTY;
	if (s.len > ADDRESS_FIELD_MAX)
		return ADDRESS_TOO_LONG;
	parts_init(&parts);
	result = read_run(&in, &parts.run);
	if (result == ADDRESS_OK)
		result = peek(&in) == '<' && parts.run.any ? ADDRESS_SYNTAX :
		    read_mailbox(&in, &parts);
	if (result == ADDRESS_OK && in.p < in.end)
		result = ADDRESS_SYNTAX;
	return result == ADDRESS_OK ? finish(&parts, arena, address) : result;
}

static bool
is_dot_atom(struct span s)
{
	bool after_dot = true;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '.' ? after_dot : !is_atext(s.p[i]))
			return false;
		after_dot = s.p[i] == '.';
	}
	return !after_dot;
}

static char *
put_quoted(char *to, struct span s)
{
	size_t i;

	*to++ = '"';
	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			*to++ = '\\';
		*to++ = s.p[i];
	}
	*to++ = '"';
	return to;
}

static char *
put_span(char *to, struct span s)
{
	if (s.len != 0)
		memcpy(to, s.p, s.len);
	return to + s.len;
}

struct span
address_format(const struct address *address, struct arena *arena)
{
	struct span local = address->local, domain = address->domain;
	char *out = arena_alloc(arena, 2 * local.len + domain.len + 4);
	char *to = out;

	to = is_dot_atom(local) ? put_span(to, local) : put_quoted(to, local);
	*to++ = '@';
	to = put_span(to, domain);
	*to = '\0';
	return span_make(out, (size_t)(to - out));
}

struct span
address_lookup_key(const struct address *address, struct arena *arena)
{
	struct span local = address->local, domain = address->domain;
	size_t len = local.len + 1 + domain.len, i;
	char *out = arena_alloc(arena, len + 1), *to = out;

	to = put_span(to, local);
	*to++ = '@';
	to = put_span(to, domain);
	*to = '\0';
	for (i = 0; i < len; i++)
		out[i] = ascii_lower(out[i]);
	return span_make(out, len);
}
