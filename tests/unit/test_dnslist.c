/*
 * DNS lists in the whole policy filter; what a list's health does over time is
 * test_listhealth's.
 */
#include "tests/unit/unit.h"
#include "tests/unit/policytrial.h"

#include "milters/policy/listcodes.h"

#include "common/base/log.h"
#include "common/mail/domain.h"

/* ---- codes ---- */

static const struct {
	const char *text, *in, *out, *bad;
} code_rows[] = {
	{ "127.0.0.2", "127.0.0.2", "127.0.0.1 127.0.0.3", NULL },
	{ "127.0.0.2-11", "127.0.0.2 127.0.0.9 127.0.0.11",
	    "127.0.0.1 127.0.0.12 127.0.1.2", NULL },
	{ "127.0.0.250-127.0.1.3", "127.0.0.250 127.0.0.255 127.0.1.3",
	    "127.0.0.249 127.0.1.4", NULL },
	{ "127.0.1.0/24", "127.0.1.0 127.0.1.255", "127.0.0.255 127.0.2.0",
	    NULL },
	{ "127.0.0.4/32", "127.0.0.4", "127.0.0.5", NULL },
	{ "127.0.0.0/8", "127.0.0.0 127.255.254.255", "", NULL },
	{ "127.0.0.2,127.0.0.4-5,127.9.0.0/16",
	    "127.0.0.2 127.0.0.4 127.0.0.5 127.9.200.1",
	    "127.0.0.3 127.0.0.6 127.8.255.255 127.10.0.0", NULL },
	{ "", NULL, NULL, "" },
	{ "127.0.0.2,", NULL, NULL, "" },
	{ "127.0.0.2,x", NULL, NULL, "x" },
	{ "2", NULL, NULL, "2" },
	{ "127.0.0", NULL, NULL, "127.0.0" },
	{ "127.0.0.9-2", NULL, NULL, "127.0.0.9-2" },
	{ "127.0.0.2-256", NULL, NULL, "127.0.0.2-256" },
	{ "127.0.0.2-", NULL, NULL, "127.0.0.2-" },
	{ "-127.0.0.2", NULL, NULL, "-127.0.0.2" },
	{ "127.0.0.2-128.0.0.1", NULL, NULL, "127.0.0.2-128.0.0.1" },
	{ "126.255.255.255-127.0.0.2", NULL, NULL,
	    "126.255.255.255-127.0.0.2" },
	{ "192.0.2.1", NULL, NULL, "192.0.2.1" },
	{ "127.0.0.0/7", NULL, NULL, "127.0.0.0/7" },
	{ "0.0.0.0/0", NULL, NULL, "0.0.0.0/0" },
	{ "127.0.0.1/24", NULL, NULL, "127.0.0.1/24" },
	{ "127.255.255.254", NULL, NULL, "127.255.255.254" },
	{ "127.255.255.0/24", NULL, NULL, "127.255.255.0/24" },
	{ "::1", NULL, NULL, "::1" },
	{ "::/0", NULL, NULL, "::/0" },
};

static void
check_codes(const char *name, const struct listcodes *codes,
    const char *text, bool want)
{
	struct span rest = span_of(text), item;
	struct ipaddr address;

	while (span_item(&rest, &item)) {
		ROW_IS(name, ipaddr_parse(item, &address));
		if (listcodes_has(codes, &address) != want)
			fail_msg("%s: %.*s", name, SPAN_ARG(item));
	}
}

static void
test_codes(void **state)
{
	struct listcodes codes;
	struct span bad;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(code_rows); i++) {
		bool ok = listcodes_read(span_of(code_rows[i].text), &codes,
		    &bad);

		ROW_IS(code_rows[i].text, ok == (code_rows[i].bad == NULL));
		if (!ok) {
			ROW_EQ(code_rows[i].text, bad,
			    span_of(code_rows[i].bad));
			continue;
		}
		check_codes(code_rows[i].text, &codes, code_rows[i].in, true);
		check_codes(code_rows[i].text, &codes, code_rows[i].out,
		    false);
	}
	codes.count = 0;
	check_codes("none", &codes, "127.0.0.0 127.0.0.1 127.1.2.3", true);
}

