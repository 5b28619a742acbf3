#include "tests/unit/unit.h"

#include "common/base/file.h"
#include "common/config/settings.h"

#include <sys/stat.h>
#include <unistd.h>

struct conf {
	const char *name, *selector, *list, *path, *base, *tags;
	int64_t bits, mode, wait, size, signed_number, floor;
	bool safe;
	int action, letters;
	struct config_rows rules;
};

static const char *const words[] = { "accept", "tempfail", "reject", NULL };
static const char *const letters[] = { "sv", NULL };

#define ROW(name, type, field, def, lo, hi, list, flags) \
	{ name, type, offsetof(struct conf, field), def, lo, hi, list, flags }

static const struct setting settings[] = {
	ROW("Name", SETTING_STRING, name, NULL, 0, 0, NULL, 0),
	ROW("Selector", SETTING_STRING, selector, "mail", 2, 8, NULL, 0),
	ROW("InternalHosts", SETTING_SPEC, list, "127.0.0.1, ::1", 0, 0, NULL,
	    0),
	ROW("KeyFile", SETTING_PATH, path, NULL, 1, 4096, NULL, 0),
	ROW("BaseDirectory", SETTING_STRING, base, NULL, 1, 4096, NULL, 0),
	ROW("Tag", SETTING_SPEC, tags, "none", 0, 0, NULL, SETTING_REPEATS),
	ROW("MinimumKeyBits", SETTING_NUMBER, bits, "1024", 512, 8192, NULL, 0),
	ROW("SocketMode", SETTING_OCTAL, mode, "0660", 0, 0777, NULL, 0),
	ROW("Timeout", SETTING_SECONDS, wait, "10m", 10, 7210, NULL, 0),
	ROW("MaximumHeaders", SETTING_BYTES, size, "1M", 1024, 64 << 20, NULL,
	    0),
	ROW("Offset", SETTING_NUMBER, signed_number, NULL, 0, 0, NULL, 0),
	ROW("Floor", SETTING_NUMBER, floor, "7", 5, 0, NULL, 0),
	ROW("RequireSafeKeys", SETTING_BOOL, safe, "yes", 0, 0, NULL, 0),
	ROW("OnBadMessage", SETTING_WORD, action, "accept", 0, 0, words, 0),
	ROW("Mode", SETTING_LETTERS, letters, "s", 0, 0, letters, 0),
	ROW("RateLimit", SETTING_ROWS, rules, NULL, 1, 5, NULL, 0),
};

static const struct setting_foreign foreign[] = {
	{ "Background", true, "use -f" },
	{ "On-Default", false, "set OnBadMessage" },
};

static const struct config_schema schema = {
	settings, ARRAY_LEN(settings), foreign, ARRAY_LEN(foreign)
};

struct loaded {
	struct conf conf;
	struct config_origin origins[ARRAY_LEN(settings)];
	struct arena arena;
	struct diag diag;
	bool ok;
};

static char scratch[] = "/tmp/postern-settings-XXXXXX";

static void
write_file(const char *name, struct span text)
{
	struct strbuf path = STRBUF_INIT, err = STRBUF_INIT;

	strbuf_addf(&path, "%s/%s", scratch, name);
	assert_int_equal(file_replace(path.s, text, 0644, (uid_t)-1, (gid_t)-1,
	    &err), 0);
	strbuf_clear(&path);
	strbuf_clear(&err);
}

static void
load_file(const char *name, struct loaded *l)
{
	struct strbuf path = STRBUF_INIT;

	memset(l, 0, sizeof(*l));
	strbuf_addf(&path, "%s/%s", scratch, name);
	l->ok = config_load(path.s, &schema, &l->conf, l->origins, &l->arena,
	    &l->diag);
	strbuf_clear(&path);
}

static void
load_text(struct span text, struct loaded *l)
{
	write_file("main.conf", text);
	load_file("main.conf", l);
}

static void
unload(struct loaded *l)
{
	arena_clear(&l->arena);
	diag_clear(&l->diag);
}

