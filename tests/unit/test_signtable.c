#include "tests/unit/tables.h"

#include "common/mail/domain.h"
#include "common/tables/signtable.h"

static const struct dataset_place place = { "a.conf", 4, "SigningTable",
    NULL };
static struct keytable *keys;

/* "k" example.com, "k2" the same key; "net", "sub", "any" (d=%); the two names
 * of the guide many follow */
static const char key_rows[] =
    "k example.com:s:DIR/key\n"
    "k2 example.com:s2:DIR/key\n"
    "net example.net:s:DIR/key\n"
    "sub a.example.com:s:DIR/key\n"
    "any %:s:DIR/key\n"
    "mydomain.org mydomain.org:mail:DIR/key\n"
    "example.org example.org:s:DIR/key\n"
    "uk a.co.uk:s:DIR/key\n";

static int
make_keys(void **state)
{
	static const struct dataset_place at = { "a.conf", 3, "KeyTable",
	    NULL };
	struct keytable_options options = { true, 1024, KEYTABLE_EAGER_KEYS,
	    geteuid(), getegid() };
	struct strbuf pem = STRBUF_INIT, err = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct dkim_key *key;

	if (scratch_make(state) != 0)
		return -1;
	key = dkim_key_generate(DKIM_ED25519_SHA256, 0, &err);
	assert_int_equal(dkim_key_format(key, &pem, &err), 0);
	scratch_write("key", strbuf_span(&pem), 0600);
	scratch_write("keys", scratch_text(key_rows), 0644);
	keys = keytable_load(scratch_path("keys"), &at, &options, &diag);
	assert_int_equal(diag.count, 0);
	dkim_key_free(key);
	strbuf_clear(&pem);
	return 0;
}

static int
free_keys(void **state)
{
	keytable_free(keys);
	return scratch_remove(state);
}

static struct signtable *
load(const char *type, struct span text, bool multiple, struct diag *diag)
{
	char spec[256];

	scratch_write("signing", text, 0644);
	snprintf(spec, sizeof(spec), "%s%s", type, scratch_path("signing"));
	return signtable_load(spec, &place, keys, multiple, diag);
}

#define SAYS(line, level, text)	"DIR/signing:" line ": " level ": " text "\n"

