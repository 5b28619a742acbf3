/*
 * Greylisting of whole messages: who waits, who is spared and why, over time
 * and clocks that jump, with an empty cache, and with none.
 */
#include "tests/unit/policy_run.h"

#include "milters/policy/greylist.h"
#include "milters/policy/reputation.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

#define ALL	"share=100%"
#define OURS	"Authentication-Results: mx.test; "

/* One after the other, for one cache. */
struct step {
	const char *name;
	int64_t real;		/* seconds since the start */
	struct run_message message;
	bool passes;
	const char *finding;	/* among the findings; NULL: there is none */
};

static void
take_steps(struct run *run, const struct step *steps, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		run_real = steps[i].real;
		run_send(run, &steps[i].message);
		if (run_passes(run) != steps[i].passes ||
		    (steps[i].finding == NULL ? run->findings[0] != '\0' :
		    strstr(run->findings, steps[i].finding) == NULL))
			fail_msg("%s: got %s, \"%s\"", steps[i].name,
			    verdict_word(&run->result.verdict),
			    run->findings);
	}
}

static void
run_steps(const char *row, const struct step *steps, size_t count)
{
	const struct snapshot_override setting = { "Greylist", row };
	struct run run;

	run_open(&run, &setting, 1);
	take_steps(&run, steps, count);
	run_close(&run);
}

static void
test_times(void **state)
{
	static const struct step steps[] = {
		{ "new", 0, { 0 }, false, "greylist/new 0: first seen, 300 s" },
		{ "at once again", 12, { 0 }, false,
		    "greylist/early 0: came again too early, 288 s" },
		{ "of another user", 12, { .sender = "<b@far.example>" },
		    false, "greylist/new" },
		{ "in time", 400, { 0 }, true,
		    "greylist/retried 0: came again after 400 s" },
		{ "known", 401, { 0 }, true, NULL },
		{ "from the same network", 500, { .client = "192.0.2.77" },
		    true, NULL },
		{ "from another one", 500, { .client = "192.0.3.1" }, false,
		    "greylist/new" },
		{ "the number in a name", 600,
		    { .sender = "<list-17@far.example>" }, false,
		    "greylist/new" },
		{ "another number", 1000,
		    { .sender = "<list-18@far.example>" }, true,
		    "greylist/retried" },
		{ "recipients' case and extension", 1000,
		    { .recipients = { "<Me+x@near.example>" } }, true, NULL },
		{ "another recipient", 1000,
		    { .recipients = { "<you@near.example>" } }, false,
		    "greylist/new" },
		{ "the null sender", 1000, { .sender = "<>" }, false,
		    "greylist/new" },
		{ "and again", 1400, { .sender = "<>" }, true,
		    "greylist/retried" },
		{ "one of two recipients is known", 2000, { .recipients = {
		    "<me@near.example>", "<third@near.example>" } }, true,
		    "greylist/new" },
		{ "known for the lifetime", 30 * DAY, { 0 }, true, NULL },
		{ "and by use again", 60 * DAY, { 0 }, true, NULL },
		{ "then forgotten", 100 * DAY, { 0 }, false, "greylist/new" },
	};

	(void)state;
	run_steps(ALL, steps, ARRAY_LEN(steps));
}

static void
test_jumps(void **state)
{
	static const struct step steps[] = {
		{ "new", 0, { 0 }, false, "300 s to wait" },
		{ "set back a day", 200, { .jump = -DAY }, false,
		    "greylist/early 0: came again too early, 300 s" },
		{ "waits on", 400, { .jump = -DAY }, false, "100 s to wait" },
		{ "passes", 501, { .jump = -DAY }, true, "greylist/retried" },
		{ "right again", 502, { 0 }, true, NULL },
		{ "forward a day", 503, { .jump = DAY }, true, NULL },
		{ "forward over the lifetime", 504, { .jump = 400 * DAY },
		    true, NULL },
		{ "another waits", 600, { .sender = "<b@far.example>" },
		    false, "greylist/new" },
		{ "forward over the window", 1000,
		    { .jump = 3 * DAY, .sender = "<b@far.example>" }, true,
		    "greylist/retried" },
	};

	(void)state;
	run_steps(ALL, steps, ARRAY_LEN(steps));
}

