#include "tests/unit/unit.h"

#include "common/dns/iprev.h"
#include "tests/unit/zone.h"

static const char zone_of_all[] =
    "1.2.0.192.in-addr.arpa PTR mail.example.org\n"
    "mail.example.org A 192.0.2.1\n"
    "2.2.0.192.in-addr.arpa PTR other.example.org\n"
    "2.2.0.192.in-addr.arpa PTR mail2.example.org\n"
    "other.example.org A 192.0.2.99\n"
    "mail2.example.org A 192.0.2.7\n"
    "mail2.example.org A 192.0.2.2\n"
    "3.2.0.192.in-addr.arpa PTR other.example.org\n"
    "4.2.0.192.in-addr.arpa SERVFAIL\n"
    "5.2.0.192.in-addr.arpa TIMEOUT\n"
    "6.2.0.192.in-addr.arpa PTR dead.example.org\n"
    "dead.example.org SERVFAIL\n"
    "8.2.0.192.in-addr.arpa NODATA\n"
    "9.2.0.192.in-addr.arpa PTR gone.example.org\n"
    "10.2.0.192.in-addr.arpa PTR bad!name.example.org\n"
    "11.2.0.192.in-addr.arpa PTR a.example.org\n"
    "11.2.0.192.in-addr.arpa PTR b.example.org\n"
    "11.2.0.192.in-addr.arpa PTR c.example.org\n"
    "11.2.0.192.in-addr.arpa PTR d.example.org\n"
    "d.example.org A 192.0.2.11\n"
    "12.2.0.192.in-addr.arpa PTR dead.example.org\n"
    "12.2.0.192.in-addr.arpa PTR twelve.example.org\n"
    "twelve.example.org A 192.0.2.12\n"
    "13.2.0.192.in-addr.arpa PTR six.example.org\n"
    "six.example.org AAAA ::ffff:192.0.2.13\n"
    "14.2.0.192.in-addr.arpa CNAME 14.0/25.2.0.192.in-addr.arpa\n"
    "14.0/25.2.0.192.in-addr.arpa PTR fourteen.example.org\n"
    "fourteen.example.org CNAME alias.example.org\n"
    "alias.example.org A 192.0.2.14\n"
    "15.2.0.192.in-addr.arpa BOGUS\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    ".ip6.arpa PTR mail6.example.org\n"
    "mail6.example.org AAAA 2001:db8::1\n"
    "mail6.example.org A 192.0.2.1\n";

static const struct {
	const char *client;
	enum iprev_result result;
	const char *name;
} rows[] = {
	{ "192.0.2.1", IPREV_PASS, "mail.example.org" },
	{ "192.0.2.2", IPREV_PASS, "mail2.example.org" },
	{ "192.0.2.3", IPREV_FAIL, "" },
	{ "192.0.2.4", IPREV_TEMPERROR, "" },
	{ "192.0.2.5", IPREV_TEMPERROR, "" },
	{ "192.0.2.6", IPREV_TEMPERROR, "" },
	{ "192.0.2.7", IPREV_PERMERROR, "" },
	{ "192.0.2.8", IPREV_PERMERROR, "" },
	{ "192.0.2.9", IPREV_FAIL, "" },
	{ "192.0.2.10", IPREV_PERMERROR, "" },
	{ "192.0.2.11", IPREV_FAIL, "" },	/* only the fourth name */
	{ "192.0.2.12", IPREV_PASS, "twelve.example.org" },
	{ "192.0.2.13", IPREV_FAIL, "" },
	{ "192.0.2.14", IPREV_PASS, "fourteen.example.org" },
	{ "192.0.2.15", IPREV_TEMPERROR, "" },
	{ "2001:db8::1", IPREV_PASS, "mail6.example.org" },
	{ "2001:db8::2", IPREV_PERMERROR, "" },
	{ "::ffff:192.0.2.1", IPREV_PASS, "mail.example.org" },
};