static void
format(const struct loaded *l, const char *name, struct strbuf *out)
{
	size_t i;

	strbuf_reset(out);
	for (i = 0; i < ARRAY_LEN(settings); i++)
		if (strcmp(settings[i].name, name) == 0)
			config_format(&settings[i], &l->conf, out);
}

/* What a text makes of one setting; no diagnostics. */
static const struct {
	const char *text;
	const char *name;
	const char *want;
} good[] = {
	{ "", "Selector", "mail" },
	{ "", "Name", "" },
	{ "", "InternalHosts", "127.0.0.1, ::1" },
	{ "", "SocketMode", "0660" },
	{ "", "Timeout", "10m" },
	{ "", "Mode", "s" },
	{ "Selector s1", "Selector", "s1" },
	{ "selector\ts1\t \n", "Selector", "s1" },
	{ "  SELECTOR   two wor \r\n", "Selector", "two wor" },
	{ "# Selector s1\n", "Selector", "mail" },
	{ "Name a#b\n", "Name", "a" },
	{ "Name \"a # b\"\n", "Name", "\"a" },
	{ "Name a\tb", "Name", "a\tb" },
	{ "Name caf\xc3\xa9", "Name", "caf\xc3\xa9" },
	{ "\xef\xbb\xbfName bom\r\n", "Name", "bom" },
	{ "\n\r\n \t \nName x\n\n", "Name", "x" },
	{ "MinimumKeyBits 2048", "MinimumKeyBits", "2048" },
	{ "SocketMode 0600", "SocketMode", "0600" },
	{ "SocketMode 7", "SocketMode", "0007" },
	{ "Timeout 90", "Timeout", "90s" },
	{ "Timeout 90 S", "Timeout", "90s" },
	{ "Timeout 1h", "Timeout", "1h" },
	{ "MaximumHeaders 65536", "MaximumHeaders", "64k" },
	{ "MaximumHeaders 1025", "MaximumHeaders", "1025" },
	{ "MaximumHeaders 2MB", "MaximumHeaders", "2M" },
	{ "Offset -5", "Offset", "-5" },
	{ "Offset 9223372036854775807", "Offset", "9223372036854775807" },
	{ "Floor 9223372036854775807", "Floor", "9223372036854775807" },
	{ "RequireSafeKeys No", "RequireSafeKeys", "no" },
	{ "RequireSafeKeys 1", "RequireSafeKeys", "yes" },
	{ "OnBadMessage TempFail", "OnBadMessage", "tempfail" },
	{ "Mode vs", "Mode", "sv" },
	{ "Mode V", "Mode", "v" },
	{ "Tag a", "Tag", "a" },
	{ "Tag a\nTag b c\ntag d\n", "Tag", "a,b c,d" },
	{ "KeyFile /k/x", "KeyFile", "/k/x" },
	{ "BaseDirectory /b\nKeyFile k/x", "KeyFile", "/b/k/x" },
	{ "KeyFile ./k/x\nBaseDirectory /b/", "KeyFile", "/b/k/x" },
	{ "BaseDirectory /\nKeyFile x", "KeyFile", "/x" },
	{ "", "RateLimit", "" },
	{ "RateLimit a key=x  limit=1/h # c", "RateLimit",
	    "a key=x  limit=1/h" },
	{ "RateLimit a\nName n\nratelimit\tb, c \r\nRateLimit a\n",
	    "RateLimit", "a\nb, c\na" },
	{ "RateLimit 1\nRateLimit 2\nRateLimit 3\nRateLimit 4\nRateLimit 5",
	    "RateLimit", "1\n2\n3\n4\n5" },
};

static void
test_values(void **state)
{
	struct strbuf got = STRBUF_INIT;
	struct loaded l;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(good); i++) {
		load_text(span_of(good[i].text), &l);
		ROW_IS(good[i].text, l.ok);
		if (l.diag.count != 0)
			fail_msg("%s: %s", good[i].text, l.diag.items[0].text);
		format(&l, good[i].name, &got);
		ROW_EQ(good[i].text, strbuf_span(&got), span_of(good[i].want));
		unload(&l);
	}
	strbuf_clear(&got);
}

