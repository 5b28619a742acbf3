#include "tests/unit/unit.h"

#include "common/mail/header.h"

#define N(text)	{ (text), sizeof(text) - 1 }

static const struct {
	struct span in;
	struct span want;
	bool is_malformed;
} values[] = {
	{ N(""), N(""), false },
	{ N(" plain"), N(" plain"), false },
	{ N("no space"), N("no space"), false },
	{ N(" a\n b"), N(" a\r\n b"), false },
	{ N(" a\r\n b"), N(" a\r\n b"), false },
	{ N(" a\n\tb\r\n\tc\n d"), N(" a\r\n\tb\r\n\tc\r\n d"), false },
	{ N("\n a"), N("\r\n a"), false },
	{ N(" a\n \n b"), N(" a\r\n \r\n b"), false },	/* obs-FWS */
	{ N(" a \t\n \t b \t "), N(" a \t\r\n \t b \t "), false },
	{ N(" a\n "), N(" a\r\n "), false },
	{ N(" caf\xc3\xa9 \xff \x01\x7f"), N(" caf\xc3\xa9 \xff \x01\x7f"),
	    false },
	{ N(" a\rb"), N(" a\rb"), true },
	{ N(" a\r b"), N(" a\r b"), true },
	{ N(" a\r"), N(" a\r"), true },
	{ N(" a\r\r\n b"), N(" a\r\r\n b"), true },
	{ N(" a\r\r\n"), N(" a\r\r\n"), true },
	{ N(" a\nb"), N(" a\nb"), true },
	{ N(" a\r\nb"), N(" a\r\nb"), true },
	{ N(" a\n"), N(" a\n"), true },
	{ N(" a\r\n"), N(" a\r\n"), true },
	{ N(" a\n\n b"), N(" a\n\r\n b"), true },
	{ N("\n"), N("\n"), true },
	{ N("\r"), N("\r"), true },
	{ N("\n\r \n"), N("\n\r \n"), true },
	{ N(" a\0b"), N(" a\0b"), true },
	{ N("\0"), N("\0"), true },
	{ N(" a\0\n b"), N(" a\0\r\n b"), true },
	{ N(" a\n b\0"), N(" a\r\n b\0"), true },
};

static void
test_normalize(void **state)
{
	struct arena arena = ARENA_INIT;
	struct header_field field;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(values); i++) {
		header_normalize(SPAN_LIT("Subject"), values[i].in, &arena,
		    &field);
		ROW_EQ(values[i].in.p, field.value, values[i].want);
		ROW_EQ(values[i].in.p, field.name, SPAN_LIT("Subject"));
		ROW_IS(values[i].in.p, field.is_malformed ==
		    values[i].is_malformed);
		ROW_IS(values[i].in.p, field.value.p[field.value.len] == 0 &&
		    field.name.p[field.name.len] == 0);
	}
	arena_clear(&arena);
}

static const struct {
	struct span name;
	bool ok;
} field_names[] = {
	{ N("From"), true },
	{ N("X-!\"#$%&'()*+,-./;<=>?@[\\]^_`{|}~"), true },
	{ N("1"), true },
	{ N(""), false },
	{ N("From "), false },
	{ N(" From"), false },
	{ N("Fr om"), false },
	{ N("From\t"), false },
	{ N("Fr:om"), false },
	{ N("From\r"), false },
	{ N("From\n"), false },
	{ N("Fr\0m"), false },
	{ N("Fr\x7fm"), false },
	{ N("Fr\xc3\xb6m"), false },
};

static void
test_names(void **state)
{
	struct arena arena = ARENA_INIT;
	struct header_field field;
	char name[HEADER_NAME_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(field_names); i++) {
		header_normalize(field_names[i].name, SPAN_LIT(" x"), &arena,
		    &field);
		ROW_IS(field_names[i].name.p, header_name_is_valid(
		    field_names[i].name) == field_names[i].ok);
		ROW_IS(field_names[i].name.p, field.is_malformed !=
		    field_names[i].ok);
		ROW_EQ(field_names[i].name.p, field.name,
		    field_names[i].name);
	}
	memset(name, 'x', sizeof(name));
	assert_true(header_name_is_valid(span_make(name, HEADER_NAME_MAX)));
	assert_false(header_name_is_valid(span_make(name, sizeof(name))));
	arena_clear(&arena);
}

static void
test_find(void **state)
{
	static const char *const order[] = { "Received", "From", "X", "FROM ",
	    "Fromm", "from\t ", "Fro", "" };
	struct header_field fields[ARRAY_LEN(order)] = { 0 };
	const size_t count = ARRAY_LEN(order);
	size_t i;

	(void)state;
	for (i = 0; i < count; i++)
		fields[i].name = span_of(order[i]);
	assert_int_equal(header_find(fields, count, SPAN_LIT("from"), 0), 1);
	assert_int_equal(header_find(fields, count, SPAN_LIT("from"), 1), 3);
	assert_int_equal(header_find(fields, count, SPAN_LIT("From"), 2), 5);
	assert_int_equal(header_find(fields, count, SPAN_LIT("From"), 3),
	    count);
	assert_int_equal(header_count(fields, count, SPAN_LIT("From")), 3);
	assert_int_equal(header_count(fields, count, SPAN_LIT("To")), 0);
	assert_int_equal(header_find(fields, 0, SPAN_LIT("From"), 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
