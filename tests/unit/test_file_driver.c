#include "tests/unit/unit.h"

#include "common/milter/file_driver.h"

/*
 * A filter that writes down what it is called with and answers as the row of
 * the table says.
 */
struct conf {
	int64_t unused;
};

struct answer {
	const char *stage;	/* "rcpt <b@example.org>" or just "headers" */
	enum verdict_action action;
};

static struct {
	struct strbuf log;
	struct strbuf body;
	size_t longest_piece;
	const struct answer *answers;
	unsigned wants;
	bool edits;
	int open_states;
} t;

static const struct setting settings[] = {
	{ "Unused", SETTING_NUMBER, offsetof(struct conf, unused), NULL, 0, 0,
	    NULL, 0 },
};
static const struct config_schema schema = { settings, 1, NULL, 0 };

static struct verdict
answer(struct span call)
{
	const struct answer *a;

	strbuf_addspan(&t.log, call);
	strbuf_addc(&t.log, '\n');
	for (a = t.answers; a != NULL && a->stage != NULL; a++)
		if (span_is(call, a->stage))
			return (struct verdict){ a->action, 0, "5.7.9",
			    "because" };
	return VERDICT(CONTINUE);
}

static struct verdict
on_connect(struct filter_context *ctx)
{
	struct strbuf call = STRBUF_INIT;
	struct verdict verdict;

	strbuf_adds(&call, "connect ");
	ipaddr_add(&call, &ctx->session->client);
	strbuf_addf(&call, " %.*s", SPAN_ARG(ctx->session->client_name));
	verdict = answer(strbuf_span(&call));
	strbuf_clear(&call);
	return verdict;
}

static struct verdict
answer_two(const char *word, struct span text)
{
	struct strbuf call = STRBUF_INIT;
	struct verdict verdict;

	strbuf_addf(&call, "%s %.*s", word, SPAN_ARG(text));
	verdict = answer(strbuf_span(&call));
	strbuf_clear(&call);
	return verdict;
}

static struct verdict
on_helo(struct filter_context *ctx)
{
	return answer_two("helo", ctx->session->helo);
}

static struct verdict
on_mail(struct filter_context *ctx)
{
	assert_null(ctx->state);
	ctx->state = xmalloc(1);
	t.open_states++;
	return answer_two("mail", ctx->message->sender_text);
}

static struct verdict
on_rcpt(struct filter_context *ctx, struct span path)
{
	struct span bare = span_make(path.p + 1, path.len - 2);

	assert_true(span_eq(session_macro(ctx->session, "{rcpt_addr}"), bare));
	return answer_two("rcpt", path);
}

static struct verdict
on_headers(struct filter_context *ctx)
{
	struct strbuf call = STRBUF_INIT;
	struct verdict verdict;

	strbuf_addf(&call, "headers %zu %zu", ctx->message->header_count,
	    ctx->message->recipient_count);
	if (t.edits) {
		edit_insert_header(ctx, 0, SPAN_LIT("X-Test"),
		    SPAN_LIT(" early"));
		edit_add_recipient(ctx, SPAN_LIT("<new@example.org>"));
	}
	verdict = answer(strbuf_span(&call));
	strbuf_clear(&call);
	return verdict;
}

static struct verdict
on_body(struct filter_context *ctx, struct span piece)
{
	strbuf_addspan(&t.body, piece);
	if (piece.len > t.longest_piece)
		t.longest_piece = piece.len;
	assert_int_equal(ctx->message->body_bytes, t.body.len);
	assert_true(piece.len > 0);
	return answer(SPAN_LIT("body"));
}

static struct verdict
on_end(struct filter_context *ctx)
{
	filter_explain(ctx, "at the end: %s", "a\nb");
	return answer(SPAN_LIT("end"));
}

static void
on_done(struct filter_context *ctx)
{
	if (ctx->state != NULL)
		t.open_states--;
	free(ctx->state);
	strbuf_adds(&t.log, "done\n");
}

static unsigned
wants(const void *conf)
{
	(void)conf;
	return t.wants;
}

/* A daemon's alone. */
static void
on_serve(const void *conf)
{
	(void)conf;
	fail_msg("there is no daemon");
}