/* What a text is told. */
static const struct {
	const char *text;
	enum diag_level level;
	const char *want;
} told[] = {
	{ "Selektor x", DIAG_ERROR, "main.conf:1: error: \"Selektor\" is no "
	    "known setting; do you mean Selector?" },
	{ "\n\nmodeSocket x", DIAG_ERROR, "main.conf:3: error: \"modeSocket\""
	    " is no known setting, and none is like it" },
	{ "Inclde x", DIAG_ERROR, "do you mean Include?" },
	{ "Selector=x", DIAG_ERROR, "write \"Selector VALUE\"" },
	{ "selector: x", DIAG_ERROR, "write \"Selector VALUE\"" },
	{ "\x01\xff\"x y", DIAG_ERROR, "\"\\x01\\xff\\\"x\" is no known" },
	{ "Selector", DIAG_ERROR, "main.conf:1: error: Selector has no value" },
	{ "Selector # x", DIAG_ERROR, "Selector has no value" },
	{ "Selector x", DIAG_ERROR, "Selector: \"x\" must be 2 to 8 characters"
	    " long" },
	{ "Selector 123456789", DIAG_ERROR, "must be 2 to 8 characters" },
	{ "Name a\rb", DIAG_ERROR, "Name: the value cannot hold the byte 0x0d "
	    "(at its position 2)" },
	{ "MinimumKeyBits 511", DIAG_ERROR, "MinimumKeyBits: \"511\" must be a "
	    "number from 512 to 8192" },
	{ "MinimumKeyBits 8193", DIAG_ERROR, "from 512 to 8192" },
	{ "MinimumKeyBits 0x400", DIAG_ERROR, "from 512 to 8192" },
	{ "MinimumKeyBits 99999999999999999999", DIAG_ERROR, "from 512" },
	{ "Floor 4", DIAG_ERROR, "must be a number of at least 5" },
	{ "Offset --5", DIAG_ERROR, "Offset: \"--5\" must be a number" },
	{ "SocketMode 0680", DIAG_ERROR, "an octal number from 0000 to 0777" },
	{ "SocketMode 1000", DIAG_ERROR, "an octal number from 0000 to 0777" },
	{ "SocketMode 7777777777777777777777777", DIAG_ERROR, "octal" },
	{ "Timeout 9", DIAG_ERROR, "must be a time (90s, 5m, 2h, 1d, 1w) from "
	    "10s to 7210s" },
	{ "Timeout 5 minutes", DIAG_ERROR, "must be a time" },
	{ "MaximumHeaders 65M", DIAG_ERROR, "must be a size (512, 64k, 10M) "
	    "from 1k to 64M" },
	{ "RequireSafeKeys maybe", DIAG_ERROR, "must be yes or no" },
	{ "OnBadMessage drop", DIAG_ERROR, "OnBadMessage: \"drop\" must be one "
	    "of accept, tempfail, reject" },
	{ "Mode sx", DIAG_ERROR, "must be made of the letters \"sv\"" },
	{ "Background yes", DIAG_NOTE, "main.conf:1: note: Background is "
	    "passed over: use -f" },
	{ "on-default accept", DIAG_ERROR, "On-Default is not supported: set "
	    "OnBadMessage" },
	{ "Name = a", DIAG_ERROR, "Name: a blank separates name and value; "
	    "leave the \"=\" out" },
	{ "Name a\nName b", DIAG_WARNING, "main.conf:2: warning: Name was set "
	    "on line 1 already" },
	{ "Name \"a b\"", DIAG_WARNING, "Name: the quotes are taken as part of"
	    " the value" },
	{ "RateLimit", DIAG_ERROR, "main.conf:1: error: RateLimit has no "
	    "value" },
	{ "RateLimit 1\nRateLimit 2\nRateLimit 3\nRateLimit 4\nRateLimit 5\n"
	    "RateLimit 6", DIAG_ERROR, "main.conf:6: error: RateLimit: more "
	    "than 5 lines" },
	{ "RateLimits 1", DIAG_ERROR, "do you mean RateLimit?" },
	{ "Include", DIAG_ERROR, "Include needs the path" },
	{ "Include nowhere.conf", DIAG_ERROR, "main.conf:1: error: Include: " },
	{ "Include nowhere.conf", DIAG_ERROR, "nowhere.conf: No such file" },
	{ "Include .", DIAG_ERROR, "not a regular file" },
	{ "Name x\nInclude main.conf", DIAG_ERROR, "main.conf:2: error: "
	    "Include: " },
	{ "Include main.conf", DIAG_ERROR, "main.conf includes itself" },
};

