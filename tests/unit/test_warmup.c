/* WarmUp: ramps, groups, what is counted, what the admin is shown. */
#include "tests/unit/counting.h"
#include "tests/unit/tables.h"

#include "milters/policy/control.h"

#include <sysexits.h>

enum { SINCE = NOW };	/* 2027-01-01 */

static void
grows_day_by_day(void **state)
{
	static const struct {
		const char *name;
		double growth;
		int64_t start, max, now, allowance;
	} rows[] = {
		{ "the first second", 1.3, 100, 20000, SINCE, 100 },
		{ "the first day's last", 1.3, 100, 20000, SINCE + DAY - 1,
		    100 },
		{ "the second day", 1.3, 100, 20000, SINCE + DAY, 130 },
		{ "the third day", 1.3, 100, 20000, SINCE + 2 * DAY, 169 },
		{ "rounded down", 1.3, 100, 20000, SINCE + 3 * DAY, 219 },
		{ "not over max", 1.3, 100, 20000, SINCE + 30 * DAY, 20000 },
		{ "no growth", 1, 100, 20000, SINCE + 1000 * DAY, 100 },
		{ "a jump of a day back, before since", 1.3, 100, 20000,
		    SINCE - DAY, 100 },
		{ "a jump to 1970", 1.3, 100, 20000, 0, 100 },
		{ "a jump far ahead", 10, 1, 1000000000, INT64_MAX / 2,
		    1000000000 },
		{ "a slow ramp far ahead", 1.000001, 1, 1000000000,
		    SINCE + 100 * DAY, 1 },
	};
	struct warmup_rule rule = { .since = SINCE };
	size_t i;

	(void)state;
	assert_int_equal(warmup_days(&rule, SINCE - 5 * DAY), 0);
	assert_int_equal(warmup_days(&rule, SINCE + 5 * DAY), 5);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		rule.start = rows[i].start;
		rule.max = rows[i].max;
		rule.growth = rows[i].growth;
		if (warmup_allowance(&rule, rows[i].now) != rows[i].allowance)
			fail_msg("%s: %jd", rows[i].name,
			    (intmax_t)warmup_allowance(&rule, rows[i].now));
	}
}

static int64_t
used(struct policy *p, const char *group)
{
	const struct warmup_rule *rule = warmup_find(&p->conf, span_of(group));
	struct cache_item item;
	struct cache_key name;

	assert_non_null(rule);
	warmup_name(p->conf.cache, rule, NULL, &name);
	warmup_item(&name, test_now, 0, &item);
	cache_get(p->conf.cache, &item, 1);
	return item.number;
}

#define OUT	.user = "alice"