static const struct {
	const char *type;
	const char *text;
	const char *says;
} faults[] = {
	{ "refile:", "*@example.com k\n", "" },
	{ "refile:", "# none\n", "DIR/signing: warning: SigningTable has no "
	    "rows, so nothing will be signed; \"postern key generate\" adds a "
	    "row (or write pattern keyname)\n" },
	/* the guides' mistake */
	{ "refile:", "*@mydomain.org mail._domainkey.mydomain.org\n",
	    SAYS("1", "error", "\"*@mydomain.org\": the KeyTable has no key "
	    "\"mail._domainkey.mydomain.org\"; the one meant is surely "
	    "\"mydomain.org\" (DIR/keys:6, d=mydomain.org s=mail): write that "
	    "name here, or rename that row to "
	    "\"mail._domainkey.mydomain.org\"") },
	{ "refile:", "\n*@example.org default._domainkey.example.org\n",
	    SAYS("2", "error", "\"*@example.org\": the KeyTable has no key "
	    "\"default._domainkey.example.org\"; the one meant is surely "
	    "\"example.org\" (DIR/keys:7, d=example.org s=s): write that name "
	    "here, or rename that row to \"default._domainkey.example.org\"") },
	{ "", "example.edu nokey\n", SAYS("1", "error", "\"example.edu\": the "
	    "KeyTable (DIR/keys) has no key \"nokey\"; add that row there "
	    "(postern key generate makes one), or name one of its rows "
	    "here") },
	{ "refile:", "*@example.com\n*@example.net :@example.net\n",
	    SAYS("1", "error", "\"*@example.com\": names no key; write "
	    "pattern keyname")
	    SAYS("2", "error", "\"*@example.net\": names no key; write "
	    "pattern keyname") },
	/* patterns in the wrong type of table */
	{ "", "*@example.com k\n", SAYS("1", "error", "\"*@example.com\": "
	    "\"*\" has no effect here; write refile: before the table's path, "
	    "or example.com in the row") },
	{ "file:", "*@*.example.com k\n", SAYS("1", "error",
	    "\"*@*.example.com\": \"*\" has no effect here; write refile: "
	    "before the table's path, or .example.com in the row") },
	{ "", "*@* k\n", SAYS("1", "error", "\"*@*\": \"*\" has no effect "
	    "here; write refile: before the table's path, or * in the row") },
	{ "", "a*@example.com k\n", SAYS("1", "error", "\"a*@example.com\": "
	    "\"*\" has no effect here; write refile: before the table's "
	    "path") },
	/* rows no sender can match */
	{ "refile:", "example.com k\n.example.com k\n",
	    SAYS("1", "warning", "\"example.com\": no sender can match it in "
	    "a refile: table, it has no \"@\"; write *@example.com")
	    SAYS("2", "warning", "\".example.com\": no sender can match it in "
	    "a refile: table, it has no \"@\"; write *@*.example.com") },
	{ "refile:", "@example.com k\n", SAYS("1", "warning",
	    "\"@example.com\": no sender can match it; write "
	    "*@example.com") },
	{ "refile:", "*@.example.com k\n", SAYS("1", "warning",
	    "\"*@.example.com\": no sender can match it in a refile: table; "
	    "write *@*.example.com") },
	{ "", "@example.com k\n", SAYS("1", "warning", "\"@example.com\": no "
	    "sender can match it; write example.com") },
	{ "refile:", "u@exa_mple.com k\n*@a..b k\n",
	    SAYS("1", "error", "\"u@exa_mple.com\": what follows the @ is no "
	    "domain name, so no sender can match it")
	    SAYS("2", "error", "\"*@a..b\": what follows the @ is no domain "
	    "name, so no sender can match it") },
	{ "", "exa_mple.com k\nu@a..b k\n",
	    SAYS("1", "error", "\"exa_mple.com\": is no domain name, so no "
	    "sender can match it")
	    SAYS("2", "error", "\"u@a..b\": what follows the @ is no domain "
	    "name, so no sender can match it") },
	/* regular expressions */
	{ "refile:", "(a|b)@example.com k\n*@[a-z]*.example.com any\n",
	    SAYS("1", "warning", "\"(a|b)@example.com\": \"(\" is an ordinary "
	    "character here, an operator of regular expressions in OpenDKIM; "
	    "only \"*\" is special, write a row for each case")
	    SAYS("2", "warning", "\"*@[a-z]*.example.com\": \"[\" is an "
	    "ordinary character here, an operator of regular expressions in "
	    "OpenDKIM; only \"*\" is special, write a row for each case") },
	/* shadows */
	{ "refile:", "*@example.com k\n\nu@Example.com k2\n",
	    SAYS("3", "warning", "\"u@Example.com\": is never used: line 1, "
	    "\"*@example.com\", comes first and matches all it does; move it "
	    "above that line or remove it") },
	{ "refile:", "u@example.com k\n*@example.com k\n", "" },
	{ "refile:", "*@*.example.com k\n*@*.a.example.com k\n"
	    "u@*.b.example.com k\nu@b.example.com k\nx*@c.example.com k\n"
	    "*@example.com k\n",
	    SAYS("2", "warning", "\"*@*.a.example.com\": is never used: line "
	    "1, \"*@*.example.com\", comes first and matches all it does; "
	    "move it above that line or remove it")
	    SAYS("3", "warning", "\"u@*.b.example.com\": is never used: line "
	    "1, \"*@*.example.com\", comes first and matches all it does; "
	    "move it above that line or remove it")
	    SAYS("4", "warning", "\"u@b.example.com\": is never used: line "
	    "1, \"*@*.example.com\", comes first and matches all it does; "
	    "move it above that line or remove it")
	    SAYS("5", "warning", "\"x*@c.example.com\": is never used: line "
	    "1, \"*@*.example.com\", comes first and matches all it does; "
	    "move it above that line or remove it") },
	{ "refile:", "*ing@example.com k\nking@example.com k\n"
	    "k*ing@example.com k\n*@example.com k\nu@* any\nu@a.b any\n"
	    "* any\n*@*.b any\n",
	    SAYS("2", "warning", "\"king@example.com\": is never used: line "
	    "1, \"*ing@example.com\", comes first and matches all it does; "
	    "move it above that line or remove it")
	    SAYS("3", "warning", "\"k*ing@example.com\": is never used: line "
	    "1, \"*ing@example.com\", comes first and matches all it does; "
	    "move it above that line or remove it")
	    SAYS("6", "warning", "\"u@a.b\": is never used: line 5, \"u@*\", "
	    "comes first and matches all it does; move it above that line or "
	    "remove it")
	    SAYS("8", "warning", "\"*@*.b\": is never used: line 7, \"*\", "
	    "comes first and matches all it does; move it above that line or "
	    "remove it") },
	{ "", "example.com k\nEXAMPLE.com k2\nu@example.com k\n* any\n",
	    SAYS("2", "warning", "\"EXAMPLE.com\": is never used: line 1, "
	    "\"example.com\", is the same pattern; remove one, or set "
	    "MultipleSignatures to sign with both") },
	/* alignment */
	{ "", "example.com net\n", SAYS("1", "warning", "\"example.com\": key "
	    "\"net\" (DIR/keys:3) signs as d=example.net, which DMARC does "
	    "not count for senders in example.com; give them a key of their "
	    "domain") },
	{ "refile:", "*@*.example.com net\n", SAYS("1", "warning",
	    "\"*@*.example.com\": key \"net\" (DIR/keys:3) signs as "
	    "d=example.net, which DMARC does not count for senders in "
	    "example.com; give them a key of their domain") },
	{ "", "a.b.example.com k\nexample.com sub\nb.example.com sub\n"
	    "x.y any\nu@* net\n* net\n", "" },
	{ "", "b.co.uk uk\nb.a.co.uk uk\n", SAYS("1", "warning", "\"b.co.uk\": "
	    "key \"uk\" (DIR/keys:8) signs as d=a.co.uk, which DMARC does not "
	    "count for senders in b.co.uk; give them a key of their "
	    "domain") },
	/* identities */
	{ "", "a.example.com k:@a.example.com\nb.example.com k:@%\n"
	    "c.example.com k:\"x y\"@Example.com\nd.example.com k:x+%@%\n"
	    "e.example.com any:u@x.y\n", "" },
	{ "", "a.example.com k:example.com\nb.example.com k:@\n"
	    "c.example.com k:a b@example.com\n",
	    SAYS("1", "error", "\"a.example.com\": identity \"example.com\" "
	    "is no address; write @domain or user@domain, it becomes i=")
	    SAYS("2", "error", "\"b.example.com\": identity \"@\" is no "
	    "address; write @domain or user@domain, it becomes i=")
	    SAYS("3", "error", "\"c.example.com\": identity "
	    "\"a b@example.com\" is no address; write @domain or user@domain, "
	    "it becomes i=") },
	{ "", "example.com k:@example.net\n", SAYS("1", "warning",
	    "\"example.com\": identity \"@example.net\" is not within "
	    "d=example.com of key \"k\", so i= is left out; correct or remove "
	    "it") },
};

