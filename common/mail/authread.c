#include "common/mail/authread.h"

#include "common/mail/lexer.h"

/*
 * The grammar of RFC 8601 2.2, with what is met in fields of verifiers that do
 * not quote: any visible octets in a property's value but those that end it, no
 * value at all before a ';' or the end, keywords with '_', keys without a
 * property type, and a ';' behind the last result.
 */

enum { VERSION_MAX = 1000 };

struct reading {
	struct lexer in;
	struct lexer_text room;	/* for all names and values */
	struct auth_result *results;
	size_t count, max;
	bool is_unknown;	/* the result's method has another version */
};

static bool
is_keyword_char(char c)
{
	return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
}

/* What a value without quotes may have; the others end it or are wrong. */
static bool
is_value_char(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && c != ';' && c != '(' &&
	    c != ')' && c != '"' && c != '\\';
}

static bool
is_at_end(const struct lexer *in)
{
	return in->p == in->end;
}

static bool
is_at_item_end(const struct lexer *in)
{
	return is_at_end(in) || *in->p == ';';
}

/* What was put since length from. */
static struct span
put_since(const struct reading *r, size_t from)
{
	return span_make(r->room.p + from, r->room.len - from);
}

/* Adds it in lower case. */
static bool
read_keyword(struct reading *r)
{
	size_t before = r->room.len;
	char c;

	while (!is_at_end(&r->in) && is_keyword_char(*r->in.p)) {
		c = ascii_lower(*r->in.p++);
		lexer_put(&r->room, &c, 1);
	}
	return r->room.len > before;
}

static bool
read_unquoted(struct reading *r)
{
	const char *start = r->in.p;

	while (!is_at_end(&r->in) && is_value_char(*r->in.p))
		r->in.p++;
	lexer_put(&r->room, start, (size_t)(r->in.p - start));
	return r->in.p > start;
}

/* A quoted string may be a local part; what else follows must stand apart. */
static bool
read_quoted(struct reading *r)
{
	if (!lexer_quoted(&r->in, &r->room))
		return false;
	return lexer_peek(&r->in) != '@' || read_unquoted(r);
}

/* [CFWS] value [CFWS], and then another key or the end of the item. */
static bool
read_value(struct reading *r, struct span *value)
{
	size_t before = r->room.len;
	const char *end;

	if (!lexer_skip_cfws(&r->in))
		return false;
	if (!is_at_item_end(&r->in) && !(lexer_peek(&r->in) == '"' ?
	    read_quoted(r) : read_unquoted(r)))
		return false;
	*value = put_since(r, before);
	end = r->in.p;
	return lexer_skip_cfws(&r->in) &&
	    (r->in.p > end || is_at_item_end(&r->in));
}

/* [CFWS] c [CFWS]. False where it is not there or malformed. */
static bool
skip_sign(struct reading *r, char c)
{
	return lexer_skip_cfws(&r->in) && lexer_skip(&r->in, c) &&
	    lexer_skip_cfws(&r->in);
}

/* Digits; anything but 1 is another version. */
static bool
read_version(struct lexer *in, bool *is_ours)
{
	struct span digits = span_make(in->p, 0);
	uint64_t version;

	for (; !is_at_end(in) && is_digit(*in->p); in->p++)
		digits.len++;
	if (!span_number(digits, VERSION_MAX, &version))
		return false;
	*is_ours = version == 1;
	return true;
}

/* keyword [ "." keyword ] "=" value */
static bool
read_property(struct reading *r, struct auth_property *property)
{
	size_t before = r->room.len;

	if (!read_keyword(r) || !lexer_skip_cfws(&r->in))
		return false;
	if (lexer_peek(&r->in) == '.') {
		lexer_put(&r->room, ".", 1);
		if (!skip_sign(r, '.') || !read_keyword(r))
			return false;
	}
	property->name = put_since(r, before);
	return skip_sign(r, '=') && read_value(r, &property->value);
}

