/*
 * counting.h - what the tests of RateLimit and WarmUp share: a policy that has
 * these two checks alone, on a local cache, and messages that go through it.
 * Time is the test's.
 */
#ifndef POSTERN_TESTS_COUNTING_H
#define POSTERN_TESTS_COUNTING_H

#include "tests/unit/unit.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "milters/policy/control.h"
#include "milters/policy/engine.h"
#include "milters/policy/identity.h"
#include "milters/policy/rate.h"
#include "milters/policy/warmup.h"

enum { NOW = 1798761600, HOUR = 3600, DAY = 86400 };	/* 2027-01-01 */

const struct policy_check *const policy_checks[] = {
	&rate_check, &warmup_check
};
const size_t policy_check_count = ARRAY_LEN(policy_checks);

static int64_t test_now;	/* wall clock, and the cache's */

static int64_t
test_clock(void)
{
	return test_now * 1000;
}

static int64_t
test_wall(void)
{
	return test_now;
}

struct policy {
	struct policy_conf conf;
	struct arena arena;
	struct diag diag;
};

/* rows: lines "RateLimit ..." and "WarmUp ..." */
static inline void
policy_open(struct policy *p, const char *rows)
{
	static const struct config_schema none = { NULL, 0, NULL, 0 };
	static const struct filter filter = { .schema = &none,
		.daemon_offset = offsetof(struct policy_conf, daemon) };
	struct cache_options options = { .spec = "local", .size = 4 << 20,
		.clock = test_clock, .wall = test_wall };
	struct strbuf err = STRBUF_INIT;
	struct dataset_place place = { .setting = "InternalHosts" };
	struct filter_load load = { .filter = &filter, .conf = &p->conf,
		.arena = &p->arena, .diag = &p->diag };
	struct span rest = span_of(rows), line;
	struct config_rows *into;
	struct config_row *all;
	unsigned number = 0;

	memset(p, 0, sizeof(*p));
	test_now = NOW;
	memset(options.secret.octets, 7, sizeof(options.secret.octets));
	p->conf.cache = cache_open(&options, &err);
	assert_non_null(p->conf.cache);
	p->conf.internal_hosts = hostlist_load("127.0.0.1", &place, &p->diag);
	p->conf.retry_memory = HOUR;
	p->conf.trust_results = true;
	p->conf.own_id = SPAN_LIT("mx.example");
	p->conf.score_reject = p->conf.score_defer = POLICY_SCORE_OFF;
	p->conf.score_quarantine = p->conf.score_tag = POLICY_SCORE_OFF;
	all = arena_zalloc(&p->arena, 2 * 64 * sizeof(*all));
	p->conf.rate_rows.rows = all;
	p->conf.warmup_rows.rows = all + 64;
	while (span_line(&rest, &line)) {
		number++;
		into = span_starts(line, SPAN_LIT("WarmUp ")) ?
		    &p->conf.warmup_rows : &p->conf.rate_rows;
		assert_true(into->count < 64);
		into->rows[into->count++] = (struct config_row){
			arena_dup(&p->arena, span_trim(span_skip(line,
			    span_find(line, ' ')))).p, "policy.conf", number };
	}
	rate_load(&load, &p->conf);
	warmup_load(&load, &p->conf);
}

static inline void
policy_close(struct policy *p)
{
	rate_unload(&p->conf);
	warmup_unload(&p->conf);
	hostlist_free(p->conf.internal_hosts);
	cache_close(p->conf.cache);
	arena_clear(&p->arena);
	diag_clear(&p->diag);
}

/* As policy_open(), for rows without a mistake. */
static inline void
policy_start(struct policy *p, const char *rows)
{
	size_t i;

	policy_open(p, rows);
	for (i = 0; i < p->diag.count; i++)
		fail_msg("line %u: %s", p->diag.items[i].line,
		    p->diag.items[i].text);
}

/* A message; what is NULL has a default. */
struct mail {
	const char *client;	/* "192.0.2.1" */
	const char *user;	/* NULL: not authenticated */
	const char *sender;	/* "<a@example.com>" */
	const char *rcpts;	/* divided by blanks; NULL: a new one */
	const char *id;		/* Message-ID; NULL: one of its own */
	const char *results;	/* Authentication-Results */
	uint64_t size;		/* of the body */
	bool is_local;
};

struct outcome {
	char verdict;		/* p(ass), t(ag), q(uarantine), d(efer),
				   r(eject) */
	size_t refused;		/* recipients, at RCPT */
	char reason[200], text[200];	/* of what decided */
};

static const struct mail *current_mail;

static inline const char *
test_macro(const struct session *session, const char *name)
{
	(void)session;
	if (strcmp(name, "{auth_authen}") == 0)
		return current_mail->user;
	if (strcmp(name, "{auth_type}") == 0)
		return current_mail->user != NULL ? "PLAIN" : NULL;
	if (strcmp(name, "{client_port}") == 0)
		return current_mail->is_local ? "0" : "1025";
	return NULL;
}

