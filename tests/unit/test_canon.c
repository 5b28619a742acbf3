#include "tests/unit/unit.h"

#include "common/dkim/canon.h"

#include <openssl/evp.h>
#include <time.h>

/* ---- the naive reference: RFC 6376 3.4.3 and 3.4.4 over whole bodies ---- */

static struct span
next_line(struct span *rest, bool *has_end)
{
	struct span line;
	size_t i;

	for (i = 0; i + 1 < rest->len; i++)
		if (rest->p[i] == '\r' && rest->p[i + 1] == '\n')
			break;
	*has_end = i + 1 < rest->len;
	line = span_first(*rest, *has_end ? i : rest->len);
	*rest = span_skip(*rest, line.len + (*has_end ? 2 : 0));
	return line;
}

static void
reference_line(enum canon canon, struct span line, struct strbuf *out)
{
	size_t i;

	if (canon == CANON_SIMPLE) {
		strbuf_addspan(out, line);
		return;
	}
	while (line.len > 0 && is_wsp(line.p[line.len - 1]))
		line.len--;
	for (i = 0; i < line.len; i++)
		if (!is_wsp(line.p[i]))
			strbuf_addc(out, line.p[i]);
		else if (i == 0 || !is_wsp(line.p[i - 1]))
			strbuf_addc(out, ' ');
}

static void
reference(enum canon canon, struct span body, struct strbuf *out)
{
	size_t empty = 0, start = out->len, before;
	struct span line;
	bool has_end;

	while (body.len > 0) {
		line = next_line(&body, &has_end);
		before = out->len;
		reference_line(canon, line, out);
		if (out->len == before) {
			empty++;
			continue;
		}
		strbuf_truncate(out, before);
		for (; empty > 0; empty--)
			strbuf_adds(out, "\r\n");
		reference_line(canon, line, out);
		strbuf_adds(out, "\r\n");
	}
	if (out->len == start && canon == CANON_SIMPLE)
		strbuf_adds(out, "\r\n");
}

/* ---- what is tested ---- */

static void
collect(void *arg, const void *data, size_t len)
{
	assert_true(len > 0);
	strbuf_add(arg, data, len);
}

/* cut: the pieces' length, 0: all at once, -1: random ones. The copies have
 * their exact size so that a sanitizer sees an overrun. */
static void
stream(enum canon canon, struct span body, int cut, struct strbuf *out)
{
	struct canon_body *state = xmalloc(sizeof(*state));
	struct span piece;
	size_t n;
	char *copy;

	canon_body_start(state, canon, collect, out);
	while (body.len > 0) {
		n = cut > 0 ? (size_t)cut : cut == 0 ? body.len :
		    (size_t)rand() % (rand() % 4 == 0 ? 9000 : 20);
		piece = span_first(body, n);
		copy = xmalloc(piece.len);
		if (piece.len != 0)
			memcpy(copy, piece.p, piece.len);
		canon_body_add(state, span_make(copy, piece.len));
		free(copy);
		body = span_skip(body, piece.len);
	}
	canon_body_end(state);
	free(state);
}

static void
check_body(const char *name, enum canon canon, struct span body,
    struct span want)
{
	static const int cuts[] = { 0, 1, 2, 3, 17, 18, -1 };
	struct strbuf out = STRBUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cuts); i++) {
		strbuf_reset(&out);
		stream(canon, body, cuts[i], &out);
		ROW_EQ(name, strbuf_span(&out), want);
	}
	strbuf_reset(&out);
	reference(canon, body, &out);
	ROW_EQ(name, strbuf_span(&out), want);
	strbuf_clear(&out);
}

