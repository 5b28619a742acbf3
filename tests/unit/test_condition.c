#include "tests/unit/tables.h"

#include "milters/policy/condition.h"

struct loaded {
	struct arena arena;
	struct diag diag;
	struct condition *condition;
	bool ok;
};

static void
load(struct loaded *l, const char *text)
{
	const struct dataset_place place = { .file = "policy.conf",
		.line = 7, .setting = "RateLimit" };

	memset(l, 0, sizeof(*l));
	l->ok = condition_load(span_of(text), &place, &l->arena, &l->diag,
	    &l->condition);
}

static void
clear(struct loaded *l)
{
	condition_free(l->condition);
	arena_clear(&l->arena);
	diag_clear(&l->diag);
}

static struct address
at(const char *domain)
{
	return (struct address){ span_of("joe"), span_of(domain) };
}

/* A message from outside, to two recipients, one of which was refused. */
static void
fill(struct policy_facts *facts, struct policy_recipient *recipients,
    enum policy_stage stage)
{
	recipients[0] = (struct policy_recipient){ .address = at("ours.example") };
	recipients[1] = (struct policy_recipient){ .address = at("no.example"),
	    .is_refused = true };
	*facts = (struct policy_facts){
		.stage = stage,
		.client_name = span_of("mx.sender.example"),
		.helo = span_of("helo.sender.example"),
		.daemon = span_of("smtpd"),
		.sender = at("sender.example"),
		.recipients = recipients,
		.recipient_count = 2,
		.from_domains = { span_of("author.example") },
		.from_count = 1,
		.dkim_result = span_of("pass"),
		.spf_result = span_of("softfail"),
		.score = 350,
		.reputation = -120,
	};
	ipaddr_parse(SPAN_LIT("192.0.2.7"), &facts->client);
}

static const struct {
	const char *name, *text;
	enum policy_stage stage;
	enum condition_result want;
} rows[] = {
	{ "none", "", POLICY_MAIL, CONDITION_YES },
	{ "in", "in", POLICY_MAIL, CONDITION_YES },
	{ "out", "out", POLICY_MAIL, CONDITION_NO },
	{ "not out", "!out", POLICY_MAIL, CONDITION_YES },
	{ "case", "IN,!Authenticated", POLICY_MAIL, CONDITION_YES },
	{ "local", "local", POLICY_MAIL, CONDITION_NO },
	{ "sender", "!null-sender", POLICY_MAIL, CONDITION_YES },
	{ "daemon", "daemon=submission|smtpd", POLICY_MAIL, CONDITION_YES },
	{ "other daemon", "daemon=submission", POLICY_MAIL, CONDITION_NO },
	{ "client", "client=192.0.2.0/24|x.example", POLICY_MAIL,
	    CONDITION_YES },
	{ "client 6", "client=2001:db8::/32", POLICY_MAIL, CONDITION_NO },
	{ "client name", "client=.sender.example", POLICY_MAIL,
	    CONDITION_YES },
	{ "helo", "helo=.sender.example", POLICY_MAIL, CONDITION_YES },
	{ "helo is no client", "helo=mx.sender.example", POLICY_MAIL,
	    CONDITION_NO },
	{ "sender domain", "sender-domain=a.example|sender.example",
	    POLICY_MAIL, CONDITION_YES },
	{ "not yet", "rcpt-domain=ours.example", POLICY_MAIL,
	    CONDITION_LATER },
	{ "no without waiting", "rcpt-domain=ours.example,out", POLICY_MAIL,
	    CONDITION_NO },
	{ "recipient", "rcpt-domain=ours.example", POLICY_RCPT,
	    CONDITION_YES },
	{ "refused one", "rcpt-domain=no.example", POLICY_RCPT,
	    CONDITION_NO },
	{ "author later", "from-domain=author.example", POLICY_RCPT,
	    CONDITION_LATER },
	{ "author", "from-domain=.example", POLICY_HEADERS, CONDITION_YES },
	{ "dkim", "dkim=pass", POLICY_HEADERS, CONDITION_YES },
	{ "spf", "spf=fail|softfail", POLICY_END, CONDITION_YES },
	{ "dmarc missing", "dmarc=none", POLICY_END, CONDITION_YES },
	{ "score over", "score>3", POLICY_RCPT, CONDITION_YES },
	{ "score equal", "score>3.5", POLICY_RCPT, CONDITION_NO },
	{ "score under", "score<4", POLICY_RCPT, CONDITION_YES },
	{ "score later", "score>3", POLICY_MAIL, CONDITION_LATER },
	{ "reputation good", "reputation<-1", POLICY_RCPT, CONDITION_YES },
	{ "reputation not so good", "reputation<-1.2", POLICY_RCPT,
	    CONDITION_NO },
	{ "reputation not bad", "reputation>0", POLICY_END, CONDITION_NO },
	{ "blanks", "in , !out", POLICY_MAIL, CONDITION_YES },
};

