/*
 * Reputation: what counts make of the score, what messages make of counts, and
 * additions that nobody waits for.
 */
#include "tests/unit/policy_run.h"

#include "milters/policy/learn.h"
#include "milters/policy/reputation.h"

#include <sys/socket.h>
#include <sys/un.h>

enum { DAY = 86400 };

#define OURS	"Authentication-Results: mx.test; "

/* ---- numbers ---- */

static void
test_weights(void **state)
{
	static const struct row {
		const char *name;
		double good, bad;
		int32_t weight, bad_weight, want;
	} rows[] = {
		{ "nothing known", 0, 0, -200, 200, 0 },
		{ "below the minimum", 4.9, 0, -200, 200, 0 },
		{ "a few good ones", 5, 0, -200, 200, -100 },
		{ "many good ones", 1e6, 0, -200, 200, -200 },
		{ "a few bad ones", 0, 5, -200, 300, 150 },
		{ "many bad ones", 0, 1e6, -200, 300, 300 },
		{ "as many of both", 50, 50, -200, 300, 0 },
		{ "more good than bad", 70, 25, -200, 300, -90 },
		{ "more bad than good", 25, 70, -200, 300, 135 },
		{ "no weight for the bad", 0, 100, -200, 0, 0 },
		{ "the largest of all", 4294967, 0, -POLICY_WEIGHT_MAX, 0,
		    -POLICY_WEIGHT_MAX },
	};
	struct reputation row = { .minimum = 5 };
	struct decay decay;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		decay = (struct decay){ rows[i].good, rows[i].bad, 0 };
		row.weight = rows[i].weight;
		row.bad_weight = rows[i].bad_weight;
		ROW_IS(rows[i].name, reputation_weight(&row, &decay) ==
		    rows[i].want);
	}
}

/* ---- postern reputation ---- */

static void
test_control(void **state)
{
	static const struct snapshot_override settings[] = {
		{ "Reputation", "client-net weight=-2 bad-weight=4" },
	};
	static const struct run_command rows[] = {
		{ "reputation show client-net 192.0.2.1", 0,
		    "client-net 192.0.2.0/24: 0.00 good, 0.00 bad" },
		{ "reputation learn client-net 192.0.2.1 good 20", 0,
		    "20.00 good, 0.00 bad, ratio 0.800, good\n" },
		{ "reputation learn client-net 192.0.2.0/24 bad", 0,
		    "1.00 bad" },
		{ "reputation show client-net 192.0.2.99 --json", 0,
		    "\"name\": \"192.0.2.0/24\"" },
		{ "reputation show client-net 192.0.2.99 --json", 0,
		    "\"bad_thousandths\": 1000" },
		{ "reputation show client-net 2001:db8::1", 0,
		    "client-net 2001:db8::/64: 0.00 good" },
		{ "reputation forget client-net 192.0.2.1", 0,
		    "0.00 good, 0.00 bad" },
		{ "reputation show client-net 192.0.2.1", 0, "0.00 good" },
		{ "reputation show client-net example.com", 64,
		    "no name of that kind" },
		{ "reputation show sasl-user joe", 64,
		    "no Reputation row has this kind" },
		{ "reputation show from example.com", 64,
		    "no kind of names" },
		{ "reputation learn client-net 192.0.2.1", 64, "usage:" },
		{ "reputation learn client-net 192.0.2.1 nice", 64,
		    "usage:" },
		{ "reputation learn client-net 192.0.2.1 bad x", 64,
		    "usage:" },
		{ "reputation learn client-net 192.0.2.1 bad 99999999", 64,
		    "usage:" },
		{ "reputation dance client-net 192.0.2.1", 64, "usage:" },
		{ "reputation", 64, "usage:" },
	};
	struct run run;

	(void)state;
	run_open(&run, settings, ARRAY_LEN(settings));
	run_commands(&run, control_reputation, rows, ARRAY_LEN(rows));
	run_close(&run);
}