static void
test_code_bound(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct listcodes codes;
	struct span bad;
	int i;

	(void)state;
	for (i = 0; i < LISTCODES_MAX; i++)
		strbuf_addf(&text, "%s127.0.0.%d", i > 0 ? "," : "", i);
	assert_true(listcodes_read(strbuf_span(&text), &codes, &bad));
	strbuf_adds(&text, ",127.0.0.99");
	assert_false(listcodes_read(strbuf_span(&text), &codes, &bad));
	SPAN_IS(bad, "127.0.0.99");
	strbuf_clear(&text);
}

static void
test_answers(void **state)
{
	static const struct { const char *text; bool is_answer; } rows[] = {
		{ "127.0.0.0", true }, { "127.0.0.2", true },
		{ "127.255.254.255", true }, { "127.255.255.0", false },
		{ "127.255.255.254", false }, { "127.255.255.255", false },
		{ "126.255.255.255", false }, { "128.0.0.1", false },
		{ "192.0.2.1", false }, { "0.0.0.0", false },
		{ "7f00:2::1", false },
	};
	struct ipaddr address;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(ipaddr_parse(span_of(rows[i].text), &address));
		ROW_IS(rows[i].text, listcodes_is_answer(&address) ==
		    rows[i].is_answer);
	}
}

/* ---- messages ---- */

static const char letter[] =
    "From: Joe <joe@author.example>\r\n"
    "To: you@test.example\r\n"
    "\r\n"
    "Hello\r\n";

static const char zone_text[] =
    "10.2.0.192.bl.example A 127.0.0.2\n"
    "10.2.0.192.multi.example A 127.0.0.4\n"
    "10.2.0.192.multi.example A 127.0.0.10\n"
    "10.2.0.192.wl.example A 127.0.10.3\n"
    "10.2.0.192.odd.example A 127.255.255.254\n"
    "10.2.0.192.parked.example A 192.0.2.80\n"
    "10.2.0.192.mixed.example A 127.0.0.2\n"
    "10.2.0.192.mixed.example A 127.255.255.252\n"
    "10.2.0.192.dead.example SERVFAIL\n"
    "10.2.0.192.slow.example TIMEOUT\n"
    "10.2.0.192.late.example LATE 3\n"
    "10.2.0.192.late.example A 127.0.0.2\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    ".bl.example A 127.0.0.3\n"
    "mx.client.example.dbl.example A 127.0.1.2\n"
    "sender.example.dbl.example A 127.0.1.2\n"
    "author.example.dbl.example A 127.0.1.2\n"
    "third.example.dbl.example A 127.0.1.4\n"
    "xn--bcher-kva.example.dbl.example A 127.0.1.2\n"
    "203.0.113.7.dbl.example A 127.0.1.255\n"
    "localhost.dbl.example A 127.0.1.2\n";

#define CLIENT	.client_address = "192.0.2.10"
#define HELO	.helo = "mx.client.example"
#define FROM	.sender = "<joe@sender.example>"

static const char *const to_two[] = { "<a@one.example>", "<b@two.example>" };
static const struct file_macro authenticated[] = {
	{ "{auth_type}", "PLAIN" }, { "{auth_authen}", "joe" },
};