static void
test_holds(void **state)
{
	struct policy_recipient recipients[2];
	struct policy_facts facts;
	struct loaded l;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		load(&l, rows[i].text);
		ROW_IS(rows[i].name, l.ok);
		fill(&facts, recipients, rows[i].stage);
		ROW_IS(rows[i].name, condition_holds(l.condition, &facts,
		    NULL) == rows[i].want);
		ROW_IS(rows[i].name, rows[i].want != CONDITION_LATER ||
		    condition_stage(l.condition) > rows[i].stage);
		clear(&l);
	}
}

/* At RCPT it is about the recipient in hand, not about an earlier one. */
static void
test_one_recipient(void **state)
{
	struct policy_recipient recipients[2];
	struct policy_facts facts;
	struct loaded l;

	(void)state;
	load(&l, "rcpt-domain=no.example");
	fill(&facts, recipients, POLICY_RCPT);
	assert_int_equal(condition_holds(l.condition, &facts, &recipients[1]),
	    CONDITION_YES);
	assert_int_equal(condition_holds(l.condition, &facts, &recipients[0]),
	    CONDITION_NO);
	clear(&l);
}

static void
test_needs(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "in,dkim=pass");
	assert_true(condition_needs_results(l.condition));
	assert_false(condition_needs_score(l.condition));
	assert_int_equal(condition_stage(l.condition), POLICY_HEADERS);
	clear(&l);
	load(&l, "score>3");
	assert_false(condition_needs_results(l.condition));
	assert_true(condition_needs_score(l.condition));
	clear(&l);
	load(&l, "reputation>3");
	assert_false(condition_needs_score(l.condition));
	clear(&l);
	assert_false(condition_needs_score(NULL));
	assert_int_equal(condition_stage(NULL), POLICY_MAIL);
}

static const struct {
	const char *text, *want;
} wrong[] = {
	{ "inn", "\"inn\": no such condition; did you mean in?" },
	{ "in=yes", "takes no value" },
	{ "daemon", "write NAME=VALUE" },
	{ "daemon=", "the value is missing" },
	{ "daemon=a||b", "an empty word" },
	{ "score=5", "write a number, such as score>5 or score<0.5" },
	{ "reputation=5", "write a number, such as reputation>5" },
	{ "reputation", "write a number, such as reputation>5" },
	{ "score>x", "write a number, such as score>5" },
	{ "dkim>pass", "write NAME=VALUE" },
	{ "dkim=good", "a result is none, pass, fail" },
	{ "client=a@b", "is a mail address, not a host" },
	{ "sender-domain=a@b.example", "RateLimit" },
	{ "sender-domain=file:/nowhere/at/all", "/nowhere/at/all" },
	{ ",in", "one comma too many" },
	{ "in,", "one comma too many" },
	{ "in,,out", "one comma too many" },
	{ "weekday=monday", "\"weekday=monday\": no such condition; there are in, "
	    "out, authenticated, local, null-sender, daemon=, client=, helo=, "
	    "sender-domain=, rcpt-domain=, from-domain=, dkim=, spf=, dmarc=, "
	    "score>, reputation>" },
};

static void
test_wrong(void **state)
{
	struct loaded l;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(wrong); i++) {
		load(&l, wrong[i].text);
		ROW_IS(wrong[i].text, !l.ok);
		ROW_IS(wrong[i].text, diag_has(&l.diag, DIAG_ERROR,
		    "policy.conf:7: error: RateLimit"));
		ROW_IS(wrong[i].text, diag_has(&l.diag, DIAG_ERROR,
		    wrong[i].want));
		clear(&l);
	}
}

static void
test_too_many(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct loaded l;
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		strbuf_addf(&text, "%sin", i != 0 ? "," : "");
	load(&l, text.s);
	assert_false(l.ok);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "too many terms"));
	clear(&l);
	strbuf_reset(&text);
	strbuf_adds(&text, "daemon=");
	for (i = 0; i < 100; i++)
		strbuf_addf(&text, "%sd%d", i != 0 ? "|" : "", i);
	load(&l, text.s);
	assert_false(l.ok);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "too many words"));
	clear(&l);
	strbuf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_one_recipient),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