static void
test_faults(void **state)
{
	struct diag diag = DIAG_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(faults); i++) {
		signtable_free(load(faults[i].type, span_of(faults[i].text),
		    false, &diag));
		row_says(faults[i].text, &diag, faults[i].says);
	}
}

static void
test_multiple(void **state)
{
	struct diag diag = DIAG_INIT;

	(void)state;
	signtable_free(load("refile:", span_of("*@example.com k\n"
	    "*@example.com k2\nu@example.com k\n*@example.com K\n"
	    "*@example.com k:@example.com\n"), true, &diag));
	row_says("multiple", &diag, SAYS("4", "warning", "\"*@example.com\": "
	    "says the same as line 1, \"*@example.com\"; remove one"));
	signtable_free(load("", span_of("example.com k\nexample.com k2\n"),
	    true, &diag));
	row_says("multiple", &diag, "");
}

static void
test_specs(void **state)
{
	struct diag diag = DIAG_INIT;
	struct signtable *table;

	(void)state;
	assert_null(signtable_load("/nonexistent/x", &place, keys, false,
	    &diag));
	row_says("missing", &diag, "a.conf:4: error: SigningTable: "
	    "/nonexistent/x: No such file or directory\n");
	table = signtable_load("example.com=k:u@example.com,*=none", &place,
	    keys, false, &diag);
	assert_string_equal(signtable_file(table), "a.conf");
	assert_int_equal(signtable_count(table), 2);
	signtable_free(table);
	row_says("csl", &diag, "a.conf:4: error: \"*\": the KeyTable "
	    "(DIR/keys) has no key \"none\"; add that row there (postern key "
	    "generate makes one), or name one of its rows here\n");
	/* all else is checked where the KeyTable could not be read */
	signtable_free(signtable_load("example.com=k,*@x.y=z", &place, NULL,
	    false, &diag));
	row_says("no keys", &diag, "a.conf:4: error: \"*@x.y\": \"*\" has no "
	    "effect here; write refile: before the table's path, or x.y in "
	    "the row\n");
	signtable_free(NULL);
}

