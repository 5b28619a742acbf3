/*
 * testmilter - a filter that does what its settings say, so that tests can
 * drive daemon and driver through every path.
 *
 *	At<Stage> ACTION [CODE ENHANCED TEXT]	the stage's verdict
 *	Edit insert|change|delete N NAME[:VALUE], addrcpt|delrcpt ADDRESS
 *	Wants STEP...	(helo mail rcpt headers body)
 *	Token TEXT	comes back in X-Echo
 *	Rows N		makes loading take some work
 *	LoadPause N, ServePause N, EndPause N	seconds to take there
 *
 * $TESTMILTER_REPLIES names the stages with an answer (connect helo mail rcpt
 * body): the one thing that is not a setting of a filter.
 */
#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/milter/daemon.h"

#include <stdlib.h>
#include <unistd.h>

enum stage { AT_CONNECT, AT_HELO, AT_MAIL, AT_RCPT, AT_HEADERS, AT_BODY,
    AT_END, STAGES };

struct test_conf {
	struct daemon_settings daemon;
	const char *at[STAGES];
	const char *edits;
	const char *wants;
	const char *token;
	const char *macros;
	const char *refuse;	/* the recipient AtRcpt is for */
	bool echo;
	int64_t rows;
	int64_t load_pause;
	int64_t serve_pause;
	int64_t end_pause;
	struct verdict verdicts[STAGES];
	unsigned steps;
};

/* Of one message. */
struct test_state {
	uint64_t body_bytes;
	uint32_t sum;		/* of the body's octets */
	unsigned pieces;
};

enum count { BEGUN, DONE, HANDLED, TICKED };

static const struct counter_row counter_rows[] = {
	[BEGUN] = { "testmilter_messages_begun_total", NULL, "Begun.",
	    COUNTER },
	[DONE] = { "testmilter_messages_done_total", NULL, "Done.", COUNTER },
	[HANDLED] = { "testmilter_handled_total", NULL, "At the end.",
	    COUNTER },
	[TICKED] = { "testmilter_ticks_total", NULL, "Ticks.", COUNTER },
};

static const struct counter_schema counter_schema = {
	counter_rows, ARRAY_LEN(counter_rows)
};

#define ROW(name, type, field, def, lo, hi, flags)			\
	{ name, type, offsetof(struct test_conf, field), def, lo, hi, NULL, \
	    flags }

static const struct setting settings[] = {
	DAEMON_SETTINGS(struct test_conf, daemon),
	ROW("AtConnect", SETTING_STRING, at[AT_CONNECT], NULL, 0, 4000, 0),
	ROW("AtHelo", SETTING_STRING, at[AT_HELO], NULL, 0, 4000, 0),
	ROW("AtMail", SETTING_STRING, at[AT_MAIL], NULL, 0, 4000, 0),
	ROW("AtRcpt", SETTING_STRING, at[AT_RCPT], NULL, 0, 4000, 0),
	ROW("AtHeaders", SETTING_STRING, at[AT_HEADERS], NULL, 0, 4000, 0),
	ROW("AtBody", SETTING_STRING, at[AT_BODY], NULL, 0, 4000, 0),
	ROW("AtEnd", SETTING_STRING, at[AT_END], NULL, 0, 4000, 0),
	ROW("Edit", SETTING_STRING, edits, NULL, 0, 4000, SETTING_REPEATS),
	ROW("Wants", SETTING_STRING, wants, "helo mail rcpt headers body", 0,
	    100, 0),
	ROW("Token", SETTING_STRING, token, "none", 0, 100, 0),
	ROW("Macros", SETTING_STRING, macros, NULL, 0, 100, 0),
	ROW("Refuse", SETTING_STRING, refuse, NULL, 0, 100, 0),
	ROW("Echo", SETTING_BOOL, echo, "no", 0, 0, 0),
	ROW("EndPause", SETTING_SECONDS, end_pause, "0", 0, 60, 0),
	ROW("LoadPause", SETTING_SECONDS, load_pause, "0", 0, 60, 0),
	ROW("ServePause", SETTING_SECONDS, serve_pause, "0", 0, 60, 0),
	ROW("Rows", SETTING_NUMBER, rows, "0", 0, 10000000, 0),
};

static const struct config_schema schema = {
	settings, ARRAY_LEN(settings), NULL, 0
};

static const char *const actions[] = {
	[VERDICT_CONTINUE] = "continue",
	[VERDICT_ACCEPT] = "accept",
	[VERDICT_SKIP_BODY] = "skip",
	[VERDICT_REJECT] = "reject",
	[VERDICT_TEMPFAIL] = "tempfail",
	[VERDICT_DISCARD] = "discard",
	[VERDICT_QUARANTINE] = "quarantine",
};

