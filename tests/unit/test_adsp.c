#include "tests/unit/unit.h"
#include "tests/unit/zone.h"

#include "common/dkim/adsp.h"

static const char zone_text[] =
    "example.com MX 10 mx.example.com\n"
    "_adsp._domainkey.all.example TXT \"dkim=all\"\n"
    "all.example A 192.0.2.1\n"
    "_adsp._domainkey.bin.example TXT \"dkim = discardable; x=y\"\n"
    "_adsp._domainkey.open.example TXT \"dkim=unknown\"\n"
    "_adsp._domainkey.new.example TXT \"dkim=perhaps\"\n"
    "_adsp._domainkey.two.example TXT \"dkim=all\"\n"
    "_adsp._domainkey.two.example TXT \"dkim=unknown\"\n"
    "_adsp._domainkey.junk.example TXT \"v=spf1 -all\"\n"
    "_adsp._domainkey.later.example TXT \"t=y; dkim=all\"\n"
    "_adsp._domainkey.dead.example SERVFAIL\n"
    "_adsp._domainkey.forged.example BOGUS\n"
    "gone.example TIMEOUT\n"
    "_adsp._domainkey.slow.example TXT \"dkim=all\"\n"
    "_adsp._domainkey.slow.example LATE 2\n"
    "slow.example LATE 3\n";

static void
follows_the_published_practice(void **state)
{
	static const struct {
		const char *domain;
		bool is_signed;
		enum adsp_result result;
	} rows[] = {
		{ "all.example", true, ADSP_PASS },
		{ "all.example", false, ADSP_FAIL },
		{ "bin.example", false, ADSP_DISCARD },
		{ "open.example", false, ADSP_UNKNOWN },
		{ "new.example", false, ADSP_UNKNOWN },
		{ "two.example", false, ADSP_PERMERROR },
		{ "junk.example", false, ADSP_PERMERROR },
		{ "later.example", false, ADSP_PERMERROR },
		{ "example.com", false, ADSP_NONE },
		{ "nowhere.example", false, ADSP_NXDOMAIN },
		{ "dead.example", false, ADSP_TEMPERROR },
		{ "forged.example", false, ADSP_TEMPERROR },
		{ "gone.example", false, ADSP_TEMPERROR },
		{ "slow.example", false, ADSP_FAIL },
	};
	struct zone zone = { .text = zone_text };
	struct arena arena = ARENA_INIT;
	struct lookups *lookups;
	struct adsp adsp;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		lookups = zone_lookups(&zone);
		while (!adsp_check(span_of(rows[i].domain), rows[i].is_signed,
		    lookups, &arena, &adsp))
			ROW_IS(rows[i].domain, lookups_wait(lookups));
		ROW_EQ(rows[i].domain, span_of(adsp_result_name(adsp.result)),
		    span_of(adsp_result_name(rows[i].result)));
		lookups_free(lookups);
	}
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_published_practice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