static const struct {
	const char *name;
	const char *config;
	struct file_envelope envelope;
	const char *message;	/* NULL: letter */
	const char *want;
	unsigned asked;
} rows[] = {
	{ "a client", "DnsList bl.example weight=2.5\n",
	    { CLIENT, HELO, FROM }, NULL,
	    "dnslist bl.example 250: 192.0.2.10 is in bl.example "
	    "(127.0.0.2)\n", 1 },
	{ "the zone's case and last dot do not count",
	    "DnsList BL.Example. weight=1\n", { CLIENT }, NULL,
	    "dnslist bl.example 100: 192.0.2.10 is in bl.example "
	    "(127.0.0.2)\n", 1 },
	{ "an IPv6 client", "DnsList bl.example type=client weight=1\n",
	    { .client_address = "2001:db8::1" }, NULL,
	    "dnslist bl.example 100: 2001:db8::1 is in bl.example "
	    "(127.0.0.3)\n", 1 },
	{ "not listed", "DnsList bl.example weight=1\n",
	    { .client_address = "192.0.2.11" }, NULL, "", 1 },
	{ "another code", "DnsList bl.example weight=1 codes=127.0.0.3-9\n",
	    { CLIENT }, NULL, "", 1 },
	{ "rows share a question, each adds once",
	    "DnsList multi.example weight=1 codes=127.0.0.2-9 name=multi-a\n"
	    "DnsList multi.example weight=2 codes=127.0.0.10-11 name=multi-b\n"
	    "DnsList multi.example weight=4 codes=127.0.0.12 name=multi-c\n"
	    "DnsList multi.example weight=8 name=multi-d\n",
	    { CLIENT }, NULL,
	    "dnslist multi-a 100: 192.0.2.10 is in multi-a (127.0.0.4)\n"
	    "dnslist multi-b 200: 192.0.2.10 is in multi-b (127.0.0.10)\n"
	    "dnslist multi-d 800: 192.0.2.10 is in multi-d (127.0.0.4)\n", 1 },
	{ "once for two recipients", "DnsList bl.example weight=1\n",
	    { CLIENT, .recipients = to_two, .recipient_count = 2 }, NULL,
	    "dnslist bl.example 100: 192.0.2.10 is in bl.example "
	    "(127.0.0.2)\n", 1 },
	{ "the second recipient is it",
	    "DnsList bl.example weight=1 when=in,rcpt-domain=two.example\n",
	    { CLIENT, .recipients = to_two, .recipient_count = 2 }, NULL,
	    "dnslist bl.example 100: 192.0.2.10 is in bl.example "
	    "(127.0.0.2)\n", 1 },
	{ "no recipient is it",
	    "DnsList bl.example weight=1 when=in,rcpt-domain=three.example\n",
	    { CLIENT, .recipients = to_two, .recipient_count = 2 }, NULL,
	    "", 0 },
	{ "HELO, sender and author",
	    "DnsList dbl.example type=from weight=1\n"
	    "DnsList dbl.example type=sender weight=2\n"
	    "DnsList dbl.example type=helo weight=4\n",
	    { CLIENT, HELO, FROM }, NULL,
	    "dnslist dbl.example 200: sender.example is in dbl.example "
	    "(127.0.1.2)\n"
	    "dnslist dbl.example 400: mx.client.example is in dbl.example "
	    "(127.0.1.2)\n"
	    "dnslist dbl.example 100: author.example is in dbl.example "
	    "(127.0.1.2)\n", 3 },
	{ "U-labels", "DnsList dbl.example type=sender weight=2\n",
	    { CLIENT, HELO, .sender = "<joe@B\xc3\xbc" "cher.example>" }, NULL,
	    "dnslist dbl.example 200: xn--bcher-kva.example is in dbl.example "
	    "(127.0.1.2)\n", 1 },
	{ "any author, once", "DnsList dbl.example type=from weight=1\n",
	    { CLIENT, HELO, FROM },
	    "From: a@first.example, b@second.example, c@third.example,\r\n"
	    " d@author.example, e@fifth.example\r\n\r\nx\r\n",
	    "dnslist dbl.example 100: third.example is in dbl.example "
	    "(127.0.1.4)\n", 4 },
	{ "no domain to ask for",
	    "DnsList dbl.example type=helo weight=1\n"
	    "DnsList dbl.example type=sender weight=1\n"
	    "DnsList dbl.example type=from weight=1\n",
	    { CLIENT, .helo = "localhost", .sender = "<>" },
	    "Subject: x\r\n\r\nx\r\n", "", 0 },
	{ "literals",
	    "DnsList dbl.example type=helo weight=1\n"
	    "DnsList dbl.example type=sender weight=1\n",
	    { CLIENT, .helo = "[203.0.113.7]", .sender = "<a@[203.0.113.7]>" },
	    NULL, "", 0 },
	{ "an address without brackets is no domain",
	    "DnsList dbl.example type=helo weight=1\n"
	    "DnsList dbl.example type=sender weight=1\n",
	    { CLIENT, .helo = "203.0.113.7", .sender = "<a@203.0.113.7>" },
	    NULL, "", 0 },
	{ "no client", "DnsList bl.example weight=1 when=in\n",
	    { .client_address = "unknown" }, NULL, "", 0 },
	{ "no answers",
	    "DnsList odd.example weight=1\n"
	    "DnsList parked.example weight=1\n"
	    "DnsList mixed.example weight=1\n"
	    "DnsList dead.example weight=1\n"
	    "DnsList slow.example weight=1\n"
	    "DnsList bl.example weight=1\n",
	    { CLIENT }, NULL,
	    "dnslist bl.example 100: 192.0.2.10 is in bl.example "
	    "(127.0.0.2)\n", 6 },
	{ "an error is none of the codes",
	    "DnsList odd.example weight=-5 codes=127.0.0.0/8\n",
	    { CLIENT }, NULL, "", 1 },
	{ "all are waited for, in the order of rows",
	    "DnsList late.example weight=1\n"
	    "DnsList bl.example weight=2\n",
	    { CLIENT }, NULL,
	    "dnslist late.example 100: 192.0.2.10 is in late.example "
	    "(127.0.0.2)\n"
	    "dnslist bl.example 200: 192.0.2.10 is in bl.example "
	    "(127.0.0.2)\n", 2 },
	{ "the good outweigh the bad",
	    "ScoreReject 3\n"
	    "DnsList bl.example weight=4\n"
	    "DnsList wl.example weight=-2 codes=127.0.10.0/24\n",
	    { CLIENT }, NULL,
	    "dnslist bl.example 400: 192.0.2.10 is in bl.example "
	    "(127.0.0.2)\n"
	    "dnslist wl.example -200: 192.0.2.10 is in wl.example "
	    "(127.0.10.3)\n", 2 },
	{ "the score refuses", "ScoreReject 3\nDnsList bl.example weight=4\n",
	    { CLIENT }, NULL,
	    "dnslist bl.example 400: 192.0.2.10 is in bl.example "
	    "(127.0.0.2)\n"
	    "score ScoreReject 0: score 4: dnslist/bl.example=4\n"
	    "reject\n", 1 },
	{ "a row that looks at the score of those before it",
	    "DnsList bl.example weight=4\n"
	    "DnsList late.example weight=1 when=in,score>3.5\n"
	    "DnsList multi.example weight=1 when=in,score>9\n",
	    { CLIENT }, NULL,
	    "dnslist bl.example 400: 192.0.2.10 is in bl.example "
	    "(127.0.0.2)\n"
	    "dnslist late.example 100: 192.0.2.10 is in late.example "
	    "(127.0.0.2)\n", 2 },
	{ "our own users are not looked up", "DnsList bl.example weight=1\n",
	    { CLIENT, .macros = authenticated,
	    .macro_count = ARRAY_LEN(authenticated) }, NULL, "", 0 },
	{ "unless a row says so", "DnsList bl.example weight=1 when=out\n",
	    { CLIENT, .macros = authenticated,
	    .macro_count = ARRAY_LEN(authenticated) }, NULL,
	    "dnslist bl.example 100: 192.0.2.10 is in bl.example "
	    "(127.0.0.2)\n", 1 },
	{ "only what fails DKIM",
	    "DnsList bl.example weight=1 when=in,dkim=fail\n"
	    "DnsList wl.example weight=-1 codes=127.0.0.0/8 "
	    "when=in,dkim=none\n",
	    { CLIENT }, NULL,
	    "dnslist wl.example -100: 192.0.2.10 is in wl.example "
	    "(127.0.10.3)\n", 1 },
};