static void
test_diagnostics(void **state)
{
	struct loaded l;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(told); i++) {
		load_text(span_of(told[i].text), &l);
		if (!diag_has(&l.diag, told[i].level, told[i].want))
			fail_msg("%s: %s", told[i].text, l.diag.count != 0 ?
			    l.diag.items[0].text : "nothing is told");
		ROW_IS(told[i].text, l.diag.count == 1);
		unload(&l);
	}
}

static void
test_last_value_and_bad_value(void **state)
{
	struct loaded l;

	(void)state;
	load_text(SPAN_LIT("Name a\nName b\nTimeout 60\nTimeout 1\n"), &l);
	assert_string_equal(l.conf.name, "b");
	assert_int_equal(l.conf.wait, 60);
	assert_int_equal(l.diag.found[DIAG_WARNING], 1);
	assert_int_equal(l.diag.found[DIAG_ERROR], 1);
	assert_int_equal(config_find_origin(&schema, l.origins, "name").line,
	    2);
	assert_int_equal(config_find_origin(&schema, l.origins,
	    "Timeout").line, 3);
	assert_null(config_find_origin(&schema, l.origins, "Mode").file);
	assert_null(config_find_origin(&schema, l.origins, "Mod").file);
	unload(&l);
}

static void
row_is(const struct config_row *row, const char *text, const char *file,
    unsigned line)
{
	assert_string_equal(row->text, text);
	assert_non_null(strstr(row->file, file));
	assert_int_equal(row->line, line);
}

/* Each with its place, across files; what is too much is left out. */
static void
test_rows(void **state)
{
	struct strbuf shown = STRBUF_INIT;
	struct loaded l;

	(void)state;
	write_file("1.conf", SPAN_LIT("\nRateLimit b\n"));
	load_text(SPAN_LIT("RateLimit a\nInclude 1.conf\nRateLimit\n"
	    "RateLimit c\nRateLimit d\nRateLimit e\nRateLimit f\n"
	    "RateLimit g\n"), &l);
	assert_int_equal(l.diag.found[DIAG_ERROR], 3);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "main.conf:7: error: "));
	assert_true(diag_has(&l.diag, DIAG_ERROR, "main.conf:8: error: "));
	assert_int_equal(l.conf.rules.count, 5);
	row_is(&l.conf.rules.rows[0], "a", "/main.conf", 1);
	row_is(&l.conf.rules.rows[1], "b", "/1.conf", 2);
	row_is(&l.conf.rules.rows[2], "c", "/main.conf", 4);
	row_is(&l.conf.rules.rows[4], "e", "/main.conf", 6);
	assert_int_equal(config_find_origin(&schema, l.origins,
	    "RateLimit").line, 1);
	config_show(&schema, &l.conf, l.origins, &shown);
	assert_non_null(strstr(shown.s, "RateLimit              a  # /tmp/"));
	assert_non_null(strstr(shown.s, "1.conf:2\nRateLimit              c"));
	assert_non_null(strstr(shown.s, "main.conf:6\n"));
	unload(&l);
	load_text(SPAN_LIT("Name x\n"), &l);
	strbuf_reset(&shown);
	config_show(&schema, &l.conf, l.origins, &shown);
	assert_non_null(strstr(shown.s, "# RateLimit is not set\n"));
	unload(&l);
	strbuf_clear(&shown);
}