static const struct run runs[] = {
	{ "a group, recipient by recipient, and the next day",
	    "WarmUp a.test,.b.test start=3/day growth=2 max=5 "
	    "since=2027-01-01", {
		{ 0, { OUT, .rcpts = "<1@a.test> <2@x.b.test>" }, 'p', 0 },
		{ 0, { OUT, .rcpts = "<3@a.test> <4@a.test>" }, 'p', 1 },
		{ 0, { OUT, .rcpts = "<5@a.test>" }, 'd', 1 },
		{ 0, { OUT, .rcpts = "<5@b.test> <6@c.test>" }, 'p', 0 },
		{ DAY - 1, { OUT, .rcpts = "<5@A.test>" }, 'd', 1 },
		{ 1, { OUT, .rcpts = "<1@a.test> <2@a.test> <3@a.test> "
		    "<4@a.test> <5@a.test> <6@a.test>" }, 'p', 1 },
	} },
	{ "only outgoing mail",
	    "WarmUp * start=1/day growth=2 max=5 since=2027-01-01", {
		{ 0, { .rcpts = "<1@a.test>" }, 'p', 0 },
		{ 0, { .rcpts = "<2@a.test>" }, 'p', 0 },
		{ 0, { OUT, .rcpts = "<3@a.test>" }, 'p', 0 },
		{ 0, { OUT, .rcpts = "<4@a.test>" }, 'd', 1 },
		{ 0, { .client = "127.0.0.1" }, 'd', 1 },
	} },
	{ "the first row that lists it, * for the rest",
	    "WarmUp a.test start=1/day max=1 since=2027-01-01\n"
	    "WarmUp * start=2/day max=2 since=2027-01-01", {
		{ 0, { OUT, .rcpts = "<1@a.test> <1@b.test>" }, 'p', 0 },
		{ 0, { OUT, .rcpts = "<2@a.test> <2@b.test>" }, 'p', 1 },
		{ 0, { OUT, .rcpts = "<3@a.test> <3@b.test>" }, 'd', 2 },
	} },
	{ "held at the end",
	    "WarmUp * start=2/day max=2 since=2027-01-01 action=quarantine", {
		{ 0, { OUT, .rcpts = "<1@a.test>" }, 'p', 0 },
		{ 0, { OUT, .rcpts = "<2@a.test> <3@a.test>" }, 'q', 0 },
	} },
	{ "a count for each client",
	    "WarmUp * start=1/day max=2 since=2027-01-01 key=client", {
		{ 0, { OUT, .client = "192.0.2.1" }, 'p', 0 },
		{ 0, { OUT, .client = "192.0.2.2" }, 'p', 0 },
		{ 0, { OUT, .client = "192.0.2.1" }, 'd', 1 },
	} },
	{ "of local mail the whole message waits",
	    "WarmUp a.test start=1/day max=2 since=2027-01-01", {
		{ 0, { .is_local = true, .rcpts = "<1@a.test>" }, 'p', 0 },
		{ 0, { .is_local = true, .rcpts = "<2@a.test> <2@b.test>" },
		    'd', 0 },
	} },
	{ "a message that comes again is counted once",
	    "WarmUp * start=2/day max=2 since=2027-01-01", {
		{ 0, { OUT, .id = " <1@x.test>", .rcpts = "<b@a>" }, 'p', 0 },
		{ 0, { OUT, .id = " <1@x.test>", .rcpts = "<b@a>" }, 'p', 0 },
		{ 0, { OUT, .id = " <2@x.test>", .rcpts = "<b@a>" }, 'p', 0 },
		{ 0, { OUT, .id = " <3@x.test>", .rcpts = "<b@a>" }, 'd', 1 },
	} },
	{ "a clock that jumps a day on and back again",
	    "WarmUp * start=1/day growth=2 max=9 since=2027-01-01", {
		{ 0, { OUT, .id = NULL }, 'p', 0 },
		{ DAY, { OUT, .id = NULL }, 'p', 0 },
		{ 0, { OUT, .id = NULL }, 'p', 0 },
		{ 0, { OUT, .id = NULL }, 'd', 1 },
		{ -DAY, { OUT, .id = NULL }, 'd', 1 },
		{ -DAY, { OUT, .id = NULL }, 'p', 0 },
		{ 0, { OUT, .id = NULL }, 'd', 1 },
	} },
	{ "a condition known at the end only",
	    "WarmUp * start=1/day max=2 since=2027-01-01 when=dkim=pass", {
		{ 0, { OUT, .results = " mx.example; dkim=pass "
		    "header.d=d.test" }, 'p', 0 },
		{ 0, { OUT, .results = NULL }, 'p', 0 },
		{ 0, { OUT, .results = " mx.example; dkim=pass "
		    "header.d=d.test" }, 'd', 0 },
	} },
};

static void
holds_the_ramp(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(runs); i++)
		run_steps(&runs[i]);
}

static void
gives_back_what_does_not_pass(void **state)
{
	struct mail mail = { OUT, .rcpts = "<1@a.test> <1@b.test>" };
	struct policy p;

	(void)state;
	policy_start(&p,
	    "WarmUp a.test start=5/day max=5 since=2027-01-01\n"
	    "WarmUp b.test start=1/day max=1 since=2027-01-01 when=!dkim=fail\n"
	    "RateLimit x key=client limit=3/1d when=!dkim=fail "
	    "action=tempfail");
	assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(used(&p, "a-test"), 1);
	/* Over b's, which is known at the end only. */
	assert_int_equal(verdict(&p, &mail), 'd');
	assert_int_equal(used(&p, "a-test"), 1);
	assert_int_equal(used(&p, "b-test"), 1);
	mail.rcpts = "<1@a.test>";
	assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(used(&p, "a-test"), 3);
	/* Over the rate. */
	assert_int_equal(verdict(&p, &mail), 'd');
	assert_int_equal(used(&p, "a-test"), 3);
	p.conf.is_trial = true;
	assert_int_equal(verdict(&p, &mail), 'd');
	assert_int_equal(used(&p, "a-test"), 3);
	policy_close(&p);
}

