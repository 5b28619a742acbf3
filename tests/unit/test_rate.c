/* RateLimit: what is counted, when it is refused, what the admin can do. */
#include "tests/unit/counting.h"
#include "tests/unit/tables.h"

#include "milters/policy/alert.h"
#include "milters/policy/control.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <sysexits.h>

/* What is counted of that rule and key at test_now. */
static int64_t
counted(struct policy *p, const char *rule, const char *key)
{
	struct cache_item items[RATE_ITEMS];
	const struct rate_rule *found = rate_find(&p->conf, span_of(rule));
	struct span word = span_of(key), values[KEYPARTS_MAX];
	struct strbuf err = STRBUF_INIT;
	struct rate_use use;
	struct cache_key name;

	assert_non_null(found);
	assert_true(keyparts_parse(&found->key, &word, 1, &p->arena, values,
	    &err));
	rate_name(p->conf.cache, found, values, &name);
	cache_get(p->conf.cache, items, rate_items(found, &name, test_now, 0,
	    items));
	rate_read(found, items, &use);
	return use.count;
}

/* ---- what is counted ---- */

#define B	"<b@example.net>"

static const struct run runs[] = {
	{ "a user's messages, and no others'",
	    "RateLimit out key=sasl-user limit=2/1h action=tempfail", {
		{ 0, { .user = "alice" }, 'p', 0 },
		{ 60, { .user = "ALICE" }, 'p', 0 },
		{ 60, { .user = "alice" }, 'd', 1 },
		{ 0, { .user = "bob" }, 'p', 0 },
		{ 0, { .user = NULL }, 'p', 0 },
		{ HOUR - 120, { .user = "alice" }, 'd', 1 },
		{ HOUR / 8 + 1, { .user = "alice" }, 'p', 0 },
	} },
	{ "reject",
	    "RateLimit x key=client limit=1/1h action=reject", {
		{ 0, { .client = "192.0.2.1" }, 'p', 0 },
		{ 0, { .client = "192.0.2.1" }, 'r', 1 },
		{ 0, { .client = "192.0.2.2" }, 'p', 0 },
		{ 0, { .client = "2001:db8::1" }, 'p', 0 },
	} },
	{ "a network",
	    "RateLimit x key=client-net limit=1/1h action=reject", {
		{ 0, { .client = "192.0.2.1" }, 'p', 0 },
		{ 0, { .client = "192.0.2.2" }, 'r', 1 },
		{ 0, { .client = "2001:db8::1" }, 'p', 0 },
		{ 0, { .client = "2001:db8::2:1" }, 'r', 1 },
		{ 0, { .client = "2001:db8:0:1::1" }, 'p', 0 },
	} },
	{ "what is tagged is counted, and held mail too",
	    "RateLimit t key=client limit=1/1h action=tag\n"
	    "RateLimit q key=client limit=2/1h action=quarantine\n"
	    "RateLimit d key=client limit=3/1h action=tempfail", {
		{ 0, { .id = NULL }, 'p', 0 },
		{ 0, { .id = NULL }, 't', 0 },
		{ 0, { .id = NULL }, 'q', 0 },
		{ 0, { .id = NULL }, 'd', 1 },
		{ 0, { .id = NULL }, 'd', 1 },
	} },
	{ "recipients, one by one",
	    "RateLimit x key=client count=recipients limit=3/1h "
	    "action=tempfail", {
		{ 0, { .rcpts = "<1@a.test> <2@a.test>" }, 'p', 0 },
		{ 0, { .rcpts = "<3@a.test> <4@a.test> <5@a.test>" }, 'p', 2 },
		{ 0, { .rcpts = "<6@a.test>" }, 'd', 1 },
	} },
	{ "recipients that the condition is about",
	    "RateLimit x key=client count=recipients limit=1/1h "
	    "when=rcpt-domain=a.test action=tempfail", {
		{ 0, { .rcpts = "<1@b.test> <2@b.test> <3@a.test>" }, 'p', 0 },
		{ 0, { .rcpts = "<1@b.test> <2@b.test> <4@a.test>" }, 'p', 1 },
	} },
	{ "each recipient's domain is one, however many there are",
	    "RateLimit x key=rcpt-domain limit=2/1h action=tempfail", {
		{ 0, { .rcpts = "<1@a.test> <2@a.test> <3@a.test>" }, 'p', 0 },
		{ 0, { .rcpts = "<1@b.test> <2@A.test>" }, 'p', 0 },
		{ 0, { .rcpts = "<1@b.test> <2@a.test>" }, 'p', 1 },
		{ 0, { .rcpts = "<1@b.test>" }, 'd', 1 },
	} },
	{ "a recipient, whatever the extension",
	    "RateLimit x key=mail-from+rcpt limit=1/1h action=tempfail", {
		{ 0, { .rcpts = B }, 'p', 0 },
		{ 0, { .rcpts = "<B+x@example.net>" }, 'd', 1 },
		{ 0, { .rcpts = B, .sender = "<>" }, 'p', 0 },
		{ 0, { .rcpts = B, .sender = "<>" }, 'd', 1 },
	} },
	{ "bytes, at the end",
	    "RateLimit x key=client count=bytes limit=2k/1h action=tempfail", {
		{ 0, { .size = 1000 }, 'p', 0 },
		{ 0, { .size = 1000 }, 'd', 0 },
		{ 0, { .size = 500 }, 'p', 0 },
		{ 0, { .size = 3000 }, 'd', 0 },
	} },
	{ "domains that signed",
	    "RateLimit x key=dkim-domain limit=1/1h action=reject", {
		{ 0, { .results = " mx.example; dkim=pass header.d=d.test; "
		    "dkim=pass header.d=d.test" }, 'p', 0 },
		{ 0, { .results = " mx.example; dkim=pass header.d=e.test; "
		    "dkim=fail header.d=d.test" }, 'p', 0 },
		{ 0, { .results = " mx.example; dkim=pass header.d=f.test; "
		    "dkim=pass header.d=d.test" }, 'r', 0 },
		{ 0, { .results = " mx.example; dkim=pass header.d=f.test" },
		    'p', 0 },
		{ 0, { .results = NULL }, 'p', 0 },
	} },
	{ "a condition that is known later",
	    "RateLimit x key=client limit=1/1h when=dkim=fail action=reject", {
		{ 0, { .results = " mx.example; dkim=fail header.d=e.test" },
		    'p', 0 },
		{ 0, { .results = " mx.example; dkim=fail header.d=e.test" },
		    'r', 0 },
		{ 0, { .results = " mx.example; dkim=pass header.d=e.test" },
		    'p', 0 },
	} },
	{ "no recipient of local mail is refused alone",
	    "RateLimit x key=mail-from limit=1/1h action=reject", {
		{ 0, { .is_local = true }, 'p', 0 },
		{ 0, { .is_local = true }, 'r', 0 },
	} },
	{ "bursts",
	    "RateLimit x key=client limit=10/8h burst=2 action=tempfail", {
		{ 0, { .id = NULL }, 'p', 0 },
		{ 0, { .id = NULL }, 'p', 0 },
		{ 0, { .id = NULL }, 'd', 1 },
		{ 2 * HOUR, { .id = NULL }, 'p', 0 },
	} },
	{ "a clock that jumps a day on: a fresh window",
	    "RateLimit x key=client limit=1/1h action=tempfail", {
		{ 0, { .id = NULL }, 'p', 0 },
		{ 0, { .id = NULL }, 'd', 1 },
		{ DAY, { .id = NULL }, 'p', 0 },
		{ 0, { .id = NULL }, 'd', 1 },
	} },
	{ "a clock that jumps a day back: a fresh window, not none",
	    "RateLimit x key=client limit=1/1h action=tempfail", {
		{ 0, { .id = NULL }, 'p', 0 },
		{ -DAY, { .id = NULL }, 'p', 0 },
		{ 0, { .id = NULL }, 'd', 1 },
		{ HOUR + HOUR / 8 + 1, { .id = NULL }, 'p', 0 },
	} },
	{ "a message that comes again is counted once, and never refused",
	    "RateLimit x key=client limit=2/1d action=reject", {
		{ 0, { .id = " <1@x.test>", .rcpts = B }, 'p', 0 },
		{ 0, { .id = " <1@x.test>", .rcpts = B }, 'p', 0 },
		{ 0, { .id = " <2@x.test>", .rcpts = B }, 'p', 0 },
		{ 0, { .id = " <1@x.test>", .rcpts = B }, 'p', 0 },
		/* Only at its end it is known to be another one. */
		{ 0, { .id = " <3@x.test>", .rcpts = B }, 'r', 0 },
		{ 0, { .id = " <3@x.test>", .rcpts = "<c@a>" }, 'r', 1 },
		{ 0, { .id = " <1@x.test>", .rcpts = "<c@a>" }, 'r', 1 },
	} },
	{ "but not for ever",
	    "RateLimit x key=client limit=2/1d action=tempfail", {
		{ 0, { .id = " <1@x.test>", .rcpts = B }, 'p', 0 },
		{ HOUR + 1, { .id = " <1@x.test>", .rcpts = B }, 'p', 0 },
		{ 2 * HOUR, { .id = " <2@x.test>", .rcpts = B }, 'd', 1 },
	} },
	{ "to others it is another one",
	    "RateLimit x key=client limit=2/1d action=tempfail", {
		{ 0, { .id = " <1@x.test>", .rcpts = "<1@a> <2@a>" }, 'p', 0 },
		{ 0, { .id = " <1@x.test>", .rcpts = "<2@a> <1@a>" }, 'p', 0 },
		{ 0, { .id = " <1@x.test>", .rcpts = "<2@a>" }, 'p', 0 },
		{ 0, { .id = " <1@x.test>", .rcpts = "<1@a>" }, 'd', 1 },
	} },
};

