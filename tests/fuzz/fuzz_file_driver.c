/*
 * Any text as a message: the filter gets the same header and body however the
 * body is cut, and edits change what they name and nothing else.
 */
#include "tests/fuzz/fuzz.h"

#include "common/milter/file_driver.h"

#include "common/base/mem.h"

static struct strbuf body;
static size_t fields;
static bool is_open;

static struct verdict
on_headers(struct filter_context *ctx)
{
	const struct message *message = ctx->message;

	MUST(!is_open);
	is_open = true;
	fields = message->header_count;
	strbuf_reset(&body);
	if (fields != 0)
		edit_delete_header(ctx, message->headers[0].name, 1);
	edit_insert_header(ctx, 0, SPAN_LIT("X-One"), SPAN_LIT(" a\r\n\tb"));
	edit_change_header(ctx, SPAN_LIT("X-None-Of-These"), 1000000,
	    SPAN_LIT(" new"));
	return VERDICT(CONTINUE);
}

static struct verdict
on_body(struct filter_context *ctx, struct span piece)
{
	MUST(piece.len > 0);
	strbuf_addspan(&body, piece);
	MUST(ctx->message->body_bytes == body.len);
	return VERDICT(CONTINUE);
}

static void
on_done(struct filter_context *ctx)
{
	(void)ctx;
	MUST(is_open);
	is_open = false;
}

static const struct filter filter = {
	.name = "fuzz",
	.actions = FILTER_ADDS_HEADERS | FILTER_CHANGES_HEADERS,
	.headers = on_headers,
	.body = on_body,
	.message_done = on_done,
};

static void
run(struct span text, size_t chunk, struct arena *arena,
    struct file_result *result)
{
	struct snapshot snapshot = { .filter = &filter };
	struct file_envelope envelope = { .chunk = chunk };
	struct strbuf err = STRBUF_INIT;

	MUST(file_run(&filter, &snapshot, &envelope, text, arena, result,
	    &err) == 0);
	MUST(result->verdict.action == VERDICT_ACCEPT);
	strbuf_clear(&err);
}

static void
check_line_ends(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		MUST(s.p[i] != '\n' || (i > 0 && s.p[i - 1] == '\r'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size);
	struct strbuf first = STRBUF_INIT, edited = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct edits none = { .count = 0 };
	struct file_result result;
	size_t before;

	run(text, 0, &arena, &result);
	check_line_ends(strbuf_span(&body));
	strbuf_addspan(&first, strbuf_span(&body));
	before = fields;
	run(text, 1, &arena, &result);
	MUST(span_eq(strbuf_span(&first), strbuf_span(&body)));

	file_apply(text, &result.edits, &edited);
	run(strbuf_span(&edited), 3, &arena, &result);
	MUST(fields == before - (before != 0) + 2);
	/* One line end may be added to a last line, or where none divided
	 * header and body: then it was none of the body's. */
	MUST(span_eq(strbuf_span(&first), strbuf_span(&body)));

	strbuf_reset(&edited);
	file_apply(text, &none, &edited);
	MUST(edited.len >= text.len && edited.len <= text.len + 3);
	arena_clear(&arena);
	strbuf_clear(&first);
	strbuf_clear(&edited);
	return 0;
}
