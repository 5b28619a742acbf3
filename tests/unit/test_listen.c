#include "tests/unit/unit.h"

#include "common/milter/listen.h"

#include <sys/socket.h>

static const struct {
	const char *name;
	const char *text;
	int family;		/* 0: refused, with path in the sentence */
	const char *path;
	const char *port;
	const char *host;
} specs[] = {
	{ "unix", "unix:/run/x", AF_UNIX, "/run/x", "", "" },
	{ "local", "local:/run/x", AF_UNIX, "/run/x", "", "" },
	{ "case", "Unix:/run/x", AF_UNIX, "/run/x", "", "" },
	{ "bare path", "/run/x", AF_UNIX, "/run/x", "", "" },
	{ "a path with signs", "/run/a:b@c", AF_UNIX, "/run/a:b@c", "", "" },
	{ "inet", "inet:8891@127.0.0.1", AF_INET, "", "8891", "127.0.0.1" },
	{ "inet, name", "inet:8891@localhost", AF_INET, "", "8891",
	    "localhost" },
	{ "inet, every address", "inet:8891", AF_INET, "", "8891", "" },
	{ "a service's name", "inet:milter@[127.0.0.1]", AF_INET, "",
	    "milter", "127.0.0.1" },
	{ "inet6", "inet6:8891@::1", AF_INET6, "", "8891", "::1" },
	{ "inet6, brackets", "inet6:8891@[::1]", AF_INET6, "", "8891",
	    "::1" },
	{ "as Postfix has it", "inet:127.0.0.1:8891", 0,
	    "inet:8891@127.0.0.1", "", "" },
	{ "as Postfix has it, IPv6", "inet6:::1:8891", 0,
	    "inet6:8891@::1", "", "" },
	{ "relative", "unix:run/x", 0, "starts with \"/\"", "", "" },
	{ "no path", "unix:", 0, "starts with \"/\"", "", "" },
	{ "port too large", "inet:65536@h", 0, "0 to 65535", "", "" },
	{ "port with more", "inet:88x@h", 0, "0 to 65535", "", "" },
	{ "no port", "inet:@h", 0, "0 to 65535", "", "" },
	{ "nothing", "", 0, "inet:port@address", "", "" },
	{ "a number", "8891", 0, "inet:port@address", "", "" },
	{ "another kind", "tcp:8891@h", 0, "inet:port@address", "", "" },
};

static void
test_parse(void **state)
{
	struct strbuf err = STRBUF_INIT;
	struct listen_spec spec;
	const char *name;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < ARRAY_LEN(specs); i++) {
		name = specs[i].name;
		strbuf_reset(&err);
		rc = listen_parse(span_of(specs[i].text), &spec, &err);
		if (specs[i].family == 0) {
			ROW_IS(name, rc == -1);
			if (strstr(strbuf_str(&err), specs[i].path) == NULL)
				fail_msg("%s: %s", name, strbuf_str(&err));
			continue;
		}
		ROW_IS(name, rc == 0 && spec.family == specs[i].family);
		ROW_EQ(name, span_of(spec.path), span_of(specs[i].path));
		ROW_EQ(name, span_of(spec.port), span_of(specs[i].port));
		ROW_EQ(name, span_of(spec.host), span_of(specs[i].host));
	}
	strbuf_clear(&err);
}

/* One octet too many, and as many as there is room for. */
static void
test_lengths(void **state)
{
	static const struct { const char *start; size_t room; } rows[] = {
		{ "unix:/", 106 }, { "inet:1@", 255 },
	};
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	struct listen_spec spec;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&text);
		strbuf_adds(&text, rows[i].start);
		for (j = 0; j < rows[i].room; j++)
			strbuf_addc(&text, 'x');
		assert_int_equal(listen_parse(strbuf_span(&text), &spec,
		    &err), 0);
		strbuf_addc(&text, 'x');
		assert_int_equal(listen_parse(strbuf_span(&text), &spec,
		    &err), -1);
	}
	assert_int_equal(listen_parse(span_make("/a\0b", 4), &spec, &err),
	    -1);
	strbuf_clear(&err);
	strbuf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