static void
on_tick(const void *conf, struct counters *counters)
{
	(void)counters;
	on_serve(conf);
}

static const struct filter filter = {
	.name = "test",
	.schema = &schema,
	.conf_size = sizeof(struct conf),
	.serve = on_serve,
	.tick = on_tick,
	.stop = on_serve,
	.wants = wants,
	.actions = FILTER_ADDS_HEADERS | FILTER_ADDS_RECIPIENTS |
	    FILTER_QUARANTINES,
	.replies = FILTER_REPLIES_RCPT,
	.connect_macros = "{client_addr} client_name",
	.helo_macros = "{daemon_name}",
	.mail_macros = "{auth_type}, {mail_addr}",
	.rcpt_macros = "{rcpt_addr}",
	.connect = on_connect,
	.helo = on_helo,
	.mail = on_mail,
	.rcpt = on_rcpt,
	.headers = on_headers,
	.body = on_body,
	.end = on_end,
	.message_done = on_done,
};

struct outcome {
	struct arena arena;
	struct file_result result;
	struct strbuf err;
	int rc;
};

static void
run(const struct file_envelope *envelope, struct span text,
    struct outcome *outcome)
{
	struct snapshot_options options = { .file = NULL };
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot = snapshot_load(&filter, &options, &diag);

	assert_non_null(snapshot);
	strbuf_reset(&t.log);
	strbuf_reset(&t.body);
	t.longest_piece = 0;
	memset(outcome, 0, sizeof(*outcome));
	outcome->rc = file_run(&filter, snapshot, envelope, text,
	    &outcome->arena, &outcome->result, &outcome->err);
	assert_int_equal(t.open_states, 0);
	snapshot_unref(snapshot);
	diag_clear(&diag);
}

static void
finish(struct outcome *outcome)
{
	arena_clear(&outcome->arena);
	strbuf_clear(&outcome->err);
}

static void
set_up(const struct answer *answers)
{
	t.answers = answers;
	t.wants = ~0u;
	t.edits = false;
}

static const char *const recipients[] = { "<b@example.org>",
    "c@example.org" };

static const struct file_envelope usual = {
	.client_address = "192.0.2.1",
	.client_name = "mx.example.net",
	.helo = "helo.example.net",
	.sender = "a@example.net",
	.recipients = recipients,
	.recipient_count = 2,
};

static const char message[] = "From: a\nSubject: s\n t\n\none\n\ntwo\n";

#define BEFORE		"connect 192.0.2.1 mx.example.net\n" \
			"helo helo.example.net\n" \
			"mail <a@example.net>\n"
#define ENVELOPE	BEFORE "rcpt <b@example.org>\nrcpt <c@example.org>\n"
#define ALL		ENVELOPE "headers 2 2\nbody\nend\ndone\n"