/* Thousands of lines cost no more than their text. */
static void
test_many_rows(void **state)
{
	static const struct setting many = { "R", SETTING_ROWS,
	    offsetof(struct conf, rules), NULL, 1, 100000, NULL, 0 };
	static const struct config_schema wide = { &many, 1, NULL, 0 };
	struct config_origin origin = { NULL, 0 };
	struct strbuf name = STRBUF_INIT;
	struct loaded l = { 0 };
	unsigned i;

	(void)state;
	for (i = 1; i <= 100001; i++) {
		strbuf_reset(&name);
		strbuf_addf(&name, "row %u", i);
		config_set(&wide, SPAN_LIT("R"), strbuf_span(&name), "f", i,
		    &l.conf, &origin, &l.arena, &l.diag);
	}
	assert_int_equal(l.diag.found[DIAG_ERROR], 1);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "f:100001: error: R: more "
	    "than 100000 lines"));
	assert_int_equal(l.conf.rules.count, 100000);
	row_is(&l.conf.rules.rows[99999], "row 100000", "f", 100000);
	assert_int_equal(origin.line, 1);
	assert_true(l.arena.total < 16 << 20);
	unload(&l);
	strbuf_clear(&name);
}

static void
test_nul_and_length(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct loaded l;
	size_t i;

	(void)state;
	load_text(span_make("Name a\0b\nSelector s1\n", 21), &l);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "main.conf:1: error: Name: "
	    "the value cannot hold the byte 0x00"));
	assert_string_equal(l.conf.selector, "s1");
	unload(&l);

	strbuf_adds(&text, "InternalHosts ");
	for (i = 0; i < CONFIG_VALUE_MAX; i++)
		strbuf_addc(&text, 'x');
	load_text(strbuf_span(&text), &l);
	assert_int_equal(l.diag.count, 0);
	assert_int_equal(strlen(l.conf.list), CONFIG_VALUE_MAX);
	unload(&l);
	strbuf_addc(&text, 'x');
	load_text(strbuf_span(&text), &l);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "InternalHosts: the value "
	    "has 65537 octets"));
	assert_string_equal(l.conf.list, "127.0.0.1, ::1");
	unload(&l);

	strbuf_reset(&text);
	for (i = 0; i < 40000; i++)
		strbuf_adds(&text, "Tag a\n");
	load_text(strbuf_span(&text), &l);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "Tag: too long, together"));
	assert_true(strlen(l.conf.tags) <= CONFIG_VALUE_MAX);
	assert_true(l.arena.total < 4 << 20);
	unload(&l);

	strbuf_reset(&text);
	for (i = 0; i < CONFIG_FILE_MAX; i++)
		strbuf_addc(&text, '\n');
	strbuf_adds(&text, "\n");
	load_text(strbuf_span(&text), &l);
	assert_false(l.ok);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "main.conf: larger than"));
	unload(&l);
	strbuf_clear(&text);
}

static void
test_missing_file(void **state)
{
	struct loaded l;

	(void)state;
	load_file("absent.conf", &l);
	assert_false(l.ok);
	assert_int_equal(l.diag.count, 1);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "absent.conf: No such file "
	    "or directory; name the configuration with -c FILE"));
	assert_string_equal(l.conf.selector, "mail");
	unload(&l);
}

