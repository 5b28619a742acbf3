#include "tests/unit/tables.h"

#include "common/tables/namelist.h"

static const struct dataset_place place = { "a.conf", 3, "List", NULL };

static const struct {
	const char *list;
	enum namelist_kind kind;
	const char *address;	/* split at the last '@' */
	bool in;
	const char *entry;
} matches[] = {
	{ "Example.com", NAMELIST_DOMAINS, "u@example.com", true,
	    "Example.com" },
	{ "example.com", NAMELIST_DOMAINS, "u@a.example.com", false, "" },
	{ ".example.com", NAMELIST_DOMAINS, "u@a.b.example.com", true,
	    ".example.com" },
	{ "*.example.com", NAMELIST_DOMAINS, "u@a.example.com", true,
	    "*.example.com" },
	{ ".example.com", NAMELIST_DOMAINS, "u@example.com", false, "" },
	{ "*", NAMELIST_DOMAINS, "u@example.com", true, "*" },
	{ "*,!example.com", NAMELIST_DOMAINS, "u@example.com", false,
	    "!example.com" },
	{ ".b.c,!.a.b.c", NAMELIST_DOMAINS, "u@x.a.b.c", false, "!.a.b.c" },
	{ "mail*.example", NAMELIST_DOMAINS, "u@mail7.example", true,
	    "mail*.example" },
	{ "mail*.example", NAMELIST_DOMAINS, "u@post.example", false, "" },
	{ "!ma*,mail*", NAMELIST_DOMAINS, "u@mail", false, "!ma*" },
	{ "b\xc3\xbc" "cher.example", NAMELIST_DOMAINS,
	    "u@xn--bcher-kva.example", true, "b\xc3\xbc" "cher.example" },
	{ "User@Example.com", NAMELIST_ADDRESSES, "uSer@example.com", true,
	    "User@Example.com" },
	{ "user@example.com", NAMELIST_ADDRESSES, "user2@example.com", false,
	    "" },
	{ "example.com", NAMELIST_ADDRESSES, "user@example.com", true,
	    "example.com" },
	{ "*@example.com", NAMELIST_ADDRESSES, "user@example.com", true,
	    "*@example.com" },
	{ "*@*.example.com", NAMELIST_ADDRESSES, "u@a.example.com", true,
	    "*@*.example.com" },
	{ "user@*", NAMELIST_ADDRESSES, "user@example.com", true, "user@*" },
	{ "user@*", NAMELIST_ADDRESSES, "user@x@example.com", false, "" },
	{ "*@*", NAMELIST_ADDRESSES, "user@example.com", true, "*@*" },
	{ "user@*.example.com", NAMELIST_ADDRESSES, "user@a.b.example.com",
	    true, "user@*.example.com" },
	{ "user@.example.com", NAMELIST_ADDRESSES, "user@a.b.example.com",
	    true, "user@.example.com" },
	{ "list-*@example.com", NAMELIST_ADDRESSES, "list-a@example.com", true,
	    "list-*@example.com" },
	{ "*-x@a*.example", NAMELIST_ADDRESSES, "n-x@ab.example", true,
	    "*-x@a*.example" },
	{ "*-x@a*.example", NAMELIST_ADDRESSES, "n-x@b.example", false, "" },
	{ "a*.example", NAMELIST_ADDRESSES, "u@ab.example", true,
	    "a*.example" },
	/* the most specific one decides */
	{ "!u@e.com,e.com,*", NAMELIST_ADDRESSES, "u@e.com", false,
	    "!u@e.com" },
	{ "!e.com,u@*", NAMELIST_ADDRESSES, "u@e.com", false, "!e.com" },
	{ "!.e.com,u@.e.com", NAMELIST_ADDRESSES, "u@a.e.com", true,
	    "u@.e.com" },
	{ "!u@*,u*@*", NAMELIST_ADDRESSES, "u@e.com", false, "!u@*" },
	{ "!*,u*@*", NAMELIST_ADDRESSES, "ux@e.com", true, "u*@*" },
};

static struct address
split(const char *text)
{
	struct span s = span_of(text);
	size_t at = span_rfind(s, '@');

	return (struct address){ span_first(s, at), span_skip(s, at + 1) };
}

static void
test_match(void **state)
{
	struct diag diag = DIAG_INIT;
	struct namelist *names;
	struct address address;
	struct span entry;
	char row[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(matches); i++) {
		snprintf(row, sizeof(row), "%s: %s", matches[i].list,
		    matches[i].address);
		names = namelist_load(matches[i].list, matches[i].kind, &place,
		    &diag);
		row_says(row, &diag, "");
		address = split(matches[i].address);
		ROW_IS(row, namelist_match(names, &address, NULL) ==
		    matches[i].in);
		namelist_match(names, &address, &entry);
		ROW_EQ(row, entry, span_of(matches[i].entry));
		namelist_free(names);
	}
}

