#include "tests/unit/unit.h"

#include "common/milter/counters.h"

#include <pthread.h>

static const struct counter_row rows[] = {
	{ "t_messages_total", "result=\"signed\"", "Messages.", COUNTER },
	{ "t_messages_total", "result=\"unsigned\"", NULL, COUNTER },
	{ "t_sessions", NULL, "Sessions open now.", GAUGE },
	{ "t_bytes_total", NULL, NULL, COUNTER },
};

static const struct counter_schema schema = { rows, ARRAY_LEN(rows) };

static void
test_format(void **state)
{
	struct counters *counters = counters_new(&schema);
	struct strbuf out = STRBUF_INIT;

	(void)state;
	counters_add(counters, 0, 3);
	counters_add(counters, 0, 4);
	counters_set(counters, 2, 5);
	counters_add(counters, 2, -6);
	counters_set(counters, 3, INT64_MAX);
	counters_format(counters, &out);
	SPAN_IS(strbuf_span(&out),
	    "# HELP t_messages_total Messages.\n"
	    "# TYPE t_messages_total counter\n"
	    "t_messages_total{result=\"signed\"} 7\n"
	    "t_messages_total{result=\"unsigned\"} 0\n"
	    "# HELP t_sessions Sessions open now.\n"
	    "# TYPE t_sessions gauge\n"
	    "t_sessions -1\n"
	    "# TYPE t_bytes_total counter\n"
	    "t_bytes_total 9223372036854775807\n");
	strbuf_clear(&out);
	counters_free(counters);
}

static void
test_null(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	counters_add(NULL, 0, 1);
	counters_set(NULL, 0, 1);
	assert_int_equal(counters_get(NULL, 0), 0);
	counters_format(NULL, &out);
	assert_int_equal(out.len, 0);
	counters_free(NULL);
}

enum { THREADS = 8, ADDS = 20000 };

static void *
add_many(void *counters)
{
	int i;

	for (i = 0; i < ADDS; i++) {
		counters_add(counters, 0, 1);
		counters_add(counters, 1, 2);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct counters *counters = counters_new(&schema);
	pthread_t threads[THREADS];
	size_t i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many,
		    counters), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counters_get(counters, 0), THREADS * ADDS);
	assert_int_equal(counters_get(counters, 1), 2 * THREADS * ADDS);
	counters_free(counters);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
