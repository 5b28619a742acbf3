#include "tests/unit/unit.h"

#include "common/dmarc/record.h"
#include "common/dmarc/uri.h"

static void
add_policy(struct strbuf *out, const char *name, enum dmarc_policy policy)
{
	if (policy != DMARC_POLICY_UNSET)
		strbuf_addf(out, " %s=%s", name, dmarc_policy_name(policy));
}

static void
add_uris(struct strbuf *out, const char *name, const struct span *uris,
    size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		strbuf_addf(out, "%s%.*s", i == 0 ? name : ",",
		    SPAN_ARG(uris[i]));
}

/* What differs from the defaults, each with a blank before it. */
static void
describe(const struct dmarc_record *record, struct strbuf *out)
{
	add_policy(out, "p", record->p);
	add_policy(out, "sp", record->sp);
	add_policy(out, "np", record->np);
	if (record->psd != DMARC_PSD_UNKNOWN)
		strbuf_addf(out, " psd=%c", record->psd == DMARC_PSD_YES ?
		    'y' : 'n');
	strbuf_adds(out, record->adkim == DMARC_STRICT ? " adkim=s" : "");
	strbuf_adds(out, record->aspf == DMARC_STRICT ? " aspf=s" : "");
	strbuf_adds(out, record->is_testing ? " t=y" : "");
	if (record->fo != DMARC_FO_ALL)
		strbuf_addf(out, " fo=%u", record->fo);
	add_uris(out, " rua=", record->rua, record->rua_count);
	add_uris(out, " ruf=", record->ruf, record->ruf_count);
}

#define V	"v=DMARC1;"
#define RUA	"rua=mailto:d@example.com"
#define GOOD	" p=reject"

