/*
 * The engine of postern-policy with checks of the test's own, which do what
 * addresses and the subject tell them to.
 */
#include "tests/unit/unit.h"
#include "tests/unit/zone.h"

#include "milters/policy/engine.h"

#include "common/base/log.h"
#include "common/base/map.h"
#include "common/milter/file_driver.h"

enum { NOW = 1798761600 };

static unsigned asked_cache, learned, passed;

static bool
says(struct span text, const char *word)
{
	return text.len != 0 && memmem(text.p, text.len, word,
	    strlen(word)) != NULL;
}

static enum policy_action
action_in(struct span text)
{
	static const struct {
		const char *word;
		enum policy_action action;
	} words[] = {
		{ "ok", POLICY_OK }, { "tag", POLICY_TAG },
		{ "hold", POLICY_QUARANTINE }, { "defer", POLICY_DEFER },
		{ "reject", POLICY_REJECT }, { "discard", POLICY_DISCARD },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (says(text, words[i].word))
			return words[i].action;
	return POLICY_NONE;
}

/* The first check goes by the sender, the recipient and the subject. */
static void
judge_text(struct policy_state *state, const struct policy_check *check,
    struct span text, bool for_recipient)
{
	enum policy_action action = action_in(text);
	struct policy_finding *finding;

	if (action == POLICY_NONE)
		return;
	if (action == POLICY_OK && for_recipient)
		state->recipient->is_exempt = true;
	else if (action == POLICY_OK)
		state->is_exempt = true;
	finding = policy_find(state, check, action, 0, span_of("rule"),
	    "%.*s", SPAN_ARG(text));
	finding->is_for_recipient = for_recipient;
}

static void
judge_first(struct policy_state *state)
{
	const struct message *message = state->ctx->message;
	size_t i;

	if (state->stage == POLICY_RCPT) {
		if (state->facts.recipient_count == 1)
			judge_text(state, policy_checks[0],
			    state->facts.sender_text, false);
		judge_text(state, policy_checks[0], state->recipient->text,
		    true);
	}
	for (i = 0; state->stage == POLICY_HEADERS &&
	    i < message->header_count; i++)
		if (span_is_nocase(message->headers[i].name, "Subject"))
			judge_text(state, policy_checks[0],
			    message->headers[i].value, false);
}

static void
learn_first(struct policy_state *state)
{
	learned++;
	passed += state->passes;
}

/* The second weighs, by DNS, once a message. */
static void
prepare_second(struct policy_state *state)
{
	if (state->stage == POLICY_MAIL)
		lookups_get(policy_lookups(state), LOOKUP_DNSLIST,
		    state->facts.sender.domain, DNS_TXT);
}

static bool
resolve_second(struct policy_state *state)
{
	bool *is_done = policy_own(state, policy_checks[1], sizeof(*is_done));
	const struct dns_answer *answer;

	if (*is_done || policy_is_exempt(state))
		return true;
	answer = lookups_get(policy_lookups(state), LOOKUP_DNSLIST,
	    state->facts.sender.domain, DNS_TXT);
	if (answer == NULL)
		return false;
	*is_done = true;
	if (answer->result == DNS_FOUND)
		policy_find(state, policy_checks[1], POLICY_NONE, 350,
		    span_of("list"), "listed");
	return true;
}

/* The third waits for the score, and counts at the end. */
static void
prepare_third(struct policy_state *state)
{
	struct cache_item **items = policy_own(state, policy_checks[2],
	    sizeof(*items));

	if (state->stage != POLICY_END)
		return;
	*items = arena_zalloc(policy_arena(state), 2 * sizeof(**items));
	cache_name(state->conf->cache, "one", NULL, 0, &(*items)[0].key);
	(*items)[0].kind = CACHE_COUNTER;
	(*items)[0].add = 1;
	(*items)[0].ttl = 60;
	cache_name(state->conf->cache, "two", NULL, 0, &(*items)[1].key);
	policy_want(state, *items, 1);
	policy_want(state, *items + 1, 1);
}

static void
judge_third(struct policy_state *state)
{
	struct cache_item **items = policy_own(state, policy_checks[2],
	    sizeof(*items));

	if (state->stage == POLICY_RCPT && state->facts.score > 100 &&
	    says(state->recipient->text, "grey"))
		policy_find(state, policy_checks[2], POLICY_DEFER, 0,
		    span_of("wait"), "comes again")->is_for_recipient = true;
	if (state->stage != POLICY_END)
		return;
	asked_cache++;
	assert_int_equal((*items)[0].state == CACHE_TROUBLE, 0);
	if ((*items)[0].number > 1)
		policy_find(state, policy_checks[2], POLICY_DEFER, 0,
		    span_of("limit"), "%d of 1", (int)(*items)[0].number);
}

static bool
always(const struct policy_conf *conf)
{
	(void)conf;
	return true;
}

static void
load_first(struct filter_load *load, struct policy_conf *conf)
{
	(void)load;
	conf->wants_header = true;
}

static const struct policy_check first = { .name = "first",
	.load = load_first, .judge = judge_first, .learn = learn_first };
static const struct policy_check second = { .name = "second",
	.prepare = prepare_second, .resolve = resolve_second };
static const struct policy_check third = { .name = "third",
	.prepare = prepare_third, .judge = judge_third,
	.waits_for_score = always };
const struct policy_check *const policy_checks[] = { &first, &second, &third };
const size_t policy_check_count = ARRAY_LEN(policy_checks);

/* ---- messages ---- */

static const char zone_text[] = "bad.example TXT \"listed\"\n"
    "slow.example LATE 2\nslow.example TXT \"listed\"\n";

struct row {
	const char *name;
	const char *settings[4];	/* "Name value" */
	const char *sender;
	const char *recipients[4];
	const char *subject;
	const char *port;		/* {client_port} */
	const char *want;		/* verdict, code, text; edits */
	unsigned learned, passed;
};

static const struct row rows[] = {
	{ "nothing", { NULL }, "a@x.example", { "b@y.example" }, "hi", "1025",
	    "accept", 1, 1 },
	{ "client, sender", { NULL }, "reject@x.example", { "b@y.example" },
	    "hi", "1025", "reject reject@x.example", 1, 0 },
	{ "one recipient", { NULL }, "a@x.example", { "reject@y.example",
	    "b@y.example" }, "hi", "1025", "accept", 1, 1 },
	{ "all recipients", { NULL }, "a@x.example", { "reject@y.example",
	    "defer@y.example" }, "hi", "1025", "tempfail defer@y.example",
	    1, 0 },
	{ "not by SMTP", { NULL }, "a@x.example", { "b@y.example",
	    "reject@y.example" }, "hi", "0", "reject reject@y.example", 1, 0 },
	{ "one gets nothing", { NULL }, "a@x.example", { "discard@y.example",
	    "b@y.example" }, "hi", "1025",
	    "accept -<discard@y.example>", 1, 1 },
	{ "none gets anything", { NULL }, "a@x.example",
	    { "discard@y.example" }, "hi", "1025", "discard", 1, 0 },
	{ "the sender's gets nothing", { NULL }, "discard@x.example",
	    { "b@y.example" }, "hi", "1025",
	    "discard discard@x.example", 1, 0 },
	{ "header", { NULL }, "a@x.example", { "b@y.example" }, "defer", "1025",
	    "tempfail defer", 1, 0 },
	{ "held", { NULL }, "a@x.example", { "b@y.example" }, "hold", "1025",
	    "quarantine hold", 1, 1 },
	{ "tagged", { NULL }, "a@x.example", { "b@y.example" }, "tag", "1025",
	    "accept X-Postern-Tag: first/rule; tag", 1, 1 },
	{ "hold is stronger", { NULL }, "tag@x.example", { "b@y.example" },
	    "hold", "1025",
	    "quarantine hold X-Postern-Tag: first/rule; tag@x.example", 1, 1 },
	{ "monitored", { "MonitorOnly first" }, "reject@x.example",
	    { "defer@y.example" }, "hold", "1025", "accept", 1, 1 },
	{ "all monitored", { "MonitorOnly yes", "ScoreReject 1" },
	    "reject@bad.example", { "b@y.example" }, "hi", "1025", "accept",
	    1, 1 },
	{ "score", { "ScoreReject 3.5" }, "a@bad.example", { "b@y.example" },
	    "hi", "1025", "reject refused by local policy; listed", 1, 0 },
	{ "late DNS", { "ScoreReject 3.5" }, "a@slow.example",
	    { "b@y.example", "c@y.example" }, "hi", "1025",
	    "reject refused by local policy; listed", 1, 0 },
	{ "score too low", { "ScoreReject 3.51", "ScoreHeader yes" },
	    "a@bad.example", { "b@y.example" }, "hi", "1025",
	    "accept X-Postern-Score: 3.5 (second/list=3.5)", 1, 1 },
	{ "the stronger threshold", { "ScoreDefer 2", "ScoreReject 3" },
	    "a@bad.example", { "b@y.example" }, "hi", "1025",
	    "reject refused by local policy; listed", 1, 0 },
	{ "score defers", { "ScoreDefer 2" }, "a@bad.example",
	    { "b@y.example" }, "hi", "1025",
	    "tempfail refused by local policy; listed", 1, 0 },
	{ "score holds", { "ScoreQuarantine 2" }, "a@bad.example",
	    { "b@y.example" }, "hi", "1025",
	    "quarantine score 3.5: second/list=3.5", 1, 1 },
	{ "score tags", { "ScoreTag 2" }, "a@bad.example", { "b@y.example" },
	    "hi", "1025", "accept X-Postern-Tag: score/ScoreTag; "
	    "score 3.5: second/list=3.5", 1, 1 },
	{ "score monitored", { "MonitorOnly score", "ScoreReject 1" },
	    "a@bad.example", { "b@y.example" }, "hi", "1025", "accept", 1,
	    1 },
	{ "one is spared", { "ScoreReject 3" }, "a@bad.example",
	    { "b@y.example", "ok@y.example" }, "hi", "1025", "accept", 1, 1 },
	{ "all are spared", { "ScoreReject 3" }, "ok@bad.example",
	    { "b@y.example" }, "hi", "1025", "accept", 1, 1 },
	{ "score at the end", { "ScoreReject 3", "ScoreAt end" },
	    "a@bad.example", { "b@y.example" }, "hi", "1025",
	    "reject refused by local policy; listed", 1, 0 },
	{ "waits for the score", { NULL }, "a@bad.example",
	    { "grey@y.example" }, "hi", "1025", "tempfail comes again", 1,
	    0 },
	{ "no score, no waiting", { NULL }, "a@x.example",
	    { "grey@y.example" }, "hi", "1025", "accept", 1, 1 },
	{ "no recipient", { NULL }, "a@x.example", { NULL }, "hi", "1025",
	    "accept", 1, 1 },
};

static struct snapshot *
load(const struct row *row, struct zone *zone)
{
	struct snapshot_override overrides[4];
	struct snapshot_options options = { .overrides = overrides };
	char names[4][32];
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot;
	struct policy_conf *conf;
	size_t i;

	for (i = 0; i < 4 && row->settings[i] != NULL; i++) {
		snprintf(names[i], sizeof(names[i]), "%.*s",
		    (int)strcspn(row->settings[i], " "), row->settings[i]);
		overrides[i] = (struct snapshot_override){ names[i],
		    strchr(row->settings[i], ' ') + 1 };
	}
	options.override_count = i;
	snapshot = snapshot_load(&policy_filter, &options, &diag);
	if (snapshot == NULL)
		diag_print(&diag, stderr);
	assert_non_null(snapshot);
	diag_clear(&diag);
	conf = snapshot->conf;
	conf->source = zone_source;
	conf->source_arg = zone;
	return snapshot;
}

static void
describe(const struct file_result *result, struct strbuf *out)
{
	const struct edit *edit;
	unsigned deleted = 0;

	strbuf_adds(out, verdict_word(&result->verdict));
	if (result->verdict.text != NULL)
		strbuf_addf(out, " %s", result->verdict.text);
	for (edit = result->edits.first; edit != NULL; edit = edit->next) {
		if (edit->kind == EDIT_DELETE_RECIPIENT)
			strbuf_addf(out, " -%.*s", SPAN_ARG(edit->name));
		else if (edit->kind == EDIT_INSERT_HEADER)
			strbuf_addf(out, " %.*s:%.*s", SPAN_ARG(edit->name),
			    SPAN_ARG(edit->value));
		deleted += edit->kind == EDIT_DELETE_HEADER;
	}
	if (deleted > 1)
		strbuf_addf(out, " -%u", deleted);
	for (char *p = out->s; *p != '\0'; p++)
		if (is_fws(*p))
			*p = ' ';
	/* folds */
	for (char *p; (p = strstr(out->s, "   ")) != NULL;)
		memmove(p, p + 2, strlen(p + 2) + 1);
	out->len = strlen(out->s);
}

static void
pass_with(struct snapshot *snapshot, const struct row *row, unsigned forged,
    struct strbuf *out)
{
	const struct file_macro macros[] = {
		{ "{client_port}", row->port },
	};
	struct file_envelope envelope = {
		.client_address = "192.0.2.1",
		.client_name = "mx.x.example",
		.sender = row->sender,
		.recipients = row->recipients,
		.macros = macros,
		.macro_count = ARRAY_LEN(macros),
		.now = NOW,
	};
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct file_result result;

	while (envelope.recipient_count < 4 &&
	    row->recipients[envelope.recipient_count] != NULL)
		envelope.recipient_count++;
	for (; forged > 0; forged--)
		strbuf_adds(&text, "X-Postern-Score: 99\r\n");
	strbuf_addf(&text, "From: a@x.example\r\n"
	    "Subject:%s\r\n\r\nhello\r\n", row->subject);
	assert_int_equal(file_run(&policy_filter, snapshot, &envelope,
	    strbuf_span(&text), &arena, &result, &err), 0);
	describe(&result, out);
	arena_clear(&arena);
	strbuf_clear(&text);
}

static void
pass(struct snapshot *snapshot, const struct row *row, struct strbuf *out)
{
	pass_with(snapshot, row, 1, out);
}

static void
test_rows(void **state)
{
	struct strbuf got = STRBUF_INIT;
	struct snapshot *snapshot;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone zone = { .text = zone_text };

		learned = passed = 0;
		strbuf_reset(&got);
		snapshot = load(&rows[i], &zone);
		pass(snapshot, &rows[i], &got);
		if (rows[i].recipients[0] != NULL)
			ROW_EQ(rows[i].name, strbuf_span(&got),
			    span_of(rows[i].want));
		ROW_IS(rows[i].name, learned == rows[i].learned);
		ROW_IS(rows[i].name, passed == rows[i].passed);
		snapshot_unref(snapshot);
	}
	strbuf_clear(&got);
}

