#include "tests/unit/unit.h"

#include "common/tables/regex.h"

/* What glibc makes of the expression, as Postfix's regexp: tables showed. */
static const struct {
	const char *posix;
	const char *subject;
	enum regex_result result;
	const char *group;	/* the first */
} rows[] = {
	{ "^a+?b$", "b", REGEX_YES, "" },
	{ "^a+?b$", "aab", REGEX_YES, "" },
	{ "^a?+$", "aa", REGEX_YES, "" },
	{ "a**", "", REGEX_YES, "" },
	{ "^(ab)+?$", "", REGEX_YES, "" },
	{ "^a{2}{2}$", "aaaa", REGEX_YES, "" },
	{ "x\\dy", "xdy", REGEX_YES, "" },
	{ "x\\dy", "x1y", REGEX_NO, "" },
	{ "[\\d]z", "\\z", REGEX_YES, "" },
	{ "[\\d]z", "1z", REGEX_NO, "" },
	{ "^[a\\]b]$", "\\b]", REGEX_YES, "" },
	{ "^[]a]+$", "a]a", REGEX_YES, "" },
	{ "^[^]a]$", "]", REGEX_NO, "" },
	{ "^[[]x$", "[x", REGEX_YES, "" },
	{ "^[[:digit:]_]+$", "1_2", REGEX_YES, "" },
	{ "^[a-]$", "-", REGEX_YES, "" },
	{ "^q{,2}$", "qq", REGEX_YES, "" },
	{ "^q{,2}$", "qqq", REGEX_NO, "" },
	{ "^q{2,}$", "q", REGEX_NO, "" },
	{ "a\\{1\\}", "a{1}", REGEX_YES, "" },
	{ "a)b", "a)b", REGEX_YES, "" },
	{ "a||b", "c", REGEX_YES, "" },
	{ "(a)\\10", "aa0", REGEX_YES, "a" },
	{ "\\<(a)", " a", REGEX_YES, "a" },
	{ "b\\>", "bc", REGEX_NO, "" },
	{ "\\`a\\'", "a", REGEX_YES, "" },
	{ "a.b", "a\nb", REGEX_YES, "" },
	{ "a$", "a\n", REGEX_NO, "" },
	{ "^\xc3\xa4+$", "\xc3\xa4", REGEX_YES, "" },
	{ "[%!@].*[%!@]", "a%b@c", REGEX_YES, "" },
	{ "~", "~", REGEX_YES, "" },
	{ "", "", REGEX_YES, "" },
};

static struct regex *
compile_posix(const char *text, struct strbuf *err)
{
	struct strbuf perl = STRBUF_INIT;
	struct regex *regex = NULL;
	char letter;

	if (regex_from_posix(span_of(text), &perl, &letter, err))
		regex = regex_compile(strbuf_span(&perl), REGEX_NOCASE |
		    REGEX_DOTALL | REGEX_DOLLAR_END, err);
	strbuf_clear(&perl);
	return regex;
}

static void
test_posix(void **state)
{
	struct regex_scratch *scratch = regex_scratch_new(NULL);
	struct strbuf err = STRBUF_INIT;
	struct regex *regex;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		regex = compile_posix(rows[i].posix, &err);
		if (regex == NULL)
			fail_msg("%s: %s", rows[i].posix, strbuf_str(&err));
		ROW_IS(rows[i].posix, regex_match(regex, scratch,
		    span_of(rows[i].subject)) == rows[i].result);
		if (rows[i].group[0] != '\0')
			ROW_EQ(rows[i].posix, regex_group(scratch, 1),
			    span_of(rows[i].group));
		regex_free(regex);
	}
	regex_scratch_free(scratch);
}

/* glibc refuses all of these, but for the collating element. */
static const char *const faults[] = { "^*a", "a|*b", "(*b)", "(?:a)", "{1}",
    "x$*y", "a{1", "a{b}", "a{3,2}", "a{}", "[a", "[[:alpha]", "[[.x.]]",
    "[[:alpha:]", "(a", "((a)", "\\1", "a\\", "[z-a]", "+", "a|{2}" };

static void
test_faults(void **state)
{
	struct strbuf err = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(faults); i++) {
		ROW_IS(faults[i], compile_posix(faults[i], &err) == NULL);
		ROW_IS(faults[i], err.len > 0);
		strbuf_reset(&err);
	}
	assert_null(regex_compile(span_of("(a"), 0, &err));
	SPAN_IS(strbuf_span(&err), "missing closing parenthesis, at offset 2");
	strbuf_reset(&err);
	assert_null(regex_compile(span_of("(*UTF)a"), 0, &err));
	strbuf_clear(&err);
}

