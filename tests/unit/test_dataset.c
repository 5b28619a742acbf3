#include "tests/unit/tables.h"

/* Where every specification stands; DIR is the scratch directory. */
static const struct dataset_place place = { "a.conf", 7, "List", NULL };

static const struct {
	const char *spec;
	const char *file;	/* what DIR/rows holds; NULL: no such file */
	enum dataset_type type;
	const char *rows;	/* "line key=value|..."; NULL: not opened */
	const char *says;
} sets[] = {
	{ "a,b=c", NULL, DATASET_CSL, "7 a=|7 b=c|", "" },
	{ "csl: a , b = c d ,,e", NULL, DATASET_CSL, "7 a=|7 b=c d|7 e=|",
	    "" },
	{ "a b\tc, d", NULL, DATASET_CSL, "7 a=|7 b=|7 c=|7 d=|", "" },
	{ "k=x:y:a==", NULL, DATASET_CSL, "7 k=x:y:a==|", "" },
	{ "=c,a", NULL, DATASET_CSL, "7 a=|", "a.conf:7: error: List: nothing "
	    "stands before \"=\"; write name=value\n" },
	{ "", NULL, DATASET_CSL, "", "" },
	{ "2001:db8::/32,127.0.0.1", NULL, DATASET_CSL,
	    "7 2001:db8::/32=|7 127.0.0.1=|", "" },
	{ "db::1", NULL, DATASET_CSL, "7 db::1=|", "" },
	{ "!fd00::/8, ::1", NULL, DATASET_CSL, "7 !fd00::/8=|7 ::1=|", "" },
	{ "[fd00::]/8", NULL, DATASET_CSL, "7 [fd00::]/8=|", "" },
	{ "127.0.0.1 ::1", NULL, DATASET_CSL, "7 127.0.0.1=|7 ::1=|", "" },
	{ "localhost,::1", NULL, DATASET_CSL, "7 localhost=|7 ::1=|", "" },
	{ "fd00:zz::/8", NULL, DATASET_CSL, "7 fd00:zz::/8=|", "" },
	{ "file:DIR/rows", "a b\n", DATASET_FILE, "1 a=b|", "" },
	{ "FILE: DIR/rows", "a b\n", DATASET_FILE, "1 a=b|", "" },
	{ "DIR/rows", "a b", DATASET_FILE, "1 a=b|", "" },
	{ "refile:DIR/rows", "*@a b\n", DATASET_REFILE, "1 *@a=b|", "" },
	{ "DIR/rows", "# top\n\n \t\na\t b  c # d\n e\r\n#\nf#g h\n",
	    DATASET_FILE, "4 a=b  c|5 e=|7 f=|", "" },
	{ "DIR/rows", "\xef\xbb\xbf" "a b\n", DATASET_FILE, "1 a=b|", "" },
	{ "DIR/rows", "", DATASET_FILE, "", "" },
	{ "DIR/rows", "a\nb\001c d\ne\n", DATASET_FILE, "1 a=|3 e=|",
	    "DIR/rows:2: error: List: the row holds a control character; is "
	    "this a text file?\n" },
	{ "DIR/rows", NULL, DATASET_FILE, NULL, "a.conf:7: error: List: "
	    "DIR/rows: No such file or directory\n" },
	{ "file:DIR/rows,b", NULL, DATASET_FILE, NULL, "a.conf:7: error: List: "
	    "DIR/rows,b: No such file or directory; a file stands alone: move "
	    "what follows the comma into the file\n" },
	{ "file:", NULL, DATASET_FILE, NULL,
	    "a.conf:7: error: List: \"file:\": the path is missing\n" },
	{ "file:DIR", NULL, DATASET_FILE, NULL,
	    "a.conf:7: error: List: DIR: not a regular file\n" },
	{ "fiel:DIR/rows", "a b\n", DATASET_FILE, NULL, "a.conf:7: error: "
	    "List: \"fiel\": no such type of data set; there are file:, refile: and "
	    "csl:\n" },
	{ "db:/etc/x.db", NULL, DATASET_FILE, NULL, "a.conf:7: error: List: "
	    "data sets of type db: are not read; dump it to a text file "
	    "(db_dump -p PATH | sed -n '/^ /{N;s/^ //;s/\\n / /;p}' > FILE) "
	    "and write file:FILE\n" },
	{ "mdb:/etc/x", NULL, DATASET_FILE, NULL, "a.conf:7: error: List: "
	    "data sets of type mdb: are not read; dump it to a text file "
	    "(mdb_dump -p PATH | sed -n '/^ /{N;s/^ //;s/\\n / /;p}' > FILE) "
	    "and write file:FILE\n" },
	{ "dsn:mysql://u:p@h/d", NULL, DATASET_FILE, NULL, "a.conf:7: error: "
	    "List: data sets of type dsn: are not read; export its rows to a "
	    "text file, a key, a blank and a value on each line, and write "
	    "file:FILE\n" },
	{ "LDAP://h/x", NULL, DATASET_FILE, NULL, "a.conf:7: error: "
	    "List: data sets of type ldap: are not read; export its rows to a "
	    "text file, a key, a blank and a value on each line, and write "
	    "file:FILE\n" },
	{ "/etc/keys.db", NULL, DATASET_FILE, NULL, "a.conf:7: error: List: "
	    "\"/etc/keys.db\": a Berkeley DB file by its name, and those are "
	    "not read; dump it to a text file (db_dump -p PATH | sed -n "
	    "'/^ /{N;s/^ //;s/\\n / /;p}' > FILE) and write file:FILE; if it "
	    "is a text file, write file: before it\n" },
	{ "keys.db", NULL, DATASET_FILE, NULL, "a.conf:7: error: List: "
	    "\"keys.db\": a Berkeley DB file by its name, and those are "
	    "not read; dump it to a text file (db_dump -p PATH | sed -n "
	    "'/^ /{N;s/^ //;s/\\n / /;p}' > FILE) and write file:FILE; if it "
	    "is a text file, write file: before it\n" },
};