/* The verdict of each stage, and what is still called after it. */
static const struct {
	const char *name;
	struct answer answers[3];
	const char *log;
	enum verdict_action verdict;
	bool body_was_read;
	bool has_edits;
} flows[] = {
	{ "all goes on", { { NULL, 0 } }, ALL, VERDICT_ACCEPT, true, true },
	{ "connect: reject",
	    { { "connect 192.0.2.1 mx.example.net", VERDICT_REJECT } },
	    "connect 192.0.2.1 mx.example.net\ndone\n", VERDICT_REJECT, false,
	    false },
	{ "connect: accept",
	    { { "connect 192.0.2.1 mx.example.net", VERDICT_ACCEPT } },
	    "connect 192.0.2.1 mx.example.net\ndone\n", VERDICT_ACCEPT, false,
	    false },
	{ "helo: tempfail", { { "helo helo.example.net", VERDICT_TEMPFAIL } },
	    "connect 192.0.2.1 mx.example.net\nhelo helo.example.net\ndone\n",
	    VERDICT_TEMPFAIL, false, false },
	{ "mail: discard", { { "mail <a@example.net>", VERDICT_DISCARD } },
	    BEFORE "done\n", VERDICT_DISCARD, false, false },
	{ "one recipient refused",
	    { { "rcpt <b@example.org>", VERDICT_REJECT } },
	    ENVELOPE "headers 2 1\nbody\nend\ndone\n", VERDICT_ACCEPT, true,
	    true },
	{ "the last recipient refused",
	    { { "rcpt <c@example.org>", VERDICT_TEMPFAIL } },
	    ENVELOPE "headers 2 1\nbody\nend\ndone\n", VERDICT_ACCEPT, true,
	    true },
	{ "all recipients refused",
	    { { "rcpt <b@example.org>", VERDICT_REJECT },
	      { "rcpt <c@example.org>", VERDICT_TEMPFAIL } },
	    ENVELOPE "done\n", VERDICT_TEMPFAIL, false, false },
	{ "rcpt: accept", { { "rcpt <b@example.org>", VERDICT_ACCEPT } },
	    BEFORE "rcpt <b@example.org>\ndone\n", VERDICT_ACCEPT, false,
	    false },
	{ "headers: accept", { { "headers 2 2", VERDICT_ACCEPT } },
	    ENVELOPE "headers 2 2\ndone\n", VERDICT_ACCEPT, false, true },
	{ "headers: quarantine", { { "headers 2 2", VERDICT_QUARANTINE } },
	    ENVELOPE "headers 2 2\ndone\n", VERDICT_QUARANTINE, false, true },
	{ "headers: reject", { { "headers 2 2", VERDICT_REJECT } },
	    ENVELOPE "headers 2 2\ndone\n", VERDICT_REJECT, false, false },
	{ "body: skip", { { "body", VERDICT_SKIP_BODY } }, ALL,
	    VERDICT_ACCEPT, true, true },
	{ "body: reject", { { "body", VERDICT_REJECT } },
	    ENVELOPE "headers 2 2\nbody\ndone\n", VERDICT_REJECT, true,
	    false },
	{ "end: discard", { { "end", VERDICT_DISCARD } }, ALL,
	    VERDICT_DISCARD, true, false },
	{ "end: quarantine", { { "end", VERDICT_QUARANTINE } }, ALL,
	    VERDICT_QUARANTINE, true, true },
};

static void
test_flow(void **state)
{
	struct outcome o;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(flows); i++) {
		set_up(flows[i].answers);
		t.edits = true;
		run(&usual, span_of(message), &o);
		ROW_IS(flows[i].name, o.rc == 0);
		ROW_EQ(flows[i].name, strbuf_span(&t.log),
		    span_of(flows[i].log));
		ROW_IS(flows[i].name, o.result.verdict.action ==
		    flows[i].verdict);
		ROW_IS(flows[i].name, o.result.body_was_read ==
		    flows[i].body_was_read);
		ROW_IS(flows[i].name, o.result.edits.count ==
		    (flows[i].has_edits ? 2 : 0));
		if (flows[i].verdict != VERDICT_ACCEPT)
			assert_string_equal(o.result.verdict.text, "because");
		finish(&o);
	}
}

static void
test_edits_outlive_the_message(void **state)
{
	const struct edit *edit;
	struct outcome o;

	(void)state;
	set_up(NULL);
	t.edits = true;
	run(&usual, span_of(message), &o);
	edit = o.result.edits.first;
	assert_int_equal(edit->kind, EDIT_INSERT_HEADER);
	SPAN_IS(edit->name, "X-Test");
	SPAN_IS(edit->value, " early");
	edit = edit->next;
	assert_int_equal(edit->kind, EDIT_ADD_RECIPIENT);
	SPAN_IS(edit->name, "<new@example.org>");
	assert_null(edit->next);
	assert_ptr_equal(o.result.edits.tail, &edit->next);
	finish(&o);
}

/* What the filter's body handler gets. */
static const struct {
	const char *text;
	const char *body;
} bodies[] = {
	{ "A: b\n\none\n\ntwo\n", "one\r\n\r\ntwo\r\n" },
	{ "A: b\r\n\r\none\r\n\r\ntwo\r\n", "one\r\n\r\ntwo\r\n" },
	{ "A: b\n\none\r\ntwo\n", "one\r\ntwo\r\n" },
	{ "A: b\n\nno end", "no end" },
	{ "A: b\n\na\rb\n", "a\rb\r\n" },
	{ "A: b\n\na\r", "a\r" },
	{ "A: b\n\n\n", "\r\n" },
	{ "A: b\n\n", "" },
	{ "A: b\n", "" },
	{ "A: b", "" },
	{ "", "" },
	{ "\nonly a body\n", "only a body\r\n" },
	{ "A: b\nno field\n", "no field\r\n" },
	{ "From x\nA: b\n\nmbox\n", "mbox\r\n" },
};