static void
counts_what_passes(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(runs); i++)
		run_steps(&runs[i]);
}

static void
what_is_refused_is_not_counted(void **state)
{
	struct mail mail = { .user = "alice" };
	struct policy p;
	int i;

	(void)state;
	policy_start(&p,
	    "RateLimit many key=sasl-user limit=100/1h action=tempfail\n"
	    "RateLimit net key=client limit=2/1d when=!dkim=pass "
	    "action=reject");
	for (i = 0; i < 5; i++)
		assert_int_equal(verdict(&p, &mail), i < 2 ? 'p' : 'r');
	assert_int_equal(counted(&p, "many", "alice"), 2);
	assert_int_equal(counted(&p, "net", "192.0.2.1"), 2);
	policy_close(&p);
}

/* A message that others refuse before its end was never counted; what is only
 * monitored passes, and is. */
static void
monitored_messages_are_counted(void **state)
{
	struct mail mail = { .user = "alice" };
	struct policy p;
	int i;

	(void)state;
	policy_start(&p,
	    "RateLimit many key=sasl-user limit=2/1h action=tempfail");
	p.conf.all_monitored = true;
	for (i = 0; i < 5; i++)
		assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(counted(&p, "many", "alice"), 5);
	policy_close(&p);
}

static void
one_message_repeated_is_no_way_around(void **state)
{
	struct mail mail = { .id = " <1@x.test>", .rcpts = B };
	struct policy p;
	int i;

	(void)state;
	policy_start(&p, "RateLimit x key=client limit=3/1d action=tempfail");
	for (i = 0; i < 1 + RETRY_FREE; i++)
		assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(counted(&p, "x", "192.0.2.1"), 1);
	assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(counted(&p, "x", "192.0.2.1"), 3);
	assert_int_equal(verdict(&p, &mail), 'd');
	p.conf.retry_memory = 0;
	mail.client = "192.0.2.2";
	for (i = 0; i < 4; i++)
		assert_int_equal(verdict(&p, &mail), i < 3 ? 'p' : 'd');
	policy_close(&p);
}

