#include "tests/unit/unit.h"

#include "common/mail/fold.h"
#include "common/mail/receivedspf.h"

static void
check(const char *name, const struct received_spf *spf, const char *client,
    const char *want)
{
	struct strbuf out = STRBUF_INIT;
	struct received_spf copy = *spf;

	if (client != NULL)
		ROW_IS(name, ipaddr_parse(span_of(client), &copy.client));
	received_spf_format(&copy, &out);
	ROW_EQ(name, strbuf_span(&out), span_of(want));
	strbuf_clear(&out);
}

static void
test_fields(void **state)
{
	static const struct {
		const char *name, *client;
		struct received_spf spf;
		const char *want;
	} rows[] = {
		{ "all of it", "192.0.2.1",
		    { .result = "pass", .comment = SPAN_LIT("mx.example.net:"
		    " example.org designates 192.0.2.1 as permitted sender"),
		    .identity = "mailfrom",
		    .sender = { SPAN_LIT("joe"), SPAN_LIT("example.org") },
		    .helo = SPAN_LIT("foo.example.org"),
		    .receiver = SPAN_LIT("mx.example.net"),
		    .mechanism = SPAN_LIT("ip4:192.0.2.0/24") },
		    " pass (mx.example.net: example.org designates 192.0.2.1"
		    " as\r\n\tpermitted sender) receiver=mx.example.net;"
		    " identity=mailfrom;\r\n\tclient-ip=192.0.2.1;"
		    " envelope-from=\"joe@example.org\";"
		    " helo=foo.example.org;\r\n"
		    "\tmechanism=\"ip4:192.0.2.0/24\"" },
		{ "the null sender", "2001:db8::1",
		    { .result = "none", .identity = "helo",
		    .helo = SPAN_LIT("[2001:db8::1]") },
		    " none identity=helo; client-ip=\"2001:db8::1\";"
		    " envelope-from=\"\";\r\n\thelo=\"[2001:db8::1]\"" },
		{ "hostile text", NULL,
		    { .result = "permerror", .comment = SPAN_LIT("a) b\r\nX: y"),
		    .identity = "mailfrom",
		    .sender = { SPAN_LIT("a\"b; x=y"), SPAN_LIT("example.org") },
		    .helo = SPAN_LIT("h\r\nBcc: a"),
		    .problem = SPAN_LIT("\"") },
		    " permerror (a\\) b\\\\x0d\\\\x0aX: y) identity=mailfrom;\r\n"
		    "\tenvelope-from=\"\\\"a\\\\\\\"b; x=y\\\"@example.org\";"
		    " helo=\"h\\\\x0d\\\\x0aBcc: a\";\r\n\tproblem=\"\\\"\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(rows[i].name, &rows[i].spf, rows[i].client, rows[i].want);
}

static void
test_bounds(void **state)
{
	struct strbuf out = STRBUF_INIT, value = STRBUF_INIT;
	struct received_spf spf = { .result = "fail", .identity = "mailfrom" };
	struct span rest, line;
	size_t i;
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		strbuf_reset(&out);
		strbuf_reset(&value);
		for (i = 0; i < 2000; i++)
			strbuf_addc(&value, (char)c);
		spf.comment = spf.helo = spf.receiver = spf.mechanism =
		    spf.problem = strbuf_span(&value);
		spf.sender.local = strbuf_span(&value);
		spf.sender.domain = SPAN_LIT("example.org");
		received_spf_format(&spf, &out);
		rest = strbuf_span(&out);
		while (span_line(&rest, &line)) {
			assert_true(line.len <= FOLD_HARD_LIMIT);
			assert_true(span_trim(line).len != 0);
			for (i = 1; i < line.len; i++)
				assert_true(line.p[i] >= ' ' &&
				    line.p[i] <= '~');
		}
	}
	strbuf_clear(&out);
	strbuf_clear(&value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