static void
test_body(void **state)
{
	static const size_t chunks[] = { 0, 1, 2, 3, 7, 65535 };
	struct file_envelope envelope = usual;
	struct outcome o;
	size_t i, k;

	(void)state;
	set_up(NULL);
	for (i = 0; i < ARRAY_LEN(bodies); i++)
		for (k = 0; k < ARRAY_LEN(chunks); k++) {
			envelope.chunk = chunks[k];
			run(&envelope, span_of(bodies[i].text), &o);
			ROW_EQ(bodies[i].text, strbuf_span(&t.body),
			    span_of(bodies[i].body));
			ROW_IS(bodies[i].text, chunks[k] == 0 ||
			    t.longest_piece <= chunks[k]);
			finish(&o);
		}
}

static void
test_unwanted_steps(void **state)
{
	struct outcome o;

	(void)state;
	set_up(NULL);
	t.wants = 0;
	run(&usual, span_of(message), &o);
	SPAN_IS(strbuf_span(&t.log), "connect 192.0.2.1 mx.example.net\n"
	    "end\ndone\n");
	assert_false(o.result.body_was_read);
	finish(&o);
	t.wants = FILTER_WANTS_BODY;
	run(&usual, span_of(message), &o);
	SPAN_IS(strbuf_span(&t.body), "one\r\n\r\ntwo\r\n");
	finish(&o);
}

static const struct {
	const char *address, *name;
	const char *want;	/* the connect line; NULL: refused */
} clients[] = {
	{ NULL, NULL, "connect 127.0.0.1 localhost\n" },
	{ "127.3.2.1", NULL, "connect 127.3.2.1 localhost\n" },
	{ "::1", NULL, "connect ::1 localhost\n" },
	{ "[2001:DB8::1]", NULL, "connect 2001:db8::1 unknown\n" },
	{ "192.0.2.7", NULL, "connect 192.0.2.7 unknown\n" },
	{ "192.0.2.7", "a.example", "connect 192.0.2.7 a.example\n" },
	{ "unknown", NULL, "connect  unknown\n" },
	{ "192.0.2.7/24", NULL, NULL },
	{ "", NULL, NULL },
};

static void
test_clients(void **state)
{
	struct file_envelope envelope;
	struct outcome o;
	size_t i;

	(void)state;
	set_up(NULL);
	for (i = 0; i < ARRAY_LEN(clients); i++) {
		envelope = (struct file_envelope){
			.client_address = clients[i].address,
			.client_name = clients[i].name,
		};
		run(&envelope, span_of(message), &o);
		if (clients[i].want == NULL) {
			assert_int_equal(o.rc, -1);
			assert_non_null(strstr(o.err.s, "client address"));
			assert_int_equal(t.log.len, 0);
		} else {
			assert_int_equal(o.rc, 0);
			assert_true(span_starts(strbuf_span(&t.log),
			    span_of(clients[i].want)));
			assert_non_null(strstr(t.log.s, "mail <>\n"));
		}
		finish(&o);
	}
}

static const struct file_macro macros[] = {
	{ "{auth_type}", "PLAIN" }, { "daemon_name", "ORIGINATING" },
	{ "i", "4X0000" }, { "{not_asked}", "x" },
	{ "{mail_addr}", "other@example.net" },
};

static const struct {
	const char *name, *want;
} macro_rows[] = {
	{ "{auth_type}", "PLAIN" }, { "auth_type", "PLAIN" },
	{ "{daemon_name}", "ORIGINATING" }, { "i", "4X0000" },
	{ "{i}", "4X0000" }, { "{client_addr}", "192.0.2.1" },
	{ "{client_name}", "mx.example.net" },
	{ "{mail_addr}", "other@example.net" }, { "{rcpt_addr}", "" },
	{ "{not_asked}", "" }, { "not_asked", "" }, { "", "" }, { "{}", "" },
};