static bool
read_properties(struct reading *r, struct auth_result *result)
{
	struct auth_property property;

	while (!is_at_item_end(&r->in)) {
		if (!read_property(r, &property))
			return false;
		if (!span_has(property.name, '.'))
			continue;	/* reason= and the like */
		if (result->property_count == AUTHREAD_PROPERTIES_MAX)
			return false;
		result->properties[result->property_count++] = property;
	}
	return true;
}

/* keyword [ "/" version ] "=" keyword, up to what follows. */
static bool
read_method(struct reading *r, struct auth_result *result)
{
	size_t before = r->room.len;
	const char *end;
	bool is_ours = true;

	if (!read_keyword(r) || !lexer_skip_cfws(&r->in))
		return false;
	result->method = put_since(r, before);
	if (lexer_peek(&r->in) == '/' && (!skip_sign(r, '/') ||
	    !read_version(&r->in, &is_ours)))
		return false;
	r->is_unknown = !is_ours;
	before = r->room.len;
	if (!skip_sign(r, '=') || !read_keyword(r))
		return false;
	result->result = put_since(r, before);
	end = r->in.p;
	return lexer_skip_cfws(&r->in) &&
	    (r->in.p > end || is_at_item_end(&r->in));
}

static bool
read_result(struct reading *r)
{
	struct auth_result *result = &r->results[r->count];

	if (r->count == r->max)
		return false;
	result->property_count = 0;
	if (!read_method(r, result) || !read_properties(r, result))
		return false;
	if (!r->is_unknown)
		r->count++;
	return true;
}

static bool
is_none(const struct reading *r)
{
	struct lexer in = r->in;
	struct span word = span_first(span_make(in.p,
	    (size_t)(in.end - in.p)), 4);

	if (!span_is_nocase(word, "none"))
		return false;
	in.p += word.len;
	return lexer_skip_cfws(&in) && is_at_end(&in);
}

/* value [ CFWS version ] [CFWS], in front of a ';'. */
static bool
read_id(struct reading *r)
{
	bool is_ours = true;

	if (!lexer_skip_cfws(&r->in) || !(lexer_peek(&r->in) == '"' ?
	    lexer_quoted(&r->in, &r->room) : read_unquoted(r)) ||
	    !lexer_skip_cfws(&r->in))
		return false;
	if (!is_at_item_end(&r->in) && !(read_version(&r->in, &is_ours) &&
	    lexer_skip_cfws(&r->in)))
		return false;
	return is_ours && lexer_peek(&r->in) == ';';
}

static bool
read_field(struct reading *r)
{
	bool is_first = true;

	if (!read_id(r))
		return false;
	for (; lexer_skip(&r->in, ';'); is_first = false) {
		if (!lexer_skip_cfws(&r->in))
			return false;
		if (is_first ? is_none(r) : is_at_end(&r->in))
			return true;
		if (!read_result(r))
			return false;
	}
	return is_at_end(&r->in);
}

/* An upper bound. */
static size_t
count_results(struct span value)
{
	size_t i, n = 0;

	for (i = 0; i < value.len && n < AUTHREAD_RESULTS_MAX; i++)
		n += value.p[i] == ';';
	return n;
}

bool
authread_parse(struct span value, struct arena *arena,
    struct auth_result **results, size_t *count)
{
	struct reading r = { .max = count_results(value) };
	bool is_right;

	lexer_start(&r.in, value);
	r.room.max = value.len;
	r.room.p = arena_alloc(arena, value.len + 1);
	r.results = arena_alloc(arena, (r.max + 1) * sizeof(*r.results));
	is_right = read_field(&r);
	*results = r.results;
	*count = is_right ? r.count : 0;
	return is_right;
}

struct span
auth_result_property(const struct auth_result *result, const char *name)
{
	size_t i;

	for (i = 0; i < result->property_count; i++)
		if (span_is(result->properties[i].name, name))
			return result->properties[i].value;
	return SPAN_LIT("");
}
