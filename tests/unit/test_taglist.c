#include "tests/unit/unit.h"

#include "common/mail/taglist.h"

#define N(text)	{ (text), sizeof(text) - 1 }

static const struct {
	struct span in;
	enum taglist_result result;
	const char *want;	/* "name|value " for each tag */
} lists[] = {
	{ N("a=1"), TAGLIST_OK, "a|1 " },
	{ N("a=1;"), TAGLIST_OK, "a|1 " },
	{ N("a=1; "), TAGLIST_OK, "a|1 " },
	{ N("a=1;\r\n "), TAGLIST_OK, "a|1 " },
	{ N("a=1; b=2"), TAGLIST_OK, "a|1 b|2 " },
	{ N("a=1;b=2;"), TAGLIST_OK, "a|1 b|2 " },
	{ N(" a = 1 ; b = 2 "), TAGLIST_OK, "a|1 b|2 " },
	{ N("\r\n\ta\r\n\t=\r\n\t1\r\n\t;\r\n\tb=2"), TAGLIST_OK,
	    "a|1 b|2 " },
	{ N("a="), TAGLIST_OK, "a| " },
	{ N("a= ;b=\r\n "), TAGLIST_OK, "a| b| " },
	{ N("p=;"), TAGLIST_OK, "p| " },
	{ N("a=x y"), TAGLIST_OK, "a|x y " },
	{ N("a=x\r\n\ty  z"), TAGLIST_OK, "a|x\r\n\ty  z " },
	{ N("a=b=c=="), TAGLIST_OK, "a|b=c== " },
	{ N("a=!\"#$%&'()*+,-./:<>?@[\\]^_`{|}~"), TAGLIST_OK,
	    "a|!\"#$%&'()*+,-./:<>?@[\\]^_`{|}~ " },
	{ N("a=1; A=2"), TAGLIST_OK, "a|1 A|2 " },	/* case matters */
	{ N("a_1B=x"), TAGLIST_OK, "a_1B|x " },
	{ N("d=b\xc3\xbc" "cher.example"), TAGLIST_OK,
	    "d|b\xc3\xbc" "cher.example " },
	{ N("v=DKIM1; k=rsa; p=MIIB IjAN"), TAGLIST_OK,
	    "v|DKIM1 k|rsa p|MIIB IjAN " },
	{ N(""), TAGLIST_SYNTAX, "" },
	{ N("  "), TAGLIST_SYNTAX, "" },
	{ N(";"), TAGLIST_SYNTAX, "" },
	{ N("a"), TAGLIST_SYNTAX, "" },
	{ N("a;"), TAGLIST_SYNTAX, "" },
	{ N("=1"), TAGLIST_SYNTAX, "" },
	{ N(";a=1"), TAGLIST_SYNTAX, "" },
	{ N("a=1;;"), TAGLIST_SYNTAX, "a|1 " },
	{ N("a=1; ;"), TAGLIST_SYNTAX, "a|1 " },
	{ N("a=1;;b=2"), TAGLIST_SYNTAX, "a|1 " },
	{ N("a=1; b"), TAGLIST_SYNTAX, "a|1 " },
	{ N("1a=x"), TAGLIST_SYNTAX, "" },
	{ N("_a=x"), TAGLIST_SYNTAX, "" },
	{ N("a-b=x"), TAGLIST_SYNTAX, "" },
	{ N("a b=x"), TAGLIST_SYNTAX, "" },
	{ N("\xc3\xa9=x"), TAGLIST_SYNTAX, "" },
	{ N("a=\x01"), TAGLIST_SYNTAX, "" },
	{ N("a=x\x7f"), TAGLIST_SYNTAX, "" },
	{ N("a=\xff"), TAGLIST_SYNTAX, "" },
	{ N("a=\xc3"), TAGLIST_SYNTAX, "" },
	{ N("a=\xc3;b=\xa9"), TAGLIST_SYNTAX, "" },
	{ N("a=x\0y"), TAGLIST_SYNTAX, "" },
	{ N("a=x\0"), TAGLIST_SYNTAX, "" },
	{ N("a\0=x"), TAGLIST_SYNTAX, "" },
	{ N("\0"), TAGLIST_SYNTAX, "" },
	{ N("a=1; a=1"), TAGLIST_DUPLICATE, "a|1 " },
	{ N("a=1; b=2; a="), TAGLIST_DUPLICATE, "a|1 b|2 " },
};

static void
test_parse(void **state)
{
	struct strbuf got = STRBUF_INIT;
	struct taglist list;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(lists); i++) {
		ROW_IS(lists[i].in.p, taglist_parse(lists[i].in, &list) ==
		    lists[i].result);
		strbuf_reset(&got);
		for (k = 0; k < list.count; k++) {
			strbuf_addspan(&got, list.tags[k].name);
			strbuf_addc(&got, '|');
			strbuf_addspan(&got, list.tags[k].value);
			strbuf_addc(&got, ' ');
		}
		ROW_EQ(lists[i].in.p, strbuf_span(&got),
		    span_of(lists[i].want));
	}
	strbuf_clear(&got);
}

static void
test_bounds(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct taglist list;
	size_t i;

	(void)state;
	for (i = 0; i < TAGLIST_MAX; i++)
		strbuf_addf(&text, "t%zu=%zu;", i, i);
	assert_int_equal(taglist_parse(strbuf_span(&text), &list), TAGLIST_OK);
	assert_int_equal(list.count, TAGLIST_MAX);
	SPAN_IS(taglist_find(&list, "t63")->value, "63");
	assert_null(taglist_find(&list, "t64"));
	assert_null(taglist_find(&list, "T63"));
	strbuf_adds(&text, "x=");
	assert_int_equal(taglist_parse(strbuf_span(&text), &list),
	    TAGLIST_TOO_MANY);
	strbuf_clear(&text);
}

static void
test_squeeze(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	tag_value_squeeze(span_of(""), &out);
	SPAN_IS(strbuf_span(&out), "");
	tag_value_squeeze(span_of("abc"), &out);
	tag_value_squeeze(span_of(" \r\n\t"), &out);
	tag_value_squeeze(span_of(" d\r\n\te f "), &out);
	SPAN_IS(strbuf_span(&out), "abcdef");
	strbuf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_squeeze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
