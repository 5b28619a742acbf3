/*
 * HELO and reverse names in the whole policy filter.
 */
#include "tests/unit/unit.h"
#include "tests/unit/policytrial.h"

#include "milters/policy/heloname.h"

#include "common/base/log.h"

/* ---- names ---- */

static const struct {
	const char *text;
	enum heloname_kind kind;
} kind_rows[] = {
	{ "mx.example.com", HELONAME_FULL },
	{ "mx.example.com.", HELONAME_FULL },
	{ "MX_1.example.com", HELONAME_FULL },
	{ "1and1.example", HELONAME_FULL },
	{ "mx.example.x1", HELONAME_FULL },
	{ "localhost", HELONAME_SHORT },
	{ "WIN-4JK2", HELONAME_SHORT },
	{ "localhost.", HELONAME_SHORT },
	{ "[192.0.2.1]", HELONAME_LITERAL },
	{ "[IPv6:2001:db8::1]", HELONAME_LITERAL },
	{ "[2001:db8::1]", HELONAME_LITERAL },
	{ "", HELONAME_INVALID },
	{ ".", HELONAME_INVALID },
	{ "[", HELONAME_INVALID },
	{ "[]", HELONAME_INVALID },
	{ "[192.0.2.1", HELONAME_INVALID },
	{ "[192.0.2.256]", HELONAME_INVALID },
	{ "[mx.example.com]", HELONAME_INVALID },
	{ "192.0.2.1", HELONAME_INVALID },
	{ "192.0.2.1.", HELONAME_INVALID },
	{ "2001:db8::1", HELONAME_INVALID },
	{ "12345", HELONAME_INVALID },
	{ "mx..example.com", HELONAME_INVALID },
	{ "mx.example.com..", HELONAME_INVALID },
	{ ".example.com", HELONAME_INVALID },
	{ "-mx.example.com", HELONAME_INVALID },
	{ "mx example.com", HELONAME_INVALID },
	{ "m\xc3\xbc.example", HELONAME_INVALID },
	{ "joe@example.com", HELONAME_INVALID },
};

static void
test_kinds(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(kind_rows); i++)
		if (heloname_kind(span_of(kind_rows[i].text)) !=
		    kind_rows[i].kind)
			fail_msg("%s: %d", kind_rows[i].text, (int)
			    heloname_kind(span_of(kind_rows[i].text)));
	assert_int_equal(heloname_kind(span_make("mx\0.example", 11)),
	    HELONAME_INVALID);
}

/* ---- messages ---- */

static const char letter[] = "From: Joe <joe@author.example>\r\n\r\nHello\r\n";

static const char zone_text[] =
    /* as it should be */
    "10.2.0.192.in-addr.arpa PTR mx.good.example\n"
    "mx.good.example A 192.0.2.10\n"
    "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    ".ip6.arpa PTR mx6.good.example\n"
    "mx6.good.example AAAA 2001:db8::10\n"
    "mx4.good.example A 192.0.2.10\n"
    "alias.good.example CNAME mx.good.example\n"
    /* a reverse name that leads elsewhere, none, none now, a strange one */
    "11.2.0.192.in-addr.arpa PTR mx.good.example\n"
    "12.2.0.192.in-addr.arpa NODATA\n"
    "13.2.0.192.in-addr.arpa SERVFAIL\n"
    "14.2.0.192.in-addr.arpa PTR bad!name.example\n"
    "15.2.0.192.in-addr.arpa PTR gone.example\n"
    "16.2.0.192.in-addr.arpa PTR dead.example\n"
    "17.2.0.192.in-addr.arpa PTR one.many.example\n"
    "17.2.0.192.in-addr.arpa PTR two.many.example\n"
    "one.many.example A 198.51.100.1\n"
    "two.many.example A 192.0.2.17\n"
    "dead.example SERVFAIL\n"
    "other.example A 198.51.100.1\n"
    "only-mx.example MX 10 mx.good.example\n"
    "only-txt.example TXT x\n"
    "mxdead.example SERVFAIL MX\n"
    "mxdead.example TXT x\n"
    "late.example LATE 2\n"
    "late.example A 198.51.100.1\n";

