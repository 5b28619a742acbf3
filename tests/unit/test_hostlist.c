#include "tests/unit/tables.h"

#include "common/tables/hostlist.h"

static const struct dataset_place place = { "a.conf", 3, "InternalHosts",
    NULL };

static const char list[] =
    "# trusted\n"
    "127.0.0.1\n"
    "::1\n"
    "[2001:db8::5]\n"
    "192.0.2.0/24\n"
    "!192.0.2.128/25\n"
    "192.0.2.130\n"
    "10.0.0.0/255.0.0.0\n"
    "2001:db8:1::/48\n"
    "!2001:db8:1:2::/64\n"
    "::ffff:198.51.100.0/120\n"
    "mail.Example.com.\n"
    ".example.net\n"
    "*.example.org\n"
    "!bad.example.net\n"
    ".good.bad.example.net\n"
    "host_1.example.com\n"
    "b\xc3\xbc" "cher.example\n"
    "localhost\n";

static const struct {
	const char *name;
	const char *address;
	bool in;
	const char *entry;
} matches[] = {
	{ "", "127.0.0.1", true, "127.0.0.1" },
	{ "", "127.0.0.2", false, "" },
	{ "unknown", "::1", true, "::1" },
	{ "[203.0.113.1]", "203.0.113.1", false, "" },
	{ "", "2001:db8::5", true, "[2001:db8::5]" },
	{ "", "192.0.2.1", true, "192.0.2.0/24" },
	{ "", "192.0.2.129", false, "!192.0.2.128/25" },
	{ "", "192.0.2.130", true, "192.0.2.130" },
	{ "", "::ffff:192.0.2.1", true, "192.0.2.0/24" },
	{ "", "10.255.0.1", true, "10.0.0.0/255.0.0.0" },
	{ "", "11.0.0.1", false, "" },
	{ "", "2001:db8:1::9", true, "2001:db8:1::/48" },
	{ "", "2001:db8:1:2::9", false, "!2001:db8:1:2::/64" },
	{ "", "198.51.100.7", true, "::ffff:198.51.100.0/120" },
	{ "MAIL.example.com", "", true, "mail.Example.com." },
	{ "mail.example.com.", "", true, "mail.Example.com." },
	{ "x.mail.example.com", "", false, "" },
	{ "example.com", "", false, "" },
	{ "example.net", "", false, "" },
	{ "a.b.example.net", "", true, ".example.net" },
	{ "a.example.org", "", true, "*.example.org" },
	{ "bad.example.net", "", false, "!bad.example.net" },
	{ "x.bad.example.net", "", true, ".example.net" },
	{ "x.good.bad.example.net", "", true, ".good.bad.example.net" },
	{ "notexample.net", "", false, "" },
	{ "host_1.example.com", "", true, "host_1.example.com" },
	{ "xn--bcher-kva.example", "", true, "b\xc3\xbc" "cher.example" },
	{ "localhost", "", true, "localhost" },
	/* the name decides before the address */
	{ "bad.example.net", "127.0.0.1", false, "!bad.example.net" },
	{ "a.example.net", "192.0.2.129", true, ".example.net" },
	{ "other.example", "192.0.2.129", false, "!192.0.2.128/25" },
};

static void
test_match(void **state)
{
	struct diag diag = DIAG_INIT;
	struct hostlist *hosts;
	struct ipaddr address;
	struct span entry;
	char name[64];
	size_t i;

	(void)state;
	scratch_write("hosts", span_of(list), 0644);
	hosts = hostlist_load(scratch_path("hosts"), &place, &diag);
	row_says("load", &diag, "");
	assert_non_null(hosts);
	assert_int_equal(hostlist_count(hosts), 18);
	for (i = 0; i < ARRAY_LEN(matches); i++) {
		snprintf(name, sizeof(name), "%s %s", matches[i].name,
		    matches[i].address);
		if (!ipaddr_parse(span_of(matches[i].address), &address))
			address.family = 0;
		ROW_IS(name, hostlist_match(hosts, span_of(matches[i].name),
		    &address, NULL) == matches[i].in);
		hostlist_match(hosts, span_of(matches[i].name), &address,
		    &entry);
		ROW_EQ(name, entry, span_of(matches[i].entry));
	}
	hostlist_free(hosts);
}

#define SAYS(line, level, text) \
	"DIR/hosts:" line ": " level ": InternalHosts: " text "\n"