/* What is counted at the end is there for the next message; in a trial nothing
 * is. */
static void
test_counting(void **state)
{
	const struct row row = { "counting", { NULL }, "a@x.example",
	    { "b@y.example" }, "hi", "1025", "", 0, 0 };
	struct zone zone = { .text = zone_text };
	struct snapshot *snapshot = load(&row, &zone);
	struct policy_conf *conf = snapshot->conf;
	struct strbuf got = STRBUF_INIT;

	(void)state;
	conf->is_trial = true;
	pass(snapshot, &row, &got);
	pass(snapshot, &row, &got);
	SPAN_IS(strbuf_span(&got), "acceptaccept");
	conf->is_trial = false;
	strbuf_reset(&got);
	pass(snapshot, &row, &got);
	pass(snapshot, &row, &got);
	SPAN_IS(strbuf_span(&got), "accepttempfail 2 of 1");
	snapshot_unref(snapshot);
	strbuf_clear(&got);
}

/* Each costs the MTA a search from the top. */
static void
test_forged(void **state)
{
	static const struct row strict = { "strict", { "OnBadMessage reject" },
	    "a@x.example", { "b@y.example" }, "hi", "1025", "", 0, 0 };
	struct row lenient = strict;
	struct zone zone = { .text = zone_text };
	struct snapshot *snapshot = load(&strict, &zone);
	struct strbuf got = STRBUF_INIT;

	(void)state;
	pass_with(snapshot, &strict, 1000, &got);
	pass_with(snapshot, &strict, 1001, &got);
	snapshot_unref(snapshot);
	lenient.settings[0] = NULL;
	snapshot = load(&lenient, &zone);
	pass_with(snapshot, &lenient, 5000, &got);
	SPAN_IS(strbuf_span(&got), "accept -1000reject the message's header "
	    "is too large, or forgedaccept -1000");
	snapshot_unref(snapshot);
	strbuf_clear(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_counting),
		cmocka_unit_test(test_forged),
	};

	log_open("test", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