static struct verdict
check_macros(struct filter_context *ctx)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(macro_rows); i++)
		ROW_EQ(macro_rows[i].name, session_macro(ctx->session,
		    macro_rows[i].name), span_of(macro_rows[i].want));
	SPAN_IS(ctx->message->queue_id, "4X0000");
	return answer(SPAN_LIT("checked"));
}

static void
test_macros_and_explain(void **state)
{
	struct filter checking = filter;
	struct file_envelope envelope = usual;
	struct strbuf explain = STRBUF_INIT, err = STRBUF_INIT;
	struct snapshot snapshot = { .filter = &checking };
	struct arena arena = ARENA_INIT;
	struct file_result result;

	(void)state;
	set_up(NULL);
	strbuf_reset(&t.log);
	strbuf_reset(&t.body);
	checking.headers = check_macros;
	envelope.macros = macros;
	envelope.macro_count = ARRAY_LEN(macros);
	envelope.explain = &explain;
	assert_int_equal(file_run(&checking, &snapshot, &envelope,
	    span_of(message), &arena, &result, &err), 0);
	assert_non_null(strstr(t.log.s, "checked\n"));
	SPAN_IS(strbuf_span(&explain), "at the end: a\\x0ab\n");
	strbuf_clear(&explain);
	strbuf_clear(&err);
	arena_clear(&arena);
}

static struct verdict
check_early_macros(struct filter_context *ctx)
{
	SPAN_IS(session_macro(ctx->session, "client_addr"), "192.0.2.1");
	SPAN_IS(session_macro(ctx->session, "auth_type"), "");
	SPAN_IS(session_macro(ctx->session, "i"), "");
	return answer(SPAN_LIT("checked"));
}

/* A filter that answers no RCPT refuses the message with its recipient; a
 * macro is not there before its stage. */
static void
test_late_answers_and_macros(void **state)
{
	static const struct answer refuses[] = {
		{ "rcpt <b@example.org>", VERDICT_REJECT }, { NULL, 0 }
	};
	struct filter quiet = filter;
	struct file_envelope envelope = usual;
	struct snapshot snapshot = { .filter = &quiet };
	struct strbuf err = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct file_result result;

	(void)state;
	set_up(refuses);
	strbuf_reset(&t.log);
	quiet.replies = 0;
	quiet.connect = check_early_macros;
	envelope.macros = macros;
	envelope.macro_count = ARRAY_LEN(macros);
	assert_int_equal(file_run(&quiet, &snapshot, &envelope,
	    span_of(message), &arena, &result, &err), 0);
	SPAN_IS(strbuf_span(&t.log), "checked\nhelo helo.example.net\n"
	    "mail <a@example.net>\nrcpt <b@example.org>\ndone\n");
	assert_int_equal(result.verdict.action, VERDICT_REJECT);
	strbuf_clear(&err);
	arena_clear(&arena);
}

static void
test_header_bound(void **state)
{
	struct file_envelope envelope = usual;
	struct outcome o;

	(void)state;
	set_up(NULL);
	envelope.max_header_bytes = 12;
	run(&envelope, span_of(message), &o);
	assert_non_null(strstr(t.log.s, "headers 1 2\n"));
	finish(&o);
}

#define TEXT	"A: 1\nB: 1\n folded\na: 2\n\nbody\n"

