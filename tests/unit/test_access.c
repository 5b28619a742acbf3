/* What access tables do to a message: this check alone, in the engine. */
#include "tests/unit/tables.h"

#include "milters/policy/engine.h"

const struct policy_check *const policy_checks[] = { &access_check };
const size_t policy_check_count = ARRAY_LEN(policy_checks);

static const struct {
	enum access_subject subject;
	const char *type, *name, *text;
} tables[] = {
	{ ACCESS_CLIENT, "", "client",
	    "bad.example REJECT 5.7.9 no ${1} here\n"
	    "good.example OK\n"
	    "gone.example DISCARD\n"
	    "slow.example 450 4.7.25 later\n"
	    "192.0.2.9 PREPEND X-From-Net: yes\n"
	    "192.0.2.10 HOLD look\n" },
	{ ACCESS_HELO, "", "helo",
	    "bot REJECT\n"
	    "known DUNNO\n" },
	{ ACCESS_SENDER, "", "sender",
	    "<> WARN null\n"
	    "spam@example.com 554 go away\n"
	    "vip@example.com OK\n"
	    "under_score.example REJECT\n" },
	{ ACCESS_RECIPIENT, "", "rcpt",
	    "postmaster@ OK\n"
	    "closed@ REJECT closed list\n"
	    "late@ DEFER\n"
	    "void@ DISCARD\n"
	    "hold@ HOLD\n"
	    "tag@ PREPEND X-Tag: <1>\n"
	    "tag2@ PREPEND X-Tag2:2\n"
	    "moved@ REDIRECT <new@example.org>\n" },
	{ ACCESS_HEADER, "pcre:", "header",
	    "/^Subject: spam (\\w+)/ REJECT 5.7.0 no $1\n"
	    "/^X-Good: yes$/ OK\n"
	    "/^X-Hold:/ HOLD seen\n"
	    "/^X-Long:.*end$/ DISCARD\n"
	    "/[a-z]+[0-9]{9}/ REJECT\n" },
};

struct policy {
	struct policy_conf conf;
	struct arena arena;
};

static void
start(struct policy *p)
{
	static const struct config_schema none = { NULL, 0, NULL, 0 };
	static const struct filter filter = { .schema = &none,
		.daemon_offset = offsetof(struct policy_conf, daemon) };
	struct dataset_place place = { .setting = "InternalHosts" };
	struct diag diag = DIAG_INIT;
	struct filter_load load = { .filter = &filter, .conf = &p->conf,
		.arena = &p->arena, .diag = &diag };
	size_t i;

	memset(p, 0, sizeof(*p));
	p->conf.internal_hosts = hostlist_load("127.0.0.1", &place, &diag);
	p->conf.score_reject = p->conf.score_defer = POLICY_SCORE_OFF;
	p->conf.score_quarantine = p->conf.score_tag = POLICY_SCORE_OFF;
	for (i = 0; i < ARRAY_LEN(tables); i++) {
		scratch_write(tables[i].name, span_of(tables[i].text), 0644);
		p->conf.access_specs[tables[i].subject] =
		    arena_printf(&p->arena, "%s%s", tables[i].type,
		    scratch_path(tables[i].name));
	}
	access_check.load(&load, &p->conf);
	row_says("load", &diag, "");
	assert_true(p->conf.wants_header);
}

static void
stop(struct policy *p)
{
	access_check.unload(&p->conf);
	hostlist_free(p->conf.internal_hosts);
	arena_clear(&p->arena);
}

/* A message; what is NULL has a default. */
struct mail {
	const char *client, *address;	/* "mx.example", "192.0.2.1" */
	const char *helo;
	const char *sender;
	const char *rcpts;	/* divided by blanks */
	const char *field;	/* "Subject: spam" */
	bool has_user, is_local;
	unsigned slow_fields;	/* in front, that patterns take long for */
};

static const struct mail *current;

static const char *
macro(const struct session *session, const char *name)
{
	(void)session;
	if (strcmp(name, "{auth_type}") == 0)
		return current->has_user ? "PLAIN" : NULL;
	if (strcmp(name, "{client_port}") == 0)
		return current->is_local ? "0" : "1025";
	return NULL;
}

static void
add_finding(struct strbuf *out, const struct policy_finding *found)
{
	if (found == NULL)
		return;
	strbuf_adds(out, policy_action_word(found->action));
	if (found->code != 0)
		strbuf_addf(out, " %u", found->code);
	if (found->enhanced != NULL)
		strbuf_addf(out, " %s", found->enhanced);
	if (found->text != NULL)
		strbuf_addf(out, " %s", found->text);
	strbuf_addc(out, ';');
}