static void
test_include(void **state)
{
	struct strbuf path = STRBUF_INIT;
	struct loaded l;

	(void)state;
	strbuf_addf(&path, "%s/sub", scratch);
	assert_int_equal(mkdir(path.s, 0755), 0);
	write_file("sub/one.conf", SPAN_LIT("Name inner\nInclude two.conf\n"));
	write_file("sub/two.conf", SPAN_LIT("\nSelector s2\nKeyFile k\n"));
	load_text(SPAN_LIT("Name outer\nInclude sub/one.conf\nSelector s3\n"),
	    &l);
	assert_int_equal(l.diag.found[DIAG_ERROR], 0);
	assert_true(diag_has(&l.diag, DIAG_WARNING, "sub/one.conf:1: warning: "
	    "Name was set at "));
	assert_true(diag_has(&l.diag, DIAG_WARNING, "main.conf:1 already"));
	assert_true(diag_has(&l.diag, DIAG_WARNING, "main.conf:3: warning: "
	    "Selector was set at "));
	assert_string_equal(l.conf.name, "inner");
	assert_string_equal(l.conf.selector, "s3");
	/* Paths belong to the main file's directory, wherever they are set. */
	strbuf_reset(&path);
	strbuf_addf(&path, "%s/k", scratch);
	assert_string_equal(l.conf.path, path.s);
	assert_string_equal(l.conf.base, scratch);
	unload(&l);

	write_file("sub/two.conf", SPAN_LIT("Include one.conf\n"));
	load_text(SPAN_LIT("Include sub/one.conf\n"), &l);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "sub/two.conf:1: error: "
	    "Include: "));
	assert_true(diag_has(&l.diag, DIAG_ERROR, "one.conf includes itself"));
	assert_string_equal(l.conf.name, "inner");
	unload(&l);
	strbuf_clear(&path);
}

static void
test_include_bounds(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct loaded l;
	char name[32];
	int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "%d.conf", i);
		strbuf_reset(&text);
		strbuf_addf(&text, "Name n%d\nInclude %d.conf\n", i, i + 1);
		write_file(name, strbuf_span(&text));
	}
	write_file("6.conf", SPAN_LIT("Name n6\n"));
	load_file("1.conf", &l);
	assert_int_equal(l.diag.found[DIAG_ERROR], 0);
	assert_string_equal(l.conf.name, "n6");
	unload(&l);
	load_file("0.conf", &l);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "5.conf:2: error: Include: "
	    "more than 5 levels deep"));
	assert_string_equal(l.conf.name, "n5");
	unload(&l);

	strbuf_reset(&text);
	for (i = 0; i < CONFIG_FILES_MAX; i++)
		strbuf_adds(&text, "Include 6.conf\n");
	load_text(strbuf_span(&text), &l);
	assert_true(diag_has(&l.diag, DIAG_ERROR, "main.conf:100: error: "
	    "Include: more than 100 files"));
	unload(&l);
	strbuf_clear(&text);
}

static void
test_override(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct loaded l;

	(void)state;
	load_text(SPAN_LIT("Name a\nTag b\nTag c\nBaseDirectory /base\n"
	    "RateLimit a\nRateLimit b\n"), &l);
	config_set(&schema, SPAN_LIT("name"), SPAN_LIT(" x "), "command line",
	    0, &l.conf, l.origins, &l.arena, &l.diag);
	config_set(&schema, SPAN_LIT("Tag"), SPAN_LIT("d"), "command line", 0,
	    &l.conf, l.origins, &l.arena, &l.diag);
	config_set(&schema, SPAN_LIT("KeyFile"), SPAN_LIT("k"), "command line",
	    0, &l.conf, l.origins, &l.arena, &l.diag);
	config_set(&schema, SPAN_LIT("RateLimit"), SPAN_LIT("only"),
	    "command line", 0, &l.conf, l.origins, &l.arena, &l.diag);
	assert_int_equal(l.diag.count, 0);
	assert_string_equal(l.conf.name, "x");
	assert_string_equal(l.conf.tags, "d");
	assert_int_equal(l.conf.rules.count, 1);
	row_is(&l.conf.rules.rows[0], "only", "command line", 0);
	assert_string_equal(l.conf.path, "/base/k");
	config_show(&schema, &l.conf, l.origins, &out);
	assert_non_null(strstr(out.s, "x  # command line\n"));
	assert_non_null(strstr(out.s, "only  # command line\n"));
	config_set(&schema, SPAN_LIT("Nam"), SPAN_LIT("k"), "command line", 0,
	    &l.conf, l.origins, &l.arena, &l.diag);
	assert_true(diag_has(&l.diag, DIAG_ERROR,
	    "command line: error: \"Nam\" is no known"));
	unload(&l);
	strbuf_clear(&out);
}