static void
test_records(void **state)
{
	static const struct {
		const char *text;
		enum dmarc_record_result result;
		const char *want;	/* as describe() has it */
		const char *note;	/* held by the note; NULL: none */
	} rows[] = {
		{ V GOOD, DMARC_RECORD_OK, GOOD, NULL },
		{ V GOOD ";", DMARC_RECORD_OK, GOOD, NULL },
		{ "v=DMARC1 ; p = reject ;", DMARC_RECORD_OK, GOOD, NULL },
		{ " \tv\t= DMARC1;p=reject", DMARC_RECORD_OK, GOOD, NULL },
		{ V "p=none", DMARC_RECORD_OK, " p=none", NULL },
		{ V "p=quarantine", DMARC_RECORD_OK, " p=quarantine", NULL },
		/* The version comes first and is exact. */
		{ "", DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ "v=DMARC1", DMARC_RECORD_INVALID, "", "p= is missing" },
		{ "v=dmarc1;p=reject", DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ "v=DMARC2;p=reject", DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ "v=DMARC1.0;p=reject", DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ "v=DMARC1 p=reject", DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ "v=DMARC;p=reject", DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ "v=;p=reject", DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ "v;p=reject", DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ ";" V GOOD, DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ "p=reject;v=DMARC1", DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ "p=reject", DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ "\"v=DMARC1\"; p=reject", DMARC_RECORD_NOT_DMARC, "",
		    "no v=" },
		{ "v=spf1 -all", DMARC_RECORD_NOT_DMARC, "", "no v=" },
		{ "x=1; v=DMARC1; p=reject", DMARC_RECORD_NOT_DMARC, "",
		    "no v=" },
		/* Names and words in any case. */
		{ "V=DMARC1;P=Reject;SP=NONE;T=Y", DMARC_RECORD_OK,
		    " p=reject sp=none t=y", NULL },
		/* Unknown tags, and those of RFC 7489. */
		{ V "p=reject;x=1;foo=bar;pct=0;rf=iodef;ri=1",
		    DMARC_RECORD_OK, GOOD, NULL },
		{ V "pct=100;p=reject;pct_=!", DMARC_RECORD_OK, GOOD, NULL },
		/* A bad value costs its tag. */
		{ V "p=reject;adkim=x;aspf=strict;psd=maybe;t=1",
		    DMARC_RECORD_OK, GOOD, "adkim= is not valid" },
		{ V "p=reject;adkim=s;aspf=s;psd=y;t=y", DMARC_RECORD_OK,
		    " p=reject psd=y adkim=s aspf=s t=y", NULL },
		{ V "p=reject;psd=n;adkim=r;aspf=r;t=n", DMARC_RECORD_OK,
		    " p=reject psd=n", NULL },
		{ V "p=reject;psd=u;adkim=;", DMARC_RECORD_OK, GOOD,
		    "adkim= is not valid" },
		{ V "p=reject;garbage;;=;=x; ;1a=2", DMARC_RECORD_OK, GOOD,
		    "a malformed tag" },
		{ V "p=reject;adkim=s\x01", DMARC_RECORD_OK, GOOD,
		    "a malformed tag" },
		{ V "p=reject; sp", DMARC_RECORD_OK, GOOD, "a malformed" },
		/* Without a valid policy. */
		{ V "p=reject;sp=bad", DMARC_RECORD_INVALID, "",
		    "sp= is not valid: without rua=" },
		{ V "p=reject;np=", DMARC_RECORD_INVALID, "", "np=" },
		{ V "p=reject;sp=\x80", DMARC_RECORD_INVALID, "", "sp=" },
		{ V "p=r", DMARC_RECORD_INVALID, "", "p= is not valid" },
		{ V "p=reject,none", DMARC_RECORD_INVALID, "", "p=" },
		{ V "sp=reject", DMARC_RECORD_INVALID, "", "p= is missing" },
		{ V "p=bad;rua=", DMARC_RECORD_INVALID, "", "p=" },
		{ V "p=bad;rua=example.com", DMARC_RECORD_INVALID, "", "p=" },
		{ V "p=bad;ruf=mailto:d@example.com", DMARC_RECORD_INVALID,
		    " ruf=mailto:d@example.com", "p=" },
		{ V RUA, DMARC_RECORD_OK, " p=none " RUA,
		    "p= is missing: taken for p=none" },
		{ V "p=bad;sp=reject;adkim=s;" RUA, DMARC_RECORD_OK,
		    " p=none adkim=s " RUA, "p= is not valid: taken for" },
		{ V "p=reject;sp=bad;np=reject;" RUA, DMARC_RECORD_OK,
		    " p=none " RUA, "sp= is not valid: taken for" },
		{ V "p=reject;np=bad;" RUA, DMARC_RECORD_OK, " p=none " RUA,
		    "np= is not valid: taken for" },
		{ V "p=bad;psd=y", DMARC_RECORD_INVALID, " psd=y", "p=" },
		{ V "p=reject;sp=none;np=quarantine", DMARC_RECORD_OK,
		    " p=reject sp=none np=quarantine", NULL },
		/* A tag twice. */
		{ V "p=none;p=reject", DMARC_RECORD_SYNTAX, "", "twice" },
		{ V "p=reject;p=reject;" RUA, DMARC_RECORD_SYNTAX, "",
		    "twice" },
		{ V "p=reject;x=1;x=2", DMARC_RECORD_SYNTAX, "", "twice" },
		{ V "p=reject;v=DMARC1", DMARC_RECORD_SYNTAX, "", "twice" },
		{ V "p=reject;P=none", DMARC_RECORD_SYNTAX, "", "twice" },
		/* fo counts with ruf alone. */
		{ V "p=none;fo=1", DMARC_RECORD_OK, " p=none", NULL },
		{ V "p=none;fo=1;ruf=mailto:a@b.c", DMARC_RECORD_OK,
		    " p=none fo=2 ruf=mailto:a@b.c", NULL },
		{ V "p=none;ruf=mailto:a@b.c;fo=0:d:s", DMARC_RECORD_OK,
		    " p=none fo=13 ruf=mailto:a@b.c", NULL },
		{ V "p=none;ruf=mailto:a@b.c;fo=S : D", DMARC_RECORD_OK,
		    " p=none fo=12 ruf=mailto:a@b.c", NULL },
		{ V "p=none;ruf=mailto:a@b.c;fo=d:1", DMARC_RECORD_OK,
		    " p=none fo=6 ruf=mailto:a@b.c", NULL },
		{ V "p=none;ruf=mailto:a@b.c;fo=0:1", DMARC_RECORD_OK,
		    " p=none ruf=mailto:a@b.c", "fo= is not valid" },
		{ V "p=none;ruf=mailto:a@b.c;fo=d:d", DMARC_RECORD_OK,
		    " p=none ruf=mailto:a@b.c", "fo= is not valid" },
		{ V "p=none;ruf=mailto:a@b.c;fo=x", DMARC_RECORD_OK,
		    " p=none ruf=mailto:a@b.c", "fo= is not valid" },
		{ V "p=none;ruf=mailto:a@b.c;fo=1:", DMARC_RECORD_OK,
		    " p=none ruf=mailto:a@b.c", "fo= is not valid" },
	};
	struct arena arena = ARENA_INIT;
	struct strbuf got = STRBUF_INIT;
	struct dmarc_record record;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&got);
		ROW_IS(rows[i].text, dmarc_record_parse(span_of(rows[i].text),
		    &arena, &record) == rows[i].result);
		if (rows[i].result == DMARC_RECORD_OK ||
		    rows[i].result == DMARC_RECORD_INVALID)
			describe(&record, &got);
		ROW_EQ(rows[i].text, strbuf_span(&got), span_of(rows[i].want));
		if (rows[i].note == NULL)
			ROW_IS(rows[i].text, record.note == NULL);
		else
			ROW_IS(rows[i].text, record.note != NULL &&
			    strstr(record.note, rows[i].note) != NULL);
	}
	strbuf_clear(&got);
	arena_clear(&arena);
}