static void
test_answer(void **state)
{
	static const struct row {
		const char *row, *text;
	} rows[] = {
		{ ALL, "Greylisted, please try again in 300 seconds" },
		{ ALL " delay=10m", "Greylisted, please try again in 600 "
		    "seconds" },
		{ ALL " text=\"Wait %s s.\"", "Wait 300 s." },
		{ ALL " text=Later", "Later" },
	};
	struct run_message message = { 0 };
	struct run run;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		run_open(&run, &(struct snapshot_override){ "Greylist",
		    rows[i].row }, 1);
		run_send(&run, &message);
		assert_int_equal(run.result.verdict.action, VERDICT_TEMPFAIL);
		assert_int_equal(run.result.verdict.code, 450);
		assert_string_equal(run.result.verdict.enhanced, "4.7.1");
		ROW_EQ(rows[i].row, span_of(run.result.verdict.text),
		    span_of(rows[i].text));
		run_close(&run);
	}
}

/* ---- who is spared ---- */

static void
test_spared(void **state)
{
	static const struct row {
		const char *name;
		struct snapshot_override setting;	/* besides the row */
		struct run_message message;
		bool passes;
	} rows[] = {
		{ "nobody", { NULL, NULL }, { 0 }, false },
		{ "authenticated", { NULL, NULL }, { .user = "joe" }, true },
		{ "internal", { "InternalHosts", "192.0.2.0/24" }, { 0 },
		    true },
		{ "not internal", { "InternalHosts", "192.0.3.0/24" }, { 0 },
		    false },
		{ "no address", { NULL, NULL }, { .client = "unknown" },
		    true },
		{ "a client in the list", { "GreylistClients",
		    "cidr:DIR/nets" }, { 0 }, true },
		{ "a client not in the list", { "GreylistClients",
		    "cidr:DIR/nets" }, { .client = "192.0.3.1" }, false },
		{ "postgrey's list", { "GreylistClients",
		    "postgrey:DIR/clients" }, { .client = "192.0.2.9" },
		    true },
		{ "a recipient in the list", { "GreylistRecipients",
		    "postgrey:DIR/recipients" }, { 0 }, true },
		{ "one not in the list", { "GreylistRecipients",
		    "postgrey:DIR/recipients" },
		    { .recipients = { "<you@near.example>" } }, false },
		{ "an access table's OK", { "AccessClient", "cidr:DIR/nets" },
		    { 0 }, true },
		{ "MonitorOnly", { "MonitorOnly", "greylist" }, { 0 }, true },
	};
	struct snapshot_override settings[2] = { { "Greylist", ALL } };
	struct run run;
	size_t i;

	(void)state;
	scratch_write("nets", SPAN_LIT("192.0.2.0/24 OK\n"), 0644);
	scratch_write("clients", SPAN_LIT("# some\n192.0.2\n"), 0644);
	scratch_write("recipients", SPAN_LIT("me@near.example\n"), 0644);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		settings[1] = rows[i].setting;
		if (settings[1].name != NULL)
			settings[1].value = scratch_text(
			    settings[1].value).p;
		run_open(&run, settings, settings[1].name != NULL ? 2 : 1);
		run_send(&run, &rows[i].message);
		ROW_IS(rows[i].name, run_passes(&run) == rows[i].passes);
		run_close(&run);
	}
}

static void
test_conditions(void **state)
{
	static const struct row {
		const char *row;
		bool passes;
	} rows[] = {
		{ ALL " when=in", false },
		{ ALL " when=in,client=192.0.2.0/24", false },
		{ ALL " when=in,client=192.0.3.0/24", true },
		{ ALL " when=from-domain=far.example", false },
		{ ALL " when=from-domain=other.example", true },
		{ ALL " when=score<5", false },
		{ ALL " when=score>5", true },
	};
	struct run_message message = { 0 };
	struct run run;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		run_open(&run, &(struct snapshot_override){ "Greylist",
		    rows[i].row }, 1);
		run_send(&run, &message);
		ROW_IS(rows[i].row, run_passes(&run) == rows[i].passes);
		run_close(&run);
	}
}

