#include "tests/unit/unit.h"

#include "common/milter/reply.h"

static const struct {
	const char *name;
	struct verdict verdict;
	const char *text;	/* code, enhanced, first line; NULL: none */
} replies[] = {
	{ "nothing said", { VERDICT_REJECT, 0, NULL, NULL }, NULL },
	{ "all said", { VERDICT_REJECT, 554, "5.7.9", "No" },
	    "554 5.7.9 No" },
	{ "temporary", { VERDICT_TEMPFAIL, 450, "4.2.1", "Later" },
	    "450 4.2.1 Later" },
	{ "a text alone", { VERDICT_REJECT, 0, NULL, "No" },
	    "550 5.7.1 No" },
	{ "a temporary text alone", { VERDICT_TEMPFAIL, 0, NULL, "No" },
	    "451 4.7.1 No" },
	{ "a code alone", { VERDICT_REJECT, 552, NULL, NULL },
	    "552 5.7.1 Message refused" },
	{ "a code of the wrong class", { VERDICT_REJECT, 421, "4.0.0", "x" },
	    "550 5.7.1 x" },
	{ "a code that closes", { VERDICT_TEMPFAIL, 421, "4.3.2", "x" },
	    "421 4.3.2 x" },
	{ "no code at all", { VERDICT_TEMPFAIL, 40000, NULL, "x" },
	    "451 4.7.1 x" },
	{ "enhanced codes that are none", { VERDICT_REJECT, 550, "5.7", "x" },
	    "550 5.7.1 x" },
	{ "too many digits", { VERDICT_REJECT, 550, "5.1234.1", "x" },
	    "550 5.7.1 x" },
	{ "more behind it", { VERDICT_REJECT, 550, "5.1.1 x", "x" },
	    "550 5.7.1 x" },
	{ "percent signs", { VERDICT_REJECT, 550, "5.1.1", "100% %s" },
	    "550 5.1.1 100%% %%s" },
	{ "line ends and 8-bit", { VERDICT_REJECT, 550, "5.1.1",
	    "a\r\nb \xc3\xa4" }, "550 5.1.1 a\\x0d\\x0ab \\xc3\\xa4" },
};

static void
test_replies(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct reply reply;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(replies); i++) {
		strbuf_reset(&text);
		if (!reply_make(&replies[i].verdict, &reply)) {
			ROW_IS(replies[i].name, replies[i].text == NULL);
			continue;
		}
		ROW_IS(replies[i].name, reply.count == 1);
		strbuf_addf(&text, "%s %s %s", reply.code, reply.enhanced,
		    reply.lines[0]);
		ROW_EQ(replies[i].name, strbuf_span(&text),
		    span_of(replies[i].text));
	}
	strbuf_clear(&text);
}

static void
make_long(struct reply *reply, const char *piece, size_t count)
{
	struct strbuf text = STRBUF_INIT;
	struct verdict verdict = VERDICT(REJECT);

	while (count-- > 0)
		strbuf_adds(&text, piece);
	verdict.text = text.s;
	assert_true(reply_make(&verdict, reply));
	strbuf_clear(&text);
}

static void
test_long(void **state)
{
	struct reply reply;
	size_t i;

	(void)state;
	make_long(&reply, "word ", 150);
	assert_int_equal(reply.count, 2);
	assert_int_equal(strlen(reply.lines[0]), 479);
	assert_int_equal(strlen(reply.lines[0]) + strlen(reply.lines[1]) + 1,
	    150 * 5 - 1);
	make_long(&reply, "%%%%%%%%", 1000);	/* no blank anywhere */
	assert_int_equal(reply.count, REPLY_LINES);
	for (i = 0; i < REPLY_LINES; i++)
		assert_true(strlen(reply.lines[i]) <= 2 * REPLY_COLUMNS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
