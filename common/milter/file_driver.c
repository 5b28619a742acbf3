#include "common/milter/file_driver.h"

#include "common/base/mem.h"
#include "common/milter/file_session.h"

#include <assert.h>
#include <stdlib.h>

enum { CHUNK_MAX = 65535 };	/* libmilter's MILTER_CHUNK_SIZE */

/* One run. */
struct run {
	const struct filter *filter;
	const struct file_envelope *envelope;
	unsigned wants;
	struct file_session fs;
	struct message message;
	struct edits edits;
	struct filter_context ctx;
	struct verdict verdict;		/* CONTINUE: none yet */
	bool body_was_read;
};

/* True where the run goes on. */
static bool
settle(struct run *run, struct verdict verdict)
{
	if (verdict.action == VERDICT_CONTINUE ||
	    verdict.action == VERDICT_SKIP_BODY)
		return true;
	run->verdict = verdict;
	return false;
}

static bool
call(struct run *run, filter_handler *handler)
{
	return handler == NULL || settle(run, handler(&run->ctx));
}

/* Whether the filter wants that step; if so, the stage is reached. */
static bool
enter(struct run *run, enum filter_step step, enum file_stage stage)
{
	if ((run->wants & step) == 0)
		return false;
	run->fs.stages |= stage;
	return true;
}

static bool
pass_connect(struct run *run)
{
	run->fs.stages |= STAGE_CONNECT;
	return call(run, run->filter->connect);
}

static bool
pass_helo(struct run *run)
{
	const char *helo = run->envelope->helo;

	if (!enter(run, FILTER_WANTS_HELO, STAGE_HELO))
		return true;
	run->fs.session.helo = helo != NULL ? span_of(helo) :
	    run->fs.session.client_name;
	return call(run, run->filter->helo);
}

/* path with angle brackets, *bare without, both in the arena. */
static struct span
bracket(const char *path, struct arena *arena, const char **bare)
{
	struct span s = span_of(path);

	if (s.len >= 2 && s.p[0] == '<' && s.p[s.len - 1] == '>')
		s = span_make(s.p + 1, s.len - 2);
	*bare = arena_dup(arena, s).p;
	return span_of(arena_printf(arena, "<%s>", *bare));
}

static bool
pass_mail(struct run *run)
{
	struct span path = bracket(run->envelope->sender, &run->message.arena,
	    &run->fs.sender);

	if (!enter(run, FILTER_WANTS_MAIL, STAGE_MAIL))
		return true;
	run->message.sender_text = path;
	return call(run, run->filter->mail);
}

/* True where the recipient is refused; otherwise it is added. */
static bool
refuse_recipient(struct run *run, struct span path, struct verdict *verdict)
{
	*verdict = VERDICT(CONTINUE);
	if (run->filter->rcpt != NULL)
		*verdict = run->filter->rcpt(&run->ctx, path);
	if (verdict->action == VERDICT_REJECT ||
	    verdict->action == VERDICT_TEMPFAIL)
		return true;
	if (message_add_recipient(&run->message, path))
		return false;
	*verdict = (struct verdict){ VERDICT_TEMPFAIL, 452, "4.5.3",
	    "Too many recipients" };
	return true;
}

/*
 * A refused recipient does not stop a message that has others, where the MTA
 * gets to know of it in time.
 */
static bool
pass_recipients(struct run *run)
{
	const struct file_envelope *envelope = run->envelope;
	bool one_by_one = (run->filter->replies & FILTER_REPLIES_RCPT) != 0;
	struct verdict verdict = VERDICT(CONTINUE);
	size_t i, accepted = 0;
	struct span path;

	if (!enter(run, FILTER_WANTS_RCPT, STAGE_RCPT))
		return true;
	for (i = 0; i < envelope->recipient_count; i++) {
		path = bracket(envelope->recipients[i], &run->message.arena,
		    &run->fs.recipient);
		if (refuse_recipient(run, path, &verdict) && one_by_one)
			continue;
		accepted++;
		if (!settle(run, verdict))
			return false;
	}
	run->fs.recipient = NULL;
	return accepted != 0 || settle(run, verdict);
}

/* Passes over the header of a message text. */
static struct span
body_of(struct span text)
{
	struct span name, value;

	message_skip_mbox_line(&text);
	while (message_next_field(&text, &name, &value))
		;
	return text;
}

static bool
pass_headers(struct run *run, struct span text)
{
	struct message *message = &run->message;
	struct span body;

	if (!enter(run, FILTER_WANTS_HEADERS, STAGE_HEADERS))
		return true;
	message->header_bytes_max = run->envelope->max_header_bytes;
	message_read_text(message, text, &body);
	message->queue_id = arena_dup(&message->arena,
	    session_macro(&run->fs.session, "i"));
	return call(run, run->filter->headers);
}

/*
 * Moves as much of *body as fits to piece, a bare LF as CRLF. A CRLF may be
 * cut in two, as libmilter's pieces do.
 */