/* Nobody is counted for more than the bound, and nobody slips by it. */
static void
a_crowd_is_over_the_limit(void **state)
{
	struct strbuf rcpts = STRBUF_INIT;
	struct mail mail = { .id = NULL };
	struct outcome out;
	struct policy p;
	int i;

	(void)state;
	policy_start(&p, "RateLimit x key=rcpt limit=100/1d action=tempfail");
	for (i = 0; i < IDENTITIES_MAX; i++)
		strbuf_addf(&rcpts, "<u%d@example.net> ", i);
	mail.rcpts = rcpts.s;
	assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(counted(&p, "x", "u999@example.net"), 1);
	strbuf_adds(&rcpts, "<one@example.net> <more@example.net>");
	mail.rcpts = rcpts.s;
	out = pass(&p, &mail);
	assert_int_equal(out.verdict, 'd');
	assert_int_equal(out.refused, 0);
	assert_string_equal(out.reason,
	    "the message is to be counted for more than 1000");
	assert_int_equal(counted(&p, "x", "u999@example.net"), 1);
	strbuf_clear(&rcpts);
	policy_close(&p);
}

static void
a_trial_counts_nothing(void **state)
{
	struct mail mail = { .user = "alice" };
	struct policy p;

	(void)state;
	policy_start(&p,
	    "RateLimit x key=sasl-user limit=1/1h action=quarantine");
	p.conf.is_trial = true;
	assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(counted(&p, "x", "alice"), 0);
	p.conf.is_trial = false;
	assert_int_equal(verdict(&p, &mail), 'p');
	p.conf.is_trial = true;
	assert_int_equal(verdict(&p, &mail), 'q');
	assert_int_equal(counted(&p, "x", "alice"), 1);
	policy_close(&p);
}