static void
shows_use_and_postfix_lines(void **state)
{
	struct mail mail = { OUT, .rcpts = "<1@a.test>" };
	struct policy p;

	(void)state;
	policy_start(&p,
	    "WarmUp a.test,.b.test,!x.b.test name=ab start=50/day growth=1 "
	    "max=130 since=2020-02-29\n"
	    "WarmUp * start=5/day max=200000 growth=10 since=2020-01-01 "
	    "key=client");
	test_now = clock_wall();
	verdict(&p, &mail);
	assert_non_null(strstr(ask(&p, "warmup show ab", EX_OK),
	    "# ab (policy.conf:1): today's allowance 50 recipients, used 1\n"));
	assert_non_null(strstr(ask(&p, "warmup show ab", EX_OK),
	    ", since 2020-02-29, growth 1, at most 130\n"
	    "# transport\n"
	    "a.test\tab:\n"
	    ".b.test\tab:\n"
	    "x.b.test\t:\n"
	    "# main.cf\n"
	    "ab_destination_rate_delay = 1728s\n"
	    "ab_destination_concurrency_limit = 1\n"
	    "# master.cf\n"
	    "ab unix - - n - - smtp\n"));
	assert_non_null(strstr(ask(&p, "warmup show", EX_OK),
	    "# all (policy.conf:2): today's allowance 200000 recipients, "
	    "used: name a key to see\n"));
	assert_non_null(strstr(ask(&p, "warmup show", EX_OK),
	    "*\tall:\n# main.cf\nall_destination_rate_delay = 0s\n"));
	assert_non_null(strstr(ask(&p, "warmup show all 192.0.2.9", EX_OK),
	    "used 0\n"));
	assert_non_null(strstr(ask(&p, "warmup show --json", EX_OK),
	    "[{\"name\": \"ab\", \"domains\": \"a.test,.b.test,!x.b.test\", "
	    "\"place\": \"policy.conf:1\", \"day\": "));
	assert_non_null(strstr(ask(&p, "warmup show ab --json", EX_OK),
	    "\"allowance\": 50, \"used\": 1, \"known\": true, "
	    "\"max\": 130, \"destination_rate_delay\": 1728}]\n"));
	ask(&p, "warmup show ab 192.0.2.9", EX_USAGE);
	ask(&p, "warmup show all nonsense", EX_USAGE);
	ask(&p, "warmup show none", EX_USAGE);
	ask(&p, "warmup show --all", EX_USAGE);
	ask(&p, "warmup", EX_USAGE);
	policy_close(&p);
}

static void
a_file_of_domains(void **state)
{
	struct mail mail = { OUT, .rcpts = "<1@a.test>" };
	struct strbuf rows = STRBUF_INIT;
	struct policy p;

	(void)state;
	scratch_write("big.domains", SPAN_LIT("# two\na.test\nb.test\n"),
	    0600);
	strbuf_addf(&rows, "WarmUp file:%s start=1/day max=9 "
	    "since=2027-01-01", scratch_path("big.domains"));
	policy_start(&p, rows.s);
	assert_int_equal(verdict(&p, &mail), 'p');
	mail.rcpts = "<1@b.test>";
	assert_int_equal(verdict(&p, &mail), 'd');
	assert_non_null(strstr(ask(&p, "warmup show big-domains", EX_OK),
	    "a.test\tbig-domains:\nb.test\tbig-domains:\n"));
	strbuf_clear(&rows);
	policy_close(&p);
}

static void
tells_every_wrong_row(void **state)
{
	static const struct {
		const char *rows, *says;
	} rows[] = {
		{ "WarmUp a.test start=5/hour max=9 since=2027-01-01",
		    "policy.conf:1: error: WarmUp: start=\"5/hour\": write a "
		    "number a day" },
		{ "WarmUp a.test start=10/day max=9 since=2027-01-01",
		    "start= is more than max=" },
		{ "WarmUp a.test start=1/day max=9", "since= is missing" },
		{ "WarmUp a.test start=1/day max=9 since=2027-02-30",
		    "since=" },
		{ "WarmUp a.test start=1/day max=9 growth=0.5 "
		    "since=2027-01-01", "growth=" },
		{ "WarmUp a.test start=1/day max=9 growth=11 "
		    "since=2027-01-01", "growth=" },
		{ "WarmUp a..test start=1/day max=9 since=2027-01-01",
		    "policy.conf:1: error: WarmUp: \"a..test\"" },
		{ "WarmUp file:/nowhere/x start=1/day max=9 since=2027-01-01",
		    "/nowhere/x" },
		{ "WarmUp a.test start=1/day max=9 since=2027-01-01 "
		    "name=a.b", "name=\"a.b\"" },
		{ "WarmUp a.test start=1/day max=9 since=2027-01-01 "
		    "key=rcpt", "key=\"rcpt\": recipients are" },
		{ "WarmUp a.test start=1/day max=9 since=2027-01-01 "
		    "key=nobody", "key=\"nobody\": write one" },
		{ "WarmUp a.test start=1/day max=9 since=2027-01-01\n"
		    "WarmUp a.test,b.test start=1/day max=9 since=2027-01-01",
		    "policy.conf:2: error: WarmUp: the name \"a-test\" is "
		    "taken by policy.conf:1; write another one with name=" },
	};
	struct strbuf text = STRBUF_INIT;
	struct policy p;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		policy_open(&p, rows[i].rows);
		strbuf_reset(&text);
		diag_text(&p.diag, &text);
		if (strstr(strbuf_str(&text), rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].rows, strbuf_str(&text));
		ROW_IS(rows[i].rows, diag_failed(&p.diag));
		policy_close(&p);
	}
	strbuf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_day_by_day),
		cmocka_unit_test(holds_the_ramp),
		cmocka_unit_test(gives_back_what_does_not_pass),
		cmocka_unit_test(shows_use_and_postfix_lines),
		cmocka_unit_test(a_file_of_domains),
		cmocka_unit_test(tells_every_wrong_row),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
