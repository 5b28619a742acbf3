#include "tests/unit/unit.h"

#include "common/mail/message.h"

#include <time.h>

/* Fields as "name:value|", malformed ones with a '!' in front. */
static const struct {
	const char *in;
	const char *fields;
	const char *body;
} texts[] = {
	{ "A: 1\nB: 2\n\nbody\n", "A: 1|B: 2|", "body\n" },
	{ "A: 1\r\nB: 2\r\n\r\nbody\r\n", "A: 1|B: 2|", "body\r\n" },
	{ "A: 1\r\nB: 2\n\nx\r\ny\n", "A: 1|B: 2|", "x\r\ny\n" },
	{ "A: 1\n 2\n\t3\nB: 4\n\n", "A: 1\r\n 2\r\n\t3|B: 4|", "" },
	{ "A: 1\r\n 2\r\n\r\n", "A: 1\r\n 2|", "" },
	{ "A: 1\n \n 2\n\nx", "A: 1\r\n \r\n 2|", "x" },
	{ "A:1", "A:1|", "" },
	{ "A:", "A:|", "" },
	{ "A: 1\n", "A: 1|", "" },
	{ "A: 1\n ", "A: 1\r\n |", "" },
	{ "A: 1\n\n\n\nx", "A: 1|", "\n\nx" },
	{ "", "", "" },
	{ "\nbody", "", "body" },
	{ "\r\nbody", "", "body" },
	{ "\r\n", "", "" },
	/* A line that is no field ends the header and begins the body. */
	{ "A: 1\nno field\nB: 2\n", "A: 1|", "no field\nB: 2\n" },
	{ "A: 1\n: 2\n", "A: 1|", ": 2\n" },
	{ "A: 1\nB C: 2\n", "A: 1|", "B C: 2\n" },
	{ "A: 1\nB\n", "A: 1|", "B\n" },
	{ "A: 1\nB\n: x\n", "A: 1|", "B\n: x\n" },
	{ "A: 1\nB\xc3\xb6: 2\n", "A: 1|", "B\xc3\xb6: 2\n" },
	{ " x\nA: 1\n", "", " x\nA: 1\n" },
	/* A blank line that is not empty goes on with the field. */
	{ "A: 1\n \n\nx", "A: 1\r\n |", "x" },
	/* mbox */
	{ "From a@b Mon Jan  1 00:00:00 2024\nA: 1\n\nx", "A: 1|", "x" },
	{ "From a@b Mon Jan  1 00:00:00 2024\n", "", "" },
	{ "From : a@b\n\n", "!From : a@b|", "" },
	{ "A: 1\nFrom a@b\n\nx", "A: 1|", "From a@b\n\nx" },
	/* odd, but taken as it is */
	{ "A : 1\n\n", "!A : 1|", "" },
	{ "A: 1\rB: 2\n\n", "!A: 1\rB: 2|", "" },
	{ "A: 1\r\r\n\n", "!A: 1\r|", "" },
	{ "A: 1\n\rB: 2\n\n", "A: 1|", "\rB: 2\n\n" },
	{ "A: \xff\x01\n\nx", "A: \xff\x01|", "x" },
};

static void
show(const struct message *message, struct strbuf *out)
{
	const struct header_field *field;
	size_t i;

	strbuf_reset(out);
	for (i = 0; i < message->header_count; i++) {
		field = &message->headers[i];
		strbuf_adds(out, field->is_malformed ? "!" : "");
		strbuf_addspan(out, field->name);
		strbuf_addc(out, ':');
		strbuf_addspan(out, field->value);
		strbuf_addc(out, '|');
	}
}

static void
test_read_text(void **state)
{
	struct message message = { 0 };
	struct strbuf got = STRBUF_INIT;
	struct span body;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		message_read_text(&message, span_of(texts[i].in), &body);
		show(&message, &got);
		ROW_EQ(texts[i].in, strbuf_span(&got),
		    span_of(texts[i].fields));
		ROW_EQ(texts[i].in, body, span_of(texts[i].body));
		message_reset(&message);
	}
	message_read_text(&message, span_make("A: 1\0\nB\0: 2\n", 12), &body);
	assert_int_equal(message.header_count, 1);
	assert_true(message.headers[0].is_malformed);
	assert_int_equal(body.len, 6);
	message_clear(&message);
	strbuf_clear(&got);
}

