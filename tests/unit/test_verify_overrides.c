/* DMARCOverrides: rows, days, the most specific row. */
#include "tests/unit/tables.h"

#include "milters/verify/overrides.h"

enum { NOW = 1798761600 };	/* 2027-01-01T00:00:00Z */

static struct verify_overrides *
load(const char *text, struct diag *diag)
{
	struct dataset_place place = {
		.file = "verify.conf", .line = 3, .setting = "DMARCOverrides",
	};
	struct strbuf spec = STRBUF_INIT;
	struct verify_overrides *overrides;

	scratch_write("overrides", span_of(text), 0600);
	strbuf_addf(&spec, "file:%s", scratch_path("overrides"));
	overrides = verify_overrides_load(spec.s, &place, NOW, diag);
	strbuf_clear(&spec);
	return overrides;
}

static void
finds_the_most_specific_row(void **state)
{
	static const char text[] =
	    "# what our partners cannot mend\n"
	    "example.com\taccept\t2027-01-31\ttheir lists, ticket 42\n"
	    ".example.com quarantine -\n"
	    "*.a.example.com\treject 2027-06-30 deeper\n"
	    "Old.Example.NET accept 2026-12-31 was moved\n"
	    "b\xc3\xbc" "cher.example reject -\n";
	static const struct {
		const char *domain;
		int64_t now;
		const char *row;	/* NULL: none */
		enum dmarc_policy action;
		const char *comment;
	} rows[] = {
		{ "example.com", NOW, ":2", DMARC_POLICY_NONE,
		    "their lists, ticket 42" },
		{ "example.com", NOW + 31 * 86400 - 1, ":2",
		    DMARC_POLICY_NONE, "their lists, ticket 42" },
		{ "example.com", NOW + 31 * 86400, NULL, DMARC_POLICY_NONE,
		    "" },
		{ "x.example.com", NOW, ":3", DMARC_POLICY_QUARANTINE, "" },
		{ "a.example.com", NOW, ":3", DMARC_POLICY_QUARANTINE, "" },
		{ "x.y.a.example.com", NOW, ":4", DMARC_POLICY_REJECT,
		    "deeper" },
		{ "x.a.example.com", NOW + 365 * 86400, ":3",
		    DMARC_POLICY_QUARANTINE, "" },
		{ "old.example.net", NOW - 1, ":5", DMARC_POLICY_NONE,
		    "was moved" },
		{ "old.example.net", NOW, NULL, DMARC_POLICY_NONE, "" },
		{ "xn--bcher-kva.example", NOW, ":6", DMARC_POLICY_REJECT,
		    "" },
		{ "badexample.com", NOW, NULL, DMARC_POLICY_NONE, "" },
		{ "com", NOW, NULL, DMARC_POLICY_NONE, "" },
	};
	struct diag diag = DIAG_INIT;
	struct verify_overrides *overrides = load(text, &diag);
	const struct verify_override *found;
	size_t i;

	(void)state;
	assert_false(diag_failed(&diag));
	assert_true(diag_has(&diag, DIAG_WARNING, "past its last day"));
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		found = verify_overrides_find(overrides,
		    span_of(rows[i].domain), rows[i].now);
		ROW_IS(rows[i].domain, (found == NULL) ==
		    (rows[i].row == NULL));
		if (found == NULL)
			continue;
		ROW_IS(rows[i].domain, found->action == rows[i].action);
		ROW_EQ(rows[i].domain, span_of(strrchr(found->row, ':')),
		    span_of(rows[i].row));
		ROW_EQ(rows[i].domain, span_of(found->comment),
		    span_of(rows[i].comment));
	}
	verify_overrides_free(overrides);
	diag_clear(&diag);
}

static void
tells_every_wrong_row(void **state)
{
	static const struct {
		const char *text, *says;
		enum diag_level level;
	} rows[] = {
		{ "exa_mple.com accept -", "is no domain", DIAG_ERROR },
		{ "example.com allow -", "write accept, quarantine or reject",
		    DIAG_ERROR },
		{ "example.com", "the action is \"\"", DIAG_ERROR },
		{ "example.com accept", "the last day is \"\"", DIAG_ERROR },
		{ "example.com accept 31.12.2026", "2026-12-31", DIAG_ERROR },
		{ "example.com accept 2026-02-30", "the last day is",
		    DIAG_ERROR },
		{ "example.com accept 2026-13-01", "the last day is",
		    DIAG_ERROR },
		{ "example.com accept -\nEXAMPLE.com reject -",
		    "there already", DIAG_WARNING },
	};
	struct verify_overrides *overrides;
	struct diag diag;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		diag = (struct diag)DIAG_INIT;
		overrides = load(rows[i].text, &diag);
		ROW_IS(rows[i].text, diag_has(&diag, rows[i].level,
		    rows[i].says));
		ROW_IS(rows[i].text, diag_failed(&diag) ==
		    (rows[i].level == DIAG_ERROR));
		ROW_IS(rows[i].text, diag_has(&diag, rows[i].level,
		    "/overrides:"));
		verify_overrides_free(overrides);
		diag_clear(&diag);
	}
}

static void
without_a_file_there_is_none(void **state)
{
	struct verify_overrides *overrides;
	struct dataset_place place = { .setting = "DMARCOverrides" };
	struct diag diag = DIAG_INIT;

	(void)state;
	overrides = verify_overrides_load(NULL, &place, NOW, &diag);
	assert_null(verify_overrides_find(overrides, span_of("example.com"),
	    NOW));
	verify_overrides_free(overrides);
	assert_null(verify_overrides_load("file:/nowhere/overrides", &place,
	    NOW, &diag));
	assert_true(diag_failed(&diag));
	diag_clear(&diag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_most_specific_row),
		cmocka_unit_test(tells_every_wrong_row),
		cmocka_unit_test(without_a_file_there_is_none),
	};

	return cmocka_run_group_tests(tests, scratch_make,
	    scratch_remove);
}
