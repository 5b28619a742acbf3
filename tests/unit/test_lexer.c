#include "tests/unit/unit.h"

#include "common/mail/lexer.h"

typedef bool lexer_read(struct lexer *in, struct lexer_text *text);

static const struct {
	lexer_read *read;
	const char *in;
	const char *text;	/* NULL: refused */
	const char *rest;
} tokens[] = {
	{ lexer_atom, "a!b.c", "a!b", ".c" },
	{ lexer_atom, "\xff\x80 x", "\xff\x80", " x" },
	{ lexer_atom, "", NULL, NULL },
	{ lexer_atom, " a", NULL, NULL },
	{ lexer_atom, "\"a\"", NULL, NULL },
	{ lexer_atom, "(c)a", NULL, NULL },
	{ lexer_atom, "\x7f", NULL, NULL },
	{ lexer_quoted, "\"\"", "", "" },
	{ lexer_quoted, "\"a \\\"\\\\ b\"c", "a \"\\ b", "c" },
	{ lexer_quoted, "\"a\r\n\tb\"", "a\tb", "" },
	{ lexer_quoted, "\"a\r\nb\"", NULL, NULL },
	{ lexer_quoted, "\"a\\\r\n b\"", NULL, NULL },
	{ lexer_quoted, "\"a", NULL, NULL },
	{ lexer_quoted, "\"a\\\"", NULL, NULL },
	{ lexer_quoted, "a", NULL, NULL },
	{ lexer_quoted, "", NULL, NULL },
	{ lexer_word, "a\"b\"", "a", "\"b\"" },
	{ lexer_word, "\"b\"a", "b", "a" },
	{ lexer_word, ".", NULL, NULL },
	{ lexer_literal, "[1.2.3.4]x", "[1.2.3.4]", "x" },
	{ lexer_literal, "[ 1\r\n\t2 ]", "[12]", "" },
	{ lexer_literal, "[\\]\\[]", "[\\]\\[]", "" },
	{ lexer_literal, "[[]]", NULL, NULL },
	{ lexer_literal, "[1", NULL, NULL },
	{ lexer_literal, "1]", NULL, NULL },
};

static void
test_tokens(void **state)
{
	struct lexer in;
	char room[32];
	size_t i;
	bool ok;

	(void)state;
	for (i = 0; i < ARRAY_LEN(tokens); i++) {
		struct lexer_text text = { .p = room, .max = sizeof(room) };

		lexer_start(&in, span_of(tokens[i].in));
		ok = tokens[i].read(&in, &text);
		ROW_IS(tokens[i].in, ok == (tokens[i].text != NULL));
		if (!ok)
			continue;
		ROW_EQ(tokens[i].in, span_make(text.p, text.len),
		    span_of(tokens[i].text));
		ROW_EQ(tokens[i].in, span_make(in.p,
		    (size_t)(in.end - in.p)), span_of(tokens[i].rest));
	}
}

static const struct {
	const char *in;
	const char *rest;	/* NULL: malformed */
} blanks[] = {
	{ "", "" },
	{ "a", "a" },
	{ " \t a", "a" },
	{ "\r\n a", "a" },
	{ "\r\n \r\n\ta", "a" },
	{ "(a(b)c) (d)e", "e" },
	{ "(\\() \\", "\\" },
	{ "(\xff\x01\r\n )\x01", "\x01" },
	{ ")", ")" },
	{ "\na", "\na" },
	{ "\r\na", NULL },
	{ "\r\n", NULL },
	{ "\ra", NULL },
	{ "(", NULL },
	{ "((a)", NULL },
	{ "(\\)", NULL },
	{ "(\r\n)", NULL },
	{ "(\n)", NULL },
};

static void
test_cfws(void **state)
{
	struct lexer in;
	size_t i;
	bool ok;

	(void)state;
	for (i = 0; i < ARRAY_LEN(blanks); i++) {
		lexer_start(&in, span_of(blanks[i].in));
		ok = lexer_skip_cfws(&in);
		ROW_IS(blanks[i].in, ok == (blanks[i].rest != NULL));
		ROW_IS(blanks[i].in, !in.is_too_deep);
		if (ok)
			ROW_EQ(blanks[i].in, span_make(in.p,
			    (size_t)(in.end - in.p)), span_of(blanks[i].rest));
	}
	lexer_start(&in, span_make("(\0)", 3));
	assert_false(lexer_skip_cfws(&in));
}

static void
test_bounds(void **state)
{
	char nested[2 * (LEXER_COMMENT_DEPTH + 1)], room[4];
	struct lexer_text text = { .p = room, .max = sizeof(room) };
	struct lexer in;

	(void)state;
	memset(nested, '(', LEXER_COMMENT_DEPTH + 1);
	memset(nested + LEXER_COMMENT_DEPTH + 1, ')', LEXER_COMMENT_DEPTH + 1);
	lexer_start(&in, span_make(nested + 1, sizeof(nested) - 2));
	assert_true(lexer_skip_cfws(&in));
	assert_int_equal(lexer_peek(&in), LEXER_END);
	lexer_start(&in, span_make(nested, sizeof(nested)));
	assert_false(lexer_skip_cfws(&in));
	assert_true(in.is_too_deep);

	lexer_start(&in, SPAN_LIT("abcde f"));
	assert_true(lexer_atom(&in, &text));
	assert_true(text.is_over);
	assert_int_equal(text.len, 0);
	assert_int_equal(lexer_peek(&in), ' ');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_cfws),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