static void
read_rows(struct dataset *set, struct diag *diag, struct strbuf *out)
{
	struct dataset_row row;

	while (dataset_next(set, &row, diag))
		strbuf_addf(out, "%u %.*s=%.*s|", row.line, SPAN_ARG(row.key),
		    SPAN_ARG(row.value));
}

static void
test_sets(void **state)
{
	struct strbuf got = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct dataset set;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < ARRAY_LEN(sets); i++) {
		unlink(scratch_path("rows"));
		if (sets[i].file != NULL)
			scratch_write("rows", span_of(sets[i].file), 0644);
		rc = dataset_open(scratch_text(sets[i].spec).p, &place, &set,
		    &diag);
		ROW_IS(sets[i].spec, (rc == 0) == (sets[i].rows != NULL));
		if (rc == 0) {
			ROW_IS(sets[i].spec, set.type == sets[i].type);
			strbuf_reset(&got);
			read_rows(&set, &diag, &got);
			ROW_EQ(sets[i].spec, strbuf_span(&got),
			    span_of(sets[i].rows));
			dataset_close(&set);
		}
		row_says(sets[i].spec, &diag, sets[i].says);
	}
	strbuf_clear(&got);
}

static void
test_long_row(void **state)
{
	struct strbuf text = STRBUF_INIT, got = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct dataset set;
	size_t i;

	(void)state;
	strbuf_adds(&text, "a b\nlong ");
	for (i = 0; i < DATASET_LINE_MAX; i++)
		strbuf_addc(&text, 'x');
	strbuf_adds(&text, "\nc d\n");
	scratch_write("rows", strbuf_span(&text), 0644);
	assert_int_equal(dataset_open(scratch_path("rows"), &place, &set,
	    &diag), 0);
	read_rows(&set, &diag, &got);
	SPAN_IS(strbuf_span(&got), "1 a=b|3 c=d|");
	row_says("long", &diag, "DIR/rows:2: error: List: the row is longer "
	    "than 65536 bytes; shorten it\n");
	dataset_close(&set);
	strbuf_clear(&text);
	strbuf_clear(&got);
}

static void
test_relative(void **state)
{
	struct dataset_place base = { "a.conf", 7, "List", scratch };
	struct arena arena = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	struct dataset set;

	(void)state;
	scratch_write("rows", SPAN_LIT("a b\n"), 0644);
	assert_int_equal(dataset_open("./rows", &base, &set, &diag), 0);
	dataset_close(&set);
	assert_int_equal(dataset_open("file:rows", &base, &set, &diag), 0);
	dataset_close(&set);
	assert_false(diag_failed(&diag));
	assert_string_equal(dataset_resolve("/etc", span_of("a"), &arena),
	    "/etc/a");
	assert_string_equal(dataset_resolve("/etc", span_of("/a"), &arena),
	    "/a");
	assert_string_equal(dataset_resolve(NULL, span_of("a"), &arena), "a");
	arena_clear(&arena);
}

static void
test_locate(void **state)
{
	static const struct {
		const char *spec, *path;
		enum dataset_type type;
	} rows[] = {
		{ "/a/b", "/a/b", DATASET_FILE },
		{ "./b", "/base/./b", DATASET_FILE },
		{ "file:b", "/base/b", DATASET_FILE },
		{ " refile: /a/b ", "/a/b", DATASET_REFILE },
		{ "a=b,c", NULL, DATASET_CSL },
		{ "csl:/a/b", NULL, DATASET_CSL },
	};
	const struct dataset_place base = { "a.conf", 7, "List", "/base" };
	struct arena arena = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	enum dataset_type type;
	const char *path;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ROW_IS(rows[i].spec, dataset_locate(rows[i].spec, &base,
		    &arena, &type, &path, &diag) == 0);
		ROW_IS(rows[i].spec, type == rows[i].type);
		ROW_EQ(rows[i].spec, span_of(path), span_of(rows[i].path));
	}
	assert_int_equal(dataset_locate("refile:", &base, &arena, &type,
	    &path, &diag), -1);
	assert_int_equal(dataset_locate("db:/x", &base, &arena, &type, &path,
	    &diag), -1);
	assert_int_equal(diag.count, 2);
	diag_clear(&diag);
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_long_row),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_locate),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
