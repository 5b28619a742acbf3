#include "common/mail/address.h"

#include "common/base/escape.h"
#include "common/mail/domain.h"
#include "common/mail/lexer.h"

enum {
	DOMAIN_TEXT_MAX = 1000	/* before IDNA, as domain_to_ascii() has it */
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

/*
 * Words and dots up to the next special: a local part, a display name, or
 * neither; what follows tells which it was meant to be.
 */
struct run {
	struct lexer_text local;
	bool any;
	bool is_local;
	bool is_phrase;
};

/* A local part and its domain as they were written, CFWS taken out. */
struct parts {
	char local[ADDRESS_LOCAL_MAX];
	char domain[DOMAIN_TEXT_MAX];
	struct run run;
	struct lexer_text host;
	bool has_domain;
	bool is_literal;
};

/*
 * obs-local-part = word *("." word); phrase = word *(word / "."), RFC 5322
 * 4.1 and 4.4, CFWS anywhere between.
 */
static bool
read_run(struct lexer *in, struct run *run)
{
	bool after_word = false;

	run->local.len = 0;
	run->local.is_over = false;
	run->any = false;
	run->is_local = run->is_phrase = true;
	while (lexer_skip_cfws(in)) {
		bool is_dot = lexer_skip(in, '.');

		if (!is_dot && lexer_peek(in) != '"' &&
		    (in->p == in->end || !lexer_is_atext(*in->p))) {
			run->is_local = run->is_local && after_word;
			run->is_phrase = run->is_phrase && run->any;
			return true;
		}
		if (is_dot)
			lexer_put(&run->local, ".", 1);
		else if (!lexer_word(in, &run->local))
			return false;
		run->is_phrase = run->is_phrase && (run->any || !is_dot);
		run->is_local = run->is_local && is_dot == after_word;
		run->any = true;
		after_word = !is_dot;
	}
	return false;
}

/* obs-domain = atom *("." atom), CFWS anywhere between; or a literal. */
static bool
read_domain(struct lexer *in, struct parts *parts)
{
	struct lexer_text *host = &parts->host;

	host->len = 0;
	host->is_over = false;
	if (!lexer_skip_cfws(in))
		return false;
	parts->is_literal = lexer_peek(in) == '[';
	if (parts->is_literal)
		return lexer_literal(in, host) && lexer_skip_cfws(in);
	while (lexer_atom(in, host) && lexer_skip_cfws(in)) {
		if (!lexer_skip(in, '.'))
			return true;
		lexer_put(host, ".", 1);
		if (!lexer_skip_cfws(in))
			return false;
	}
	return false;
}

/* obs-route = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain]) ":" */
static bool
skip_route(struct lexer *in, struct parts *parts)
{
	bool any = false;

	if (!lexer_skip_cfws(in))
		return false;
	if (lexer_peek(in) != '@' && lexer_peek(in) != ',')
		return true;
	while (!lexer_skip(in, ':')) {
		if (lexer_skip(in, '@')) {
			any = true;
			if (!read_domain(in, parts) ||
			    (lexer_peek(in) != ',' && lexer_peek(in) != ':'))
				return false;
		} else if (!lexer_skip(in, ',') || !lexer_skip_cfws(in)) {
			return false;
		}
	}
	return any;
}

/* The local part is read already; in is at what follows it. */
static bool
read_addr_spec(struct lexer *in, struct parts *parts)
{
	if (!parts->run.is_local)
		return false;
	parts->has_domain = lexer_skip(in, '@');
	return !parts->has_domain || read_domain(in, parts);
}

static bool
read_angle(struct lexer *in, struct parts *parts)
{
	in->p++;
	return skip_route(in, parts) && read_run(in, &parts->run) &&
	    read_addr_spec(in, parts) && lexer_skip(in, '>') &&
	    lexer_skip_cfws(in);
}

/* One mailbox whose first words are in parts->run, up to its separator. */
static bool
read_mailbox(struct lexer *in, struct parts *parts)
{
	if (lexer_peek(in) != '<')
		return read_addr_spec(in, parts);
	if (parts->run.any && !parts->run.is_phrase)
		return false;
	return read_angle(in, parts);
}

static enum address_result
syntax_error(const struct lexer *in)
{
	return in->is_too_deep ? ADDRESS_TOO_LONG : ADDRESS_SYNTAX;
}

static bool
is_utf8(const struct lexer_text *text)
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
	const struct lexer_text *local = &parts->run.local;
	const struct lexer_text *host = &parts->host;
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
	parts->run.local = (struct lexer_text){ .p = parts->local,
	    .max = sizeof(parts->local) };
	parts->host = (struct lexer_text){ .p = parts->domain,
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

/* What follows a mailbox or an empty element: the end of a group, a comma. */
static bool
read_separator(struct lexer *in, bool *in_group)
{
	if (*in_group && lexer_skip(in, ';')) {
		*in_group = false;
		if (!lexer_skip_cfws(in))
			return false;
	}
	return in->p == in->end || lexer_skip(in, ',');
}

/* A mailbox, nothing (obs-addr-list), or the beginning of a group. */
static enum address_result
read_element(struct lexer *in, struct parts *parts, bool *in_group,
    struct address_list *list, struct arena *arena)
{
	bool any;

	if (!read_run(in, &parts->run))
		return syntax_error(in);
	if (!*in_group && parts->run.is_phrase && lexer_skip(in, ':')) {
		*in_group = true;
		return ADDRESS_OK;
	}
	any = parts->run.any || lexer_peek(in) == '<' ||
	    lexer_peek(in) == '@';
	if ((any && !read_mailbox(in, parts)) ||
	    !read_separator(in, in_group))
		return syntax_error(in);
	return any ? append(list, parts, arena) : ADDRESS_OK;
}

void
address_list_parse(struct span value, struct arena *arena,
    struct address_list *list)
{
	enum address_result result = ADDRESS_OK;
	struct parts parts;
	struct lexer in;
	bool in_group = false;

	*list = (struct address_list){ .result = ADDRESS_TOO_LONG };
	if (value.len > ADDRESS_FIELD_MAX)
		return;
	parts_init(&parts);
	lexer_start(&in, value);
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
	struct parts parts;
	struct lexer in;

	*address = (struct address){ SPAN_LIT(""), SPAN_LIT("") };
	if (is_null_path(span_trim(s)))
		return ADDRESS_EMPTY;
	if (s.len > ADDRESS_FIELD_MAX)
		return ADDRESS_TOO_LONG;
	parts_init(&parts);
	lexer_start(&in, s);
	if (!read_run(&in, &parts.run))
		return syntax_error(&in);
	if ((parts.run.any && lexer_peek(&in) == '<') ||
	    !read_mailbox(&in, &parts) || in.p < in.end)
		return syntax_error(&in);
	return finish(&parts, arena, address);
}

static bool
is_dot_atom(struct span s)
{
	bool after_dot = true;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '.' ? after_dot : !lexer_is_atext(s.p[i]))
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