/* Every check, each with a bit of its own as the weight. */
static const char all[] =
    "HostCheck helo-invalid weight=0.01\n"
    "HostCheck helo-not-fqdn weight=0.02\n"
    "HostCheck helo-literal weight=0.04\n"
    "HostCheck helo-wrong-literal weight=0.08\n"
    "HostCheck helo-own-name weight=0.16\n"
    "HostCheck helo-no-address weight=0.32\n"
    "HostCheck helo-not-client weight=0.64\n"
    "HostCheck helo-not-ptr weight=1.28\n"
    "HostCheck ptr-none weight=2.56\n"
    "HostCheck iprev-fail weight=5.12\n";

enum {
	INVALID = 1, NOT_FQDN = 2, LITERAL = 4, WRONG_LITERAL = 8,
	OWN_NAME = 16, NO_ADDRESS = 32, NOT_CLIENT = 64, NOT_PTR = 128,
	PTR_NONE = 256, IPREV_FAILS = 512
};

static const struct file_macro macros[] = {
	{ "j", "mx.our.example" }, { "{daemon_addr}", "203.0.113.1" },
};

static const struct {
	const char *name;
	const char *client, *helo;
	unsigned found;
} rows[] = {
	{ "all is well", "192.0.2.10", "mx.good.example", 0 },
	{ "a last dot", "192.0.2.10", "mx.good.example.", 0 },
	{ "case", "192.0.2.10", "MX.Good.Example", 0 },
	{ "IPv6", "2001:db8::10", "mx6.good.example", 0 },
	{ "an alias leads to it", "192.0.2.10", "alias.good.example",
	    NOT_PTR },
	{ "a name of the other family", "2001:db8::10", "mx4.good.example",
	    NOT_CLIENT | NOT_PTR },
	{ "no HELO", "192.0.2.10", "", INVALID },
	{ "no host name", "192.0.2.10", "what is this", INVALID },
	{ "an address without brackets", "192.0.2.10", "192.0.2.10",
	    INVALID },
	{ "one label", "192.0.2.10", "localhost", NOT_FQDN | NOT_PTR },
	{ "a literal", "192.0.2.10", "[192.0.2.10]", LITERAL },
	{ "an IPv6 literal", "2001:db8::10", "[IPv6:2001:DB8::10]",
	    LITERAL },
	{ "a wrong literal", "192.0.2.10", "[192.0.2.11]",
	    LITERAL | WRONG_LITERAL },
	{ "a literal that is none", "192.0.2.10", "[192.0.2.]", INVALID },
	{ "our name", "192.0.2.10", "MX.our.example",
	    OWN_NAME | NO_ADDRESS | NOT_PTR },
	{ "our address", "192.0.2.10", "[203.0.113.1]",
	    LITERAL | WRONG_LITERAL | OWN_NAME },
	{ "our address without brackets", "192.0.2.10", "203.0.113.1",
	    INVALID | OWN_NAME },
	{ "a name that is not there", "192.0.2.10", "no.example",
	    NO_ADDRESS | NOT_PTR },
	{ "a name for mail only", "192.0.2.10", "only-mx.example", NOT_PTR },
	{ "a name for nothing", "192.0.2.10", "only-txt.example",
	    NO_ADDRESS | NOT_PTR },
	{ "a name that cannot be looked up", "192.0.2.10", "dead.example",
	    NOT_PTR },
	{ "a name whose MX cannot be looked up", "192.0.2.10",
	    "mxdead.example", NOT_PTR },
	{ "a name that leads elsewhere", "192.0.2.10", "other.example",
	    NOT_CLIENT | NOT_PTR },
	{ "it is late", "192.0.2.10", "late.example", NOT_CLIENT | NOT_PTR },
	{ "the reverse name is somebody else's", "192.0.2.11",
	    "mx.good.example", IPREV_FAILS },
	{ "no reverse name", "192.0.2.12", "mx.good.example",
	    NOT_CLIENT | PTR_NONE },
	{ "no reverse zone", "192.0.2.99", "mx.good.example",
	    NOT_CLIENT | PTR_NONE },
	{ "no reverse name now", "192.0.2.13", "mx.good.example", 0 },
	{ "a reverse name that is none", "192.0.2.14", "mx.good.example",
	    NOT_CLIENT | PTR_NONE },
	{ "a reverse name that is not there", "192.0.2.15", "gone.example",
	    NO_ADDRESS | IPREV_FAILS },
	{ "a reverse name that cannot be looked up", "192.0.2.16",
	    "dead.example", 0 },
	{ "one of several reverse names", "192.0.2.17", "one.many.example",
	    0 },
	{ "no client, a name", "unknown", "other.example", 0 },
	{ "no client, a literal", "unknown", "[192.0.2.1]", LITERAL },
};

