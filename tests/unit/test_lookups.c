#include "tests/unit/unit.h"

#include "common/base/clock.h"
#include "common/dns/lookups.h"
#include "tests/unit/zone.h"

static const struct dns_answer *
get(struct lookups *lookups, enum lookup_purpose purpose, const char *name,
    enum dns_type type)
{
	return lookups_get(lookups, purpose, span_of(name), type);
}

static void
test_answers(void **state)
{
	static const struct {
		const char *name;
		enum dns_type type;
		enum dns_result result;
	} rows[] = {
		{ "a.example", DNS_TXT, DNS_FOUND },
		{ "A.Example.", DNS_TXT, DNS_FOUND },
		{ "a.example", DNS_A, DNS_NODATA },
		{ "example", DNS_A, DNS_NODATA },	/* only names below */
		{ "b.example", DNS_A, DNS_NXDOMAIN },
		{ "alias.example", DNS_TXT, DNS_FOUND },
		{ "nowhere.example", DNS_TXT, DNS_NXDOMAIN },
		{ "loop.example", DNS_TXT, DNS_SERVFAIL },
		{ "dead.example", DNS_MX, DNS_SERVFAIL },
		{ "half.example", DNS_A, DNS_FOUND },
		{ "half.example", DNS_AAAA, DNS_TIMEOUT },
		{ "bogus.example", DNS_TXT, DNS_BOGUS },
		{ "", DNS_TXT, DNS_MALFORMED },
		{ ".", DNS_TXT, DNS_MALFORMED },
		{ "a..example", DNS_TXT, DNS_MALFORMED },
		{ ".a.example", DNS_TXT, DNS_MALFORMED },
		{ "a.example..", DNS_TXT, DNS_MALFORMED },
		{ "1234567890123456789012345678901234567890123456789012345678"
		    "901234.example", DNS_TXT, DNS_MALFORMED },
		{ "123456789012345678901234567890123456789012345678901234567"
		    "890123.example", DNS_TXT, DNS_NXDOMAIN },
		{ "sp ace.\xff.example", DNS_TXT, DNS_NXDOMAIN },
	};
	struct zone zone = { .text =
	    "a.example TXT \"v=\" \"1\"\n"
	    "alias.example CNAME a.example.\n"
	    "nowhere.example CNAME b.example\n"
	    "loop.example CNAME loop2.example\n"
	    "loop2.example CNAME loop.example\n"
	    "dead.example SERVFAIL\n"
	    "half.example A 192.0.2.1\n"
	    "half.example TIMEOUT AAAA\n"
	    "bogus.example BOGUS\n" };
	struct lookups *lookups = zone_lookups(&zone);
	const struct dns_answer *answer;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		answer = get(lookups, LOOKUP_SPF, rows[i].name, rows[i].type);
		ROW_IS(rows[i].name, answer != NULL);
		ROW_IS(rows[i].name, answer->result == rows[i].result);
	}
	assert_false(lookups_wait(lookups));
	lookups_free(lookups);
}

static void
test_longest_name(void **state)
{
	struct zone zone = { .text = "" };
	struct lookups *lookups = zone_lookups(&zone);
	char name[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(name); i++)
		name[i] = i % 2 == 0 ? 'a' : '.';
	assert_int_equal(lookups_get(lookups, LOOKUP_SPF, span_make(name, 253),
	    DNS_A)->result, DNS_NXDOMAIN);
	assert_int_equal(lookups_get(lookups, LOOKUP_SPF, span_make(name, 254),
	    DNS_A)->result, DNS_NXDOMAIN);	/* with its last dot */
	assert_int_equal(lookups_get(lookups, LOOKUP_SPF, span_make(name, 255),
	    DNS_A)->result, DNS_MALFORMED);
	assert_int_equal(lookups_count(lookups), 1);
	lookups_free(lookups);
}