/* ---- messages ---- */

/* The counts of a name as they are at the wall clock of the run. */
static struct decay
counts(struct run *run, enum reputation_kind kind, const char *name)
{
	struct cache_item item;
	struct decay decay;

	reputation_item(run->conf, kind, span_of(name), &item);
	cache_get(run->conf->cache, &item, 1);
	reputation_read(run->conf, kind, &item, run_wall(), &decay);
	return decay;
}

static bool
is_near(double got, double want)
{
	return got > want - 0.01 && got < want + 0.01;
}

static void
test_learning(void **state)
{
	static const struct row {
		const char *name;
		struct snapshot_override setting;
		struct run_message message;
		double good, bad;	/* of the client's network */
	} rows[] = {
		{ "passes", { NULL, NULL }, { 0 }, 1, 0 },
		{ "mail that goes out", { NULL, NULL }, { .user = "joe" }, 0,
		    0 },
		{ "tagged by the score", { "ScoreTag", "-1" }, { 0 }, 0, 1 },
		{ "refused by the score", { "ScoreReject", "-1" }, { 0 }, 0,
		    1 },
		{ "held by the score", { "ScoreQuarantine", "-1" }, { 0 }, 0,
		    1 },
		{ "deferred by the score", { "ScoreDefer", "-1" }, { 0 }, 0,
		    0 },
		{ "near a limit of the score", { "ScoreTag", "0.01" }, { 0 },
		    0, 0 },
		{ "greylisted", { "Greylist", "share=100%" }, { 0 }, 0, 0 },
		{ "refused by a table", { "AccessSender",
		    "texthash:DIR/senders" }, { 0 }, 0, 1 },
		{ "one recipient refused by a table", { "AccessRecipient",
		    "texthash:DIR/recipients" }, { .recipients = {
		    "<me@near.example>", "<you@near.example>" } }, 1, 0 },
		{ "MonitorOnly", { "MonitorOnly", "yes" }, { 0 }, 1, 0 },
	};
	struct snapshot_override settings[2] = {
		{ "Reputation", "client-net weight=-2" },
	};
	struct decay decay;
	struct run run;
	size_t i;

	(void)state;
	scratch_write("senders", SPAN_LIT("far.example REJECT no\n"), 0644);
	scratch_write("recipients", SPAN_LIT("me@near.example REJECT no\n"),
	    0644);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		settings[1] = rows[i].setting;
		if (settings[1].name != NULL)
			settings[1].value = scratch_text(
			    settings[1].value).p;
		run_open(&run, settings, settings[1].name != NULL ? 2 : 1);
		run_send(&run, &rows[i].message);
		decay = counts(&run, REPUTATION_CLIENT_NET, "192.0.2.0/24");
		if (!is_near(decay.good, rows[i].good) ||
		    !is_near(decay.bad, rows[i].bad))
			fail_msg("%s: %g good, %g bad; %s", rows[i].name,
			    decay.good, decay.bad, run.findings);
		run_close(&run);
	}
}