static void
add_edits(struct strbuf *out, const struct edits *edits)
{
	static const char *const words[] = {
		[EDIT_INSERT_HEADER] = "insert", [EDIT_ADD_RECIPIENT] = "add",
		[EDIT_DELETE_RECIPIENT] = "delete",
	};
	const struct edit *edit;

	for (edit = edits->first; edit != NULL; edit = edit->next)
		strbuf_addf(out, "%s %.*s%s%.*s;", words[edit->kind],
		    SPAN_ARG(edit->name), edit->value.len != 0 ? ":" : "",
		    SPAN_ARG(edit->value));
}

static bool
is_final(const struct policy_finding *found)
{
	return found != NULL && found->action >= POLICY_DEFER;
}

static void
finish(struct policy_state *state, struct strbuf *out)
{
	size_t i;

	engine_headers(state);
	if (!is_final(state->decided))
		engine_end(state);
	engine_learn(state, !is_final(state->decided));
	add_finding(out, state->decided);
	for (i = 0; i < state->facts.recipient_count; i++)
		if (state->facts.recipients[i].is_discarded)
			strbuf_addf(out, "void %zu;", i);
}

static void
add_fields(struct message *message, const struct mail *mail)
{
	struct span name, value = span_of(mail->field ? mail->field :
	    "Subject: x");
	char slow[8000];
	unsigned i;

	message_add_header(message, span_of("From"), span_of(" a@b.example"));
	memset(slow, 'a', sizeof(slow));
	for (i = 0; i < mail->slow_fields; i++)
		message_add_header(message, span_of("X-Slow"),
		    span_make(slow, sizeof(slow)));
	span_cut(&value, ':', &name);
	message_add_header(message, name, value);
}

/* A word for each recipient refused, then for the message, then the edits. */
static void
pass(struct policy *p, const struct mail *mail, struct strbuf *out)
{
	struct session session = { .macro = macro,
		.client_name = span_of(mail->client ? mail->client :
		    "unknown"),
		.helo = span_of(mail->helo ? mail->helo : "h.example") };
	struct message message = { .queue_id = { NULL, 0 } };
	struct edits edits = { .tail = &edits.first };
	struct filter_context ctx = { .session = &session,
		.message = &message, .edits = &edits, .conf = &p->conf };
	struct span rest, path;
	struct policy_state *state;
	const struct policy_finding *found;
	size_t count = 0, refused = 0;

	current = mail;
	assert_true(ipaddr_parse(span_of(mail->address ? mail->address :
	    "192.0.2.1"), &session.client));
	message.sender_text = span_of(mail->sender ? mail->sender :
	    "<a@example.com>");
	add_fields(&message, mail);
	state = engine_start(&ctx);
	rest = span_of(mail->rcpts ? mail->rcpts : "<b@example.net>");
	for (; span_item(&rest, &path); count++) {
		found = engine_recipient(state, path);
		add_finding(out, found);
		refused += found != NULL;
	}
	if (refused < count)
		finish(state, out);
	if (state->is_exempt)
		strbuf_adds(out, "exempt;");
	if (state->is_banned)
		strbuf_adds(out, "banned;");
	if (state->is_cut_short)
		strbuf_adds(out, "cut short;");
	add_edits(out, &edits);
	engine_free(state);
	message_clear(&message);
}

