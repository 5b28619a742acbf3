#include "tests/unit/tables.h"

#include "admin/tablefile.h"
#include "admin/zonetext.h"

/* ---- records as text ---- */

static void
test_format(void **state)
{
	static const struct {
		enum zonetext_format format;
		size_t len;		/* of the value: so many x */
		const char *says;	/* S: 255 x in quotes */
	} rows[] = {
		{ ZONETEXT_BIND, 1, "s._domainkey.a.b. IN TXT ( \"x\" )" },
		{ ZONETEXT_BIND, 255, "s._domainkey.a.b. IN TXT ( S )" },
		{ ZONETEXT_BIND, 256,
		    "s._domainkey.a.b. IN TXT ( S\n\t\"x\" )" },
		{ ZONETEXT_PLAIN, 3, "xxx" },
		{ ZONETEXT_SPLIT, 257, "Name:  s._domainkey.a.b\n"
		    "       (s._domainkey where the form adds the domain "
		    "itself)\nType:  TXT\nValue: S \"xx\"" },
		{ ZONETEXT_NSUPDATE, 511, "update delete s._domainkey.a.b. "
		    "TXT\nupdate add s._domainkey.a.b. 3600 IN TXT S S "
		    "\"x\"\nsend" },
		{ ZONETEXT_JSON, 2, "{\"record\": \"s._domainkey.a.b\", "
		    "\"type\": \"TXT\", \"ttl\": 3600, \"value\": \"xx\", "
		    "\"strings\": [\"xx\"]}" },
	};
	struct strbuf got = STRBUF_INIT, want = STRBUF_INIT;
	const char *c;
	char value[600];
	size_t i;

	(void)state;
	memset(value, 'x', sizeof(value));
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&got);
		strbuf_reset(&want);
		for (c = rows[i].says; *c != '\0'; c++)
			if (*c == 'S')
				strbuf_addf(&want, "\"%.255s\"", value);
			else
				strbuf_addc(&want, *c);
		zonetext_format(rows[i].format, SPAN_LIT("s._domainkey.a.b"),
		    span_make(value, rows[i].len), &got);
		ROW_EQ(rows[i].says, strbuf_span(&got), strbuf_span(&want));
	}
	strbuf_clear(&got);
	strbuf_clear(&want);
}

static void
test_parse(void **state)
{
	static const struct {
		const char *name, *text;
		const char *owner, *value, *comment;	/* NULL: no record */
	} rows[] = {
		{ "opendkim-genkey's", "mail._domainkey\tIN\tTXT\t( \"v=DKIM1; "
		    "h=sha256; k=rsa; \"\n\t  \"p=AB\"\n\t  \"CD\" )  ; ----- "
		    "DKIM key mail for a.b\n", "mail._domainkey",
		    "v=DKIM1; h=sha256; k=rsa; p=ABCD",
		    "; ----- DKIM key mail for a.b" },
		{ "a full owner with a TTL", "m._domainkey.a.b. 60 IN TXT "
		    "\"p=\"", "m._domainkey.a.b.", "p=", "" },
		{ "no class, one word", "x TXT p=A\n", "x", "p=A", "" },
		{ "other records first", "; zone\n$TTL 60\nx IN A 192.0.2.1\n"
		    "y IN TXT \"t\"\n", "y", "t", "" },
		{ "a semicolon in a string", "x TXT \"a;b\" ; c\n", "x",
		    "a;b", "; c" },
		{ "escapes", "x TXT \"a\\\"b\\\\c\\100\\;\"", "x",
		    "a\"b\\cd;", "" },
		{ "an open string", "x TXT \"abc", "x", "abc", "" },
		{ "an open parenthesis", "x TXT ( \"a\"\n\"b\"\n", "x", "ab",
		    "" },
		{ "no string", "x TXT\n", "x", "", "" },
		{ "nothing", "", NULL, NULL, NULL },
		{ "no TXT", "x IN A 192.0.2.1\n", NULL, NULL, NULL },
		{ "a comment alone", "; x TXT y\n", NULL, NULL, NULL },
		{ "a string is no type", "x \"TXT\" y\n", NULL, NULL, NULL },
	};
	struct arena arena = ARENA_INIT;
	struct zonetext record;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ROW_IS(rows[i].name, zonetext_parse(span_of(rows[i].text),
		    &arena, &record) == (rows[i].owner != NULL));
		if (rows[i].owner == NULL)
			continue;
		ROW_EQ(rows[i].name, record.owner, span_of(rows[i].owner));
		ROW_EQ(rows[i].name, record.value, span_of(rows[i].value));
		ROW_EQ(rows[i].name, record.comment,
		    span_of(rows[i].comment));
	}
	arena_clear(&arena);
}

/* ---- tables ---- */