static void
test_messages(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone zone = { .text = zone_text };

		policytrial_check(rows[i].name, rows[i].config, &zone,
		    &rows[i].envelope, rows[i].message != NULL ?
		    rows[i].message : letter, rows[i].want);
		if (zone.asked != rows[i].asked)
			fail_msg("%s: %u questions", rows[i].name,
			    zone.asked);
	}
}

/* Whom an access table lets pass is not weighed; of two recipients the one who
 * is not exempt is the reason. */
static void
test_exempt(void **state)
{
	static const char *const boss_only[] = { "<boss@our.example>" };
	static const char *const both[] = {
		"<boss@our.example>", "<you@our.example>"
	};
	const struct file_envelope to_boss = { CLIENT,
		.recipients = boss_only, .recipient_count = 1 };
	const struct file_envelope to_both = { CLIENT, .recipients = both,
		.recipient_count = 2 };
	static const char found[] =
	    "access recipients:1 0: rcpt boss@our.example\n"
	    "dnslist bl.example 100: 192.0.2.10 is in bl.example "
	    "(127.0.0.2)\n";
	struct zone zone = { .text = zone_text };
	char config[512];

	(void)state;
	scratch_write("clients", SPAN_LIT("192.0.2.10 OK\n"), 0644);
	scratch_write("recipients", SPAN_LIT("boss@our.example OK\n"), 0644);
	snprintf(config, sizeof(config), "AccessRecipient %s\n"
	    "DnsList bl.example weight=1\n", scratch_path("recipients"));
	policytrial_check("one recipient is exempt", config, &zone, &to_both,
	    letter, found);
	policytrial_check("the recipient is exempt", config, &zone, &to_boss,
	    letter, "access recipients:1 0: rcpt boss@our.example\n");
	snprintf(config, sizeof(config), "AccessClient %s\n"
	    "DnsList bl.example weight=1\n", scratch_path("clients"));
	policytrial_check("the client is exempt", config, &zone, &to_both,
	    letter, "access clients:1 0: client "
	    "unknown[192.0.2.10]\n");
}