static void
test_long_pattern(void **state)
{
	struct strbuf text = STRBUF_INIT, got = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < 60000; i++)
		strbuf_addc(&text, 'a');
	strbuf_adds(&text, "@example.com k\n");
	signtable_free(load("refile:", strbuf_span(&text), false, &diag));
	diag_text(&diag, &got);
	assert_non_null(strstr(got.s, "...\": is longer than any address"));
	diag_clear(&diag);
	strbuf_clear(&text);
	strbuf_clear(&got);
}

/* ---- look-ups ---- */

static const char refile_rows[] =
    "first@example.com k\n"			/* 1 */
    "*@example.com k:@example.com\n"		/* 2 */
    "*@*.example.com k:@%\n"			/* 3 */
    "bob@*.example.net net\n"			/* 4 */
    "root@* any:root@%\n"			/* 5 */
    "*-list@lists.example.org any\n"		/* 6 */
    "late@lists.example.org any\n"		/* 7 */
    "*@b\xc3\xbc" "cher.example any\n"		/* 8 */
    "*.dot.example any\n"			/* 9 */
    "*end any\n"				/* 10 */
    "x**y@star.example any\n"			/* 11 */
    "*@keys.example %:@%\n"			/* 12 */
    "*@example.org %:info@%\n"			/* 13 */
    "far@example.com k2\n"			/* 14, shadowed */
    "*@*.exa*.com any:@other.example\n";	/* 15 */

static const char file_rows[] =
    "user@example.com k\n"			/* 1 */
    "example.com k\n"				/* 2 */
    "user@.example.com k2\n"			/* 3 */
    ".example.com k2:u@%\n"			/* 4 */
    ".com any\n"				/* 5 */
    "user@.com any\n"				/* 6 */
    "user@* any\n"				/* 7 */
    "* any\n"					/* 8 */
    "example.com k2\n";				/* 9 */

