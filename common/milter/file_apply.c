#include "common/milter/file_driver.h"

#include "common/base/mem.h"

#include <stdlib.h>

/* A header that is being edited. A field's value is all of its text here, name
 * and line end included. */
struct header {
	struct header_field *fields;
	size_t count;
	size_t cap;
	const char *line_end;
	struct arena arena;	/* of the new fields */
};

static void
insert_field(struct header *header, size_t at, struct header_field field)
{
	if (at > header->count)
		at = header->count;
	if (header->count == header->cap) {
		header->cap = header->cap != 0 ? header->cap * 2 : 64;
		header->fields = xreallocarray(header->fields, header->cap,
		    sizeof(*header->fields));
	}
	memmove(&header->fields[at + 1], &header->fields[at],
	    (header->count - at) * sizeof(*header->fields));
	header->fields[at] = field;
	header->count++;
}

static void
delete_field(struct header *header, size_t at)
{
	header->count--;
	memmove(&header->fields[at], &header->fields[at + 1],
	    (header->count - at) * sizeof(*header->fields));
}

/* Reads the fields off *text; what is left of it is the body, with the empty
 * line before it. */
static void
read_header(struct header *header, struct span *text)
{
	struct header_field field = { .is_malformed = false };
	struct span rest = *text, value;

	while (message_next_field(&rest, &field.name, &value)) {
		field.value = span_make(text->p, text->len - rest.len);
		insert_field(header, header->count, field);
		*text = rest;
	}
}

/* The text of a new field with the line ends of the message. */
static struct header_field
make_field(struct header *header, struct span name, struct span value)
{
	struct strbuf text = STRBUF_INIT;
	struct header_field field = { .is_malformed = false };
	struct span line;

	strbuf_addspan(&text, name);
	strbuf_addc(&text, ':');
	do {
		line = span_of("");
		span_line(&value, &line);
		strbuf_addspan(&text, line);
		strbuf_adds(&text, header->line_end);
	} while (value.len != 0);
	field.value = arena_dup(&header->arena, strbuf_span(&text));
	field.name = span_first(field.value, name.len);
	strbuf_clear(&text);
	return field;
}

static void
change_field(struct header *header, const struct edit *edit)
{
	size_t n = edit->n != 0 ? edit->n - 1 : 0;
	size_t at = header_find(header->fields, header->count, edit->name, n);
	bool deletes = edit->kind == EDIT_DELETE_HEADER ||
	    edit->value.len == 0;

	if (at == header->count) {
		if (!deletes)
			insert_field(header, at, make_field(header, edit->name,
			    edit->value));
	} else if (deletes) {
		delete_field(header, at);
	} else {
		header->fields[at] = make_field(header, edit->name,
		    edit->value);
	}
}

static void
apply_edit(struct header *header, const struct edit *edit)
{
	switch (edit->kind) {
	case EDIT_INSERT_HEADER:
		insert_field(header, edit->n, make_field(header, edit->name,
		    edit->value));
		break;
	case EDIT_CHANGE_HEADER:
	case EDIT_DELETE_HEADER:
		change_field(header, edit);
		break;
	case EDIT_ADD_RECIPIENT:
	case EDIT_DELETE_RECIPIENT:
		break;
	}
}

/* A last line without its end must get one before anything follows. */
static void
end_line(struct strbuf *out, size_t start, const char *line_end)
{
	if (out->len > start && out->s[out->len - 1] != '\n')
		strbuf_adds(out, line_end);
}

static bool
starts_with_empty_line(struct span text)
{
	struct span line;

	return span_line(&text, &line) && line.len == 0;
}

static void
write_all(const struct header *header, struct span mbox_line,
    struct span body, struct strbuf *out)
{
	size_t start = out->len, i;

	strbuf_addspan(out, mbox_line);
	for (i = 0; i < header->count; i++) {
		end_line(out, start, header->line_end);
		strbuf_addspan(out, header->fields[i].value);
	}
	if (body.len == 0)
		return;
	end_line(out, start, header->line_end);
	/* The header ended at a line that is none of it: as Postfix does. */
	if (!starts_with_empty_line(body))
		strbuf_adds(out, header->line_end);
	strbuf_addspan(out, body);
}

void
file_apply(struct span text, const struct edits *edits, struct strbuf *out)
{
	struct header header = { .line_end = "\n" };
	size_t first_end = span_find(text, '\n');
	struct span rest = text, mbox_line;
	const struct edit *edit;

	if (first_end > 0 && first_end < text.len &&
	    text.p[first_end - 1] == '\r')
		header.line_end = "\r\n";
	message_skip_mbox_line(&rest);
	mbox_line = span_first(text, text.len - rest.len);
	read_header(&header, &rest);
	for (edit = edits->first; edit != NULL; edit = edit->next)
		apply_edit(&header, edit);
	write_all(&header, mbox_line, rest, out);
	free(header.fields);
	arena_clear(&header.arena);
}