static void
test_uris(void **state)
{
	static const struct {
		const char *list;
		const char *want;	/* "-" for one that is none */
	} rows[] = {
		{ "mailto:a@example.com", "mailto:a@example.com" },
		{ "mailto:a@example.com!10m", "mailto:a@example.com" },
		{ "mailto:a@example.com!10 , MAILTO:b@example.net!1G",
		    "mailto:a@example.com MAILTO:b@example.net" },
		{ "https://example.com/r?x=%2C,mailto:a@b.c",
		    "https://example.com/r?x=%2C mailto:a@b.c" },
		{ "mailto:a%2Bb@example.com?subject=x", "mailto:a%2Bb@example.com"
		    "?subject=x" },
		{ "mailto:a@b%C3%BCcher.example",
		    "mailto:a@b%C3%BCcher.example" },
		{ ",,mailto:a@b.c,", "- - mailto:a@b.c" },
		{ "a@example.com", "-" },
		{ "mailto:", "-" },
		{ "mailto:a", "-" },
		{ "mailto:a@", "-" },
		{ "mailto:a@b..c", "-" },
		{ "mailto:a@b.c!", "-" },
		{ "mailto:a@b.c!m", "-" },
		{ "mailto:a@b.c!10x", "-" },
		{ "mailto:a@b.c!10mm", "-" },
		{ "mailto:a@b.c!1!2", "-" },
		{ "mailto:a b@c.d", "-" },
		{ "mailto:a%@b.c", "-" },
		{ "mailto:a%4@b.c", "-" },
		{ "mailto:a@b.c%4", "-" },
		{ "mailto:b\xc3\xbc@c.d", "-" },
		{ ":x", "-" },
		{ "1x:y", "-" },
		{ "x+y.z-1:y", "x+y.z-1:y" },
		{ "x:#a#b", "-" },
		{ "", "" },
	};
	struct arena arena = ARENA_INIT;
	struct strbuf got = STRBUF_INIT;
	struct span list, uri;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&got);
		list = span_of(rows[i].list);
		while ((rc = dmarc_uri_next(&list, &arena, &uri)) != 0) {
			strbuf_adds(&got, got.len > 0 ? " " : "");
			strbuf_addspan(&got, rc < 0 ? SPAN_LIT("-") : uri);
		}
		ROW_EQ(rows[i].list, strbuf_span(&got), span_of(rows[i].want));
	}
	strbuf_clear(&got);
	arena_clear(&arena);
}

static void
test_bounds(void **state)
{
	struct arena arena = ARENA_INIT;
	struct strbuf text = STRBUF_INIT;
	struct dmarc_record record;
	size_t i;

	(void)state;
	strbuf_adds(&text, V "p=reject;rua=");
	for (i = 0; i < DMARC_URIS_MAX + 5; i++)
		strbuf_addf(&text, "%smailto:r%zu@example.com",
		    i > 0 ? "," : "", i);
	assert_int_equal(dmarc_record_parse(strbuf_span(&text), &arena,
	    &record), DMARC_RECORD_OK);
	assert_int_equal(record.rua_count, DMARC_URIS_MAX);
	assert_non_null(strstr(record.note, "too many URIs"));

	strbuf_reset(&text);
	strbuf_adds(&text, V "p=reject");
	for (i = 0; i < 62; i++)
		strbuf_addf(&text, ";x%zu=1", i);
	assert_int_equal(dmarc_record_parse(strbuf_span(&text), &arena,
	    &record), DMARC_RECORD_OK);
	strbuf_adds(&text, ";y=1");
	assert_int_equal(dmarc_record_parse(strbuf_span(&text), &arena,
	    &record), DMARC_RECORD_SYNTAX);
	assert_string_equal(record.note, "too many tags");

	strbuf_reset(&text);
	strbuf_adds(&text, V "p=reject;x=");
	while (text.len < DMARC_RECORD_MAX)
		strbuf_addc(&text, 'x');
	assert_int_equal(dmarc_record_parse(strbuf_span(&text), &arena,
	    &record), DMARC_RECORD_OK);
	strbuf_addc(&text, 'x');
	assert_int_equal(dmarc_record_parse(strbuf_span(&text), &arena,
	    &record), DMARC_RECORD_SYNTAX);
	assert_string_equal(record.note, "too long");
	strbuf_clear(&text);
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_uris),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