/* Those who wait are told of, and pass; they come to be known all the same. */
static void
test_tag(void **state)
{
	static const struct snapshot_override settings[] = {
		{ "Greylist", ALL " action=tag" },
	};
	static const struct step steps[] = {
		{ "new", 0, { 0 }, true, "greylist/new" },
		{ "in time", 400, { 0 }, true, "greylist/retried" },
	};
	struct run run;

	(void)state;
	run_open(&run, settings, ARRAY_LEN(settings));
	take_steps(&run, steps, 1);
	assert_true(run.result.edits.count > 0);
	take_steps(&run, steps + 1, 1);
	run_close(&run);
}

static void
test_autowhitelist(void **state)
{
	static const struct step steps[] = {
		{ "a waits", 0, { .sender = "<a@x.example>" }, false, "new" },
		{ "a passes", 600, { .sender = "<a@x.example>" }, true,
		    "retried" },
		{ "a again, within the hour", 700,
		    { .sender = "<a@x.example>" }, true, NULL },
		{ "b waits still", 800, { .sender = "<b@x.example>" }, false,
		    "new" },
		{ "b passes", 600 + HOUR, { .sender = "<b@x.example>" }, true,
		    "retried" },
		{ "c need not wait", 700 + HOUR,
		    { .sender = "<c@x.example>" }, true,
		    "greylist/autowhitelist" },
		{ "nor any in its network", 700 + HOUR,
		    { .client = "192.0.2.200", .sender = "<d@y.example>" },
		    true, "greylist/autowhitelist" },
		{ "others do", 700 + HOUR, { .client = "192.0.3.1" }, false,
		    "new" },
	};

	(void)state;
	run_steps(ALL " autowhitelist=2", steps, ARRAY_LEN(steps));
}

static void
test_correspondents(void **state)
{
	static const struct step steps[] = {
		{ "unknown", 0, { 0 }, false, "new" },
		{ "me writes to a", 10, { .user = "me",
		    .sender = "<me@near.example>",
		    .recipients = { "<A+x@far.example>", "<c@far.example>" } },
		    true, NULL },
		{ "a answers", 20, { 0 }, true, "greylist/correspondent" },
		{ "c may, too", 20, { .sender = "<c@far.example>" }, true,
		    "greylist/correspondent" },
		{ "not to others", 20,
		    { .recipients = { "<you@near.example>" } }, false,
		    "new" },
		{ "b was not written to", 20, { .sender = "<b@far.example>" },
		    false, "new" },
		{ "known for the lifetime", 34 * DAY, { 0 }, true,
		    "greylist/correspondent" },
		{ "then no more", 70 * DAY, { 0 }, false, "new" },
	};

	(void)state;
	run_steps(ALL, steps, ARRAY_LEN(steps));
}

/* With results of the verifier the message is judged as one. */
static void
test_domains(void **state)
{
	static const struct snapshot_override settings[] = {
		{ "Greylist", ALL " autowhitelist=0" },
		{ "AuthResults", "trust" }, { "AuthservID", "mx.test" },
	};
	static const char dkim[] = OURS "dkim=pass header.d=far.example\r\n";
	static const char spf[] = OURS
	    "spf=pass smtp.mailfrom=mail.far.example\r\n";
	static const struct step steps[] = {
		{ "waits", 0, { .header = dkim }, false, "greylist/new" },
		{ "passes", 400, { .header = dkim }, true, "retried" },
		{ "its domain is known, from elsewhere, too", 500,
		    { .header = dkim, .client = "198.51.100.1",
		    .sender = "<b@far.example>" }, true, "greylist/domain" },
		{ "not without a signature", 500,
		    { .client = "198.51.100.1", .sender = "<c@far.example>" },
		    false, "new" },
		{ "nor with one that says nothing of the author", 500,
		    { .header = dkim, .client = "198.51.100.1",
		    .from = "other.example" }, false, "new" },
		{ "nor by somebody else's word", 500,
		    { .header = "Authentication-Results: mx.evil; dkim=pass "
		    "header.d=far.example\r\n", .client = "198.51.100.1",
		    .sender = "<d@far.example>" }, false, "new" },
		{ "an SPF domain is one of its own", 500, { .header = spf,
		    .client = "198.51.100.1", .sender = "<e@far.example>" },
		    false, "new" },
		{ "one of two recipients passes: both do", 600, { .header =
		    dkim, .recipients = { "<new@near.example>",
		    "<me@near.example>" } }, true, NULL },
		{ "all are new", 600, { .client = "198.51.100.1",
		    .recipients = { "<x@near.example>", "<y@near.example>" } },
		    false, "new" },
	};
	struct run run;

	(void)state;
	run_open(&run, settings, ARRAY_LEN(settings));
	take_steps(&run, steps, ARRAY_LEN(steps) - 2);
	/* the second recipient is known; "domain" speaks for the first */
	run_real = 600;
	run_send(&run, &steps[ARRAY_LEN(steps) - 2].message);
	assert_true(run_passes(&run));
	take_steps(&run, steps + ARRAY_LEN(steps) - 1, 1);
	run_close(&run);
}