/* Edits of a message text; a row has at most three. */
static const struct {
	const char *name;
	const char *text;
	struct {
		enum edit_kind kind;
		unsigned n;
		const char *name, *value;
	} edits[3];
	const char *want;
} applied[] = {
	{ "nothing", TEXT, { { 0, 0, NULL, NULL } }, TEXT },
	{ "insert on top", TEXT, { { EDIT_INSERT_HEADER, 0, "X", " 1" } },
	    "X: 1\n" TEXT },
	{ "insert twice: the last is topmost", TEXT,
	    { { EDIT_INSERT_HEADER, 0, "X", " 1" },
	      { EDIT_INSERT_HEADER, 0, "X", " 2" } },
	    "X: 2\nX: 1\n" TEXT },
	{ "insert below the first", TEXT,
	    { { EDIT_INSERT_HEADER, 1, "X", " 1" } },
	    "A: 1\nX: 1\nB: 1\n folded\na: 2\n\nbody\n" },
	{ "insert past the end", TEXT,
	    { { EDIT_INSERT_HEADER, 99, "X", " 1" } },
	    "A: 1\nB: 1\n folded\na: 2\nX: 1\n\nbody\n" },
	{ "no leading space is added", TEXT,
	    { { EDIT_INSERT_HEADER, 0, "X", "1" } }, "X:1\n" TEXT },
	{ "folds get the text's line ends", TEXT,
	    { { EDIT_INSERT_HEADER, 0, "X", " 1\r\n\t2" } },
	    "X: 1\n\t2\n" TEXT },
	{ "CRLF text", "A: 1\r\n\r\nb\r\n",
	    { { EDIT_INSERT_HEADER, 0, "X", " 1\r\n\t2" } },
	    "X: 1\r\n\t2\r\nA: 1\r\n\r\nb\r\n" },
	{ "an empty value is a field too", TEXT,
	    { { EDIT_INSERT_HEADER, 0, "X", "" } }, "X:\n" TEXT },
	{ "delete the second, by any case", TEXT,
	    { { EDIT_DELETE_HEADER, 2, "A", NULL } },
	    "A: 1\nB: 1\n folded\n\nbody\n" },
	{ "delete takes the folds along", TEXT,
	    { { EDIT_DELETE_HEADER, 1, "b", NULL } },
	    "A: 1\na: 2\n\nbody\n" },
	{ "deletes shift", TEXT,
	    { { EDIT_DELETE_HEADER, 1, "A", NULL },
	      { EDIT_DELETE_HEADER, 1, "A", NULL } },
	    "B: 1\n folded\n\nbody\n" },
	{ "delete from the last one up", TEXT,
	    { { EDIT_DELETE_HEADER, 2, "A", NULL },
	      { EDIT_DELETE_HEADER, 1, "A", NULL } },
	    "B: 1\n folded\n\nbody\n" },
	{ "delete what is not there", TEXT,
	    { { EDIT_DELETE_HEADER, 3, "A", NULL } }, TEXT },
	{ "an inserted field counts", TEXT,
	    { { EDIT_INSERT_HEADER, 0, "A", " 0" },
	      { EDIT_DELETE_HEADER, 2, "A", NULL } },
	    "A: 0\nB: 1\n folded\na: 2\n\nbody\n" },
	{ "change", TEXT, { { EDIT_CHANGE_HEADER, 1, "B", " 2" } },
	    "A: 1\nB: 2\na: 2\n\nbody\n" },
	{ "change to nothing deletes", TEXT,
	    { { EDIT_CHANGE_HEADER, 1, "B", "" } },
	    "A: 1\na: 2\n\nbody\n" },
	{ "change what is not there adds", TEXT,
	    { { EDIT_CHANGE_HEADER, 1, "X", " 2" } },
	    "A: 1\nB: 1\n folded\na: 2\nX: 2\n\nbody\n" },
	{ "recipients are not in the text", TEXT,
	    { { EDIT_ADD_RECIPIENT, 0, "<x@example.org>", NULL },
	      { EDIT_DELETE_RECIPIENT, 0, "<x@example.org>", NULL } }, TEXT },
	{ "behind the mbox line", "From x\nA: 1\n\nb\n",
	    { { EDIT_INSERT_HEADER, 0, "X", " 1" } },
	    "From x\nX: 1\nA: 1\n\nb\n" },
	{ "an mbox line alone", "From x",
	    { { EDIT_INSERT_HEADER, 0, "X", " 1" } }, "From x\nX: 1\n" },
	{ "no body", "A: 1\n", { { EDIT_INSERT_HEADER, 0, "X", " 1" } },
	    "X: 1\nA: 1\n" },
	{ "a last line without end", "A: 1",
	    { { EDIT_INSERT_HEADER, 9, "X", " 1" } }, "A: 1\nX: 1\n" },
	{ "no header", "\nb\n", { { EDIT_INSERT_HEADER, 0, "X", " 1" } },
	    "X: 1\n\nb\n" },
	{ "no empty line", "A: 1\nnot a field\n",
	    { { EDIT_INSERT_HEADER, 0, "X", " 1" } },
	    "X: 1\nA: 1\n\nnot a field\n" },
	{ "empty", "", { { EDIT_INSERT_HEADER, 0, "X", " 1" } }, "X: 1\n" },
};