static void
test_insert(void **state)
{
	static const struct {
		const char *before;
		unsigned line, at;
		const char *after;
	} rows[] = {
		{ "", 0, 1, "new\n" },
		{ "a\n", 0, 2, "a\nnew\n" },
		{ "a", 0, 2, "a\nnew\n" },
		{ "a\r\nb", 0, 3, "a\r\nb\r\nnew\r\n" },
		{ "a\nb\n", 1, 1, "new\na\nb\n" },
		{ "a\nb\n", 2, 2, "a\nnew\nb\n" },
		{ "\n\n# c\n", 3, 3, "\n\nnew\n# c\n" },
		{ "a\n", 9, 2, "a\nnew\n" },
	};
	struct tablefile table = { .lock = -1 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&table.text);
		strbuf_adds(&table.text, rows[i].before);
		ROW_IS(rows[i].before, tablefile_insert(&table, rows[i].line,
		    SPAN_LIT("new")) == rows[i].at);
		ROW_EQ(rows[i].before, strbuf_span(&table.text),
		    span_of(rows[i].after));
		tablefile_delete(&table, &rows[i].at, 1);
		ROW_IS(rows[i].before, span_starts(strbuf_span(&table.text),
		    span_of(rows[i].before)));
	}
	tablefile_close(&table);
}

static void
test_delete(void **state)
{
	static const struct {
		const char *before;
		unsigned lines[3];
		size_t count;
		const char *after;
	} rows[] = {
		{ "a\nb\nc\nd\n", { 1, 3 }, 2, "b\nd\n" },
		{ "a\nb", { 2 }, 1, "a\n" },
		{ "a\nb", { 1 }, 1, "b" },
		{ "a\n", { 1, 2, 3 }, 3, "" },
		{ "", { 1 }, 1, "" },
		{ "a\r\nb\r\n", { 1 }, 1, "b\r\n" },
	};
	struct tablefile table = { .lock = -1 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&table.text);
		strbuf_adds(&table.text, rows[i].before);
		tablefile_delete(&table, rows[i].lines, rows[i].count);
		ROW_EQ(rows[i].before, strbuf_span(&table.text),
		    span_of(rows[i].after));
	}
	tablefile_close(&table);
}

/* Two tables in the scratch directory, locked and read. */
static void
open_tables(struct tablefile tables[2], struct diag *diag)
{
	static const struct dataset_place places[] = {
		{ "a.conf", 1, "KeyTable", NULL },
		{ "a.conf", 2, "SigningTable", NULL },
	};

	assert_int_equal(tablefile_open(&tables[0], scratch_path("keys"),
	    &places[0], diag), 0);
	assert_int_equal(tablefile_open(&tables[1], scratch_path("senders"),
	    &places[1], diag), 0);
	assert_int_equal(tablefile_lock(tables, diag), 0);
}

static void
content_is(const char *name, const char *want)
{
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;

	assert_int_equal(file_read(scratch_path(name), 1000, &text, NULL,
	    &err), 0);
	ROW_EQ(name, strbuf_span(&text), span_of(want));
	strbuf_clear(&text);
	strbuf_clear(&err);
}

static void
test_commit(void **state)
{
	struct tablefile tables[2];
	struct diag diag = DIAG_INIT;
	size_t i;

	(void)state;
	scratch_write("keys", SPAN_LIT("k\n"), 0640);
	scratch_write("senders", SPAN_LIT("s\n"), 0600);
	open_tables(tables, &diag);
	for (i = 0; i < 2; i++) {
		tablefile_insert(&tables[i], 0, SPAN_LIT("new"));
		assert_int_equal(tablefile_stage(&tables[i], &diag), 0);
	}
	content_is("keys", "k\n");
	content_is("keys.new", "k\nnew\n");
	assert_int_equal(tablefile_commit(&tables[0], &tables[1], &diag), 0);
	content_is("keys", "k\nnew\n");
	content_is("keys~", "k\n");
	content_is("senders", "s\nnew\n");
	tablefile_close(&tables[0]);
	tablefile_close(&tables[1]);
	assert_int_not_equal(access(scratch_path("keys.new"), F_OK), 0);
	unlink(scratch_path("keys~"));
	unlink(scratch_path("senders~"));
	diag_clear(&diag);
}

/* Somebody's editor saves the second table meanwhile: the first is put back,
 * the second left alone. */
static void
test_rollback(void **state)
{
	struct tablefile tables[2];
	struct diag diag = DIAG_INIT;
	size_t i;

	(void)state;
	scratch_write("keys", SPAN_LIT("k\n"), 0640);
	scratch_write("senders", SPAN_LIT("s\n"), 0600);
	open_tables(tables, &diag);
	for (i = 0; i < 2; i++) {
		tablefile_insert(&tables[i], 0, SPAN_LIT("new"));
		assert_int_equal(tablefile_stage(&tables[i], &diag), 0);
	}
	scratch_write("senders", SPAN_LIT("edited\n"), 0600);
	assert_int_equal(tablefile_commit(&tables[0], &tables[1], &diag), -1);
	assert_true(diag_has(&diag, DIAG_ERROR, "somebody else changed it"));
	tablefile_close(&tables[0]);
	tablefile_close(&tables[1]);
	content_is("keys", "k\n");
	content_is("senders", "edited\n");
	assert_int_not_equal(access(scratch_path("senders.new"), F_OK), 0);
	unlink(scratch_path("keys~"));
	diag_clear(&diag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_insert),
		cmocka_unit_test(test_delete),
		cmocka_unit_test(test_commit),
		cmocka_unit_test(test_rollback),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