static const char *const step_words[] = {
	"helo", "mail", "rcpt", "headers", "body"
};

static const char *const reply_words[] = {
	"connect", "helo", "mail", "rcpt", "body"
};

/* Bit i for word i of words. */
static unsigned
read_bits(const char *text, const char *const *words, size_t count)
{
	struct span rest = span_of(text), item;
	unsigned bits = 0;
	size_t i;

	while (span_item(&rest, &item))
		for (i = 0; i < count; i++)
			if (span_is(item, words[i]))
				bits |= 1U << i;
	return bits;
}

static void
read_verdict(struct filter_load *load, const char *text, struct verdict *v)
{
	struct span rest = span_of(text), word;
	uint64_t code;
	size_t i;

	span_cut(&rest, ' ', &word);
	for (i = 0; i < ARRAY_LEN(actions); i++)
		if (span_is(word, actions[i]))
			break;
	if (i == ARRAY_LEN(actions)) {
		diag_error(load->diag, load->file, 0, "no verdict: %s",
		    diag_quote(load->diag, word));
		return;
	}
	v->action = (enum verdict_action)i;
	if (rest.len == 0)
		return;
	span_cut(&rest, ' ', &word);
	if (span_number(word, 999, &code))
		v->code = (unsigned)code;
	span_cut(&rest, ' ', &word);
	v->enhanced = arena_dup(load->arena, word).p;
	if (rest.len > 0)
		v->text = arena_dup(load->arena, rest).p;
}

static void
test_load(struct filter_load *load)
{
	struct test_conf *conf = load->conf;
	int64_t i;
	size_t stage;

	for (stage = 0; stage < STAGES; stage++)
		if (conf->at[stage] != NULL)
			read_verdict(load, conf->at[stage],
			    &conf->verdicts[stage]);
	conf->steps = read_bits(conf->wants, step_words,
	    ARRAY_LEN(step_words));
	sleep((unsigned)conf->load_pause);
	for (i = 0; i < conf->rows; i++)
		memset(arena_alloc(load->arena, 100), 'x', 100);
}

static void
test_unload(void *conf)
{
	log_info("unloads %s", ((struct test_conf *)conf)->token);
}

static void
test_serve(const void *conf)
{
	const struct test_conf *now = conf;

	sleep((unsigned)now->serve_pause);
	log_info("serve %s", now->token);
}

static void
test_tick(const void *conf, struct counters *counters)
{
	log_debug("tick %s", ((const struct test_conf *)conf)->token);
	counters_add(counters, TICKED, 1);
}

static void
test_stop(const void *conf)
{
	log_info("stop %s", ((const struct test_conf *)conf)->token);
}

static unsigned
test_wants(const void *conf)
{
	return ((const struct test_conf *)conf)->steps;
}

static const char *
test_macros(const void *conf)
{
	return ((const struct test_conf *)conf)->macros;
}

static struct test_state *
state_of(struct filter_context *ctx)
{
	if (ctx->state == NULL) {
		ctx->state = xcalloc(1, sizeof(struct test_state));
		counters_add(ctx->counters, BEGUN, 1);
	}
	return ctx->state;
}

static struct verdict
verdict_at(struct filter_context *ctx, enum stage stage)
{
	return ((const struct test_conf *)ctx->conf)->verdicts[stage];
}

static struct verdict
test_connect(struct filter_context *ctx)
{
	return verdict_at(ctx, AT_CONNECT);
}

static struct verdict
test_helo(struct filter_context *ctx)
{
	return verdict_at(ctx, AT_HELO);
}

static struct verdict
test_mail(struct filter_context *ctx)
{
	state_of(ctx);
	return verdict_at(ctx, AT_MAIL);
}

static struct verdict
test_rcpt(struct filter_context *ctx, struct span path)
{
	const struct test_conf *conf = ctx->conf;

	state_of(ctx);
	if (conf->refuse != NULL && !span_is(path, conf->refuse))
		return VERDICT(CONTINUE);
	return verdict_at(ctx, AT_RCPT);
}

static struct verdict
test_headers(struct filter_context *ctx)
{
	state_of(ctx);
	return verdict_at(ctx, AT_HEADERS);
}

static struct verdict
test_body(struct filter_context *ctx, struct span piece)
{
	struct test_state *state = state_of(ctx);
	size_t i;

	state->body_bytes += piece.len;
	state->pieces++;
	for (i = 0; i < piece.len; i++)
		state->sum = state->sum * 31 + (unsigned char)piece.p[i];
	return verdict_at(ctx, AT_BODY);
}