static void
tells_the_log_whom_and_the_client_how_long(void **state)
{
	struct mail mail = { .user = "al\\ice" };
	struct outcome out;
	struct policy p;

	(void)state;
	policy_start(&p, "RateLimit x key=sasl-user limit=1/8m "
	    "action=tempfail\n"
	    "RateLimit r key=helo limit=9/1d burst=1 action=reject");
	assert_int_equal(verdict(&p, &mail), 'p');
	out = pass(&p, &mail);
	assert_string_equal(out.reason, "al\\ice: 2 messages, limit 1/8m");
	assert_string_equal(out.text,
	    "Too many messages (limit x); try again in 540 seconds");
	mail.user = NULL;
	out = pass(&p, &mail);
	assert_int_equal(out.verdict, 'r');
	assert_string_equal(out.reason,
	    "client.example: 2 messages, burst 1/1d");
	assert_string_equal(out.text, "Too many messages (limit r)");
	policy_close(&p);
}

static void
without_the_cache(void **state)
{
	struct cache_options options = {
		.spec = "memcached /nowhere/of/postern/socket",
		.clock = test_clock, .wall = test_wall,
	};
	struct strbuf err = STRBUF_INIT;
	struct mail mail = { .user = "alice" };
	struct outcome out;
	struct policy p;
	int i;

	(void)state;
	policy_start(&p,
	    "RateLimit open key=sasl-user limit=3/1h action=reject\n"
	    "RateLimit shut key=client limit=99/1h when=!authenticated "
	    "action=tag on-error=tempfail");
	cache_close(p.conf.cache);
	options.secret.octets[0] = 1;
	p.conf.cache = cache_open(&options, &err);
	strbuf_clear(&err);
	if (p.conf.cache == NULL) {
		policy_close(&p);
		skip();		/* a build without memcached */
	}
	for (i = 0; i < 5; i++)
		assert_int_equal(verdict(&p, &mail), i < 3 ? 'p' : 'r');
	mail.user = NULL;
	out = pass(&p, &mail);
	assert_int_equal(out.verdict, 'd');
	assert_string_equal(out.reason, "the cache does not answer");
	policy_close(&p);
}

/* ---- alerts ---- */