/* Only what was authenticated is a name, and each has its own record. */
static void
test_names(void **state)
{
	static const char config[] =
	    "AuthResults trust\n"
	    "AuthservID mx.test\n"
	    "Reputation dkim-domain weight=-1\n"
	    "Reputation spf-domain weight=-1\n"
	    "Reputation sasl-user weight=-1\n";
	static const struct run_message in = { .header = OURS
	    "dkim=pass header.d=one.example; dkim=fail header.d=two.example; "
	    "dkim=pass header.d=one.example; "
	    "spf=pass smtp.mailfrom=a@spf.example\r\n" };
	static const struct run_message out = { .user = "Joe", .header = OURS
	    "dkim=pass header.d=two.example\r\n" };
	static const struct row {
		enum reputation_kind kind;
		const char *name;
		double good;
	} rows[] = {
		{ REPUTATION_DKIM_DOMAIN, "one.example", 1 },
		{ REPUTATION_DKIM_DOMAIN, "two.example", 0 },
		{ REPUTATION_DKIM_DOMAIN, "far.example", 0 },
		{ REPUTATION_DKIM_DOMAIN, "spf.example", 0 },
		{ REPUTATION_SPF_DOMAIN, "spf.example", 1 },
		{ REPUTATION_SPF_DOMAIN, "one.example", 0 },
		{ REPUTATION_SASL_USER, "joe", 1 },
	};
	struct run run;
	size_t i;

	(void)state;
	scratch_write("policy.conf", span_of(config), 0644);
	run_open_file(&run, scratch_path("policy.conf"), NULL, 0);
	run_send(&run, &in);
	run_send(&run, &out);
	for (i = 0; i < ARRAY_LEN(rows); i++)
		ROW_IS(rows[i].name, is_near(counts(&run, rows[i].kind,
		    rows[i].name).good, rows[i].good));
	run_close(&run);
}

static void
add(struct run *run, double good, double bad)
{
	struct cache_item item;

	reputation_item(run->conf, REPUTATION_CLIENT_NET,
	    SPAN_LIT("192.0.2.0/24"), &item);
	assert_int_equal(decay_add(run->conf->cache, &item.key, good, bad,
	    run_wall(), 14 * DAY, REPUTATION_TTL * 14 * DAY), CACHE_DONE);
}

static void
test_score(void **state)
{
	static const struct snapshot_override settings[] = {
		{ "Reputation", "client-net weight=-2 bad-weight=4" },
	};
	struct run_message message = { 0 };
	struct run run;

	(void)state;
	run_open(&run, settings, ARRAY_LEN(settings));
	run_send(&run, &message);
	assert_int_equal(run.score, 0);
	add(&run, 94, 0);
	run_send(&run, &message);
	assert_int_equal(run.score, -190);
	assert_non_null(strstr(run.findings, "reputation/client-net -190: "
	    "192.0.2.0/24 has 95.0 good, 0.0 bad\n"));
	add(&run, 0, 500);
	run_send(&run, &message);
	assert_true(run.score > 200);
	/* it is forgotten in time */
	run_real += 200 * DAY;
	run_send(&run, &message);
	assert_int_equal(run.score, 0);
	run_close(&run);
}

/* A day's jump of the clock takes a day's decay away, and back nothing. */
static void
test_jumps(void **state)
{
	static const struct snapshot_override settings[] = {
		{ "Reputation", "client-net weight=-2 half-life=1d" },
	};
	struct run_message message = { 0 };
	struct decay decay;
	struct run run;
	int i;

	(void)state;
	run_open(&run, settings, ARRAY_LEN(settings));
	for (i = 0; i < 8; i++)
		run_send(&run, &message);
	decay = counts(&run, REPUTATION_CLIENT_NET, "192.0.2.0/24");
	assert_true(is_near(decay.good, 8));
	message.jump = -DAY;
	run_send(&run, &message);
	assert_true(run.score < 0);
	message.jump = 0;
	run_send(&run, &message);
	decay = counts(&run, REPUTATION_CLIENT_NET, "192.0.2.0/24");
	assert_true(is_near(decay.good, 9.0 / 2 + 1));
	message.jump = DAY;
	run_send(&run, &message);
	message.jump = 0;
	run_send(&run, &message);
	decay = counts(&run, REPUTATION_CLIENT_NET, "192.0.2.0/24");
	assert_true(is_near(decay.good, 5.5 / 2 + 2));
	run_close(&run);
}

static void
test_trial(void **state)
{
	static const struct snapshot_override settings[] = {
		{ "Reputation", "client-net weight=-2" },
	};
	struct run_message message = { 0 };
	struct run run;

	(void)state;
	run_open(&run, settings, ARRAY_LEN(settings));
	run.conf->is_trial = true;
	run_send(&run, &message);
	assert_true(is_near(counts(&run, REPUTATION_CLIENT_NET,
	    "192.0.2.0/24").good, 0));
	run_close(&run);
}