static unsigned
find(struct snapshot *snapshot, const char *client, const char *helo)
{
	struct zone zone = { .text = zone_text };
	const struct file_envelope envelope = {
		.client_address = client,
		.helo = helo,
		.macros = macros,
		.macro_count = ARRAY_LEN(macros),
	};
	struct strbuf out = STRBUF_INIT;
	struct span rest, line, head;
	unsigned found = 0;
	uint64_t weight;

	policytrial_run(snapshot, &zone, envelope, letter, &out);
	assert_true(zone.asked <= 8);
	rest = strbuf_span(&out);
	while (span_line(&rest, &line)) {
		span_cut(&line, ':', &head);
		head = span_skip(head, span_rfind(head, ' ') + 1);
		assert_true(span_number(head, 512, &weight));
		assert_int_equal(found & weight, 0);
		found |= (unsigned)weight;
	}
	strbuf_clear(&out);
	return found;
}

static void
test_findings(void **state)
{
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot = policytrial_load(all, &diag);
	unsigned found;
	size_t i;

	(void)state;
	assert_non_null(snapshot);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		found = find(snapshot, rows[i].client, rows[i].helo);
		if (found != rows[i].found)
			fail_msg("%s: got %u, want %u", rows[i].name, found,
			    rows[i].found);
	}
	snapshot_unref(snapshot);
	diag_clear(&diag);
}

/* This host's name is ours whatever the MTA calls itself. */
static void
test_host_name(void **state)
{
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot = policytrial_load(all, &diag);
	const struct policy_conf *conf;

	(void)state;
	assert_non_null(snapshot);
	conf = snapshot->conf;
	assert_true((find(snapshot, "192.0.2.10", conf->host_name) &
	    OWN_NAME) != 0);
	snapshot_unref(snapshot);
	diag_clear(&diag);
}

static const char *const to_two[] = { "<a@one.example>", "<b@two.example>" };
static const struct file_macro authenticated[] = {
	{ "{auth_type}", "PLAIN" }, { "{auth_authen}", "joe" },
};

#define BAD	.client_address = "192.0.2.11", .helo = "localhost"