static void
test_defaults_only(void **state)
{
	struct loaded l;

	(void)state;
	memset(&l, 0, sizeof(l));
	assert_true(config_load(NULL, &schema, &l.conf, l.origins, &l.arena,
	    &l.diag));
	assert_int_equal(l.conf.bits, 1024);
	assert_true(l.conf.safe);
	assert_null(l.conf.path);
	assert_int_equal(l.conf.base[0], '/');
	unload(&l);
}

static bool
same_values(const struct loaded *a, const struct loaded *b)
{
	struct strbuf one = STRBUF_INIT, two = STRBUF_INIT;
	bool same = true;
	size_t i;

	for (i = 0; i < ARRAY_LEN(settings); i++) {
		format(a, settings[i].name, &one);
		format(b, settings[i].name, &two);
		same = same && span_eq(strbuf_span(&one), strbuf_span(&two));
	}
	strbuf_clear(&one);
	strbuf_clear(&two);
	return same;
}

/* What is shown is a file that says the same, from another place too. */
static void
test_show_reads_back(void **state)
{
	struct strbuf shown = STRBUF_INIT;
	struct loaded first, second;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(good); i++) {
		load_text(span_of(good[i].text), &first);
		strbuf_reset(&shown);
		config_show(&schema, &first.conf, first.origins, &shown);
		write_file("sub/shown.conf", strbuf_span(&shown));
		load_file("sub/shown.conf", &second);
		ROW_IS(good[i].text, second.diag.count == 0);
		ROW_IS(good[i].text, same_values(&first, &second));
		unload(&first);
		unload(&second);
	}
	strbuf_clear(&shown);
}

static void
test_show(void **state)
{
	struct strbuf shown = STRBUF_INIT;
	struct loaded l;

	(void)state;
	load_text(SPAN_LIT("\nTimeout 2m\n"), &l);
	config_show(&schema, &l.conf, l.origins, &shown);
	assert_non_null(strstr(shown.s, "# Name is not set\n"));
	assert_non_null(strstr(shown.s, "# Offset is not set\n"));
	assert_non_null(strstr(shown.s,
	    "Selector               mail  # default\n"));
	assert_non_null(strstr(shown.s, "Timeout                2m  # /tmp/"));
	assert_non_null(strstr(shown.s, "main.conf:2\n"));
	unload(&l);
	strbuf_clear(&shown);
}

static int
make_scratch(void **state)
{
	(void)state;
	return mkdtemp(scratch) != NULL ? 0 : -1;
}

static int
remove_scratch(void **state)
{
	static const char *const names[] = { "sub/one.conf", "sub/two.conf",
	    "sub/shown.conf", "main.conf", "0.conf", "1.conf", "2.conf",
	    "3.conf", "4.conf", "5.conf", "6.conf" };
	struct strbuf path = STRBUF_INIT;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < ARRAY_LEN(names); i++) {
		strbuf_reset(&path);
		strbuf_addf(&path, "%s/%s", scratch, names[i]);
		unlink(path.s);
	}
	strbuf_reset(&path);
	strbuf_addf(&path, "%s/sub", scratch);
	rmdir(path.s);
	rc = rmdir(scratch);
	strbuf_clear(&path);
	return rc;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_diagnostics),
		cmocka_unit_test(test_last_value_and_bad_value),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_many_rows),
		cmocka_unit_test(test_nul_and_length),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_include_bounds),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_defaults_only),
		cmocka_unit_test(test_show_reads_back),
		cmocka_unit_test(test_show),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