static void
make_command(const char *body)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "#!/bin/sh\n");
	strbuf_addspan(&text, scratch_text(body));
	scratch_write("command", strbuf_span(&text), 0700);
	strbuf_clear(&text);
}

/* What the command writes; waits for it. */
static void
read_fifo(char *text, size_t size)
{
	int fd = open(scratch_path("fifo"), O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd);
}

/* Until a child has ended, without taking it from the module. */
static void
wait_for_end(void)
{
	siginfo_t info;

	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
}

static void
the_first_overrun_is_told(void **state)
{
	struct mail mail = { .user = "al\nice" };
	char text[1000];
	struct policy p;

	(void)state;
	policy_start(&p, "RateLimit x key=sasl-user limit=1/1h "
	    "count=recipients action=tag alert=yes");
	assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
	make_command("env | grep POSTERN_ | sort > DIR/fifo\n");
	p.conf.alert_command = scratch_path("command");
	log_open("test", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	verdict(&p, &mail);
	assert_int_equal(alert_tick(0), 0);
	assert_int_equal(verdict(&p, &mail), 't');
	read_fifo(text, sizeof(text));
	assert_string_equal(text, "POSTERN_COUNT=2\nPOSTERN_KEY=al\\x0aice\n"
	    "POSTERN_LIMIT=1\nPOSTERN_PERIOD=3600\nPOSTERN_QUEUE_ID=4X0000\n"
	    "POSTERN_RULE=x\n");
	wait_for_end();
	assert_int_equal(alert_tick(clock_monotonic_ms()), 0);
	/* Not again in this period; in the next one. */
	verdict(&p, &mail);
	assert_int_equal(alert_tick(0), 0);
	test_now += 2 * HOUR;
	verdict(&p, &mail);
	assert_int_equal(alert_tick(0), 0);
	verdict(&p, &mail);
	read_fifo(text, sizeof(text));
	wait_for_end();
	assert_int_equal(alert_tick(0), 0);
	assert_int_equal(unlink(scratch_path("fifo")), 0);
	policy_close(&p);
}

static void
a_command_that_hangs_is_killed(void **state)
{
	const struct alert alert = { .rule = SPAN_LIT("x"),
	    .key = SPAN_LIT("k"), .queue_id = SPAN_LIT("") };
	char command[128];
	int i;

	(void)state;
	log_open("test", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	make_command("sleep 1000 &\nwait\n");
	snprintf(command, sizeof(command), "%s", scratch_path("command"));
	for (i = 0; i < ALERTS_MAX + 2; i++)
		alert_raise(command, &alert, 1000);
	assert_int_equal(alert_tick(1000), ALERTS_MAX);
	assert_int_equal(alert_tick(60999), ALERTS_MAX);
	alert_tick(61000);
	while (alert_tick(61001) != 0)
		wait_for_end();
	alert_raise("/nowhere/command", &alert, 2000);
	assert_int_equal(alert_tick(2000), 0);
}

/* ---- the admin's command ---- */

static void
shows_releases_and_sets(void **state)
{
	struct mail mail = { .user = "alice" };
	struct policy p;

	(void)state;
	policy_start(&p,
	    "RateLimit out key=sasl-user limit=2/1h action=tempfail\n"
	    "RateLimit to key=sasl-user+rcpt-domain limit=9/1h burst=5 "
	    "count=recipients action=tag");
	test_now = clock_wall();
	verdict(&p, &mail);
	verdict(&p, &mail);
	assert_string_equal(ask(&p, "limit show", EX_OK),
	    "out\tlimit=2/1h count=messages key=sasl-user (policy.conf:1)\n"
	    "to\tlimit=9/1h count=recipients key=sasl-user+rcpt-domain "
	    "(policy.conf:2)\n");
	assert_non_null(strstr(ask(&p, "limit show out ALICE", EX_OK),
	    "key     alice\ncount   2 messages in 3600 seconds\nlimit   2\n"
	    "free    in "));
	assert_non_null(strstr(ask(&p, "limit show to alice example.net",
	    EX_OK), "burst   2 of 5\nfree    now\n"));
	assert_non_null(strstr(ask(&p, "limit show to alice+Example.NET "
	    "--json", EX_OK), "{\"rule\": \"to\", \"key\": "
	    "\"alice+example.net\", \"counts\": \"recipients\", "
	    "\"count\": 2, \"limit\": 9, \"set\": false, \"period\": 3600,"));
	assert_int_equal(verdict(&p, &mail), 'd');
	assert_string_equal(ask(&p, "limit set out alice 3 --for=1d", EX_OK),
	    "out: alice has limit 3 for 86400 seconds\n");
	assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(verdict(&p, &mail), 'd');
	assert_non_null(strstr(ask(&p, "limit show out alice", EX_OK),
	    "limit   3, set for this key\n"));
	ask(&p, "limit release out alice", EX_OK);
	assert_int_equal(counted(&p, "out", "alice"), 0);
	assert_int_equal(counted(&p, "to", "alice+example.net"), 3);
	assert_int_equal(verdict(&p, &mail), 'p');
	ask(&p, "limit set out alice 0", EX_OK);
	assert_int_equal(verdict(&p, &mail), 'd');
	assert_non_null(strstr(ask(&p, "limit show out alice", EX_OK),
	    "free    never: the limit is 0\n"));
	ask(&p, "limit set out alice default", EX_OK);
	assert_int_equal(verdict(&p, &mail), 'p');
	assert_int_equal(verdict(&p, &mail), 'd');
	policy_close(&p);
}

static void
tells_what_is_wrong_with_a_command(void **state)
{
	static const struct {
		const char *command, *says;
	} rows[] = {
		{ "limit", "usage: postern limit show" },
		{ "limit drop x", "usage: postern limit show" },
		{ "limit show nobody", "there is no RateLimit nobody" },
		{ "limit show nobody x", "there is no RateLimit nobody" },
		{ "limit release out", "usage: " },
		{ "limit set out alice", "usage: " },
		{ "limit set out alice many", "write a number, or default" },
		{ "limit set out alice 5 --for=ever", "no such option" },
		{ "limit show out alice example.com", "write the key as "
		    "sasl-user" },
		{ "limit show out \\\x07", "key     \\\\\\x07\n" },
	};
	struct policy p;
	size_t i;

	(void)state;
	policy_start(&p,
	    "RateLimit out key=sasl-user limit=2/1h action=tempfail");
	for (i = 0; i < ARRAY_LEN(rows); i++)
		ROW_IS(rows[i].command, strstr(ask(&p, rows[i].command,
		    i + 1 < ARRAY_LEN(rows) ? EX_USAGE : EX_OK),
		    rows[i].says) != NULL);
	policy_close(&p);
}

/* ---- load ---- */

static void
tells_every_wrong_row(void **state)
{
	static const struct {
		const char *rows, *says;
		enum diag_level level;
	} rows[] = {
		{ "RateLimit x key=clients limit=1/1h action=tag",
		    "policy.conf:1: error: RateLimit: key=\"clients\": did you "
		    "mean client?", DIAG_ERROR },
		{ "RateLimit x key=client limit=0/1h action=tag",
		    "limit=\"0/1h\": write a number and a time", DIAG_ERROR },
		{ "RateLimit x key=client limit=1/400d action=tag",
		    "at most 350d", DIAG_ERROR },
		{ "RateLimit x key=client limit=999999999999/1h action=tag",
		    "limit=", DIAG_ERROR },
		{ "RateLimit x key=client limit=5 action=tag", "limit=\"5\"",
		    DIAG_ERROR },
		{ "RateLimit x key=client limit=5/1h", "action= is missing",
		    DIAG_ERROR },
		{ "RateLimit x key=client limit=5/1h burst=0 action=tag",
		    "burst=\"0\"", DIAG_ERROR },
		{ "RateLimit x key=client limit=5/1h burst=5 action=tag",
		    "burst= has no effect", DIAG_WARNING },
		{ "RateLimit x!y key=client limit=5/1h action=tag",
		    "\"x!y\" is no name", DIAG_ERROR },
		{ "RateLimit key=client limit=5/1h action=tag",
		    "the first word", DIAG_ERROR },
		{ "RateLimit x key=client limit=5/1h action=tag\n"
		    "RateLimit x key=helo limit=5/1h action=tag",
		    "policy.conf:2: error: RateLimit: the name \"x\" is taken "
		    "by policy.conf:1", DIAG_ERROR },
		{ "RateLimit x key=client limit=5/1h action=tag when=nothing",
		    "when=", DIAG_ERROR },
	};
	struct strbuf text = STRBUF_INIT;
	struct policy p;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		policy_open(&p, rows[i].rows);
		strbuf_reset(&text);
		diag_text(&p.diag, &text);
		ROW_IS(rows[i].rows, strstr(strbuf_str(&text), rows[i].says) !=
		    NULL);
		ROW_IS(rows[i].rows, diag_failed(&p.diag) ==
		    (rows[i].level == DIAG_ERROR));
		policy_close(&p);
	}
	strbuf_clear(&text);
}

static void
knows_what_a_rule_needs(void **state)
{
	static const struct {
		const char *row;
		bool body;
		enum policy_stage stage;
		bool per_recipient;
	} rows[] = {
		{ "key=client limit=5/1h action=tag", false, POLICY_RCPT,
		    false },
		{ "key=rcpt limit=5/1h action=tag", false, POLICY_RCPT, true },
		{ "key=client limit=5M/1h count=bytes action=tag", true,
		    POLICY_RCPT, false },
		{ "key=dkim-domain limit=5/1h action=tag", false,
		    POLICY_HEADERS, false },
		{ "key=client limit=5/day when=score>3 action=tag", false,
		    POLICY_END, true },
		{ "key=client limit=5/d count=recipients action=tag", false,
		    POLICY_RCPT, true },
	};
	char text[200];
	struct policy p;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(text, sizeof(text), "RateLimit x %s", rows[i].row);
		policy_start(&p, text);
		ROW_IS(text, p.conf.wants_header);
		ROW_IS(text, p.conf.wants_body == rows[i].body);
		ROW_IS(text, p.conf.rates[0].stage == rows[i].stage);
		ROW_IS(text, p.conf.rates[0].is_per_recipient ==
		    rows[i].per_recipient);
		policy_close(&p);
	}
}

