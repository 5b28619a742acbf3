#include "tests/unit/unit.h"

#include "common/mail/fold.h"

/* Lines of text: the first begins at that column; none is blank. */
static void
check_lines(const struct strbuf *text, size_t column, size_t max)
{
	struct span rest = strbuf_span(text), line;

	while (span_line(&rest, &line)) {
		assert_true(column + line.len <= max);
		assert_true(column != 0 || line.p[0] == '\t');
		assert_true(column != 0 || span_trim(line).len != 0);
		column = 0;
	}
}

static void
add_without_folds(const struct strbuf *text, struct strbuf *out)
{
	struct span rest = strbuf_span(text), head;

	while (span_cut(&rest, '\r', &head)) {
		strbuf_addspan(out, head);
		rest = span_skip(rest, 2);	/* LF, TAB */
	}
	strbuf_addspan(out, head);
}

static void
test_words(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct fold fold;

	(void)state;
	fold_start(&fold, &out, 15);
	fold_word(&fold, SPAN_LIT("v=1;"));
	fold_word(&fold, SPAN_LIT(""));
	fold_word(&fold, SPAN_LIT("a=rsa-sha256;"));
	SPAN_IS(strbuf_span(&out), " v=1; a=rsa-sha256;");
	/* 34 columns so far; this is 1 + 42 */
	fold_word(&fold, SPAN_LIT(
	    "123456789012345678901234567890123456789012"));
	SPAN_IS(strbuf_span(&out), " v=1; a=rsa-sha256;"
	    " 123456789012345678901234567890123456789012");
	fold_word(&fold, SPAN_LIT("x"));
	SPAN_IS(strbuf_span(&out), " v=1; a=rsa-sha256;"
	    " 123456789012345678901234567890123456789012\r\n\tx");
	fold_word(&fold, SPAN_LIT("y"));
	fold_glue(&fold, SPAN_LIT(":z"));
	SPAN_IS(strbuf_span(&out), " v=1; a=rsa-sha256;"
	    " 123456789012345678901234567890123456789012\r\n\tx y:z");
	/* Nothing before it: the line is as empty as a new one would be. */
	strbuf_reset(&out);
	fold_start(&fold, &out, 0);
	fold_glue(&fold, SPAN_LIT("123456789012345678901234567890123456789012"
	    "3456789012345678901234567890123456789"));
	assert_int_equal(out.len, 79);
	strbuf_clear(&out);
}

static void
test_glue(void **state)
{
	struct strbuf out = STRBUF_INIT, flat = STRBUF_INIT;
	struct strbuf want = STRBUF_INIT;
	struct fold fold;
	size_t i;

	(void)state;
	fold_start(&fold, &out, 20);
	for (i = 0; i < 200; i++) {
		strbuf_reset(&flat);
		strbuf_addf(&flat, "name-%zu:", i * i * i);
		fold_glue(&fold, strbuf_span(&flat));
		strbuf_addspan(&want, strbuf_span(&flat));
	}
	check_lines(&out, 20, FOLD_COLUMNS);
	strbuf_reset(&flat);
	add_without_folds(&out, &flat);
	SPAN_IS(strbuf_span(&flat), want.s);
	strbuf_clear(&out);
	strbuf_clear(&flat);
	strbuf_clear(&want);
}

static void
test_stream(void **state)
{
	struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
	struct strbuf flat = STRBUF_INIT;
	struct fold fold;
	size_t column;

	(void)state;
	while (text.len < 344)
		strbuf_addc(&text, (char)('a' + text.len % 26));
	for (column = 0; column < 200; column++) {
		strbuf_reset(&out);
		strbuf_reset(&flat);
		fold_start(&fold, &out, column);
		fold_stream(&fold, span_first(strbuf_span(&text), 100));
		fold_stream(&fold, span_make("", 0));
		fold_stream(&fold, span_skip(strbuf_span(&text), 100));
		if (column <= FOLD_COLUMNS)
			check_lines(&out, column != 0 ? column : 1,
			    FOLD_COLUMNS + (column == 0));
		add_without_folds(&out, &flat);
		SPAN_IS(strbuf_span(&flat), text.s);
		/* as few lines as there can be */
		assert_true(out.len <= text.len + 3 * 6);
	}
	strbuf_clear(&text);
	strbuf_clear(&out);
	strbuf_clear(&flat);
}

static void
test_overlong(void **state)
{
	struct strbuf word = STRBUF_INIT, out = STRBUF_INIT;
	struct strbuf flat = STRBUF_INIT;
	struct fold fold;

	(void)state;
	while (word.len < FOLD_HARD_LIMIT - 1)
		strbuf_addc(&word, 'x');
	fold_start(&fold, &out, 15);
	fold_word(&fold, strbuf_span(&word));
	strbuf_addf(&flat, "\r\n\t%s", word.s);
	SPAN_IS(strbuf_span(&out), flat.s);	/* one line for it alone */
	fold_word(&fold, SPAN_LIT("y"));
	strbuf_adds(&flat, "\r\n\ty");
	SPAN_IS(strbuf_span(&out), flat.s);
	strbuf_addc(&word, 'x');
	fold_word(&fold, strbuf_span(&word));
	fold_glue(&fold, strbuf_span(&word));
	check_lines(&out, 15, FOLD_HARD_LIMIT);
	strbuf_clear(&word);
	strbuf_clear(&out);
	strbuf_clear(&flat);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_glue),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_overlong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