static void
check(struct zone *zone, unsigned max_queries, const char *client,
    struct arena *arena, struct iprev *iprev)
{
	const struct lookups_options options = { .source = zone_source,
		.source_arg = zone, .max_queries = max_queries };
	struct lookups *lookups = lookups_new(&options);
	struct ipaddr address = { 0 };

	if (client != NULL)
		assert_true(ipaddr_parse(span_of(client), &address));
	while (!iprev_check(&address, lookups, arena, iprev))
		assert_true(lookups_wait(lookups));
	lookups_free(lookups);
}

static void
test_results(void **state)
{
	struct zone zone = { .text = zone_of_all };
	struct arena arena = ARENA_INIT;
	struct iprev iprev;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		check(&zone, 0, rows[i].client, &arena, &iprev);
		ROW_IS(rows[i].client, iprev.result == rows[i].result);
		ROW_EQ(rows[i].client, iprev.name, span_of(rows[i].name));
		ROW_IS(rows[i].client, (iprev.reason[0] == '\0') ==
		    (iprev.result == IPREV_PASS));
	}
	check(&zone, 0, NULL, &arena, &iprev);
	assert_int_equal(iprev.result, IPREV_PERMERROR);
	arena_clear(&arena);
}

/* All names are asked for before any is waited for. */
static void
test_late_answers(void **state)
{
	struct zone zone = { .text =
	    "2.2.0.192.in-addr.arpa PTR slow.example.org\n"
	    "2.2.0.192.in-addr.arpa PTR quick.example.org\n"
	    "2.2.0.192.in-addr.arpa LATE 2\n"
	    "slow.example.org LATE 3\n"
	    "slow.example.org A 192.0.2.2\n"
	    "quick.example.org A 192.0.2.2\n" };
	struct arena arena = ARENA_INIT;
	struct iprev iprev;

	(void)state;
	check(&zone, 0, "192.0.2.2", &arena, &iprev);
	assert_int_equal(iprev.result, IPREV_PASS);
	SPAN_IS(iprev.name, "slow.example.org");
	assert_int_equal(zone.asked, 3);
	arena_clear(&arena);
}

static void
test_bound(void **state)
{
	struct zone zone = { .text = zone_of_all };
	struct arena arena = ARENA_INIT;
	struct iprev iprev;

	(void)state;
	check(&zone, 1, "192.0.2.1", &arena, &iprev);
	assert_int_equal(iprev.result, IPREV_PERMERROR);
	assert_non_null(strstr(iprev.reason, "too many"));
	arena_clear(&arena);
}

static size_t
questions_after(const char *client, struct span name)
{
	struct zone zone = { .text = zone_of_all };
	const struct lookups_options options = { .source = zone_source,
		.source_arg = &zone };
	struct lookups *lookups = lookups_new(&options);
	struct ipaddr address = { 0 };
	size_t count;

	if (client != NULL)
		assert_true(ipaddr_parse(span_of(client), &address));
	iprev_prefetch(&address, name, lookups);
	count = lookups_count(lookups);
	if (count > 0)
		assert_int_equal(lookups_at(lookups, 0)->type,
		    address.family == 4 ? DNS_A : DNS_AAAA);
	lookups_free(lookups);
	return count;
}

static void
test_prefetch(void **state)
{
	static const char *const no_names[] = {
		"", "unknown", "[192.0.2.1]", "mail..example.org", "a b.example",
	};
	size_t i;

	(void)state;
	assert_int_equal(questions_after("192.0.2.1",
	    SPAN_LIT("mail.example.org")), 1);
	assert_int_equal(questions_after("2001:db8::1",
	    SPAN_LIT("mail6.example.org")), 1);
	assert_int_equal(questions_after(NULL, SPAN_LIT("mail.example.org")),
	    0);
	for (i = 0; i < ARRAY_LEN(no_names); i++)
		ROW_IS(no_names[i], questions_after("192.0.2.1",
		    span_of(no_names[i])) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_late_answers),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_prefetch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
