#include "tests/unit/docs.h"

#include "milters/sign/sign.h"

static const struct docs docs = {
	.schema = &sign_schema,
	.settings_page = "man/sign.conf.5",
	.daemon_page = "man/postern-sign.8",
	.sample = "etc/sign.conf",
};

static void
test_settings(void **state)
{
	(void)state;
	docs_have_settings(&docs);
	docs_tell_defaults(&docs);
}

static void
test_foreign(void **state)
{
	(void)state;
	docs_have_foreign(&docs);
}

static void
test_sample_defaults(void **state)
{
	(void)state;
	docs_show_defaults(&docs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_sample_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