/* The name is as long as can be asked for; with one more letter it is left
 * out, and nothing else. */
static void
test_long_names(void **state)
{
	static const char pattern[] = "DnsList %s%s.bl.example type=helo "
	    "weight=1\nDnsList bl.example weight=2\n";
	char helo[256], config[512];
	int extra;

	(void)state;
	for (extra = 0; extra < 2; extra++) {
		struct zone zone = { .text = zone_text };
		const struct file_envelope envelope = { CLIENT,
			.helo = helo };
		size_t len;

		snprintf(config, sizeof(config), pattern, "zone",
		    extra ? "z" : "");
		len = DOMAIN_MAX - strlen(".zone.bl.example");
		memset(helo, 'a', len);
		helo[len] = '\0';
		for (size_t i = 50; i < len - 1; i += 50)
			helo[i] = '.';
		policytrial_check("long", config, &zone, &envelope, letter,
		    "dnslist bl.example 200: 192.0.2.10 is in bl.example "
		    "(127.0.0.2)\n");
		assert_int_equal(zone.asked, extra ? 1 : 2);
	}
}

/* A dead list is asked for a few messages, then it is left alone; others are
 * not. Configurations come and go meanwhile. */
static void
test_dead_list(void **state)
{
	static const char config[] =
	    "DnsList gone.example weight=1\n"
	    "DnsList bl.example weight=2\n";
	static const char text[] =
	    "10.2.0.192.bl.example A 127.0.0.2\n"
	    "10.2.0.192.gone.example LATE 1\n"
	    "10.2.0.192.gone.example TIMEOUT\n";
	const struct file_envelope envelope = { CLIENT };
	int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		struct zone zone = { .text = text };

		policytrial_check("dead", config, &zone, &envelope, letter,
		    "dnslist bl.example 200: 192.0.2.10 is in bl.example "
		    "(127.0.0.2)\n");
		assert_int_equal(zone.asked, i < 5 ? 2 : 1);
	}
}