static inline void
add_header(struct message *message, const char *name, const char *value)
{
	if (value != NULL)
		message_add_header(message, span_of(name), span_of(value));
}

static inline void
fill_message(struct message *message, const struct mail *mail)
{
	static unsigned number;
	char id[40];

	snprintf(id, sizeof(id), " <%u@example.com>", ++number);
	add_header(message, "Message-ID", mail->id != NULL ? mail->id : id);
	add_header(message, "Date", " Fri, 1 Jan 2027 00:00:00 +0000");
	add_header(message, "From", " a@example.com");
	add_header(message, "Authentication-Results", mail->results);
	message->queue_id = SPAN_LIT("4X0000");
	message->sender_text = span_of(mail->sender != NULL ? mail->sender :
	    "<a@example.com>");
	message->body_bytes = mail->size;
}

static inline void
keep_finding(const struct policy_finding *finding, struct outcome *out)
{
	static const char letters[] = {
		[POLICY_TAG] = 't', [POLICY_QUARANTINE] = 'q',
		[POLICY_DEFER] = 'd', [POLICY_REJECT] = 'r',
	};

	if (finding == NULL)
		return;
	out->verdict = letters[finding->action];
	snprintf(out->reason, sizeof(out->reason), "%.*s",
	    SPAN_ARG(finding->reason));
	snprintf(out->text, sizeof(out->text), "%s",
	    finding->text != NULL ? finding->text : "");
}

static inline bool
is_refusal(const struct policy_finding *finding)
{
	return finding != NULL && finding->action >= POLICY_DEFER;
}

static inline void
finish(struct policy_state *state, struct outcome *out)
{
	engine_headers(state);
	if (!is_refusal(state->decided))
		engine_end(state);
	engine_learn(state, !is_refusal(state->decided));
	out->verdict = 'p';
	keep_finding(state->decided, out);
}

/* At test_now. */
static inline struct outcome
pass(struct policy *p, const struct mail *mail)
{
	struct session session = { .macro = test_macro,
		.client_name = SPAN_LIT("unknown"),
		.helo = SPAN_LIT("Client.Example") };
	struct message message = { .queue_id = { NULL, 0 } };
	struct edits edits = { .tail = &edits.first };
	struct filter_context ctx = { .session = &session,
		.message = &message, .edits = &edits, .conf = &p->conf,
		.now = test_now };
	struct outcome out = { .verdict = 'p' };
	static unsigned number;
	char rcpt[40];
	struct span rest, path;
	struct policy_state *state;
	struct policy_finding *found;
	size_t count = 0;

	current_mail = mail;
	ipaddr_parse(span_of(mail->client != NULL ? mail->client :
	    "192.0.2.1"), &session.client);
	fill_message(&message, mail);
	state = engine_start(&ctx);
	snprintf(rcpt, sizeof(rcpt), "<b%u@example.net>", ++number);
	rest = span_of(mail->rcpts != NULL ? mail->rcpts : rcpt);
	while (span_item(&rest, &path)) {
		count++;
		found = engine_recipient(state, path);
		if (found == NULL)
			continue;
		out.refused++;
		keep_finding(found, &out);
	}
	if (out.refused < count)
		finish(state, &out);
	else
		engine_learn(state, false);
	engine_free(state);
	message_clear(&message);
	return out;
}

static inline char
verdict(struct policy *p, const struct mail *mail)
{
	return pass(p, mail).verdict;
}

/* Each message in turn; time goes on before it. */
struct step {
	int64_t wait;
	struct mail mail;
	char verdict;		/* 0: no more */
	size_t refused;
};

struct run {
	const char *name, *rows;
	struct step steps[8];
};

static inline void
run_steps(const struct run *run)
{
	const struct step *step;
	struct outcome out;
	struct policy p;
	size_t n;

	policy_start(&p, run->rows);
	for (n = 0; n < ARRAY_LEN(run->steps); n++) {
		step = &run->steps[n];
		if (step->verdict == '\0')
			break;
		test_now += step->wait;
		out = pass(&p, &step->mail);
		if (out.verdict != step->verdict ||
		    out.refused != step->refused)
			fail_msg("%s: step %zu: %c, %zu refused: %s",
			    run->name, n, out.verdict, out.refused,
			    out.reason);
	}
	policy_close(&p);
}

/* What the admin's command, its words divided by blanks, answers, output and
 * error; lasts until the next call. */
static inline const char *
ask(struct policy *p, const char *text, int status)
{
	static char answered[4000];
	struct control_answer answer = { .status = 0 };
	struct span words[16], rest = span_of(text);
	size_t count = 0;

	while (span_item(&rest, &words[count]))
		count++;
	answer.status = (span_is(words[0], "warmup") ? control_warmup :
	    control_limit)(&p->conf, words, count, &answer);
	snprintf(answered, sizeof(answered), "%s%s",
	    strbuf_str(&answer.output), strbuf_str(&answer.error));
	strbuf_clear(&answer.output);
	strbuf_clear(&answer.error);
	if (answer.status != status)
		fail_msg("%s: %d: %s", text, answer.status, answered);
	return answered;
}

#endif
