#include "common/milter/filter.h"

#include "common/base/escape.h"

enum { EXPLAIN_LINE_MAX = 4096 };

const char *const failure_action_words[] = {
	[FAILURE_ACCEPT] = "accept",
	[FAILURE_TEMPFAIL] = "tempfail",
	[FAILURE_REJECT] = "reject",
	[FAILURE_DISCARD] = "discard",
	[FAILURE_QUARANTINE] = "quarantine",
	NULL
};

struct verdict
failure_verdict(enum failure_action action, const char *text)
{
	static const enum verdict_action actions[] = {
		[FAILURE_ACCEPT] = VERDICT_ACCEPT,
		[FAILURE_TEMPFAIL] = VERDICT_TEMPFAIL,
		[FAILURE_REJECT] = VERDICT_REJECT,
		[FAILURE_DISCARD] = VERDICT_DISCARD,
		[FAILURE_QUARANTINE] = VERDICT_QUARANTINE,
	};

	return (struct verdict){ .action = actions[action], .text = text };
}

void
filter_explain(struct filter_context *ctx, const char *fmt, ...)
{
	struct strbuf line = STRBUF_INIT;
	va_list ap;

	if (ctx->explain == NULL)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&line, fmt, ap);
	va_end(ap);
	/* Callers quote names by escape_add() themselves: not twice. */
	escape_add(ctx->explain, strbuf_span(&line), EXPLAIN_LINE_MAX,
	    ESCAPE_UTF8 | ESCAPE_AGAIN);
	strbuf_addc(ctx->explain, '\n');
	strbuf_clear(&line);
}

static void
add_edit(struct filter_context *ctx, enum edit_kind kind, unsigned n,
    struct span name, struct span value)
{
	struct arena *arena = &ctx->message->arena;
	struct edits *edits = ctx->edits;
	struct edit *edit = arena_alloc(arena, sizeof(*edit));

	*edit = (struct edit){
		.kind = kind,
		.n = n,
		.name = arena_dup(arena, name),
		.value = arena_dup(arena, value),
	};
	if (edits->first == NULL)
		edits->tail = &edits->first;
	*edits->tail = edit;
	edits->tail = &edit->next;
	edits->count++;
}

void
edit_insert_header(struct filter_context *ctx, unsigned position,
    struct span name, struct span value)
{
	add_edit(ctx, EDIT_INSERT_HEADER, position, name, value);
}

void
edit_delete_header(struct filter_context *ctx, struct span name, unsigned n)
{
	add_edit(ctx, EDIT_DELETE_HEADER, n, name, span_of(""));
}

void
edit_change_header(struct filter_context *ctx, struct span name, unsigned n,
    struct span value)
{
	add_edit(ctx, EDIT_CHANGE_HEADER, n, name, value);
}

void
edit_add_recipient(struct filter_context *ctx, struct span recipient)
{
	add_edit(ctx, EDIT_ADD_RECIPIENT, 0, recipient, span_of(""));
}

void
edit_delete_recipient(struct filter_context *ctx, struct span recipient)
{
	add_edit(ctx, EDIT_DELETE_RECIPIENT, 0, recipient, span_of(""));
}

struct span
session_macro(const struct session *session, const char *name)
{
	return span_of(session->macro != NULL ?
	    session->macro(session, name) : NULL);
}