static const struct {
	const char *name;
	struct mail mail;
	const char *want;
} rows[] = {
	{ "nothing known", { .client = "a.example" }, "" },
	{ "a client refused", { .client = "x.bad.example" },
	    "reject 5.7.9 no ${1} here;banned;" },
	{ "to every recipient", { .client = "bad.example",
	    .rcpts = "<b@example.net> <c@example.net>" },
	    "reject 5.7.9 no ${1} here;reject 5.7.9 no ${1} here;banned;" },
	{ "but to those who are OK", { .client = "bad.example",
	    .rcpts = "<b@example.net> <postmaster@example.net>" },
	    "reject 5.7.9 no ${1} here;banned;" },
	{ "OK alone is not banned", { .client = "bad.example",
	    .rcpts = "<Postmaster+x@example.net>" }, "" },
	{ "without a domain", { .client = "bad.example",
	    .rcpts = "<Postmaster>" }, "" },
	{ "a client deferred", { .client = "slow.example" },
	    "tempfail 450 4.7.25 later;" },
	{ "a client whose mail goes nowhere", { .client = "gone.example",
	    .rcpts = "<b@example.net> <postmaster@example.net>" },
	    "void 0;banned;" },
	{ "of a user", { .client = "bad.example", .has_user = true }, "" },
	{ "of no session", { .client = "bad.example", .is_local = true,
	    .helo = "bot" }, "" },
	{ "a user's sender", { .sender = "<spam@example.com>",
	    .has_user = true }, "reject 554 go away;banned;" },
	{ "no text", { .helo = "BOT" }, "reject Access denied;banned;" },
	{ "DUNNO", { .helo = "known", .sender = "<spam@example.com>" },
	    "reject 554 go away;banned;" },
	{ "OK spares HELO and sender", { .client = "good.example",
	    .helo = "bot", .sender = "<spam@example.com>" }, "exempt;" },
	{ "but not the recipient", { .client = "good.example",
	    .rcpts = "<closed@example.net>" },
	    "reject closed list;exempt;" },
	{ "a sender that is OK", { .sender = "<vip@example.com>" },
	    "exempt;" },
	{ "is not before HELO", { .sender = "<vip@example.com>",
	    .helo = "bot" }, "reject Access denied;banned;" },
	{ "the null sender", { .sender = "<>" }, "" },
	{ "a sender that is no address",
	    { .sender = "<a@x.Under_Score.example>" },
	    "reject Access denied;banned;" },
	{ "a recipient", { .rcpts = "<closed@a.example> <b@example.net> "
	    "<late@example.net>" },
	    "reject closed list;tempfail Access denied;" },
	{ "one who gets nothing", { .rcpts = "<void@a.example> "
	    "<b@example.net>" }, "void 0;" },
	{ "local mail is not refused at RCPT", { .is_local = true,
	    .rcpts = "<closed@a.example> <b@example.net>" },
	    "reject closed list;" },
	{ "held", { .rcpts = "<hold@a.example> <b@example.net>" },
	    "quarantine;" },
	{ "held for its client", { .address = "192.0.2.10" }, "quarantine;" },
	{ "fields", { .address = "192.0.2.9", .rcpts = "<tag@a.example> "
	    "<tag2@b.example> <tag@c.example>" }, "insert X-Tag2: 2;"
	    "insert X-Tag: <1>;insert X-From-Net: yes;" },
	{ "no fields where it is refused", { .address = "192.0.2.9",
	    .field = "Subject: spam x" }, "reject 5.7.0 no x;" },
	{ "sent elsewhere", { .rcpts = "<moved@a.example> <b@example.net> "
	    "<closed@example.net>" }, "reject closed list;"
	    "delete <moved@a.example>;delete <b@example.net>;"
	    "add <new@example.org>;" },
	{ "a field", { .field = "SUBJECT: spam\n word" },
	    "reject 5.7.0 no word;" },
	{ "a field that is OK", { .field = "X-Good: yes" }, "exempt;" },
	{ "a field to be seen", { .field = "X-Hold: x" }, "quarantine;" },
	{ "a field over lines", { .field = "X-Long: x\r\n\tend" },
	    "discard;" },
	{ "a field that takes long", { .slow_fields = 1,
	    .field = "Subject: spam x" }, "reject 5.7.0 no x;" },
	{ "too many of them", { .slow_fields = 100,
	    .field = "Subject: spam x" }, "cut short;" },
	{ "what is no pattern holds", { .slow_fields = 100,
	    .rcpts = "<hold@a.example>" }, "quarantine;cut short;" },
};

static void
test_messages(void **state)
{
	struct policy p;
	struct strbuf got = STRBUF_INIT;
	size_t i;

	(void)state;
	start(&p);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&got);
		pass(&p, &rows[i].mail, &got);
		ROW_EQ(rows[i].name, strbuf_span(&got), span_of(rows[i].want));
	}
	strbuf_clear(&got);
	stop(&p);
}

/* MonitorOnly: everything is found and nothing is done. */
static void
test_monitored(void **state)
{
	static const struct mail mails[] = {
		{ .client = "bad.example" }, { .client = "good.example" },
		{ .address = "192.0.2.9" },
		{ .rcpts = "<moved@a.example> <postmaster@a.example>" },
		{ .field = "Subject: spam x" }, { .field = "X-Hold: x" },
	};
	struct policy p;
	struct strbuf got = STRBUF_INIT;
	size_t i;

	(void)state;
	start(&p);
	p.conf.all_monitored = true;
	for (i = 0; i < ARRAY_LEN(mails); i++) {
		pass(&p, &mails[i], &got);
		SPAN_IS(strbuf_span(&got), "");
	}
	strbuf_clear(&got);
	stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_monitored),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