static void
test_trace_and_memo(void **state)
{
	struct zone zone = { .text = "a.example TXT x\na.example A 192.0.2.1\n" };
	struct lookups *lookups = zone_lookups(&zone);
	const struct dns_answer *first;

	(void)state;
	first = get(lookups, LOOKUP_SPF, "A.example", DNS_TXT);
	assert_ptr_equal(first, get(lookups, LOOKUP_DMARC, "a.EXAMPLE.",
	    DNS_TXT));
	assert_ptr_not_equal(first, get(lookups, LOOKUP_DMARC, "a.example",
	    DNS_A));
	assert_int_equal(zone.asked, 2);
	assert_int_equal(lookups_count(lookups), 2);
	assert_int_equal(lookups_at(lookups, 0)->purpose, LOOKUP_SPF);
	SPAN_IS(lookups_at(lookups, 0)->name, "A.example");
	assert_ptr_equal(lookups_at(lookups, 0)->answer, first);
	assert_int_equal(lookups_at(lookups, 1)->purpose, LOOKUP_DMARC);
	assert_int_equal(lookups_at(lookups, 1)->type, DNS_A);
	lookups_free(lookups);
}

/* Puts up to 100 different questions; how many were answered. */
static unsigned
exhaust(struct lookups *lookups, enum lookup_purpose purpose, const char *tag)
{
	const struct dns_answer *answer;
	unsigned done = 0, i;
	char name[64];

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%u.%s.example", i, tag);
		answer = get(lookups, purpose, name, DNS_TXT);
		assert_non_null(answer);
		if (answer->result == DNS_REFUSED)
			continue;
		assert_int_equal(answer->result, DNS_NXDOMAIN);
		done++;
	}
	return done;
}

static void
test_bound_and_shares(void **state)
{
	struct zone zone = { .text = "" };
	struct lookups *lookups = zone_lookups(&zone);

	(void)state;
	assert_false(lookups_over_limit(lookups));
	assert_int_equal(exhaust(lookups, LOOKUP_SPF, "spf"), 24);
	assert_true(lookups_over_limit(lookups));
	assert_int_equal(exhaust(lookups, LOOKUP_ARC, "arc"), 0);
	assert_int_equal(exhaust(lookups, LOOKUP_DKIM, "dkim"), 8);
	assert_int_equal(exhaust(lookups, LOOKUP_DMARC, "dmarc"), 8);
	assert_int_equal(zone.asked, 40);
	/* What is known already is no question. */
	assert_int_equal(get(lookups, LOOKUP_IPREV, "0.spf.example",
	    DNS_TXT)->result, DNS_NXDOMAIN);
	lookups_free(lookups);

	lookups = zone_lookups(&zone);
	assert_int_equal(exhaust(lookups, LOOKUP_ARC, "arc"), 14);
	assert_int_equal(exhaust(lookups, LOOKUP_DKIM, "dkim"), 8);
	assert_int_equal(exhaust(lookups, LOOKUP_DMARC, "dmarc"), 8);
	assert_int_equal(exhaust(lookups, LOOKUP_SPF, "spf"), 10);
	lookups_free(lookups);
}

static void
test_no_shares(void **state)
{
	struct zone zone = { .text = "" };
	const struct lookups_options options = { .source = zone_source,
		.source_arg = &zone, .no_shares = true };
	struct lookups *lookups = lookups_new(&options);

	(void)state;
	assert_int_equal(exhaust(lookups, LOOKUP_DNSLIST, "list"), 40);
	assert_int_equal(exhaust(lookups, LOOKUP_SPF, "spf"), 0);
	lookups_free(lookups);
}

static void
test_smaller_bound(void **state)
{
	struct zone zone = { .text = "" };
	const struct lookups_options options = { .source = zone_source,
		.source_arg = &zone, .max_queries = 10 };
	struct lookups *lookups = lookups_new(&options);

	(void)state;
	assert_int_equal(exhaust(lookups, LOOKUP_SPF, "spf"), 6);
	assert_int_equal(exhaust(lookups, LOOKUP_DKIM, "dkim"), 2);
	assert_int_equal(exhaust(lookups, LOOKUP_DMARC, "dmarc"), 2);
	lookups_free(lookups);
}