static size_t
fill_piece(struct span *body, bool *after_cr, char *piece, size_t size)
{
	size_t n = 0, i = 0;

	while (i < body->len && n < size) {
		if (body->p[i] == '\n' && !*after_cr) {
			piece[n++] = '\r';
			*after_cr = true;
			continue;
		}
		*after_cr = body->p[i] == '\r';
		piece[n++] = body->p[i++];
	}
	*body = span_skip(*body, i);
	return n;
}

static bool
pass_body(struct run *run, struct span body)
{
	size_t size = run->envelope->chunk != 0 ? run->envelope->chunk :
	    CHUNK_MAX, n;
	struct verdict verdict = VERDICT(CONTINUE);
	bool after_cr = false;
	char *piece;

	if (run->filter->body == NULL ||
	    (run->wants & FILTER_WANTS_BODY) == 0 || body.len == 0)
		return true;
	run->body_was_read = true;
	piece = xmalloc(size);
	while (body.len > 0 && verdict.action == VERDICT_CONTINUE) {
		n = fill_piece(&body, &after_cr, piece, size);
		run->message.body_bytes += n;
		verdict = run->filter->body(&run->ctx, span_make(piece, n));
	}
	free(piece);
	return settle(run, verdict);
}

static bool
pass_end(struct run *run)
{
	struct message *message = &run->message;

	run->fs.stages |= STAGE_END;
	message->queue_id = arena_dup(&message->arena,
	    session_macro(&run->fs.session, "i"));
	return call(run, run->filter->end);
}

static void
pass_all(struct run *run, struct span text)
{
	if (pass_connect(run) && pass_helo(run) && pass_mail(run) &&
	    pass_recipients(run) && pass_headers(run, text) &&
	    pass_body(run, body_of(text)) && pass_end(run))
		run->verdict = VERDICT(ACCEPT);
}

static const char *
copy_string(const char *s, struct arena *arena)
{
	return s != NULL ? arena_strdup(arena, s) : NULL;
}

/* What the MTA was not asked for it would refuse: a bug of the filter. */
static bool
is_declared(const struct filter *filter, const struct edit *edit)
{
	static const unsigned needed[] = {
		[EDIT_INSERT_HEADER] = FILTER_ADDS_HEADERS,
		[EDIT_CHANGE_HEADER] = FILTER_CHANGES_HEADERS,
		[EDIT_DELETE_HEADER] = FILTER_CHANGES_HEADERS,
		[EDIT_ADD_RECIPIENT] = FILTER_ADDS_RECIPIENTS,
		[EDIT_DELETE_RECIPIENT] = FILTER_DELETES_RECIPIENTS,
	};

	return (filter->actions & needed[edit->kind]) != 0;
}

static void
copy_edits(const struct filter *filter, const struct edits *from,
    struct edits *to, struct arena *arena)
{
	const struct edit *edit;
	struct edit *copy;

	*to = (struct edits){ .count = from->count };
	to->tail = &to->first;
	for (edit = from->first; edit != NULL; edit = edit->next) {
		assert(is_declared(filter, edit));
		copy = arena_alloc(arena, sizeof(*copy));
		*copy = *edit;
		copy->next = NULL;
		copy->name = arena_dup(arena, edit->name);
		copy->value = arena_dup(arena, edit->value);
		*to->tail = copy;
		to->tail = &copy->next;
	}
}

static void
take_result(const struct run *run, struct arena *arena,
    struct file_result *result)
{
	static const struct edits none;
	bool holds = run->verdict.action == VERDICT_QUARANTINE;
	bool passes = run->verdict.action == VERDICT_ACCEPT || holds;

	assert(!holds || (run->filter->actions & FILTER_QUARANTINES) != 0);
	result->verdict = run->verdict;
	result->verdict.text = copy_string(run->verdict.text, arena);
	result->verdict.enhanced = copy_string(run->verdict.enhanced, arena);
	result->body_was_read = run->body_was_read;
	copy_edits(run->filter, passes ? &run->edits : &none, &result->edits,
	    arena);
}

int
file_run(const struct filter *filter, const struct snapshot *snapshot,
    const struct file_envelope *envelope, struct span text,
    struct arena *arena, struct file_result *result, struct strbuf *err)
{
	struct run run = {
		.filter = filter,
		.envelope = envelope,
		.wants = filter->wants != NULL ?
		    filter->wants(snapshot->conf) : ~0u,
		.ctx = {
			.conf = snapshot->conf,
			.now = envelope->now,
			.explain = envelope->explain,
		},
	};

	run.ctx.session = &run.fs.session;
	run.ctx.message = &run.message;
	run.ctx.edits = &run.edits;
	if (file_session_start(&run.fs, filter, snapshot->conf, envelope,
	    err) != 0)
		return -1;
	pass_all(&run, text);
	take_result(&run, arena, result);
	if (envelope->observe != NULL)
		envelope->observe(envelope->observe_arg, &run.ctx);
	if (filter->message_done != NULL)
		filter->message_done(&run.ctx);
	message_clear(&run.message);
	return 0;
}
