#include "common/base/json.h"

#include "common/base/escape.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

static void
add_string(struct strbuf *out, struct span s)
{
	uint32_t code;
	size_t n;
	char c;

	strbuf_addc(out, '"');
	while (s.len > 0) {
		c = s.p[0];
		n = 1;
		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c == '\n')
			strbuf_adds(out, "\\n");
		else if (c == '\t')
			strbuf_adds(out, "\\t");
		else if ((unsigned char)c < ' ' || c == 0x7f)
			strbuf_addf(out, "\\u%04x", (unsigned char)c);
		else if ((unsigned char)c < 0x80)
			strbuf_addc(out, c);
		else if ((n = utf8_sequence(s, &code)) != 0)
			strbuf_add(out, s.p, n);
		else
			strbuf_adds(out, "\\ufffd");
		s = span_skip(s, n != 0 ? n : 1);
	}
	strbuf_addc(out, '"');
}

static void
start_value(struct json *j, const char *name)
{
	if (j->has_member[j->depth])
		strbuf_adds(j->out, ", ");
	j->has_member[j->depth] = true;
	if (name != NULL) {
		add_string(j->out, span_of(name));
		strbuf_adds(j->out, ": ");
	}
}

static void
open_level(struct json *j, const char *name, char bracket)
{
	start_value(j, name);
	strbuf_addc(j->out, bracket);
	assert(j->depth + 1 < sizeof(j->has_member));
	j->has_member[++j->depth] = false;
}

static void
close_level(struct json *j, char bracket)
{
	assert(j->depth > 0);
	j->depth--;
	strbuf_addc(j->out, bracket);
}

void
json_start(struct json *j, struct strbuf *out)
{
	*j = (struct json){ .out = out };
}

void
json_object(struct json *j, const char *name)
{
	open_level(j, name, '{');
}

void
json_object_end(struct json *j)
{
	close_level(j, '}');
}

void
json_array(struct json *j, const char *name)
{
	open_level(j, name, '[');
}

void
json_array_end(struct json *j)
{
	close_level(j, ']');
}

void
json_string(struct json *j, const char *name, struct span value)
{
	start_value(j, name);
	add_string(j->out, value);
}

void
json_cstring(struct json *j, const char *name, const char *value)
{
	json_string(j, name, span_of(value));
}

void
json_number(struct json *j, const char *name, int64_t value)
{
	start_value(j, name);
	strbuf_addf(j->out, "%" PRId64, value);
}

void
json_hundredths(struct json *j, const char *name, int64_t value)
{
	start_value(j, name);
	strbuf_addf(j->out, "%s%" PRId64 ".%02d", value < 0 ? "-" : "",
	    value < 0 ? -(value / 100) : value / 100, abs((int)(value % 100)));
}

void
json_bool(struct json *j, const char *name, bool value)
{
	start_value(j, name);
	strbuf_adds(j->out, value ? "true" : "false");
}

void
json_null(struct json *j, const char *name)
{
	start_value(j, name);
	strbuf_adds(j->out, "null");
}

void
json_text(struct json *j, const char *name, struct span value)
{
	if (value.len > 0)
		json_string(j, name, value);
	else
		json_null(j, name);
}