static void
test_waiting(void **state)
{
	struct zone zone = { .text =
	    "slow.example TXT s\nslow.example LATE 4\n"
	    "slower.example TXT s\nslower.example LATE 8\n" };
	struct lookups *lookups = zone_lookups(&zone);

	(void)state;
	assert_null(get(lookups, LOOKUP_SPF, "slow.example", DNS_TXT));
	assert_null(get(lookups, LOOKUP_SPF, "slower.example", DNS_TXT));
	assert_null(get(lookups, LOOKUP_SPF, "slow.example", DNS_TXT));
	assert_false(lookups_arrived(lookups));
	assert_null(lookups_at(lookups, 0)->answer);
	assert_true(lookups_wait(lookups));
	assert_non_null(get(lookups, LOOKUP_SPF, "slow.example", DNS_TXT));
	assert_null(get(lookups, LOOKUP_SPF, "slower.example", DNS_TXT));
	assert_true(lookups_wait(lookups));
	assert_non_null(get(lookups, LOOKUP_SPF, "slower.example", DNS_TXT));
	assert_false(lookups_arrived(lookups));
	assert_false(lookups_wait(lookups));
	lookups_free(lookups);
}

static void
test_times(void **state)
{
	struct zone zone = { .text = "dead.example LATE 1000000\n"
	    "dead2.example LATE 1000000\n" };
	struct lookups_options options = { .source = zone_source,
		.source_arg = &zone, .query_ms = 30, .message_ms = 50 };
	struct lookups *lookups = lookups_new(&options);
	int64_t start = clock_monotonic_ms();
	const struct dns_answer *answer;

	(void)state;
	assert_null(get(lookups, LOOKUP_SPF, "dead.example", DNS_TXT));
	assert_true(lookups_wait(lookups));
	answer = get(lookups, LOOKUP_SPF, "dead.example", DNS_TXT);
	assert_int_equal(answer->result, DNS_TIMEOUT);
	assert_non_null(answer->detail);
	assert_true(clock_monotonic_ms() - start >= 30);
	/* The next one has what is left of the message's time. */
	assert_null(get(lookups, LOOKUP_SPF, "dead2.example", DNS_TXT));
	assert_true(lookups_wait(lookups));
	assert_true(clock_monotonic_ms() - start >= 50);
	assert_true(clock_monotonic_ms() - start < 5000);
	answer = get(lookups, LOOKUP_SPF, "x.example", DNS_TXT);
	assert_non_null(answer);
	assert_int_equal(answer->result, DNS_TIMEOUT);
	assert_int_equal(lookups_count(lookups), 2);
	lookups_free(lookups);
}

/* ---- what is made from answers ---- */

static int made, freed;

static void *
make(const struct dns_answer *answer)
{
	size_t *length = xmalloc(sizeof(*length));

	made++;
	*length = answer->records[0].data.len;
	return length;
}

static void
drop(void *length)
{
	freed++;
	free(length);
}

static void
test_derive(void **state)
{
	static const struct dns_derivation one = { make, drop },
	    two = { make, drop };
	struct zone zone = { .text = "a.example TXT abc\n" };
	struct lookups *lookups = zone_lookups(&zone);
	const struct dns_answer *answer = get(lookups, LOOKUP_DKIM,
	    "a.example", DNS_TXT);
	const size_t *length = dns_answer_derive(answer, &one);

	(void)state;
	assert_int_equal(*length, 4);
	assert_ptr_equal(length, dns_answer_derive(answer, &one));
	assert_int_equal(made, 1);
	assert_ptr_not_equal(length, dns_answer_derive(answer, &two));
	assert_ptr_equal(length, dns_answer_derive(answer, &one));
	assert_int_equal(made, 2);
	assert_int_equal(freed, 0);
	lookups_free(lookups);
	assert_int_equal(freed, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_trace_and_memo),
		cmocka_unit_test(test_bound_and_shares),
		cmocka_unit_test(test_no_shares),
		cmocka_unit_test(test_smaller_bound),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_derive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