static const struct {
	const char *type;
	const char *rows;
	const char *local;
	const char *domain;
	const char *want;	/* all matches: "line:keyname[:identity] ..." */
} lookups[] = {
	{ "refile:", refile_rows, "first", "example.com",
	    "1:k 2:k:@example.com" },
	{ "refile:", refile_rows, "FAR", "example.com",
	    "2:k:@example.com 14:k2" },
	{ "refile:", refile_rows, "a", "b.c.example.com",
	    "3:k:@b.c.example.com 15:any" },
	{ "refile:", refile_rows, "bob", "x.example.net", "4:net" },
	{ "refile:", refile_rows, "bob", "example.net", "" },
	{ "refile:", refile_rows, "root", "x.y", "5:any:root@x.y" },
	{ "refile:", refile_rows, "my-list", "lists.example.org",
	    "6:any" },
	{ "refile:", refile_rows, "late", "lists.example.org",
	    "7:any" },
	{ "refile:", refile_rows, "a", "xn--bcher-kva.example", "8:any" },
	{ "refile:", refile_rows, "a", "x.dot.example", "9:any" },
	{ "refile:", refile_rows, "a", "dot.example", "" },
	{ "refile:", refile_rows, "a", "x.weekend", "10:any" },
	{ "refile:", refile_rows, "x12y", "star.example", "11:any" },
	{ "refile:", refile_rows, "xy", "star.example", "11:any" },
	{ "refile:", refile_rows, "a", "keys.example", "12:keys.example!" },
	{ "refile:", refile_rows, "a", "example.org",
	    "13:example.org:info@example.org" },
	{ "refile:", refile_rows, "a", "none.invalid", "" },
	/* a quoted '@' in the local part is not the one that divides */
	{ "refile:", refile_rows, "root@x", "y.z", "" },
	{ "refile:", refile_rows, "a@example.com", "y.z", "" },
	{ "refile:", refile_rows, "x@star.example", "y.z", "" },
	/* a local part "*" is no pattern */
	{ "refile:", refile_rows, "*", "example.com", "2:k:@example.com" },
	{ "file:", file_rows, "USER", "example.com",
	    "1:k 2:k 9:k2 6:any 5:any 7:any 8:any" },
	{ "file:", file_rows, "other", "example.com", "2:k 9:k2 5:any 8:any" },
	{ "file:", file_rows, "user", "a.b.example.com",
	    "3:k2 4:k2:u@a.b.example.com 6:any 5:any 7:any 8:any" },
	{ "file:", file_rows, "a", "b.example.com",
	    "4:k2:u@b.example.com 5:any 8:any" },
	{ "file:", file_rows, "user", "x.org", "7:any 8:any" },
	{ "file:", file_rows, "a", "x.org", "8:any" },
	{ "file:", file_rows, "user@example.com", "x.org", "8:any" },
	{ "file:", file_rows, "*", "x.org", "8:any" },
};

static void
format_match(const struct signtable_match *match, struct strbuf *out)
{
	strbuf_addf(out, "%s%u:%.*s%s%s%.*s", out->len != 0 ? " " : "",
	    match->line, SPAN_ARG(match->key_name),
	    match->key == NULL ? "!" : "",
	    match->identity.len != 0 ? ":" : "", SPAN_ARG(match->identity));
}

static void
test_lookups(void **state)
{
	struct signtable_match matches[16];
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct strbuf got = STRBUF_INIT;
	struct signtable *table;
	struct address sender;
	char name[128];
	struct span want, first;
	size_t i, n, count;

	(void)state;
	for (i = 0; i < ARRAY_LEN(lookups); i++) {
		snprintf(name, sizeof(name), "%s %s@%s", lookups[i].type,
		    lookups[i].local, lookups[i].domain);
		table = load(lookups[i].type, span_of(lookups[i].rows), true,
		    &diag);
		assert_false(diag_failed(&diag));
		sender = (struct address){ span_of(lookups[i].local),
		    span_of(lookups[i].domain) };
		count = signtable_lookup(table, &sender, &arena, matches,
		    ARRAY_LEN(matches), NULL, NULL);
		strbuf_reset(&got);
		for (n = 0; n < count; n++)
			format_match(&matches[n], &got);
		want = span_of(lookups[i].want);
		ROW_EQ(name, strbuf_span(&got), want);
		count = signtable_lookup(table, &sender, &arena, matches, 1,
		    NULL, NULL);
		ROW_IS(name, count == (want.len != 0 ? 1 : 0));
		strbuf_reset(&got);
		if (count != 0)
			format_match(&matches[0], &got);
		span_cut(&want, ' ', &first);
		ROW_EQ(name, strbuf_span(&got), first);
		signtable_free(table);
	}
	diag_clear(&diag);
	arena_clear(&arena);
	strbuf_clear(&got);
}