static const struct {
	const char *text;
	bool loads;
	const char *says;
} faults[] = {
	{ "192.0.2.77/24\n", true, SAYS("1", "warning", "\"192.0.2.77/24\" has "
	    "bits set behind its prefix; it is read as 192.0.2.0/24, write "
	    "that") },
	{ "[2001:db8::1]/32\n", true, SAYS("1", "warning",
	    "\"[2001:db8::1]/32\" has bits set behind its prefix; it is read "
	    "as 2001:db8::/32, write that") },
	{ "a.example\n\nA.example.\n", true, SAYS("3", "warning",
	    "\"A.example.\" is there already, on line 1; remove one of "
	    "them") },
	{ "10.0.0.0/8\n!10.1.1.1/8\n", true, SAYS("2", "warning",
	    "\"!10.1.1.1/8\" has bits set behind its prefix; it is read as "
	    "10.0.0.0/8, write that") SAYS("2", "warning", "\"!10.1.1.1/8\" "
	    "says the opposite of line 1; the one with \"!\" holds, remove "
	    "one of them") },
	{ "a.example b.example\n", true, SAYS("1", "warning", "\"a.example\" "
	    "is followed by something that is not read; write one entry a "
	    "line") },
	{ "! 10.0.0.1\n", false, SAYS("1", "error", "\"!\" has nothing behind "
	    "it; write !entry without a blank") },
	{ "*\n", false, SAYS("1", "error", "\"*\" is no host; for every "
	    "address write 0.0.0.0/0 and ::/0") },
	{ "user@example.com\n", false, SAYS("1", "error",
	    "\"user@example.com\" is a mail address, not a host") },
	{ "192.0.2.0/33\n", false, SAYS("1", "error", "\"192.0.2.0/33\" is no "
	    "IP address or network; write 192.0.2.0/24 or 2001:db8::/32") },
	{ "2001:db8::zz\n", false, SAYS("1", "error", "\"2001:db8::zz\" is no "
	    "IP address or network; write 192.0.2.0/24 or 2001:db8::/32") },
	{ "192.0.2\n", false, SAYS("1", "error", "\"192.0.2\" is no full IPv4 "
	    "address; write a network as 192.0.2.0/24") },
	{ "192.0.2.\n", false, SAYS("1", "error", "\"192.0.2.\" is no full "
	    "IPv4 address; write a network as 192.0.2.0/24") },
	{ "300.1.2.3\n", false, SAYS("1", "error", "\"300.1.2.3\" is no full "
	    "IPv4 address; write a network as 192.0.2.0/24") },
	{ "10.*\n", false, SAYS("1", "error", "\"10.*\" has a \"*\" other "
	    "than in front of a domain; write *.example.com, or a network as "
	    "192.0.2.0/24") },
	{ "a..b\nex\xc3\xff\n-a.example\n", false,
	    SAYS("1", "error", "\"a..b\" is no host name, domain, IP address "
	    "or network")
	    SAYS("2", "error", "\"ex\\xc3\\xff\" is no host name, domain, IP "
	    "address or network")
	    SAYS("3", "error", "\"-a.example\" is no host name, domain, IP "
	    "address or network") },
};

static void
test_faults(void **state)
{
	struct diag diag = DIAG_INIT;
	struct hostlist *hosts;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(faults); i++) {
		scratch_write("hosts", span_of(faults[i].text), 0644);
		hosts = hostlist_load(scratch_path("hosts"), &place, &diag);
		ROW_IS(faults[i].text, (hosts != NULL) == faults[i].loads);
		hostlist_free(hosts);
		row_says(faults[i].text, &diag, faults[i].says);
	}
}

static void
test_excluded_stays_out(void **state)
{
	struct diag diag = DIAG_INIT;
	struct ipaddr address;
	struct hostlist *hosts;

	(void)state;
	assert_true(ipaddr_parse(span_of("10.0.0.1"), &address));
	hosts = hostlist_load("10.0.0.1,!10.0.0.1", &place, &diag);
	assert_false(hostlist_match(hosts, span_of(""), &address, NULL));
	hostlist_free(hosts);
	hosts = hostlist_load("!10.0.0.1,10.0.0.1", &place, &diag);
	assert_false(hostlist_match(hosts, span_of(""), &address, NULL));
	hostlist_free(hosts);
	diag_clear(&diag);
}

static void
test_empty(void **state)
{
	static const char *const specs[] = { NULL, "", "csl:" };
	struct diag diag = DIAG_INIT;
	struct ipaddr address;
	struct hostlist *hosts;
	size_t i;

	(void)state;
	assert_true(ipaddr_parse(span_of("10.0.0.1"), &address));
	for (i = 0; i < ARRAY_LEN(specs); i++) {
		hosts = hostlist_load(specs[i], &place, &diag);
		assert_int_equal(hostlist_count(hosts), 0);
		assert_false(hostlist_match(hosts, span_of("a.example"),
		    &address, NULL));
		hostlist_free(hosts);
	}
	assert_null(hostlist_load("/nonexistent", &place, &diag));
	hostlist_free(NULL);
	diag_clear(&diag);
}

static void
test_long_name(void **state)
{
	struct strbuf name = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct ipaddr none = { 0 };
	struct hostlist *hosts;

	(void)state;
	hosts = hostlist_load(".example,0.0.0.0/0", &place, &diag);
	while (name.len < 246)
		strbuf_adds(&name, "a.");
	strbuf_adds(&name, "example");
	assert_true(hostlist_match(hosts, strbuf_span(&name), &none, NULL));
	strbuf_reset(&name);
	while (name.len < 4096)
		strbuf_adds(&name, "a.");
	strbuf_adds(&name, "example");
	assert_false(hostlist_match(hosts, strbuf_span(&name), &none, NULL));
	hostlist_free(hosts);
	strbuf_clear(&name);
	diag_clear(&diag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_excluded_stays_out),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_long_name),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