static void
test_apply(void **state)
{
	struct message scratch = { .queue_id = { "", 0 } };
	struct strbuf out = STRBUF_INIT;
	struct edits edits;
	struct filter_context ctx = { .message = &scratch, .edits = &edits };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(applied); i++) {
		edits = (struct edits){ .count = 0 };
		for (k = 0; k < 3 && applied[i].edits[k].name != NULL; k++) {
			struct span name = span_of(applied[i].edits[k].name);
			struct span value = span_of(applied[i].edits[k].value);
			unsigned n = applied[i].edits[k].n;

			switch (applied[i].edits[k].kind) {
			case EDIT_INSERT_HEADER:
				edit_insert_header(&ctx, n, name, value);
				break;
			case EDIT_CHANGE_HEADER:
				edit_change_header(&ctx, name, n, value);
				break;
			case EDIT_DELETE_HEADER:
				edit_delete_header(&ctx, name, n);
				break;
			case EDIT_ADD_RECIPIENT:
				edit_add_recipient(&ctx, name);
				break;
			case EDIT_DELETE_RECIPIENT:
				edit_delete_recipient(&ctx, name);
				break;
			}
		}
		strbuf_reset(&out);
		file_apply(span_of(applied[i].text), &edits, &out);
		ROW_EQ(applied[i].name, strbuf_span(&out),
		    span_of(applied[i].want));
		message_reset(&scratch);
	}
	message_clear(&scratch);
	strbuf_clear(&out);
}

static void
test_failure_actions(void **state)
{
	static const struct {
		const char *word;
		enum verdict_action action;
	} want[] = {
		{ "accept", VERDICT_ACCEPT }, { "tempfail", VERDICT_TEMPFAIL },
		{ "reject", VERDICT_REJECT }, { "discard", VERDICT_DISCARD },
		{ "quarantine", VERDICT_QUARANTINE },
	};
	struct verdict verdict;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(want); i++) {
		assert_string_equal(failure_action_words[i], want[i].word);
		verdict = failure_verdict((enum failure_action)i, "why");
		assert_int_equal(verdict.action, want[i].action);
		assert_string_equal(verdict.text, "why");
	}
	assert_null(failure_action_words[i]);
}

static int
clean_up(void **state)
{
	(void)state;
	strbuf_clear(&t.log);
	strbuf_clear(&t.body);
	return 0;
}

static void
on_observe(void *arg, const struct filter_context *ctx)
{
	struct strbuf *seen = arg;

	strbuf_addf(seen, "%s, %zu edits", ctx->state != NULL ? "state" :
	    "no state", ctx->edits->count);
}

/* It sees what the filter kept, once, whatever the verdict. */
static void
test_observe(void **state)
{
	static const struct {
		struct answer answers[2];
		const char *seen;
	} rows[] = {
		{ { { NULL, 0 } }, "state, 2 edits" },
		{ { { "end", VERDICT_REJECT } }, "state, 2 edits" },
		{ { { "helo helo.example.net", VERDICT_REJECT } },
		    "no state, 0 edits" },
	};
	struct file_envelope envelope = usual;
	struct strbuf seen = STRBUF_INIT;
	struct outcome o;
	size_t i;

	(void)state;
	envelope.observe = on_observe;
	envelope.observe_arg = &seen;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		set_up(rows[i].answers);
		t.edits = true;
		strbuf_reset(&seen);
		run(&envelope, span_of(message), &o);
		assert_string_equal(seen.s, rows[i].seen);
		finish(&o);
	}
	strbuf_clear(&seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_edits_outlive_the_message),
		cmocka_unit_test(test_observe),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_unwanted_steps),
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_macros_and_explain),
		cmocka_unit_test(test_late_answers_and_macros),
		cmocka_unit_test(test_header_bound),
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_failure_actions),
	};

	return cmocka_run_group_tests(tests, NULL, clean_up);
}