static void
test_reputation(void **state)
{
	static const struct snapshot_override settings[] = {
		{ "Greylist", ALL }, { "Reputation", "client-net weight=-2" },
	};
	static const struct step steps[] = {
		{ "not known", 0, { 0 }, false, "new" },
		{ "good", 0, { .sender = "<b@far.example>" }, true,
		    "greylist/reputation" },
		{ "others", 0, { .client = "192.0.3.1" }, false, "new" },
	};
	struct cache_item item;
	struct run run;

	(void)state;
	run_open(&run, settings, ARRAY_LEN(settings));
	take_steps(&run, steps, 1);
	reputation_item(run.conf, REPUTATION_CLIENT_NET,
	    SPAN_LIT("192.0.2.0/24"), &item);
	assert_int_equal(decay_add(run.conf->cache, &item.key, 20, 0,
	    run_wall(), 14 * DAY, 140 * DAY), CACHE_DONE);
	take_steps(&run, steps + 1, ARRAY_LEN(steps) - 1);
	run_close(&run);
}

/* ---- the cache ---- */

static const char *
nth_sender(char text[64], unsigned n)
{
	snprintf(text, 64, "<u%xx@far.example>", n);
	return text;
}

static void
test_share(void **state)
{
	static const struct snapshot_override settings[] = {
		{ "Greylist", "share=30% share-for=1h" },
	};
	enum { SENDERS = 400 };
	bool has_passed[SENDERS];
	struct run_message message = { 0 };
	unsigned n, waiting = 0;
	struct run run;
	char text[64];

	(void)state;
	run_open(&run, settings, ARRAY_LEN(settings));
	for (n = 0; n < SENDERS; n++) {
		message.sender = nth_sender(text, n);
		run_send(&run, &message);
		has_passed[n] = run_passes(&run);
		waiting += !has_passed[n];
		assert_non_null(strstr(run.findings, has_passed[n] ?
		    "greylist/share" : "greylist/new"));
	}
	assert_in_range(waiting, SENDERS / 5, SENDERS * 2 / 5);
	run_real = 60;
	for (n = 0; n < SENDERS; n++) {
		message.sender = nth_sender(text, n);
		run_send(&run, &message);
		assert_int_equal(run_passes(&run), has_passed[n]);
	}
	run_real = 2 * HOUR;
	for (n = 0; n < SENDERS; n++) {
		message.sender = nth_sender(text, n);
		run_send(&run, &message);
		assert_true(run_passes(&run));
		message.sender = nth_sender(text, n + SENDERS);
		run_send(&run, &message);
		assert_false(run_passes(&run));
	}
	run_close(&run);
}

