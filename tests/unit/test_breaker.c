#include "common/cache/breaker.h"
#include "tests/unit/unit.h"

/*
 * What happens, a letter each: 'f' a failure, 's' a success, 'p' somebody asks
 * for a probe and gets it, 'n' somebody asks and does not; '+' a second and
 * '-' 999 ms pass, '<' the clock is set back by an hour.
 */
static const struct {
	const char *name;
	const char *events;
	bool is_open;
} rows[] = {
	{ "a new one is closed", "", false },
	{ "two failures are not enough", "ff", false },
	{ "three are", "fff", true },
	{ "a success begins the count anew", "ffsff", false },
	{ "no probes of a closed one", "n+n", false },
	{ "no probe before a second is over", "fffn-n", true },
	{ "one probe after a second", "fff+pnn", true },
	{ "one probe in every second", "fff+pn-n+pn", true },
	{ "a probe that fails leaves it open", "fff+pfn", true },
	{ "failures of before do not put off the probe", "fff-ff+p", true },
	{ "a success closes it", "fff+ps", false },
	{ "a success of before closes it too", "fffs", false },
	{ "closed, it takes three again", "fff+psff", false },
	{ "and then it is open again", "fff+psfff", true },
	{ "a long time gives one probe", "fff+++++pn", true },
	{ "a clock that is set back does not stop probes", "fff<pn+p", true },
};

static void
test_breaker(void **state)
{
	struct breaker b;
	const char *p;
	int64_t now;
	bool was_open;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		b = (struct breaker){ .is_open = false };
		now = 86400000;
		for (p = rows[i].events; *p != '\0'; p++) {
			was_open = b.is_open;
			if (*p == 'f')
				ROW_IS(rows[i].name, breaker_failed(&b, now) ==
				    (b.is_open && !was_open));
			else if (*p == 's')
				ROW_IS(rows[i].name, breaker_succeeded(&b) ==
				    was_open && !b.is_open);
			else if (*p == 'p' || *p == 'n')
				ROW_IS(rows[i].name, breaker_probe(&b, now) ==
				    (*p == 'p'));
			else
				now += *p == '+' ? 1000 : *p == '-' ? 999 :
				    -3600000;
		}
		ROW_IS(rows[i].name, b.is_open == rows[i].is_open);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_breaker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