static const struct {
	const char *name;
	const char *config;
	struct file_envelope envelope;
	const char *want;
	bool asks;
} text_rows[] = {
	{ "what is told",
	    "HostCheck helo-not-fqdn weight=1\n"
	    "HostCheck iprev-fail weight=2\n"
	    "HostCheck helo-not-ptr weight=-3\n",
	    { BAD },
	    "hostname helo-not-fqdn 100: HELO localhost is no full host "
	    "name\n"
	    "hostname iprev-fail 200: client 192.0.2.11 has a reverse name "
	    "that does not lead back\n"
	    "hostname helo-not-ptr -300: HELO localhost is not the client's "
	    "reverse name\n", true },
	{ "no name", "HostCheck helo-invalid weight=1\n",
	    { .client_address = "192.0.2.10", .helo = "" },
	    "hostname helo-invalid 100: HELO (none) is no valid host name\n",
	    false },
	{ "an evil name", "HostCheck helo-invalid weight=1\n",
	    { .client_address = "192.0.2.10", .helo = "a\r\nb\x80%s\\" },
	    "hostname helo-invalid 100: HELO a\\x0d\\x0ab\\x80%s\\ is no "
	    "valid host name\n", false },
	{ "once for two recipients",
	    "HostCheck helo-not-fqdn weight=1\n"
	    "HostCheck iprev-fail weight=2\n",
	    { BAD, .recipients = to_two, .recipient_count = 2 },
	    "hostname helo-not-fqdn 100: HELO localhost is no full host "
	    "name\n"
	    "hostname iprev-fail 200: client 192.0.2.11 has a reverse name "
	    "that does not lead back\n", true },
	{ "one recipient is it",
	    "HostCheck iprev-fail weight=2 when=in,rcpt-domain=two.example\n"
	    "HostCheck ptr-none weight=2 when=in,rcpt-domain=three.example\n",
	    { BAD, .recipients = to_two, .recipient_count = 2 },
	    "hostname iprev-fail 200: client 192.0.2.11 has a reverse name "
	    "that does not lead back\n", true },
	{ "our own users are let be",
	    "HostCheck helo-not-fqdn weight=1\n"
	    "HostCheck iprev-fail weight=2\n",
	    { BAD, .macros = authenticated,
	    .macro_count = ARRAY_LEN(authenticated) }, "", false },
	{ "nobody asks for what no row needs",
	    "HostCheck helo-not-fqdn weight=1\n"
	    "HostCheck iprev-fail weight=2 when=in,null-sender\n",
	    { BAD, .sender = "<joe@sender.example>" },
	    "hostname helo-not-fqdn 100: HELO localhost is no full host "
	    "name\n", false },
	{ "a row about the score so far",
	    "HostCheck helo-not-fqdn weight=1\n"
	    "HostCheck iprev-fail weight=2 when=in,score>0.5\n"
	    "HostCheck helo-not-ptr weight=2 when=in,score>5\n",
	    { BAD },
	    "hostname helo-not-fqdn 100: HELO localhost is no full host "
	    "name\n"
	    "hostname iprev-fail 200: client 192.0.2.11 has a reverse name "
	    "that does not lead back\n", true },
	{ "a row about DKIM",
	    "HostCheck iprev-fail weight=2 when=in,!dkim=pass\n", { BAD },
	    "hostname iprev-fail 200: client 192.0.2.11 has a reverse name "
	    "that does not lead back\n", true },
};

static void
test_texts(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(text_rows); i++) {
		struct zone zone = { .text = zone_text };

		policytrial_check(text_rows[i].name, text_rows[i].config,
		    &zone, &text_rows[i].envelope, letter,
		    text_rows[i].want);
		ROW_IS(text_rows[i].name, (zone.asked > 0) ==
		    text_rows[i].asks);
	}
}

/* ---- rows ---- */

static const char *const bad_rows[][2] = {
	{ "HostCheck helo-not-fqdn\n", "weight" },
	{ "HostCheck weight=1\n", "the first word has to be the check, such as "
	    "iprev-fail; options come after it" },
	{ "HostCheck helo_own_name weight=1\n", "\"helo_own_name\" is no check; "
	    "did you mean helo-own-name?" },
	{ "HostCheck helo-short weight=1\n", "policy.conf:1: error: "
	    "HostCheck: \"helo-short\" is no check; there are helo-invalid, "
	    "helo-not-fqdn, helo-literal, helo-wrong-literal, helo-own-name, "
	    "helo-no-address, helo-not-client, helo-not-ptr, ptr-none, "
	    "iprev-fail" },
	{ "HostCheck iprev-fail weight=many\n", "weight" },
	{ "HostCheck iprev-fail weight=1 when=never\n", "never" },
	{ "HostCheck iprev-fail weight=1 zone=x\n", "zone" },
};

static void
test_bad_rows(void **state)
{
	struct diag diag = DIAG_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad_rows); i++) {
		ROW_IS(bad_rows[i][0], policytrial_load(bad_rows[i][0],
		    &diag) == NULL);
		if (!diag_has(&diag, DIAG_ERROR, bad_rows[i][1]))
			diag_print(&diag, stderr);
		ROW_IS(bad_rows[i][0], diag_has(&diag, DIAG_ERROR,
		    bad_rows[i][1]));
		diag_clear(&diag);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_host_name),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_bad_rows),
	};

	log_open("test", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