static void
test_no_cache(void **state)
{
	static const struct row {
		const char *row;
		bool passes;
	} rows[] = {
		{ ALL, true },
		{ ALL " on-error=accept", true },
		{ ALL " on-error=tempfail", false },
	};
	struct run_message message = { 0 };
	struct run run;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		run_open(&run, &(struct snapshot_override){ "Greylist",
		    rows[i].row }, 1);
		run_set_cache(&run, scratch_text("memcached DIR/none").p);
		run_send(&run, &message);
		ROW_IS(rows[i].row, run_passes(&run) == rows[i].passes);
		ROW_IS(rows[i].row, strstr(run.findings,
		    "greylist/unknown") != NULL);
		run_close(&run);
	}
}

static void
test_trial(void **state)
{
	static const struct step steps[] = {
		{ "new", 0, { 0 }, false, "new" },
		{ "nothing was kept", 400, { 0 }, false, "new" },
	};
	struct run run;

	(void)state;
	run_open(&run, &(struct snapshot_override){ "Greylist", ALL }, 1);
	run.conf->is_trial = true;
	take_steps(&run, steps, ARRAY_LEN(steps));
	run_close(&run);
}

/* ---- rows ---- */

static void
test_rows(void **state)
{
	static const struct run_file rows[] = {
		{ "defaults", "Greylist delay=5m\n", "" },
		{ "two", "Greylist delay=5m\nGreylist delay=6m\n",
		    "DIR/policy.conf:2: error: Greylist: there can be but "
		    "one, and DIR/policy.conf:1 is one\n" },
		{ "a share", "Greylist share=half\n",
		    "DIR/policy.conf:1: error: Greylist: share=\"half\": write "
		    "a part such as 50%\n" },
		{ "too much", "Greylist share=101%\n",
		    "DIR/policy.conf:1: error: Greylist: share=\"101%\": write "
		    "a part such as 50%\n" },
		{ "a window too short", "Greylist delay=1h window=30m\n",
		    "DIR/policy.conf:1: error: Greylist: window= has to be "
		    "longer than delay=, or nobody comes again in time\n" },
		{ "a window short", "Greylist delay=1h window=2h\n",
		    "DIR/policy.conf:1: warning: Greylist: window= is short "
		    "for delay=: many servers try again after an hour "
		    "only\n" },
	};

	(void)state;
	run_files(rows, ARRAY_LEN(rows));
}

/* ---- postern greylist ---- */

static void
test_control(void **state)
{
	static const struct run_command rows[] = {
		{ "greylist why 192.0.2.1 a@far.example me@near.example", 0,
		    "has to wait: 300 seconds\n" },
		{ "greylist why 192.0.2.1 a@far.example me@near.example", 0,
		    "never seen, or forgotten" },
		{ "greylist why 127.0.0.1 a@far.example me@near.example", 0,
		    "passes: the client is authenticated, local or internal" },
		{ "greylist why mx.far.example[192.0.2.1] <> me@near.example "
		    "--json", 0, "\"waits\": true" },
		{ "greylist release 192.0.2.9 a@far.example me@near.example",
		    0, "known from now on\n" },
		{ "greylist why 192.0.2.1 a@far.example me@near.example", 0,
		    "passes: client, sender and recipient are known" },
		{ "greylist why 192.0.2.1 a@far.example me@near.example "
		    "--json", 0, "\"ground\": \"known\"" },
		{ "greylist release 192.0.2.1 b@far.example me@near.example "
		    "--json", 0, "{\"released\": true}" },
		{ "greylist why nobody a@far.example me@near.example", 64,
		    "no client address" },
		{ "greylist why 192.0.2.1 @@ me@near.example", 64,
		    "no sender address" },
		{ "greylist why 192.0.2.1 a@far.example <>", 64,
		    "no recipient address" },
		{ "greylist why 192.0.2.1", 64, "usage:" },
		{ "greylist forget 1 2 3", 64, "usage:" },
		{ "greylist", 64, "usage:" },
	};
	struct run run;

	(void)state;
	run_open(&run, &(struct snapshot_override){ "Greylist", ALL }, 1);
	run_commands(&run, control_greylist, rows, ARRAY_LEN(rows));
	run_close(&run);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_spared),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_tag),
		cmocka_unit_test(test_autowhitelist),
		cmocka_unit_test(test_correspondents),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_reputation),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_no_cache),
		cmocka_unit_test(test_trial),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_control),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