/* What would take hours without limits. */
static void
test_limits(void **state)
{
	static const char *const greedy[] = { "^(a+)+$", "^(a|aa)+$",
	    "^(.*)*(.*)*x$", ".*.*.*.*[xy]" };
	struct regex_scratch *scratch = regex_scratch_new(NULL);
	struct strbuf err = STRBUF_INIT, subject = STRBUF_INIT;
	struct regex *regex;
	uint64_t before;
	size_t i;

	(void)state;
	while (subject.len < 100000)
		strbuf_adds(&subject, "aaaaaaaaaa");
	for (i = 0; i < ARRAY_LEN(greedy); i++) {
		before = regex_limited();
		regex = regex_compile(span_of(greedy[i]), 0, &err);
		assert_non_null(regex);
		strbuf_truncate(&subject, REGEX_SUBJECT_MAX - 1);
		strbuf_addc(&subject, '!');
		ROW_IS(greedy[i], regex_match(regex, scratch,
		    strbuf_span(&subject)) == REGEX_LIMIT);
		assert_int_equal(regex_limited(), before + 1);
		regex_free(regex);
	}
	/* Neither does the end of a long subject count, nor take time. */
	strbuf_addc(&subject, 'x');
	regex = regex_compile(span_of("x"), 0, &err);
	assert_int_equal(regex_match(regex, scratch, strbuf_span(&subject)),
	    REGEX_NO);
	regex_free(regex);
	regex_scratch_free(scratch);
	regex_scratch_free(NULL);
	regex_free(NULL);
	strbuf_clear(&subject);
}

/* Clocks that say how long the next match takes. */
static int64_t rough_time, exact_time, rough_step, exact_step;
static unsigned exact_asked;

static int64_t
rough_clock(void)
{
	return rough_time += rough_step;
}

static int64_t
exact_clock(void)
{
	exact_asked++;
	return exact_time += exact_step;
}

static const struct {
	const char *name;
	int64_t rough, exact;	/* microseconds that a match takes */
	unsigned made;		/* matches until the budget is used up */
	unsigned watched;	/* of them, by the exact clock */
} budget_rows[] = {
	{ "nothing", 0, 1, 1000, 0 },
	{ "a millisecond", 1000, 1000, 200, 190 },
	{ "waiting for a processor", 1000000, 1000, 191, 190 },
	{ "no end of it", 5000000, 5000000, 2, 1 },
	{ "a clock that stands", 10000, 0, 1000, 999 },
};

static void
test_budget(void **state)
{
	struct strbuf err = STRBUF_INIT;
	struct regex *regex = regex_compile(span_of("a"), 0, &err);
	struct regex_scratch *scratch;
	struct regex_budget budget;
	uint64_t limited = regex_limited();
	unsigned made;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(budget_rows); i++) {
		budget = (struct regex_budget){ rough_clock, exact_clock, 0,
		    0 };
		rough_step = budget_rows[i].rough;
		exact_step = budget_rows[i].exact;
		exact_asked = 0;
		scratch = regex_scratch_new(&budget);
		for (made = 0; made < 1000; made++)
			if (regex_match(regex, scratch, span_of("a")) !=
			    REGEX_YES)
				break;
		ROW_IS(budget_rows[i].name, made == budget_rows[i].made);
		ROW_IS(budget_rows[i].name, exact_asked ==
		    2 * budget_rows[i].watched);
		ROW_IS(budget_rows[i].name, budget.unasked == (made < 1000));
		ROW_IS(budget_rows[i].name, made == 1000 || regex_match(regex,
		    scratch, span_of("b")) == REGEX_LIMIT);
		regex_scratch_free(scratch);
	}
	assert_true(regex_limited() == limited);
	regex_free(regex);
}

static void
test_bytes(void **state)
{
	struct regex_scratch *scratch = regex_scratch_new(NULL);
	struct strbuf err = STRBUF_INIT;
	struct regex *regex = regex_compile(span_of("a(.)b(c)?"),
	    REGEX_DOTALL, &err);

	(void)state;
	assert_int_equal(regex_groups(regex), 2);
	assert_int_equal(regex_match(regex, scratch, SPAN_LIT("\xff" "a\0b")),
	    REGEX_YES);
	ROW_EQ("all", regex_group(scratch, 0), SPAN_LIT("a\0b"));
	ROW_EQ("NUL", regex_group(scratch, 1), SPAN_LIT("\0"));
	ROW_EQ("no part", regex_group(scratch, 2), SPAN_LIT(""));
	ROW_EQ("none", regex_group(scratch, 3), SPAN_LIT(""));
	assert_int_equal(regex_match(regex, scratch, span_make(NULL, 0)),
	    REGEX_NO);
	regex_free(regex);
	regex_scratch_free(scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_posix),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