/* ---- the queue ---- */

/* A cache that is away: every addition is tried and none waited for. */
static void
test_queue(void **state)
{
	static const struct snapshot_override settings[] = {
		{ "Reputation", "client-net weight=-2" },
	};
	struct learn_addition addition = { .good = 1, .half_life = DAY,
	    .ttl = DAY };
	uint64_t lost = learn_lost();
	struct run run;
	size_t i;

	(void)state;
	run_open(&run, settings, ARRAY_LEN(settings));
	run_set_cache(&run, scratch_text("memcached DIR/none").p);
	for (i = 0; i < LEARN_QUEUE_MAX / 2; i++) {
		addition.key.slot = i;
		learn_add(run.conf->cache, &addition);
	}
	learn_finish();
	assert_int_equal(learn_lost(), lost);
	learn_finish();
	run_close(&run);
}

/* A server that takes connections and says nothing. */
static int
listen_mute(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	    scratch_path("mute"));
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
	    sizeof(address)), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

/* More than the queue takes at once are lost, and counted. */
static void
test_full_queue(void **state)
{
	enum { TOO_MANY = 20 * LEARN_QUEUE_MAX };
	struct learn_addition addition = { .good = 1, .half_life = DAY,
	    .ttl = DAY };
	uint64_t lost = learn_lost();
	int fd = listen_mute();
	struct run run;
	size_t i;

	(void)state;
	run_open(&run, NULL, 0);
	run_set_cache(&run, scratch_text("memcached DIR/mute").p);
	for (i = 0; i < TOO_MANY; i++) {
		addition.key.slot = i;
		learn_add(run.conf->cache, &addition);
	}
	assert_true(learn_lost() > lost);
	learn_finish();
	assert_true(learn_lost() - lost < TOO_MANY);
	/* of one name all are taken: they become one addition or a few */
	lost = learn_lost();
	for (i = 0; i < TOO_MANY; i++)
		learn_add(run.conf->cache, &addition);
	assert_int_equal(learn_lost(), lost);
	learn_finish();
	run_close(&run);
	close(fd);
	unlink(scratch_path("mute"));
}

/* ---- rows ---- */

static void
test_rows(void **state)
{
	static const struct run_file rows[] = {
		{ "plain", "Reputation client-net weight=-1\n", "" },
		{ "no weight", "Reputation client-net\n",
		    "DIR/policy.conf:1: error: Reputation: weight= is "
		    "missing\n" },
		{ "a From", "Reputation from weight=-1\n",
		    "DIR/policy.conf:1: error: Reputation: \"from\" is no kind "
		    "of names; write dkim-domain, spf-domain, client-net or "
		    "sasl-user\n" },
		{ "a weight the wrong way", "Reputation sasl-user weight=1\n",
		    "DIR/policy.conf:1: warning: Reputation: weight is above "
		    "0: a good name makes the score worse\n" },
		{ "nobody says it passed", "Reputation spf-domain weight=-1\n",
		    "DIR/policy.conf:1: warning: Reputation: no effect: no "
		    "spf-domain is known without \"AuthResults trust\"\n" },
		{ "two rows of a kind", "Reputation client-net weight=-1\n"
		    "Reputation client-net weight=-1 when=out\n", "" },
		{ "two half-lives", "Reputation client-net weight=-1\n"
		    "Reputation client-net weight=-1 half-life=1d when=out\n",
		    "DIR/policy.conf:2: error: Reputation: half-life= differs "
		    "from that of another row of client-net; there is one "
		    "record of a name\n" },
	};

	(void)state;
	run_files(rows, ARRAY_LEN(rows));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_learning),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_score),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_trial),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_full_queue),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