/* At the end only the newest part of the window is asked for, and the message
 * itself; a part that began meanwhile makes it the whole window again. */
static void
asks_once_for_what_is_over(void **state)
{
	struct cache_stats before, after;
	struct policy p;

	(void)state;
	policy_start(&p, "RateLimit x key=client limit=9/1h action=tempfail");
	cache_count(p.conf.cache, &before);
	assert_int_equal(pass(&p, &(struct mail){ .id = NULL }).verdict, 'p');
	cache_count(p.conf.cache, &after);
	/* RCPT: nine parts and "limit set"; the message's own, read and
	 * counted; the newest part. */
	assert_int_equal(after.hits + after.misses - before.hits -
	    before.misses, 10 + 2 + 1);
	policy_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_passes),
		cmocka_unit_test(what_is_refused_is_not_counted),
		cmocka_unit_test(monitored_messages_are_counted),
		cmocka_unit_test(one_message_repeated_is_no_way_around),
		cmocka_unit_test(a_crowd_is_over_the_limit),
		cmocka_unit_test(a_trial_counts_nothing),
		cmocka_unit_test(tells_the_log_whom_and_the_client_how_long),
		cmocka_unit_test(without_the_cache),
		cmocka_unit_test(the_first_overrun_is_told),
		cmocka_unit_test(a_command_that_hangs_is_killed),
		cmocka_unit_test(asks_once_for_what_is_over),
		cmocka_unit_test(shows_releases_and_sets),
		cmocka_unit_test(tells_what_is_wrong_with_a_command),
		cmocka_unit_test(tells_every_wrong_row),
		cmocka_unit_test(knows_what_a_rule_needs),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
