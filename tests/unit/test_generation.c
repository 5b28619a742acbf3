#include "tests/unit/unit.h"

#include "common/milter/generation.h"

struct conf {
	int64_t steps;
	const char *macros;
};

static const struct setting settings[] = {
	{ "Steps", SETTING_NUMBER, offsetof(struct conf, steps), "0", 0, 31,
	    NULL, 0 },
	{ "Macros", SETTING_STRING, offsetof(struct conf, macros), NULL, 0,
	    99, NULL, 0 },
};

static const struct config_schema schema = {
	settings, ARRAY_LEN(settings), NULL, 0
};

static int alive;

static void
load(struct filter_load *l)
{
	(void)l;
	alive++;
}

static void
unload(void *conf)
{
	(void)conf;
	alive--;
}

static unsigned
wants(const void *conf)
{
	return (unsigned)((const struct conf *)conf)->steps;
}

static const char *
extra_macros(const void *conf)
{
	return ((const struct conf *)conf)->macros;
}

static const struct filter filter = {
	.name = "test",
	.schema = &schema,
	.conf_size = sizeof(struct conf),
	.load = load,
	.unload = unload,
	.wants = wants,
	.extra_macros = extra_macros,
};

/* A reload that brings those settings. */
static void
reload(const char *steps, const char *macros)
{
	struct snapshot_override overrides[] = {
		{ "Steps", steps }, { "Macros", macros },
	};
	struct snapshot_options options = { .overrides = overrides,
	    .override_count = *macros != '\0' ? 2 : 1 };
	struct diag diag = DIAG_INIT;
	struct snapshot *next = snapshot_load(&filter, &options, &diag);

	assert_non_null(next);
	snapshot_swap(next);
	generation_refresh();
	diag_clear(&diag);
}

static int64_t
steps_of_next_message(struct generation *generation)
{
	struct snapshot *snapshot = generation_snapshot(generation);
	int64_t steps = ((const struct conf *)snapshot->conf)->steps;

	snapshot_unref(snapshot);
	return steps;
}

static void
test_same_needs(void **state)
{
	struct generation *g;

	(void)state;
	reload("3", "");
	g = generation_join();
	assert_int_equal(generation_steps(g), 3);
	assert_int_equal(alive, 1);
	reload("3", "");
	assert_int_equal(alive, 1);	/* no message: the old one is gone */
	assert_ptr_equal(generation_join(), g);
	generation_leave(g);
	generation_leave(g);
}

static void
test_message_in_hand(void **state)
{
	struct generation *g;
	struct snapshot *snapshot;

	(void)state;
	reload("3", "");
	g = generation_join();
	snapshot = generation_snapshot(g);
	reload("3", "");
	assert_int_equal(alive, 2);
	snapshot_unref(snapshot);
	assert_int_equal(alive, 1);
	generation_leave(g);
}

static void
test_fewer_and_more_steps(void **state)
{
	struct generation *old, *new;

	(void)state;
	reload("3", "");
	old = generation_join();
	reload("1", "");		/* fewer: fits the old session */
	new = generation_join();
	assert_ptr_not_equal(old, new);
	assert_int_equal(generation_steps(new), 1);
	assert_int_equal(steps_of_next_message(old), 1);
	reload("5", "");		/* more: fits none */
	assert_int_equal(steps_of_next_message(old), 1);
	assert_int_equal(steps_of_next_message(new), 1);
	assert_int_equal(alive, 2);
	reload("2", "");		/* fits the oldest alone */
	assert_int_equal(steps_of_next_message(old), 2);
	assert_int_equal(steps_of_next_message(new), 1);
	generation_leave(new);
	generation_leave(old);
	assert_int_equal(alive, 1);
}

static void
test_macros(void **state)
{
	struct generation *old;

	(void)state;
	reload("1", "{a}");
	old = generation_join();
	assert_string_equal(generation_macros(old), "{a}");
	reload("3", "{a} {b}");
	assert_int_equal(steps_of_next_message(old), 1);
	reload("0", "{a}");
	assert_int_equal(steps_of_next_message(old), 0);
	generation_leave(old);
	assert_int_equal(alive, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_needs),
		cmocka_unit_test(test_message_in_hand),
		cmocka_unit_test(test_fewer_and_more_steps),
		cmocka_unit_test(test_macros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