/* What the cache of answers has is no news of a list. */
static void
test_old_answers(void **state)
{
	static const char config[] = "DnsList old.example weight=1\n";
	static const char text[] =
	    "10.2.0.192.old.example LATE 1\n"
	    "10.2.0.192.old.example SERVFAIL\n"
	    "11.2.0.192.old.example A 127.0.0.2\n"
	    "12.2.0.192.old.example SERVFAIL\n"
	    "13.2.0.192.old.example LATE 1\n"
	    "13.2.0.192.old.example A 127.0.0.2\n";
	static const struct {
		const char *client;
		bool is_listed;
		unsigned asked;
	} messages[] = {
		{ "192.0.2.10", false, 1 }, { "192.0.2.10", false, 1 },
		{ "192.0.2.10", false, 1 }, { "192.0.2.10", false, 1 },
		{ "192.0.2.12", false, 1 },	/* not the fifth */
		{ "192.0.2.11", true, 1 },	/* nor does it end the row */
		{ "192.0.2.10", false, 1 },
		{ "192.0.2.13", false, 0 },	/* it is away */
	};
	struct strbuf want = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(messages); i++) {
		struct zone zone = { .text = text };
		const struct file_envelope envelope = {
			.client_address = messages[i].client };

		strbuf_reset(&want);
		if (messages[i].is_listed)
			strbuf_addf(&want, "dnslist old.example 100: %s is in "
			    "old.example (127.0.0.2)\n", messages[i].client);
		policytrial_check("old", config, &zone, &envelope, letter,
		    strbuf_str(&want));
		assert_int_equal(zone.asked, messages[i].asked);
	}
	strbuf_clear(&want);
}

/* ---- rows ---- */

static const struct {
	const char *config;
	const char *says;
} bad_rows[] = {
	{ "DnsList bl.example\n", "weight" },
	{ "DnsList weight=1\n", "the first word has to be the list's zone, such as "
	    "bl.example.com; options come after it" },
	{ "DnsList bl weight=1\n", "\"bl\" is no zone" },
	{ "DnsList http://bl.example weight=1\n", "is no zone" },
	{ "DnsList bl..example weight=1\n", "is no zone" },
	{ "DnsList bl.example weight=1 type=header\n", "type" },
	{ "DnsList bl.example weight=heavy\n", "weight" },
	{ "DnsList bl.example weight=1000.01\n", "weight" },
	{ "DnsList bl.example weight=1 codes=127.0.0.2,3\n",
	    "policy.conf:1: error: DnsList: codes= has \"3\"" },
	{ "DnsList bl.example weight=1 codes=127.255.255.254\n",
	    "codes= has \"127.255.255.254\"" },
	{ "DnsList bl.example weight=1 when=sometimes\n", "sometimes" },
	{ "DnsList bl.example weight=1 code=127.0.0.2\n", "code" },
};

static void
test_bad_rows(void **state)
{
	struct diag diag = DIAG_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad_rows); i++) {
		struct snapshot *snapshot = policytrial_load(
		    bad_rows[i].config, &diag);

		ROW_IS(bad_rows[i].config, snapshot == NULL);
		if (!diag_has(&diag, DIAG_ERROR, bad_rows[i].says))
			diag_print(&diag, stderr);
		ROW_IS(bad_rows[i].config, diag_has(&diag, DIAG_ERROR,
		    bad_rows[i].says));
		diag_clear(&diag);
	}
}

static void
test_good_without_codes(void **state)
{
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot;

	(void)state;
	snapshot = policytrial_load("DnsList wl.example weight=-1\n", &diag);
	assert_non_null(snapshot);
	assert_true(diag_has(&diag, DIAG_WARNING, "without codes="));
	snapshot_unref(snapshot);
	diag_clear(&diag);
}

/* Rows that share questions do not count twice. */
static void
test_question_bound(void **state)
{
	struct strbuf config = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot;
	int i;

	(void)state;
	for (i = 0; i < 32; i++)
		strbuf_addf(&config,
		    "DnsList l%d.example weight=1 codes=127.0.0.2\n"
		    "DnsList l%d.example weight=1 codes=127.0.0.3\n", i, i);
	snapshot = policytrial_load(config.s, &diag);
	assert_non_null(snapshot);
	snapshot_unref(snapshot);
	strbuf_adds(&config, "DnsList l1.example weight=1 type=helo\n");
	assert_null(policytrial_load(config.s, &diag));
	assert_true(diag_has(&diag, DIAG_ERROR, "policy.conf:65: error: "
	    "DnsList: more than 32 different questions"));
	strbuf_clear(&config);
	diag_clear(&diag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_code_bound),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_exempt),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_dead_list),
		cmocka_unit_test(test_old_answers),
		cmocka_unit_test(test_bad_rows),
		cmocka_unit_test(test_good_without_codes),
		cmocka_unit_test(test_question_bound),
	};

	log_open("test", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