static void
test_overflow(void **state)
{
	struct message message = { .header_bytes_max = 20 };

	(void)state;
	message_add_header(&message, SPAN_LIT("A"), SPAN_LIT(" 1\n 2"));
	assert_int_equal(message.header_bytes, 1 + 6 + 3);
	assert_false(message.headers_overflow);
	message_add_header(&message, SPAN_LIT("B"), SPAN_LIT(" 123 5"));
	assert_int_equal(message.header_bytes, 20);
	assert_int_equal(message.header_count, 2);
	assert_false(message.headers_overflow);
	message_add_header(&message, SPAN_LIT("C"), SPAN_LIT(""));
	assert_true(message.headers_overflow);
	assert_int_equal(message.header_count, 2);

	message_reset(&message);
	assert_false(message.headers_overflow);
	assert_int_equal(message.header_bytes, 0);
	assert_int_equal(message.header_bytes_max, 20);
	/* fits as it came, not with the CR its fold gets */
	message_add_header(&message, SPAN_LIT("A"),
	    SPAN_LIT("123456789\n bcdef"));
	assert_true(message.headers_overflow);
	assert_int_equal(message.header_count, 0);
	message_add_header(&message, SPAN_LIT("B"), SPAN_LIT(""));
	assert_int_equal(message.header_count, 0);
	message_reset(&message);
	message_add_header(&message, SPAN_LIT("123456789012345678901"),
	    SPAN_LIT(""));
	assert_true(message.headers_overflow);
	message_reset(&message);
	message_add_header(&message, SPAN_LIT("A"),
	    SPAN_LIT("123456789012345678901"));
	assert_true(message.headers_overflow);
	message_clear(&message);
}

/* The first field stays what it was while the rest is added. */
static void
test_many(void **state)
{
	enum { COUNT = 100000 };
	struct message message = { 0 };
	struct strbuf text = STRBUF_INIT;
	struct span body;
	clock_t start = clock();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT; i++)
		strbuf_addf(&text, "X%zu: %zu\n folded\n", i, i);
	strbuf_adds(&text, "\nbody");
	message_read_text(&message, strbuf_span(&text), &body);
	assert_int_equal(message.header_count, COUNT);
	SPAN_IS(message.headers[0].name, "X0");
	SPAN_IS(message.headers[COUNT - 1].name, "X99999");
	SPAN_IS(message.headers[COUNT - 1].value, " 99999\r\n folded");
	SPAN_IS(body, "body");
	strbuf_reset(&text);
	strbuf_adds(&text, "A: 1\n");
	while (text.len < 8 << 20)
		strbuf_adds(&text, " \n");
	message_reset(&message);
	message_read_text(&message, strbuf_span(&text), &body);
	assert_int_equal(message.header_count, 1);
	assert_false(message.headers[0].is_malformed);
	assert_int_equal(body.len, 0);
	assert_true((clock() - start) / CLOCKS_PER_SEC < 5);
	message_clear(&message);
	strbuf_clear(&text);
}

/* Over its bytes the rest is passed over, and the body is found still. */
static void
test_bounded_memory(void **state)
{
	struct message message = { .header_bytes_max = 1000 };
	struct strbuf text = STRBUF_INIT;
	struct span body;

	(void)state;
	while (text.len < 1 << 20)
		strbuf_adds(&text, "A:\n");
	strbuf_adds(&text, "\nbody");
	message_read_text(&message, strbuf_span(&text), &body);
	assert_true(message.headers_overflow);
	assert_int_equal(message.header_count, 250);
	assert_true(message.arena.total < 10000);
	SPAN_IS(body, "body");
	message_clear(&message);
	strbuf_clear(&text);
}

static void
test_recipients(void **state)
{
	struct message message = { 0 };
	char path[MESSAGE_PATH_MAX + 1];
	size_t i;

	(void)state;
	memset(path, 'x', sizeof(path));
	assert_false(message_add_recipient(&message,
	    span_make(path, sizeof(path))));
	assert_int_equal(message.recipient_count, 0);
	assert_true(message_add_recipient(&message,
	    span_make(path, MESSAGE_PATH_MAX)));
	for (i = 1; i < MESSAGE_RECIPIENTS_MAX; i++)
		assert_true(message_add_recipient(&message, SPAN_LIT("<a@b>")));
	assert_false(message_add_recipient(&message, SPAN_LIT("<a@b>")));
	assert_int_equal(message.recipient_count, MESSAGE_RECIPIENTS_MAX);
	SPAN_IS(message.recipients[MESSAGE_RECIPIENTS_MAX - 1], "<a@b>");
	message_reset(&message);
	assert_int_equal(message.recipient_count, 0);
	assert_true(message_add_recipient(&message, SPAN_LIT("<c@d>")));
	SPAN_IS(message.recipients[0], "<c@d>");
	message_clear(&message);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_text),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_bounded_memory),
		cmocka_unit_test(test_recipients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