static void
test_body(void **state)
{
	static const struct {
		const char *body, *simple, *relaxed;
	} rows[] = {
		{ "", "\r\n", "" },
		{ "\r\n", "\r\n", "" },
		{ "\r\n\r\n\r\n", "\r\n", "" },
		{ "a", "a\r\n", "a\r\n" },
		{ "a\r\n", "a\r\n", "a\r\n" },
		{ "a\r\n\r\n\r\n", "a\r\n", "a\r\n" },
		{ "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n" },
		{ "\r\na", "\r\na\r\n", "\r\na\r\n" },
		/* RFC 6376 3.4.6 */
		{ " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n",
		    " C\r\nD E\r\n" },
		{ " ", " \r\n", "" },
		{ " \r\n", " \r\n", "" },
		{ " \t\r\n\r\n  \r\n", " \t\r\n\r\n  \r\n", "" },
		{ "a\r\n \r\n\t\r\n", "a\r\n \r\n\t\r\n", "a\r\n" },
		{ "a\r\n \r\nb", "a\r\n \r\nb\r\n", "a\r\n\r\nb\r\n" },
		{ "a\t", "a\t\r\n", "a\r\n" },
		{ "a\tb", "a\tb\r\n", "a b\r\n" },
		{ "a \t  b  \r\n", "a \t  b  \r\n", "a b\r\n" },
		/* CR and LF alone are text */
		{ "\r", "\r\r\n", "\r\r\n" },
		{ "\n", "\n\r\n", "\n\r\n" },
		{ "a\r", "a\r\r\n", "a\r\r\n" },
		{ "a\n\n", "a\n\n\r\n", "a\n\n\r\n" },
		{ "a\r\r\n", "a\r\r\n", "a\r\r\n" },
		{ "a\r\r\n\r\n", "a\r\r\n", "a\r\r\n" },
		{ "a \r", "a \r\r\n", "a \r\r\n" },
		{ "a  \rb", "a  \rb\r\n", "a \rb\r\n" },
		{ "a \r\r\n", "a \r\r\n", "a \r\r\n" },
		{ "a \r \r\n", "a \r \r\n", "a \r\r\n" },
		{ "a \n", "a \n\r\n", "a \n\r\n" },
		{ "\r\n\r", "\r\n\r\r\n", "\r\n\r\r\n" },
		{ "\n\r\n\r", "\n\r\n\r\r\n", "\n\r\n\r\r\n" },
		{ "a\r\n\n", "a\r\n\n\r\n", "a\r\n\n\r\n" },
		/* longer than a vector */
		{ "0123456789abcde  f\r\n0123456789abcdef\t\r\n",
		    "0123456789abcde  f\r\n0123456789abcdef\t\r\n",
		    "0123456789abcde f\r\n0123456789abcdef\r\n" },
		{ "                                        x",
		    "                                        x\r\n", " x\r\n" },
		{ "0123456789abcdefghijklmnopqrstuvwxyz \rA",
		    "0123456789abcdefghijklmnopqrstuvwxyz \rA\r\n",
		    "0123456789abcdefghijklmnopqrstuvwxyz \rA\r\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		check_body(rows[i].body, CANON_SIMPLE, span_of(rows[i].body),
		    span_of(rows[i].simple));
		check_body(rows[i].body, CANON_RELAXED, span_of(rows[i].body),
		    span_of(rows[i].relaxed));
	}
}

static void
make_random(struct strbuf *body, size_t len)
{
	static const char *const words[] = {
		" ", "\t", "\r\n", "\r", "\n", "a", "word", "\r\n\r\n", "  ",
		" \r\n", "\xc3\xa9", "a longer run of text, without anything",
	};
	size_t few = 1 + (size_t)rand() % ARRAY_LEN(words);
	size_t first = (size_t)rand() % ARRAY_LEN(words);

	strbuf_reset(body);
	while (body->len < len)
		strbuf_adds(body, words[(first + (size_t)rand() % few) %
		    ARRAY_LEN(words)]);
	strbuf_truncate(body, len);
}

static void
test_random(void **state)
{
	struct strbuf body = STRBUF_INIT, out = STRBUF_INIT;
	struct strbuf want = STRBUF_INIT;
	unsigned seed = (unsigned)time(NULL);
	enum canon canon;
	char name[40];
	int i;

	(void)state;
	srand(seed);
	snprintf(name, sizeof(name), "seed %u", seed);
	for (i = 0; i < 4000; i++) {
		make_random(&body, (size_t)rand() %
		    (i % 20 == 0 ? 40000 : 100));
		for (canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
			strbuf_reset(&want);
			reference(canon, strbuf_span(&body), &want);
			strbuf_reset(&out);
			stream(canon, strbuf_span(&body), 0, &out);
			ROW_EQ(name, strbuf_span(&out), strbuf_span(&want));
			strbuf_reset(&out);
			stream(canon, strbuf_span(&body), -1, &out);
			ROW_EQ(name, strbuf_span(&out), strbuf_span(&want));
		}
	}
	strbuf_clear(&body);
	strbuf_clear(&out);
	strbuf_clear(&want);
}

