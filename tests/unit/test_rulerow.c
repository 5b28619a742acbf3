#include "tests/unit/unit.h"

#include "milters/policy/rulerow.h"

struct rule {
	struct span name;
	const char *place;
	struct span text;
	int64_t number, seconds, date;
	int32_t decimal;
	double factor;
	int word;
	struct condition *when;
};

static const char *const words[] = { "tempfail", "reject", NULL };

#define OPTION(nm, kd, field, def, lo, hi, w, fl) \
	{ nm, kd, offsetof(struct rule, field), def, lo, hi, w, fl }

static const struct rule_option options[] = {
	OPTION("text", RULE_TEXT, text, "none", 1, 20, NULL, 0),
	OPTION("number", RULE_NUMBER, number, NULL, 1, 50, NULL, RULE_NEEDED),
	OPTION("wait", RULE_SECONDS, seconds, "5m", 1, 86400, NULL, 0),
	OPTION("since", RULE_DATE, date, NULL, 0, 0, NULL, 0),
	OPTION("weight", RULE_DECIMAL, decimal, NULL, -100000, 100000, NULL,
	    0),
	OPTION("growth", RULE_FACTOR, factor, "1.3", 1, 10, NULL, 0),
	OPTION("action", RULE_WORD, word, "tempfail", 0, 0, words, 0),
	OPTION("when", RULE_CONDITION, when, NULL, 0, 0, NULL, 0),
};

static const struct rule_schema schema = {
	.setting = "RateLimit",
	.name = "a name",
	.name_offset = offsetof(struct rule, name),
	.place_offset = offsetof(struct rule, place),
	.options = options,
	.count = ARRAY_LEN(options),
};

struct loaded {
	struct policy_conf conf;
	struct arena arena;
	struct diag diag;
	struct rule rule;
	bool ok;
};

static void
load(struct loaded *l, const char *text)
{
	const struct config_row row = { text, "/etc/postern/policy.conf", 12 };
	struct config_origin origin = { NULL, 0 };
	struct config_schema none = { NULL, 0, NULL, 0 };
	struct filter filter = { .schema = &none,
		.daemon_offset = offsetof(struct policy_conf, daemon) };
	struct filter_load load;
	struct rule_load rl;

	memset(l, 0, sizeof(*l));
	load = (struct filter_load){ .filter = &filter, .conf = &l->conf,
		.origins = &origin, .arena = &l->arena, .diag = &l->diag };
	rl = (struct rule_load){ &load, &schema, &row };
	l->ok = rule_read(&rl, &l->rule);
}

static void
clear(struct loaded *l)
{
	condition_free(l->rule.when);
	arena_clear(&l->arena);
	diag_clear(&l->diag);
}

static void
test_all(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "outgoing number=7 text=\"two words\" wait=2h "
	    "since=2026-11-01 weight=-1.5 growth=2.25 ACTION=Reject when=out");
	assert_true(l.ok);
	SPAN_IS(l.rule.name, "outgoing");
	assert_string_equal(l.rule.place, "policy.conf:12");
	SPAN_IS(l.rule.text, "two words");
	assert_int_equal(l.rule.number, 7);
	assert_int_equal(l.rule.seconds, 7200);
	assert_int_equal(l.rule.date, 1793491200);
	assert_int_equal(l.rule.decimal, -150);
	assert_true(l.rule.factor == 2.25);
	assert_int_equal(l.rule.word, 1);
	assert_non_null(l.rule.when);
	clear(&l);
}

static void
test_defaults(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "x\tnumber=1");
	assert_true(l.ok);
	SPAN_IS(l.rule.text, "none");
	assert_int_equal(l.rule.seconds, 300);
	assert_true(l.rule.factor == 1.3);
	assert_int_equal(l.rule.word, 0);
	assert_null(l.rule.when);
	clear(&l);
}

static const struct {
	const char *text, *want;
} wrong[] = {
	{ "", "the first word has to be a name; options" },
	{ "number=1", "the first word has to be a name" },
	{ "x", "number= is missing" },
	{ "x number=0", "number=\"0\": write a number, from 1 to 50" },
	{ "x number=51", "write a number, from 1 to 50" },
	{ "x number=99999999999999999999", "write a number" },
	{ "x number=1 number=2", "number= comes twice" },
	{ "x number=1 nummer=2", "did you mean number=?" },
	{ "x number=1 out", "\"out\" is no option: write name=value" },
	{ "x number=1 colour=2", "there is no option \"colour\"; there are text=, "
	    "number=, wait=, since=, weight=, growth=, action=, when=" },
	{ "x number=1 text=", "write text of 1 to 20" },
	{ "x number=1 text=123456789012345678901", "write text of 1 to 20" },
	{ "x number=1 text=\"open", "a quote (\") is not closed" },
	{ "x number=1 wait=5y", "write a time such as 30s, 5m, 2h, 7d, from 1s "
	    "to 1d" },
	{ "x number=1 since=2026-02-30", "write a date such as 2026-11-25" },
	{ "x number=1 weight=1001", "from -1000 to 1000" },
	{ "x number=1 weight=a", "write a number such as 2, -1.5" },
	{ "x number=1 growth=0.5", "write a number such as 1.3" },
	{ "x number=1 growth=1.", "write a number such as 1.3" },
	{ "x number=1 action=drop", "write one of tempfail, reject" },
	{ "x number=1 when=outt", "did you mean out?" },
	{ "x number=1 when=", "write conditions such as in, out" },
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
		    "/etc/postern/policy.conf:12: error: RateLimit: "));
		if (!diag_has(&l.diag, DIAG_ERROR, wrong[i].want)) {
			diag_print(&l.diag, stderr);
			fail_msg("%s: not \"%s\"", wrong[i].text,
			    wrong[i].want);
		}
		clear(&l);
	}
}

static const struct {
	const char *text;
	int64_t count, period;	/* 0: none */
} rates[] = {
	{ "100/1h", 100, 3600 }, { "5/10m", 5, 600 }, { "1/1s", 1, 1 },
	{ "500/d", 500, 86400 }, { "50/day", 50, 86400 },
	{ "7/hour", 7, 3600 }, { "3/minute", 3, 60 }, { "9/30", 9, 30 },
	{ "2k/1h", 2048, 3600 }, { "500M/1d", 500LL << 20, 86400 },
	{ "0/1h", 0, 0 }, { "100", 0, 0 }, { "100/", 0, 0 }, { "/1h", 0, 0 },
	{ "1/0s", 0, 0 }, { "1/401d", 0, 0 }, { "-1/1h", 0, 0 },
	{ "1/1h/2", 0, 0 }, { "1/dddddddddddddddddddddd", 0, 0 },
};

static void
test_rates(void **state)
{
	int64_t count, period;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rates); i++) {
		ROW_IS(rates[i].text, rule_rate(span_of(rates[i].text),
		    &count, &period) == (rates[i].count != 0));
		if (rates[i].count == 0)
			continue;
		ROW_IS(rates[i].text, count == rates[i].count);
		ROW_IS(rates[i].text, period == rates[i].period);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