static void
tell(void *arg, struct span tried, unsigned line)
{
	strbuf_addf(arg, "%.*s=%u ", SPAN_ARG(tried), line);
}

static const struct {
	const char *type;
	const char *rows;
	size_t max;
	const char *want;
} traces[] = {
	{ "refile:", "*x any\n*@*.b.c any\nu@a.b.c any\n", 16,
	    "u@a.b.c=3 *@a.b.c=0 u@*.b.c=0 *@*.b.c=2 u@*.c=0 *@*.c=0 u@*=0 "
	    "*=0 *x=0 " },
	{ "refile:", "a* any\nu* any\n*a* any\n", 1,
	    "u@a.b.c=0 *@a.b.c=0 u@*.b.c=0 *@*.b.c=0 u@*.c=0 *@*.c=0 u@*=0 "
	    "*=0 a*=0 u*=2 " },
	{ "file:", ".b.c any\n* any\n", 1,
	    "u@a.b.c=0 a.b.c=0 u@.b.c=0 .b.c=1 " },
	{ "file:", ".b.c any\n* any\n", 2,
	    "u@a.b.c=0 a.b.c=0 u@.b.c=0 .b.c=1 u@.c=0 .c=0 u@*=0 *=2 " },
};

static void
test_trace(void **state)
{
	struct address sender = { span_of("u"), span_of("a.b.c") };
	struct signtable_match matches[16];
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct strbuf got = STRBUF_INIT;
	struct signtable *table;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(traces); i++) {
		table = load(traces[i].type, span_of(traces[i].rows), false,
		    &diag);
		strbuf_reset(&got);
		signtable_lookup(table, &sender, &arena, matches,
		    traces[i].max, tell, &got);
		ROW_EQ(traces[i].rows, strbuf_span(&got),
		    span_of(traces[i].want));
		signtable_free(table);
	}
	diag_clear(&diag);
	arena_clear(&arena);
	strbuf_clear(&got);
}

static void
test_longest_sender(void **state)
{
	char local[ADDRESS_LOCAL_MAX + 1], domain[DOMAIN_MAX + 1];
	struct signtable_match match;
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct signtable *table;
	struct address sender;
	struct strbuf tried = STRBUF_INIT;
	size_t i;

	(void)state;
	memset(local, 'l', sizeof(local));
	for (i = 0; i < sizeof(domain); i++)
		domain[i] = i % 2 == 0 ? 'd' : '.';
	table = load("refile:", span_of("u@*.x any\n*@*.y any\nz* any\n"
	    "* any\n"), false, &diag);
	sender.local = span_make(local, ADDRESS_LOCAL_MAX);
	sender.domain = span_make(domain, DOMAIN_MAX);
	assert_int_equal(signtable_lookup(table, &sender, &arena, &match, 1,
	    tell, &tried), 1);
	assert_int_equal(match.line, 4);
	sender.local.len++;
	assert_int_equal(signtable_lookup(table, &sender, &arena, &match, 1,
	    NULL, NULL), 0);
	sender.local.len--;
	sender.domain.len++;
	assert_int_equal(signtable_lookup(table, &sender, &arena, &match, 1,
	    NULL, NULL), 0);
	signtable_free(table);
	diag_clear(&diag);
	arena_clear(&arena);
	strbuf_clear(&tried);
}

/* ---- against a naive reference over random tables ---- */

static uint32_t seed = 1;