static void
test_parents(void **state)
{
	struct diag diag = DIAG_INIT;
	struct namelist *names;
	struct span listed;

	(void)state;
	names = namelist_load("example.com,!no.example.com", NAMELIST_DOMAINS,
	    &place, &diag);
	assert_int_equal(namelist_count(names), 2);
	assert_true(namelist_match_parents(names, span_of("a.b.example.com"),
	    &listed));
	SPAN_IS(listed, "example.com");
	assert_true(namelist_match_parents(names, span_of("example.com"),
	    NULL));
	assert_false(namelist_match_parents(names, span_of("example.org"),
	    &listed));
	namelist_free(names);
	namelist_free(NULL);
	names = namelist_load(NULL, NAMELIST_DOMAINS, &place, &diag);
	assert_false(namelist_match_parents(names, span_of("example.com"),
	    NULL));
	namelist_free(names);
	row_says("parents", &diag, "");
}

#define SAYS(line, level, text) \
	"DIR/names:" line ": " level ": List: " text "\n"

static const struct {
	const char *text;
	enum namelist_kind kind;
	bool loads;
	const char *says;
} faults[] = {
	{ "user@example.com\n", NAMELIST_DOMAINS, false, SAYS("1", "error",
	    "\"user@example.com\" is an address; this is a list of domains, "
	    "write what follows the @") },
	{ "@example.com\n", NAMELIST_ADDRESSES, false, SAYS("1", "error",
	    "\"@example.com\" has nothing before the @; write *@domain") },
	{ "u@exa mple.com\nu@-a\n", NAMELIST_ADDRESSES, false,
	    SAYS("1", "warning", "\"u@exa\" is followed by something that is "
	    "not read; write one entry a line")
	    SAYS("2", "error", "\"u@-a\" has no domain name behind the @") },
	{ "a..b\n(a|b).c*\n", NAMELIST_DOMAINS, false,
	    SAYS("1", "error", "\"a..b\" is no domain name")
	    SAYS("2", "error", "\"(a|b).c*\" is no domain name") },
	{ "a_b\n", NAMELIST_ADDRESSES, false, SAYS("1", "error",
	    "\"a_b\" is neither an address nor a domain name") },
	{ "!\n", NAMELIST_DOMAINS, false, SAYS("1", "error", "\"!\" has "
	    "nothing behind it; write !entry without a blank") },
	{ "a.b\nA.B\n", NAMELIST_DOMAINS, true, SAYS("2", "warning",
	    "\"A.B\" is there already, on line 1; remove one of them") },
	{ "*.a.b\n!.a.b\n", NAMELIST_DOMAINS, true, SAYS("2", "warning",
	    "\"!.a.b\" says the opposite of line 1; the one with \"!\" holds, "
	    "remove one of them") },
};

static void
test_faults(void **state)
{
	struct diag diag = DIAG_INIT;
	struct namelist *names;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(faults); i++) {
		scratch_write("names", span_of(faults[i].text), 0644);
		names = namelist_load(scratch_path("names"), faults[i].kind,
		    &place, &diag);
		ROW_IS(faults[i].text, (names != NULL) == faults[i].loads);
		namelist_free(names);
		row_says(faults[i].text, &diag, faults[i].says);
	}
}

/* Bad rows beyond what is kept cost nothing but their number. */
static void
test_many_faults(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < 20000; i++)
		strbuf_adds(&text, "a..b\n");
	scratch_write("names", strbuf_span(&text), 0644);
	assert_null(namelist_load(scratch_path("names"), NAMELIST_DOMAINS,
	    &place, &diag));
	assert_int_equal(diag.found[DIAG_ERROR], 20000);
	assert_int_equal(diag.count, DIAG_KEEP);
	assert_true(diag.arena.total < 100000);
	diag_clear(&diag);
	strbuf_clear(&text);
}

/* Nothing a sender writes makes a glob slow: this one is quadratic where each
 * "*" is tried everywhere. */
static void
test_slow_glob(void **state)
{
	char local[ADDRESS_LOCAL_MAX];
	struct address address = { span_make(local, sizeof(local)),
	    span_of("e.com") };
	struct diag diag = DIAG_INIT;
	struct namelist *names;
	size_t i;

	(void)state;
	memset(local, 'a', sizeof(local));
	names = namelist_load("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b@e.com",
	    NAMELIST_ADDRESSES, &place, &diag);
	for (i = 0; i < 10000; i++)
		assert_false(namelist_match(names, &address, NULL));
	local[sizeof(local) - 1] = 'b';
	assert_true(namelist_match(names, &address, NULL));
	namelist_free(names);
	diag_clear(&diag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_many_faults),
		cmocka_unit_test(test_slow_glob),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
