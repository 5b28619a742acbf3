#include "common/mail/message.h"

#include "common/base/mem.h"

#include <stdlib.h>

enum {
	DEFAULT_BYTES_MAX = 64 << 20,
	KEPT_HEADERS = 256,	/* members kept for the next message */
	KEPT_RECIPIENTS = 256
};

static void *
grow(void *array, size_t *cap, size_t size)
{
	*cap = *cap != 0 ? *cap * 2 : 32;
	return xreallocarray(array, *cap, size);
}

void
message_reset(struct message *message)
{
	struct message old = *message;

	if (old.header_cap > KEPT_HEADERS) {
		free(old.headers);
		old.headers = NULL;
		old.header_cap = 0;
	}
	if (old.recipient_cap > KEPT_RECIPIENTS) {
		free(old.recipients);
		old.recipients = NULL;
		old.recipient_cap = 0;
	}
	arena_reset(&old.arena);
	*message = (struct message){
		.arena = old.arena,
		.recipients = old.recipients,
		.recipient_cap = old.recipient_cap,
		.headers = old.headers,
		.header_cap = old.header_cap,
		.header_bytes_max = old.header_bytes_max,
	};
}

void
message_clear(struct message *message)
{
	arena_clear(&message->arena);
	free(message->recipients);
	free(message->headers);
	*message = (struct message){ .arena = ARENA_INIT };
}

bool
message_add_recipient(struct message *message, struct span path)
{
	if (message->recipient_count >= MESSAGE_RECIPIENTS_MAX ||
	    path.len > MESSAGE_PATH_MAX)
		return false;
	if (message->recipient_count == message->recipient_cap)
		message->recipients = grow(message->recipients,
		    &message->recipient_cap, sizeof(*message->recipients));
	message->recipients[message->recipient_count++] =
	    arena_dup(&message->arena, path);
	return true;
}

static bool
has_room(const struct message *message, size_t name_len, size_t value_len)
{
	size_t max = message->header_bytes_max;
	size_t left;

	if (max == 0)
		max = DEFAULT_BYTES_MAX;
	left = max > message->header_bytes ? max - message->header_bytes : 0;
	return name_len < left && value_len < left &&
	    name_len + value_len + 3 <= left;
}

void
message_add_header(struct message *message, struct span name,
    struct span value)
{
	struct header_field *field;

	/* Nothing is taken behind a gap: what is there is the top of it. */
	if (message->headers_overflow ||
	    !has_room(message, name.len, value.len)) {
		message->headers_overflow = true;
		return;
	}
	if (message->header_count == message->header_cap)
		message->headers = grow(message->headers, &message->header_cap,
		    sizeof(*message->headers));
	field = &message->headers[message->header_count];
	header_normalize(name, value, &message->arena, field);
	if (!has_room(message, name.len, field->value.len)) {
		message->headers_overflow = true;	/* its LFs grew */
		return;
	}
	message->header_bytes += name.len + field->value.len + 3;
	message->header_count++;
}

/*
 * Finds the colon of a field's first line: a name, blanks (RFC 5322 4.5), a
 * colon. False where the line is none; Postfix's is_header() agrees.
 */
static bool
find_colon(struct span line, size_t *colon)
{
	size_t i = 0, name_len;

	while (i < line.len && line.p[i] > ' ' && line.p[i] <= '~' &&
	    line.p[i] != ':')
		i++;
	name_len = i;
	while (i < line.len && is_wsp(line.p[i]))
		i++;
	*colon = i;
	return name_len != 0 && i < line.len && line.p[i] == ':';
}

/* The field at the start of text, without its last line end; it has a first
 * line at least. *rest gets what follows. */
static struct span
take_field(struct span text, struct span *rest)
{
	struct span line = span_make(text.p, 0);

	*rest = text;
	do {
		span_line(rest, &line);
	} while (rest->len != 0 && is_wsp(rest->p[0]));
	return span_make(text.p, (size_t)(line.p + line.len - text.p));
}

void
message_skip_mbox_line(struct span *text)
{
	struct span rest = *text, line;
	size_t colon;

	if (span_starts(*text, SPAN_LIT("From ")) && span_line(&rest, &line) &&
	    !find_colon(line, &colon))
		*text = rest;
}

bool
message_next_field(struct span *text, struct span *name, struct span *value)
{
	struct span rest = *text, line, field;
	size_t colon;

	if (!span_line(&rest, &line))
		return false;
	if (line.len == 0) {
		*text = rest;
		return false;
	}
	if (!find_colon(line, &colon))
		return false;
	field = take_field(*text, text);
	*name = span_first(field, colon);
	*value = span_skip(field, colon + 1);
	return true;
}

void
message_read_text(struct message *message, struct span text,
    struct span *body)
{
	struct span name, value;

	message_skip_mbox_line(&text);
	while (message_next_field(&text, &name, &value))
		message_add_header(message, name, value);
	*body = text;
}