static uint32_t
any(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static const char *const locals[] = { "a", "b", "ab", "a@b", "*", "B" };
static const char *const domains[] = { "x", "y.x", "z.y.x", "w.z.y.x", "y",
    "x.y" };
static const char *const globs[] = { "*", "a*", "*b", "*@*", "*.x", "*x" };

#define PICK(list)	(list)[any(ARRAY_LEN(list))]

static void
random_pattern(bool is_refile, struct strbuf *out)
{
	static const char *const below[] = { "", "*.", "*", "*.*" };

	if (is_refile && any(8) == 0) {
		strbuf_adds(out, PICK(globs));
	} else if (is_refile) {
		strbuf_addf(out, "%s@%s%s", any(3) != 0 ? PICK(locals) :
		    PICK(globs), PICK(below), any(8) != 0 ? PICK(domains) :
		    "*");
	} else {
		if (any(2) == 0)
			strbuf_addf(out, "%s@", locals[any(4)]);
		strbuf_addf(out, "%s%s", any(2) == 0 ? "." : "",
		    PICK(domains));
		if (any(10) == 0) {
			strbuf_reset(out);
			strbuf_adds(out, any(2) == 0 ? "a@*" : "*");
		}
	}
}

/* "*" for any text, by trying everything. */
static bool
naive_glob(const char *p, const char *s)
{
	if (*p == '\0')
		return *s == '\0';
	if (*p == '*')
		return naive_glob(p + 1, s) ||
		    (*s != '\0' && naive_glob(p, s + 1));
	return ascii_lower(*p) == ascii_lower(*s) &&
	    naive_glob(p + 1, s + 1);
}

static bool
naive_refile(const char *pattern, const char *local, const char *domain)
{
	const char *at = strrchr(pattern, '@');
	char half[64], whole[64];

	if (at != NULL) {
		snprintf(half, sizeof(half), "%.*s", (int)(at - pattern),
		    pattern);
		return naive_glob(half, local) && naive_glob(at + 1, domain);
	}
	snprintf(whole, sizeof(whole), "%s@%s", local, domain);
	return naive_glob(pattern, whole);
}

enum { ROWS = 24 };

struct naive {
	char rows[ROWS][64];
	unsigned lines[64];
	size_t count;
};

static void
naive_key(struct naive *n, const char *user, const char *key)
{
	char text[64];
	unsigned i;

	snprintf(text, sizeof(text), "%s%s%s", user != NULL ? user : "",
	    user != NULL ? "@" : "", key);
	for (i = 0; i < ROWS; i++)
		if (strcasecmp(n->rows[i], text) == 0)
			n->lines[n->count++] = i + 1;
}

/* OpenDKIM's order, as its code has it. */
static void
naive_exact(struct naive *n, const char *local, const char *domain)
{
	const char *suffix;

	naive_key(n, local, domain);
	naive_key(n, NULL, domain);
	for (suffix = strchr(domain, '.'); suffix != NULL;
	    suffix = strchr(suffix + 1, '.')) {
		naive_key(n, local, suffix);
		naive_key(n, NULL, suffix);
	}
	naive_key(n, local, "*");
	naive_key(n, NULL, "*");
}

static void
compare(const struct signtable *table, struct naive *n, bool is_refile,
    const char *local, const char *domain)
{
	struct address sender = { span_of(local), span_of(domain) };
	struct signtable_match matches[64];
	struct arena arena = ARENA_INIT;
	size_t i, count;

	n->count = 0;
	for (i = 0; is_refile && i < ROWS; i++)
		if (naive_refile(n->rows[i], local, domain))
			n->lines[n->count++] = (unsigned)i + 1;
	if (!is_refile)
		naive_exact(n, local, domain);
	count = signtable_lookup(table, &sender, &arena, matches,
	    ARRAY_LEN(matches), NULL, NULL);
	ROW_IS(domain, count == n->count);
	for (i = 0; i < count; i++)
		ROW_IS(domain, matches[i].line == n->lines[i]);
	count = signtable_lookup(table, &sender, &arena, matches, 1, NULL,
	    NULL);
	ROW_IS(domain, count == (n->count != 0));
	ROW_IS(domain, count == 0 || matches[0].line == n->lines[0]);
	arena_clear(&arena);
}

static void
test_against_reference(void **state)
{
	struct strbuf text = STRBUF_INIT, row = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct signtable *table;
	struct naive naive;
	bool is_refile;
	size_t i, l, d, round;

	(void)state;
	for (round = 0; round < 2000; round++) {
		is_refile = round % 2 == 0;
		strbuf_reset(&text);
		for (i = 0; i < ROWS; i++) {
			strbuf_reset(&row);
			random_pattern(is_refile, &row);
			snprintf(naive.rows[i], sizeof(naive.rows[i]), "%s",
			    row.s);
			strbuf_addf(&text, "%s any\n", row.s);
		}
		table = load(is_refile ? "refile:" : "", strbuf_span(&text),
		    true, &diag);
		for (l = 0; l < ARRAY_LEN(locals); l++)
			for (d = 0; d < ARRAY_LEN(domains); d++)
				if (is_refile || l != 4)
					compare(table, &naive, is_refile,
					    locals[l], domains[d]);
		signtable_free(table);
		diag_clear(&diag);
	}
	strbuf_clear(&text);
	strbuf_clear(&row);
}

/* ---- many rows ---- */

enum { MANY = 30000 };

/* text with "#" replaced by the number. */
static void
add_numbered(struct strbuf *out, const char *text, size_t number)
{
	struct span rest = span_of(text), head;

	span_cut(&rest, '#', &head);
	strbuf_addf(out, "%.*s%zu%.*s", SPAN_ARG(head), number,
	    SPAN_ARG(rest));
}

static void
test_many_rows(void **state)
{
	static const struct {
		const char *row;
		const char *local, *domain;	/* of a sender it matches */
	} kinds[] = {
		{ "*@d#.example any\n", "a", "d#.example" },
		{ "u@u#.Example any\n", "u", "u#.example" },
		{ "*@*.b#.example any\n", "a", "x.b#.example" },
		{ "*.s#.example any\n", "a", "y.s#.example" },
	};
	struct strbuf text = STRBUF_INIT, domain = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct signtable_match match;
	struct signtable *table;
	struct address sender;
	size_t i, kind;

	(void)state;
	for (i = 0; i < MANY; i++)
		add_numbered(&text, kinds[i % 4].row, i);
	table = load("refile:", strbuf_span(&text), false, &diag);
	row_says("many", &diag, "");
	assert_int_equal(signtable_count(table), MANY);
	for (i = 0; i < MANY; i++) {
		kind = i % 4;
		strbuf_reset(&domain);
		add_numbered(&domain, kinds[kind].domain, i);
		sender = (struct address){ span_of(kinds[kind].local),
		    strbuf_span(&domain) };
		assert_int_equal(signtable_lookup(table, &sender, &arena,
		    &match, 1, NULL, NULL), 1);
		assert_int_equal(match.line, i + 1);
		arena_reset(&arena);
	}
	signtable_free(table);
	strbuf_clear(&text);
	strbuf_clear(&domain);
	arena_clear(&arena);
}

/* Every row but the first is shadowed, and all have one pattern: found in one
 * go each, kept to a number, all counted. */
static void
test_many_shadows(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct signtable *table;
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++)
		strbuf_adds(&text, "*@example.com k\n");
	for (i = 0; i < 2; i++) {
		table = load("refile:", strbuf_span(&text), i != 0, &diag);
		assert_int_equal(diag.found[DIAG_WARNING], 99999);
		assert_int_equal(diag.count, DIAG_KEEP);
		assert_true(diag.arena.total < 200000);
		signtable_free(table);
		diag_clear(&diag);
	}
	strbuf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_multiple),
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_long_pattern),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_longest_sender),
		cmocka_unit_test(test_against_reference),
		cmocka_unit_test(test_many_rows),
		cmocka_unit_test(test_many_shadows),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