static void
count(void *arg, const void *data, size_t len)
{
	uint64_t *octets = arg;

	(void)data;
	*octets += len;
}

static void
test_empty_lines(void **state)
{
	enum { LINES = 1000, TIMES = 5000 };
	struct strbuf lines = STRBUF_INIT;
	struct canon_body body;
	uint64_t octets = 0;
	int i;

	(void)state;
	for (i = 0; i < LINES; i++)
		strbuf_adds(&lines, "\r\n");
	canon_body_start(&body, CANON_RELAXED, count, &octets);
	for (i = 0; i < TIMES; i++)
		canon_body_add(&body, strbuf_span(&lines));
	assert_int_equal(octets, 0);
	canon_body_add(&body, SPAN_LIT("x"));
	canon_body_end(&body);
	assert_int_equal(octets, 2 * LINES * TIMES + 3);
	strbuf_clear(&lines);
}

static void
test_header(void **state)
{
	static const struct {
		const char *name, *value, *relaxed;
	} rows[] = {
		/* RFC 6376 3.4.5 */
		{ "A", " X", "a:X\r\n" },
		{ "B ", " Y\t\r\n\tZ  ", "b:Y Z\r\n" },
		{ "Subject", "", "subject:\r\n" },
		{ "Subject", " \t ", "subject:\r\n" },
		{ "Subject", "\r\n\tx", "subject:x\r\n" },
		{ "Subject", "x\r\n y\r\n\t\tz", "subject:x y z\r\n" },
		{ "Subject", " x\r\n \r\n y", "subject:x y\r\n" },
		{ "SUBJECT", "a  b\t\tc", "subject:a b c\r\n" },
		{ "X", "caf\xc3\xa9", "x:caf\xc3\xa9\r\n" },
		{ "X", "a\rb\nc", "x:a\rb\nc\r\n" },
		{ "X", "a\r\nb", "x:a\r\nb\r\n" },
		{ "X", "a\r\n", "x:a\r\n\r\n" },
	};
	struct strbuf out = STRBUF_INIT, plain = STRBUF_INIT;
	struct header_field field;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		field = (struct header_field){ span_of(rows[i].name),
		    span_of(rows[i].value), false };
		strbuf_reset(&out);
		canon_header(CANON_RELAXED, &field, &out);
		ROW_EQ(rows[i].value, strbuf_span(&out),
		    span_of(rows[i].relaxed));
		strbuf_reset(&out);
		strbuf_reset(&plain);
		strbuf_addf(&plain, "%s:%s\r\n", rows[i].name, rows[i].value);
		canon_header(CANON_SIMPLE, &field, &out);
		ROW_EQ(rows[i].value, strbuf_span(&out), strbuf_span(&plain));
	}
	strbuf_clear(&out);
	strbuf_clear(&plain);
}

static void
test_names(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		enum canon header, body;
	} rows[] = {
		{ "simple", true, CANON_SIMPLE, CANON_SIMPLE },
		{ "relaxed", true, CANON_RELAXED, CANON_SIMPLE },
		{ "relaxed/relaxed", true, CANON_RELAXED, CANON_RELAXED },
		{ "Simple/RELAXED", true, CANON_SIMPLE, CANON_RELAXED },
		{ "", false, CANON_SIMPLE, CANON_SIMPLE },
		{ "relaxed/", false, CANON_SIMPLE, CANON_SIMPLE },
		{ "/relaxed", false, CANON_SIMPLE, CANON_SIMPLE },
		{ "relaxed/simple/simple", false, CANON_SIMPLE, CANON_SIMPLE },
		{ "nowsp", false, CANON_SIMPLE, CANON_SIMPLE },
		{ "relaxedly", false, CANON_SIMPLE, CANON_SIMPLE },
	};
	enum canon header, body;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		header = body = CANON_SIMPLE;
		ROW_IS(rows[i].text, canon_parse_pair(span_of(rows[i].text),
		    &header, &body) == rows[i].ok);
		ROW_IS(rows[i].text, header == rows[i].header &&
		    body == rows[i].body);
	}
	assert_string_equal(canon_name(CANON_RELAXED), "relaxed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_empty_lines),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
