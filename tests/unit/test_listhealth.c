#include "tests/unit/unit.h"

#include "milters/policy/listhealth.h"

#include "common/base/log.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

/* Each test has a list of its own: what is known of one lasts. */
static struct listhealth *
health_of(const char *zone)
{
	return listhealth_of(span_of(zone), span_of(zone));
}

/* Questions put and failed one after the other; how many were put. */
static unsigned
fail_all(struct listhealth *health, unsigned count, int64_t *now)
{
	unsigned put = 0;

	for (; count > 0; count--) {
		*now += 100;
		if (!listhealth_may_ask(health, *now))
			continue;
		put++;
		listhealth_failed(health, *now, "timeout", *now + 50);
	}
	return put;
}

static void
test_goes_after_five(void **state)
{
	struct listhealth *health = health_of("five.example");
	int64_t now = 1000;
	int i;

	(void)state;
	for (i = 1; i < LISTHEALTH_FAILURES; i++) {
		assert_false(listhealth_failed(health, now, "timeout", now));
		assert_true(listhealth_may_ask(health, now));
	}
	assert_true(listhealth_failed(health, now, "timeout", now));
	assert_false(listhealth_may_ask(health, now));
	assert_false(listhealth_may_ask(health, now + MINUTE - 1));
}

static void
test_only_in_a_row(void **state)
{
	struct listhealth *health = health_of("row.example");
	int64_t now = 0;
	int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		assert_int_equal(fail_all(health, LISTHEALTH_FAILURES - 1,
		    &now), LISTHEALTH_FAILURES - 1);
		assert_false(listhealth_answered(health, now));
	}
	assert_true(listhealth_may_ask(health, now));
}

/* One question at the end of each pause, which doubles up to its bound. */
static void
test_pauses(void **state)
{
	static const int minutes[] = { 1, 2, 4, 8, 15, 15, 15 };
	struct listhealth *health = health_of("pauses.example");
	int64_t now = 0;
	size_t i;

	(void)state;
	fail_all(health, LISTHEALTH_FAILURES, &now);
	now += 50;
	for (i = 0; i < ARRAY_LEN(minutes); i++) {
		assert_false(listhealth_may_ask(health,
		    now + minutes[i] * MINUTE - 1));
		now += minutes[i] * MINUTE;
		assert_true(listhealth_may_ask(health, now));
		assert_false(listhealth_may_ask(health, now));
		assert_false(listhealth_failed(health, now, "timeout", now));
	}
}

static void
test_comes_back(void **state)
{
	struct listhealth *health = health_of("back.example");
	int64_t now = 0;

	(void)state;
	fail_all(health, LISTHEALTH_FAILURES, &now);
	now += 2 * MINUTE;
	assert_true(listhealth_may_ask(health, now));
	assert_true(listhealth_answered(health, now + 10));
	assert_false(listhealth_answered(health, now + 20));
	/* As if nothing had been: five are let pass, a minute is paused. */
	assert_int_equal(fail_all(health, 100, &now), LISTHEALTH_FAILURES);
	assert_true(listhealth_may_ask(health, now + MINUTE));
}

/* Fifty messages that waited together are one event. */
static void
test_late_failures(void **state)
{
	struct listhealth *health = health_of("late.example");
	int64_t asked = 0, now = 5000;
	int i, told = 0;

	(void)state;
	for (i = 0; i < 50; i++)
		told += listhealth_failed(health, asked, "timeout", now);
	assert_int_equal(told, 1);
	assert_false(listhealth_may_ask(health, now + MINUTE - 1));
	assert_true(listhealth_may_ask(health, now + MINUTE));
}

/* A message that was given up never says what became of its question. */
static void
test_lost_probe(void **state)
{
	struct listhealth *health = health_of("lost.example");
	int64_t now = 0;

	(void)state;
	fail_all(health, LISTHEALTH_FAILURES, &now);
	now += 2 * MINUTE;
	assert_true(listhealth_may_ask(health, now));
	assert_false(listhealth_may_ask(health, now + LISTHEALTH_PROBE_MS - 1));
	assert_true(listhealth_may_ask(health, now + LISTHEALTH_PROBE_MS));
}

static void
test_odd_once_an_hour(void **state)
{
	struct listhealth *health = health_of("odd.example");

	(void)state;
	assert_true(listhealth_odd(health, "127.255.255.254", 0));
	assert_false(listhealth_odd(health, "127.255.255.254", 1));
	assert_false(listhealth_odd(health, "127.255.255.254",
	    60 * MINUTE - 1));
	assert_true(listhealth_odd(health, "127.255.255.254", 60 * MINUTE));
}

/* A reload asks for it by the zone anew. */
static void
test_is_the_zones(void **state)
{
	struct listhealth *health = health_of("zone.example");
	int64_t now = 0;

	(void)state;
	fail_all(health, LISTHEALTH_FAILURES, &now);
	assert_ptr_equal(listhealth_of(SPAN_LIT("zone.example"),
	    SPAN_LIT("another label")), health);
	assert_false(listhealth_may_ask(health_of("zone.example"), now));
	assert_true(listhealth_may_ask(health_of("other.zone.example"), now));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_after_five),
		cmocka_unit_test(test_only_in_a_row),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_late_failures),
		cmocka_unit_test(test_lost_probe),
		cmocka_unit_test(test_odd_once_an_hour),
		cmocka_unit_test(test_is_the_zones),
	};

	log_open("test", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
