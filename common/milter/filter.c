#include "common/milter/filter.h"

#include "common/base/escape.h"
#include "common/milter/daemon_settings.h"

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

const char *
verdict_word(const struct verdict *verdict)
{
	switch (verdict->action) {
	case VERDICT_TEMPFAIL:
		return failure_action_words[FAILURE_TEMPFAIL];
	case VERDICT_REJECT:
		return failure_action_words[FAILURE_REJECT];
	case VERDICT_DISCARD:
		return failure_action_words[FAILURE_DISCARD];
	case VERDICT_QUARANTINE:
		return failure_action_words[FAILURE_QUARANTINE];
	default:
		return failure_action_words[FAILURE_ACCEPT];
	}
}

struct dataset_place
filter_place(const struct filter_load *load, const char *name)
{
	struct config_origin origin = config_find_origin(load->filter->schema,
	    load->origins, name);

	return (struct dataset_place){
		.file = origin.file != NULL ? origin.file : load->file,
		.line = origin.line,
		.setting = name,
		.base_directory = daemon_settings_of(load->filter,
		    load->conf)->base_directory,
	};
}

void
filter_refuse(struct filter_load *load, const char *name, const char *text)
{
	struct dataset_place place = filter_place(load, name);

	diag_error(load->diag, place.file, place.line, "%s: %s", name, text);
}

void
filter_advise(struct filter_load *load, const char *name, const char *text)
{
	struct dataset_place place = filter_place(load, name);

	diag_warning(load->diag, place.file, place.line, "%s: %s", name,
	    text);
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
filter_will_wait(const struct filter_context *ctx)
{
	if (ctx->will_wait != NULL)
		ctx->will_wait();
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
