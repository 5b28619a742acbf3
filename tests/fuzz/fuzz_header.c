#include "tests/fuzz/fuzz.h"

#include "common/base/strbuf.h"
#include "common/mail/message.h"

/* Line ends in a well-formed value are folds, and no other control is cut. */
static void
check_value(struct span value)
{
	size_t i;

	for (i = 0; i < value.len; i++) {
		MUST(value.p[i] != '\0');
		if (value.p[i] == '\r')
			MUST(i + 1 < value.len && value.p[i + 1] == '\n');
		if (value.p[i] != '\n')
			continue;
		MUST(i > 0 && value.p[i - 1] == '\r');
		MUST(i + 1 < value.len && is_wsp(value.p[i + 1]));
	}
}

static void
check_same(const struct header_field *a, const struct header_field *b)
{
	MUST(span_eq(a->name, b->name));
	MUST(span_eq(a->value, b->value));
	MUST(a->is_malformed == b->is_malformed);
}

static void
check_normalize(struct span name, struct span value, struct arena *arena)
{
	struct header_field field, again;

	header_normalize(name, value, arena, &field);
	MUST(span_eq(field.name, name));
	MUST(field.is_malformed || header_name_is_valid(name));
	if (!field.is_malformed)
		check_value(field.value);
	header_normalize(field.name, field.value, arena, &again);
	check_same(&field, &again);
}

static size_t
field_bytes(const struct message *message)
{
	size_t i, bytes = 0;

	for (i = 0; i < message->header_count; i++)
		bytes += message->headers[i].name.len +
		    message->headers[i].value.len + 3;
	return bytes;
}

/* The message as it would go out reads the same again. */
static void
check_again(const struct message *message, struct span body)
{
	struct message again = { 0 };
	struct strbuf text = STRBUF_INIT;
	struct span rest;
	size_t i;

	for (i = 0; i < message->header_count; i++) {
		strbuf_addspan(&text, message->headers[i].name);
		strbuf_addc(&text, ':');
		strbuf_addspan(&text, message->headers[i].value);
		strbuf_adds(&text, "\r\n");
	}
	MUST(text.len == message->header_bytes);
	strbuf_adds(&text, "\r\n");
	strbuf_addspan(&text, body);
	message_read_text(&again, strbuf_span(&text), &rest);
	MUST(again.header_count == message->header_count);
	for (i = 0; i < again.header_count; i++)
		check_same(&again.headers[i], &message->headers[i]);
	MUST(span_eq(rest, body));
	message_clear(&again);
	strbuf_clear(&text);
}

static void
check_text(struct span text, size_t bytes_max)
{
	struct message message = { .header_bytes_max = bytes_max };
	struct span body;

	message_read_text(&message, text, &body);
	MUST(body.p >= text.p && body.p + body.len == text.p + text.len);
	MUST(message.header_bytes == field_bytes(&message));
	MUST(bytes_max == 0 || message.header_bytes <= bytes_max);
	MUST(bytes_max != 0 || !message.headers_overflow);
	if (!message.headers_overflow)
		check_again(&message, body);
	message_clear(&message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_make(data, size), value = s, name;
	struct arena arena = ARENA_INIT;

	span_cut(&value, ':', &name);
	check_normalize(name, value, &arena);
	check_text(s, 0);
	check_text(s, 1 + size / 2);
	arena_clear(&arena);
	return 0;
}