/* "insert 0 Name:value" and the like; blanks of the value count. */
static void
record_edit(struct filter_context *ctx, struct span text)
{
	struct span kind, number, name;
	uint64_t n = 0;

	span_cut(&text, ' ', &kind);
	if (span_is(kind, "addrcpt"))
		edit_add_recipient(ctx, text);
	if (span_is(kind, "delrcpt"))
		edit_delete_recipient(ctx, text);
	span_cut(&text, ' ', &number);
	span_number(number, 1000, &n);
	span_cut(&text, ':', &name);
	if (span_is(kind, "insert"))
		edit_insert_header(ctx, (unsigned)n, name, text);
	if (span_is(kind, "change"))
		edit_change_header(ctx, name, (unsigned)n, text);
	if (span_is(kind, "delete"))
		edit_delete_header(ctx, name, (unsigned)n);
}

static void
add_pair(struct strbuf *out, const char *key, struct span value)
{
	strbuf_addf(out, "\r\n\t%s=", key);
	escape_value(out, value, 4000);
}

/* What the filter saw, in a header field. */
static void
echo(struct filter_context *ctx, const struct test_state *state)
{
	const struct test_conf *conf = ctx->conf;
	const struct message *message = ctx->message;
	struct strbuf out = STRBUF_INIT, address = STRBUF_INIT;
	size_t i;

	ipaddr_add(&address, &ctx->session->client);
	strbuf_addf(&out, " headers=%zu overflow=%d body=%llu sum=%u "
	    "pieces=%u", message->header_count, message->headers_overflow,
	    (unsigned long long)state->body_bytes, state->sum, state->pieces);
	add_pair(&out, "token", span_of(conf->token));
	add_pair(&out, "client", strbuf_span(&address));
	add_pair(&out, "name", ctx->session->client_name);
	add_pair(&out, "helo", ctx->session->helo);
	add_pair(&out, "id", message->queue_id);
	add_pair(&out, "sender", message->sender_text);
	add_pair(&out, "daemon", session_macro(ctx->session,
	    "{daemon_name}"));
	add_pair(&out, "auth", session_macro(ctx->session, "{auth_type}"));
	for (i = 0; i < message->recipient_count; i++)
		add_pair(&out, "rcpt", message->recipients[i]);
	for (i = 0; i < message->header_count; i++)
		if (span_is(message->headers[i].name, "X-Probe"))
			add_pair(&out, "probe", message->headers[i].value);
	edit_insert_header(ctx, 0, SPAN_LIT("X-Echo"), strbuf_span(&out));
	strbuf_clear(&address);
	strbuf_clear(&out);
}

static struct verdict
test_end(struct filter_context *ctx)
{
	const struct test_conf *conf = ctx->conf;
	struct test_state *state = state_of(ctx);
	struct span rest = span_of(conf->edits), edit;

	if (conf->end_pause > 0)
		sleep((unsigned)conf->end_pause);
	counters_add(ctx->counters, HANDLED, 1);
	while (rest.len > 0) {
		span_cut(&rest, ',', &edit);
		record_edit(ctx, edit);
	}
	if (conf->echo)
		echo(ctx, state);
	return verdict_at(ctx, AT_END);
}

static void
test_done(struct filter_context *ctx)
{
	if (ctx->state != NULL)
		counters_add(ctx->counters, DONE, 1);
	free(ctx->state);
}

static struct filter test_filter = {
	.name = "testmilter",
	.default_config = "testmilter.conf",
	.schema = &schema,
	.conf_size = sizeof(struct test_conf),
	.daemon_offset = offsetof(struct test_conf, daemon),
	.load = test_load,
	.unload = test_unload,
	.serve = test_serve,
	.tick = test_tick,
	.stop = test_stop,
	.wants = test_wants,
	.actions = FILTER_ADDS_HEADERS | FILTER_CHANGES_HEADERS |
	    FILTER_ADDS_RECIPIENTS | FILTER_DELETES_RECIPIENTS |
	    FILTER_QUARANTINES,
	.connect_macros = "{daemon_name}",
	.mail_macros = "{auth_type}",
	.extra_macros = test_macros,
	.connect = test_connect,
	.helo = test_helo,
	.mail = test_mail,
	.rcpt = test_rcpt,
	.headers = test_headers,
	.body = test_body,
	.end = test_end,
	.message_done = test_done,
	.counters = &counter_schema,
};

int
main(int argc, char **argv)
{
	const char *replies = getenv("TESTMILTER_REPLIES");

	if (replies != NULL)
		test_filter.replies = read_bits(replies, reply_words,
		    ARRAY_LEN(reply_words));
	return daemon_main(argc, argv, &test_filter);
}
