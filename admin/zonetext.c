#include "admin/zonetext.h"

const char *const zonetext_words[] = { "bind", "plain", "split", "nsupdate",
    "json", NULL };

/* ---- writing ---- */

static bool
next_string(struct span *value, struct span *string)
{
	*string = span_first(*value, ZONETEXT_STRING_MAX);
	*value = span_skip(*value, string->len);
	return string->len > 0;
}

static void
add_quoted(struct strbuf *out, struct span value, const char *between)
{
	struct span string;
	bool first = true;

	while (next_string(&value, &string)) {
		strbuf_adds(out, first ? "\"" : between);
		strbuf_addspan(out, string);
		strbuf_addc(out, '"');
		first = false;
	}
}

static void
format_bind(struct span name, struct span value, struct strbuf *out)
{
	strbuf_addf(out, "%.*s. IN TXT ( ", SPAN_ARG(name));
	add_quoted(out, value, "\n\t\"");
	strbuf_adds(out, " )");
}

/* Web forms ask for the name with or without the zone's own. */
static void
format_split(struct span name, struct span value, struct strbuf *out)
{
	static const struct span mark = { "._domainkey.", 12 };
	const char *at = memmem(name.p, name.len, mark.p, mark.len);
	size_t host = at != NULL ? (size_t)(at - name.p) + mark.len - 1 :
	    name.len;

	strbuf_addf(out, "Name:  %.*s\n", SPAN_ARG(name));
	if (host < name.len)
		strbuf_addf(out, "       (%.*s where the form adds the domain "
		    "itself)\n", (int)host, name.p);
	strbuf_adds(out, "Type:  TXT\nValue: ");
	add_quoted(out, value, " \"");
}

static void
format_nsupdate(struct span name, struct span value, struct strbuf *out)
{
	/* What was there goes: several records are as good as none. */
	strbuf_addf(out, "update delete %.*s. TXT\n", SPAN_ARG(name));
	strbuf_addf(out, "update add %.*s. %d IN TXT ", SPAN_ARG(name),
	    ZONETEXT_TTL);
	add_quoted(out, value, " \"");
	strbuf_adds(out, "\nsend");
}

void
zonetext_json(struct json *json, struct span name, struct span value)
{
	struct span rest = value, string;

	json_string(json, "record", name);
	json_cstring(json, "type", "TXT");
	json_number(json, "ttl", ZONETEXT_TTL);
	json_string(json, "value", value);
	json_array(json, "strings");
	while (next_string(&rest, &string))
		json_string(json, NULL, string);
	json_array_end(json);
}

void
zonetext_format(enum zonetext_format format, struct span name,
    struct span value, struct strbuf *out)
{
	struct json json;

	switch (format) {
	case ZONETEXT_BIND:
		format_bind(name, value, out);
		break;
	case ZONETEXT_PLAIN:
		strbuf_addspan(out, value);
		break;
	case ZONETEXT_SPLIT:
		format_split(name, value, out);
		break;
	case ZONETEXT_NSUPDATE:
		format_nsupdate(name, value, out);
		break;
	case ZONETEXT_JSON:
		json_start(&json, out);
		json_object(&json, NULL);
		zonetext_json(&json, name, value);
		json_object_end(&json);
		break;
	}
}

/* ---- reading (RFC 1035 5.1, as much as one record needs) ---- */

enum token { TOKEN_END, TOKEN_LINE, TOKEN_WORD, TOKEN_STRING };

struct reader {
	struct span rest;
	unsigned depth;		/* of parentheses */
	struct span comment;	/* the last one passed over */
	struct strbuf text;	/* of a word or string */
};

/* One character of a word or string, an escape or itself, off the text. */
static char
take_char(struct span *rest)
{
	uint64_t code;
	char c = rest->p[0];
	size_t n = 1;

	if (c == '\\' && rest->len >= 4 &&
	    span_number(span_make(rest->p + 1, 3), 255, &code)) {
		c = (char)code;
		n = 4;
	} else if (c == '\\' && rest->len >= 2) {
		c = rest->p[1];
		n = 2;
	}
	*rest = span_skip(*rest, n);
	return c;
}

static enum token
read_string(struct reader *r)
{
	r->rest = span_skip(r->rest, 1);
	while (r->rest.len > 0 && r->rest.p[0] != '"')
		strbuf_addc(&r->text, take_char(&r->rest));
	r->rest = span_skip(r->rest, 1);
	return TOKEN_STRING;
}

static enum token
read_word(struct reader *r)
{
	while (r->rest.len > 0 && !is_fws(r->rest.p[0]) &&
	    memchr("();\"", r->rest.p[0], 4) == NULL)
		strbuf_addc(&r->text, take_char(&r->rest));
	return TOKEN_WORD;
}

/* The next token; its text, if any, is in r->text. */
static enum token
next_token(struct reader *r)
{
	char c;

	strbuf_reset(&r->text);
	while (r->rest.len > 0) {
		c = r->rest.p[0];
		if (c == '"')
			return read_string(r);
		if (c == ';') {
			r->comment = span_first(r->rest,
			    span_find(r->rest, '\n'));
			r->rest = span_skip(r->rest, r->comment.len);
			continue;
		}
		if (!is_fws(c) && c != '(' && c != ')')
			return read_word(r);
		r->rest = span_skip(r->rest, 1);
		if (c == '(')
			r->depth++;
		else if (c == ')' && r->depth > 0)
			r->depth--;
		else if (c == '\n' && r->depth == 0)
			return TOKEN_LINE;
	}
	return TOKEN_END;
}

/* The rest of a record whose owner was read; true where it is a TXT. */
static bool
read_record(struct reader *r, struct strbuf *value, enum token *last)
{
	bool is_txt = false;

	while ((*last = next_token(r)) == TOKEN_WORD || *last == TOKEN_STRING) {
		if (is_txt)
			strbuf_addspan(value, strbuf_span(&r->text));
		else if (*last == TOKEN_WORD)
			is_txt = span_is_nocase(strbuf_span(&r->text), "TXT");
	}
	return is_txt;
}

bool
zonetext_parse(struct span text, struct arena *arena, struct zonetext *record)
{
	struct reader r = { .rest = text };
	struct strbuf value = STRBUF_INIT;
	enum token token;
	bool found = false;

	while (!found && (token = next_token(&r)) != TOKEN_END) {
		if (token != TOKEN_WORD)
			continue;
		record->owner = arena_dup(arena, strbuf_span(&r.text));
		r.comment = SPAN_LIT("");
		strbuf_reset(&value);
		found = read_record(&r, &value, &token);
	}
	if (found) {
		record->value = arena_dup(arena, strbuf_span(&value));
		record->comment = arena_dup(arena, span_trim(r.comment));
	}
	strbuf_clear(&value);
	strbuf_clear(&r.text);
	return found;
}
