#include "tests/unit/unit.h"
#include "tests/unit/zone.h"

#include "common/dmarc/dmarc.h"
#include "common/dmarc/library.h"

/* D("example.com", "p=none") is a line of a zone. */
#define D(name, tags)	"_dmarc." name " TXT \"v=DMARC1; " tags "\"\n"

enum { FIELDS_MAX = 8 };

/* "Name:value" lines, '|' between them. */
static size_t
read_fields(const char *text, struct header_field *fields)
{
	struct span rest = span_of(text), line;
	size_t count = 0;

	while (rest.len > 0) {
		span_cut(&rest, '|', &line);
		fields[count] = (struct header_field){ .is_malformed = false };
		span_cut(&line, ':', &fields[count].name);
		fields[count++].value = line;
	}
	return count;
}

static void
test_authors(void **state)
{
	static const struct {
		const char *fields;
		const char *domains;
		const char *trouble;	/* NULL: none */
	} rows[] = {
		{ "From: a@example.com", "example.com", NULL },
		{ "To: b@c.d|FROM: \"A. B.\" <a@Example.COM> (x)|Subject: y",
		    "example.com", NULL },
		{ "From : a@example.com", "example.com", NULL },
		{ "From: a@example.com, b@EXAMPLE.com", "example.com", NULL },
		{ "From: a@b\xc3\xbc" "cher.example, c@xn--bcher-kva.example",
		    "xn--bcher-kva.example", NULL },
		{ "From: us: a@example.com, b@example.com;", "example.com",
		    NULL },
		{ "From: \"x@bank.example\" <a@example.com>", "example.com",
		    NULL },
		{ "", "", "no From field" },
		{ "To: a@example.com|X-From: a@example.com", "",
		    "no From field" },
		{ "From:", "", "From: no address" },
		{ "From: nobody:;", "", "From: no address" },
		{ "From: a", "", "From: no domain" },
		{ "From: a@[192.0.2.1]", "", "From: domain literal" },
		{ "From: a@example..com", "", "From: syntax error" },
		{ "From: a@-x.example", "", "From: invalid domain" },
		{ "From: a@example.com, b@example.net",
		    "example.com example.net", "authors of several domains" },
		{ "From: us: a@example.com;, b@example.net",
		    "example.com example.net", "authors of several domains" },
		{ "From: a@example.com|From: a@example.com", "example.com",
		    "several From fields" },
		{ "From: a@example.com|from: b@example.net",
		    "example.com example.net", "several From fields" },
		{ "From: a@1.a, a@2.a, a@3.a, a@4.a, a@5.a, a@6.a",
		    "1.a 2.a 3.a 4.a 5.a over", "authors of several domains" },
		/* What is not by the grammar may still be shown to a reader. */
		{ "From: Boss <boss@bank.example", "bank.example",
		    "From: syntax error" },
		{ "From: boss@bank.example <x@attacker.example>",
		    "bank.example attacker.example", "From: syntax error" },
		{ "From: <<>>, boss@Bank.Example.", "bank.example",
		    "From: syntax error" },
		{ "From: a@[192.0.2.1], boss@bank.example", "bank.example",
		    "From: domain literal" },
		{ "From: a@b@c.example", "b c.example", "From: syntax error" },
		{ "From: @@@", "", "From: syntax error" },
	};
	struct header_field fields[FIELDS_MAX];
	struct dmarc_authors authors;
	struct arena arena = ARENA_INIT;
	struct strbuf got = STRBUF_INIT;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		dmarc_authors_find(fields, read_fields(rows[i].fields, fields),
		    &arena, &authors);
		strbuf_reset(&got);
		for (k = 0; k < authors.count; k++)
			strbuf_addf(&got, "%s%.*s", k > 0 ? " " : "",
			    SPAN_ARG(authors.domains[k]));
		strbuf_adds(&got, authors.is_over ? " over" : "");
		ROW_EQ(rows[i].fields, strbuf_span(&got),
		    span_of(rows[i].domains));
		ROW_EQ(rows[i].fields, span_of(authors.trouble),
		    span_of(rows[i].trouble));
	}
	strbuf_clear(&got);
	arena_clear(&arena);
}

/* A thousand authors, and fields of a megabyte that are no From fields. */
static void
test_authors_bound(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct dmarc_authors authors;
	struct header_field field;
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++)
		strbuf_addf(&text, "%sa@d%zu.example", i > 0 ? ", " : "", i);
	field = (struct header_field){ SPAN_LIT("From"), strbuf_span(&text),
	    false };
	dmarc_authors_find(&field, 1, &arena, &authors);
	assert_int_equal(authors.count, DMARC_AUTHOR_DOMAINS_MAX);
	assert_true(authors.is_over);
	assert_string_equal(authors.trouble, "authors of several domains");

	strbuf_reset(&text);
	for (i = 0; i < 5000; i++)
		strbuf_addf(&text, "a@same.example,");
	field.value = strbuf_span(&text);
	dmarc_authors_find(&field, 1, &arena, &authors);
	assert_int_equal(authors.count, 1);
	assert_string_equal(authors.trouble, "From: too long");

	strbuf_reset(&text);
	while (text.len < 2 << 20)
		strbuf_adds(&text, "@\xc3\xbc.example<");
	field.value = strbuf_span(&text);
	dmarc_authors_find(&field, 1, &arena, &authors);
	assert_int_equal(authors.count, 1);
	assert_string_equal(authors.trouble, "From: too long");
	strbuf_clear(&text);
	arena_clear(&arena);
}

/* ---- evaluation ---- */

/* "spf:a.example dkim:b.example", or "spf!" and "dkim!" for temperrors. */
struct inputs {
	struct dmarc_identifier passed[FIELDS_MAX];
	struct span failed[FIELDS_MAX];
};

static void
read_inputs(const char *text, struct inputs *inputs,
    struct dmarc_question *question)
{
	struct span rest = span_of(text), word;
	size_t skip;

	question->passed = inputs->passed;
	question->dkim_domains = inputs->failed;
	while (span_item(&rest, &word)) {
		bool spf = span_starts(word, SPAN_LIT("spf"));

		skip = spf ? 4 : 5;
		if (word.p[skip - 1] == ':') {
			inputs->passed[question->passed_count++] =
			    (struct dmarc_identifier){ spf ? DMARC_BY_SPF :
			    DMARC_BY_DKIM, span_skip(word, skip) };
		} else if (spf) {
			question->spf_temperror = true;
			question->spf_domain = span_skip(word, skip);
		} else {
			question->dkim_temperror = true;
			inputs->failed[question->dkim_domain_count++] =
			    span_skip(word, skip);
		}
	}
}

/* "fail reject; by spf dkim; for example.com" */
static void
describe(const struct dmarc_outcome *outcome, struct strbuf *out)
{
	strbuf_adds(out, dmarc_result_name(outcome->result));
	if (outcome->result == DMARC_FAIL)
		strbuf_addf(out, " %s%s",
		    dmarc_policy_name(outcome->disposition),
		    outcome->is_softened ? " softened" : "");
	strbuf_adds(out, outcome->by_spf ? " spf" : "");
	strbuf_adds(out, outcome->by_dkim ? " dkim" : "");
	if (outcome->walk.record != NULL)
		strbuf_addf(out, " (%s=%s of %.*s)", outcome->walk.source,
		    dmarc_policy_name(outcome->walk.policy),
		    SPAN_ARG(outcome->walk.policy_domain));
}

struct evaluation_row {
	const char *zone;
	const char *from;
	const char *identifiers;
	const char *want;
	const char *reason;	/* held by the reason; NULL: any */
};

static void
evaluate(const struct evaluation_row *row, struct lookups *lookups,
    enum dmarc_discovery discovery, struct arena *arena,
    struct dmarc_outcome *outcome)
{
	struct header_field fields[FIELDS_MAX];
	struct dmarc_authors authors;
	struct dmarc_question question = { .authors = &authors,
	    .discovery = discovery };
	struct inputs inputs;
	const char *disagrees;

	dmarc_authors_find(fields, read_fields(row->from, fields), arena,
	    &authors);
	read_inputs(row->identifiers, &inputs, &question);
	while (!dmarc_evaluate(&question, lookups, arena, outcome,
	    &disagrees))
		assert_true(lookups_wait(lookups));
	if (disagrees != NULL)
		fail_msg("%s", disagrees);
}

static void
check_evaluations(const struct evaluation_row *rows, size_t count,
    enum dmarc_discovery discovery)
{
	struct arena arena = ARENA_INIT;
	struct strbuf got = STRBUF_INIT;
	struct dmarc_outcome outcome;
	char name[300];
	size_t i;

	for (i = 0; i < count; i++) {
		struct zone zone = { .text = rows[i].zone };
		struct lookups *lookups = zone_lookups(&zone);

		snprintf(name, sizeof(name), "%s%s [%s]", rows[i].zone,
		    rows[i].from, rows[i].identifiers);
		evaluate(&rows[i], lookups, discovery, &arena, &outcome);
		strbuf_reset(&got);
		describe(&outcome, &got);
		ROW_EQ(name, strbuf_span(&got), span_of(rows[i].want));
		if (rows[i].reason != NULL &&
		    strstr(outcome.reason, rows[i].reason) == NULL)
			fail_msg("%s: reason %s", name, outcome.reason);
		lookups_free(lookups);
		arena_reset(&arena);
	}
	strbuf_clear(&got);
	arena_clear(&arena);
}

#define FROM	"From: a@example.com"
#define SUB	"From: a@sub.example.com"
#define REJECT	D("example.com", "p=reject")
#define OF	" (p=reject of example.com)"

static void
test_results(void **state)
{
	static const struct evaluation_row rows[] = {
		{ REJECT, FROM, "spf:example.com", "pass spf" OF, "" },
		{ REJECT, FROM, "dkim:example.com", "pass dkim" OF, "" },
		{ REJECT, FROM, "spf:example.com dkim:example.com",
		    "pass spf dkim" OF, "" },
		{ REJECT, FROM, "spf:a.example.com dkim:b.example.com",
		    "pass spf dkim" OF, "" },
		{ REJECT, FROM, "spf:EXAMPLE.com dkim:Example.Com.",
		    "pass spf dkim" OF, "" },
		{ REJECT, SUB, "dkim:example.com", "pass dkim" OF, "" },
		{ REJECT, SUB, "dkim:other.example.com", "pass dkim" OF, "" },
		{ REJECT, FROM, "", "fail reject" OF,
		    "neither SPF nor DKIM passed" },
		{ REJECT, FROM, "spf:example.net dkim:example.org",
		    "fail reject" OF, "other domains" },
		{ REJECT, FROM, "dkim:example.net dkim:example.com "
		    "dkim:example.org", "pass dkim" OF, "" },
		{ REJECT, FROM, "dkim:com spf:com", "fail reject" OF, NULL },
		{ D("x.com", "p=reject"), "From: a@x.com",
		    "dkim:attackerx.com spf:attacker.com",
		    "fail reject (p=reject of x.com)", NULL },
		{ D("example.com", "p=quarantine"), FROM, "",
		    "fail quarantine (p=quarantine of example.com)", NULL },
		{ D("example.com", "p=none"), FROM, "",
		    "fail none (p=none of example.com)", NULL },
		{ "", FROM, "spf:example.com", "none", "no policy" },
		{ D("example.com", "p=bad"), FROM, "spf:example.com", "none",
		    "p= is not valid" },
		{ D("example.com", "rua=mailto:d@example.com"), FROM, "",
		    "fail none (p=none of example.com)", NULL },
		/* U-labels, groups, several authors of one domain. */
		{ D("xn--bcher-kva.example", "p=reject"),
		    "From: a@b\xc3\xbc" "cher.example",
		    "dkim:b\xc3\xbc" "cher.example",
		    "pass dkim (p=reject of xn--bcher-kva.example)", "" },
		{ REJECT, "From: a@example.com, b@example.com",
		    "spf:example.com", "pass spf" OF, "" },
		/* Names that IDNA, or DNS, does not know. */
		{ REJECT, FROM, "spf:_spf.example.com", "pass spf" OF, "" },
		{ D("example.com", "p=reject; psd=n"), FROM,
		    "spf:a..b.example.com", "pass spf" OF, "" },
		{ REJECT, FROM, "spf: dkim:.", "fail reject" OF, NULL },
	};

	(void)state;
	check_evaluations(rows, ARRAY_LEN(rows), DMARC_TREEWALK);
}

static void
test_strict(void **state)
{
	static const struct evaluation_row rows[] = {
		{ D("example.com", "p=reject; aspf=s"), FROM,
		    "spf:a.example.com", "fail reject" OF, NULL },
		{ D("example.com", "p=reject; aspf=s"), FROM,
		    "spf:a.example.com dkim:a.example.com",
		    "pass dkim" OF, NULL },
		{ D("example.com", "p=reject; adkim=s"), FROM,
		    "spf:a.example.com dkim:a.example.com",
		    "pass spf" OF, NULL },
		{ D("example.com", "p=reject; adkim=s; aspf=s"), FROM,
		    "spf:example.com dkim:example.com",
		    "pass spf dkim" OF, NULL },
		{ D("example.com", "p=reject; adkim=s"), SUB,
		    "dkim:example.com", "fail reject" OF, NULL },
	};

	(void)state;
	check_evaluations(rows, ARRAY_LEN(rows), DMARC_TREEWALK);
}

static void
test_subdomains(void **state)
{
	static const struct evaluation_row rows[] = {
		{ D("example.com", "p=reject; sp=quarantine; np=none")
		    "sub.example.com A 192.0.2.1\n", SUB, "",
		    "fail quarantine (sp=quarantine of example.com)", NULL },
		{ D("example.com", "p=none; sp=quarantine; np=reject"), SUB,
		    "", "fail reject (np=reject of example.com)", NULL },
		{ D("example.com", "p=reject; sp=none")
		    D("sub.example.com", "p=quarantine; sp=none"), SUB, "",
		    "fail quarantine (p=quarantine of sub.example.com)",
		    NULL },
		/* t=y */
		{ D("example.com", "p=reject; t=y"), FROM, "",
		    "fail quarantine softened" OF, NULL },
		{ D("example.com", "p=quarantine; t=y"), FROM, "",
		    "fail none softened (p=quarantine of example.com)", NULL },
		{ D("example.com", "p=none; t=y"), FROM, "",
		    "fail none (p=none of example.com)", NULL },
		{ D("example.com", "p=none; sp=reject; t=y"), SUB, "",
		    "fail quarantine softened (sp=reject of example.com)",
		    NULL },
		{ D("example.com", "p=reject; t=y"), FROM, "spf:example.com",
		    "pass spf" OF, "" },
		/* B.4.3 */
		{ D("bank.example", "p=reject; psd=y")
		    D("giant.bank.example", "p=quarantine"),
		    "From: a@giant.bank.example",
		    "spf:mail.giant.bank.example dkim:mail.mega.bank.example",
		    "pass spf (p=quarantine of giant.bank.example)", "" },
		{ D("bank.example", "p=reject; psd=y"),
		    "From: a@giant.bank.example", "dkim:mega.bank.example",
		    "fail reject (p=reject of bank.example)", NULL },
		{ D("bank.example", "p=reject; psd=y"),
		    "From: a@giant.bank.example", "dkim:m.giant.bank.example",
		    "pass dkim (p=reject of bank.example)", "" },
		/* 5.1.8 and B.4.2 */
		{ D("example.com", "p=reject") D("signing.example.com",
		    "p=none"), "From: a@a.b.c.d.e.f.g.h.i.j.k.example.com",
		    "spf:example.com dkim:signing.example.com",
		    "pass spf dkim" OF, "" },
	};

	(void)state;
	check_evaluations(rows, ARRAY_LEN(rows), DMARC_TREEWALK);
}

static void
test_trouble(void **state)
{
	static const struct evaluation_row rows[] = {
		/* No policy known. */
		{ "_dmarc.example.com SERVFAIL\n", FROM, "", "temperror",
		    "_dmarc.example.com" },
		{ "_dmarc.example.com TIMEOUT\n", FROM, "spf:example.com",
		    "temperror spf", "_dmarc.example.com: no answer" },
		{ "_dmarc.example.com BOGUS\n", FROM, "dkim:a.example.com",
		    "temperror", NULL },
		{ "_dmarc.com SERVFAIL\n", FROM, "", "temperror",
		    "_dmarc.com" },
		{ REJECT "_dmarc.com SERVFAIL\n", SUB, "", "temperror", NULL },
		{ REJECT "_dmarc.com SERVFAIL\n", SUB, "dkim:example.com",
		    "temperror", NULL },
		/* There is one, whichever it is, and the very domain passed. */
		{ REJECT "_dmarc.com SERVFAIL\n", SUB, "spf:sub.example.com",
		    "pass spf" OF, "" },
		{ REJECT "_dmarc.sub.example.com SERVFAIL\n", SUB,
		    "dkim:sub.example.com", "pass dkim" OF, "" },
		{ D("example.com", "p=bad") "_dmarc.sub.example.com SERVFAIL\n",
		    SUB, "dkim:sub.example.com", "temperror dkim", NULL },
		{ D("example.com", "p=bad") D("a.example.com", "p=reject")
		    "_dmarc.com SERVFAIL\n", "From: x@b.a.example.com",
		    "dkim:b.a.example.com", "temperror dkim", "_dmarc.com" },
		/* Trouble that cannot matter. */
		{ REJECT "_dmarc.com SERVFAIL\n", FROM, "",
		    "fail reject" OF, NULL },
		{ REJECT "_dmarc.com SERVFAIL\n", FROM, "dkim:a.example.com",
		    "pass dkim" OF, "" },
		{ REJECT "_dmarc.org SERVFAIL\n", FROM, "dkim:a.example.org",
		    "fail reject" OF, NULL },
		/* Trouble that may. */
		{ REJECT "_dmarc.com SERVFAIL\n", FROM, "dkim:attacker.com",
		    "temperror" OF, "organizational domain" },
		{ REJECT "_dmarc.com SERVFAIL\n", FROM,
		    "dkim:attacker.com spf:example.com", "pass spf" OF, "" },
		{ REJECT "_dmarc.a.example.com SERVFAIL\n", FROM,
		    "dkim:a.example.com", "temperror" OF, NULL },
		/* SPF and keys that could not be had. */
		{ REJECT, FROM, "spf!example.com", "temperror" OF, "SPF" },
		{ REJECT, FROM, "spf!a.example.com", "temperror" OF, "SPF" },
		{ REJECT, FROM, "spf!", "temperror" OF, "SPF" },
		{ REJECT, FROM, "spf!example.net", "fail reject" OF, NULL },
		{ REJECT, FROM, "dkim!example.com", "temperror" OF, "key" },
		{ REJECT, FROM, "dkim!example.net dkim!a.example.com",
		    "temperror" OF, "key" },
		{ REJECT, FROM, "dkim!example.net dkim!example.org",
		    "fail reject" OF, NULL },
		{ REJECT, FROM, "dkim!example.com spf:example.com",
		    "pass spf" OF, "" },
		{ D("example.com", "p=reject; adkim=s"), FROM,
		    "dkim!a.example.com", "fail reject" OF, NULL },
		{ "", FROM, "dkim!example.com", "none", NULL },
		/* Whether the domain exists, where that decides. */
		{ D("example.com", "p=reject; np=none")
		    "sub.example.com SERVFAIL\n", SUB, "",
		    "temperror" OF, "whether sub.example.com exists" },
		{ D("example.com", "p=reject; np=none")
		    "sub.example.com SERVFAIL\n", SUB, "dkim:example.com",
		    "pass dkim" OF, "" },
		{ D("example.com", "p=none; np=none")
		    "sub.example.com SERVFAIL\n", SUB, "",
		    "fail none (p=none of example.com)", NULL },
	};

	(void)state;
	check_evaluations(rows, ARRAY_LEN(rows), DMARC_TREEWALK);
}

/* No single author domain: permerror, and the strictest of their policies. */
static void
test_bad_from(void **state)
{
	static const struct evaluation_row rows[] = {
		{ REJECT, "", "spf:example.com", "permerror",
		    "no From field" },
		{ REJECT, "From: a@example.com, b@example.net",
		    "spf:example.com", "permerror" OF, "several domains" },
		{ REJECT D("example.net", "p=none"),
		    "From: b@example.net, a@example.com", "", "permerror" OF,
		    NULL },
		{ D("example.com", "p=quarantine") D("example.net", "p=none"),
		    "From: b@example.net, c@example.org, a@example.com", "",
		    "permerror (p=quarantine of example.com)", NULL },
		{ D("example.com", "p=none") D("example.net", "p=none"),
		    "From: b@example.net, a@example.com", "",
		    "permerror (p=none of example.net)", NULL },
		{ "", "From: b@example.net, a@example.com", "", "permerror",
		    NULL },
		{ REJECT, FROM "|" FROM, "spf:example.com", "permerror" OF,
		    "several From fields" },
		{ REJECT, "From: <a@example.com", "spf:example.com",
		    "permerror" OF, "From: syntax error" },
		{ REJECT "_dmarc.example.net SERVFAIL\n",
		    "From: b@example.net, a@example.com", "", "permerror" OF,
		    NULL },
	};
	struct arena arena = ARENA_INIT;
	struct dmarc_outcome outcome;
	struct zone zone = { .text = rows[3].zone };
	struct lookups *lookups = zone_lookups(&zone);

	(void)state;
	check_evaluations(rows, ARRAY_LEN(rows), DMARC_TREEWALK);
	evaluate(&rows[3], lookups, DMARC_TREEWALK, &arena, &outcome);
	assert_int_equal(outcome.walk_count, 3);
	SPAN_IS(outcome.walks[1].domain, "example.org");
	SPAN_IS(outcome.from, "example.com");
	assert_int_equal(outcome.disposition, DMARC_POLICY_NONE);
	lookups_free(lookups);
	arena_clear(&arena);
}

static void
test_psl(void **state)
{
	static const struct evaluation_row rows[] = {
		{ REJECT, FROM, "dkim:a.b.example.com", "pass dkim" OF, "" },
		{ REJECT, "From: a@x.example.com", "spf:y.example.com",
		    "pass spf" OF, "" },
		{ D("example.co.uk", "p=reject"), "From: a@example.co.uk",
		    "spf:attacker.co.uk",
		    "fail reject (p=reject of example.co.uk)", NULL },
		{ D("co.uk", "p=reject; psd=y"), "From: a@example.co.uk", "",
		    "none", NULL },
		{ D("a.example.com", "p=reject; psd=n"),
		    "From: a@a.example.com", "dkim:example.com",
		    "pass dkim (p=reject of a.example.com)", "" },
	};

	(void)state;
	check_evaluations(rows, ARRAY_LEN(rows), DMARC_PSL);
}

/* Each step says what it came to. */
static void
test_steps(void **state)
{
	static const struct evaluation_row row = { D("example.com", "p=reject; "
	    "aspf=s"), FROM, "spf:a.example.com dkim:b.example.com "
	    "dkim:example.net dkim:example.com", "", NULL };
	static const struct {
		bool is_aligned;
		const char *how, *meeting;
	} want[] = {
		{ false, "strict: another name", "" },
		{ true, "same organization", "example.com" },
		{ false, "another organization", "" },
		{ true, "same domain", "" },
	};
	struct zone zone = { .text = row.zone };
	struct lookups *lookups = zone_lookups(&zone);
	struct arena arena = ARENA_INIT;
	struct dmarc_outcome outcome;
	size_t i;

	(void)state;
	evaluate(&row, lookups, DMARC_TREEWALK, &arena, &outcome);
	assert_int_equal(outcome.step_count, ARRAY_LEN(want));
	for (i = 0; i < ARRAY_LEN(want); i++) {
		ROW_IS(want[i].how, outcome.steps[i].is_aligned ==
		    want[i].is_aligned);
		ROW_EQ(want[i].how, span_of(outcome.steps[i].how),
		    span_of(want[i].how));
		ROW_EQ(want[i].how, outcome.steps[i].meeting,
		    span_of(want[i].meeting));
	}
	lookups_free(lookups);
	arena_clear(&arena);
}

/* What others used up leaves DMARC its share; what it is refused itself does
 * not align, and does not lose the policy. */
static void
test_bound(void **state)
{
	static const struct evaluation_row row = { REJECT,
	    "From: a@a.b.c.example.com", "dkim:1.2.3.example.com "
	    "dkim:4.5.6.example.com dkim:example.com", "", NULL };
	struct zone zone = { .text = row.zone };
	struct lookups *lookups = zone_lookups(&zone);
	struct arena arena = ARENA_INIT;
	struct dmarc_outcome outcome;
	unsigned i;

	(void)state;
	for (i = 0; i < LOOKUPS_MAX; i++)
		lookups_get(lookups, LOOKUP_SPF, span_of(arena_printf(&arena,
		    "%u.example.net", i)), DNS_A);
	assert_true(lookups_over_limit(lookups));
	evaluate(&row, lookups, DMARC_TREEWALK, &arena, &outcome);
	assert_int_equal(outcome.result, DMARC_PASS);
	assert_true(outcome.steps[0].is_aligned);
	assert_false(outcome.steps[1].is_aligned);
	assert_string_equal(outcome.steps[1].how, "not examined: too many DNS "
	    "questions for one message");
	assert_true(outcome.steps[2].is_aligned);
	lookups_free(lookups);
	arena_clear(&arena);
}

/* The answers that prefetching asks for are those that are needed. */
static void
test_prefetch(void **state)
{
	static const struct {
		const char *from;
		const char *identifier;
		const char *zone;
		size_t asked, later;
	} rows[] = {
		{ "From: a@example.com", "bounce.example.com", REJECT, 2, 0 },
		{ "From: a@example.com", "example.com", REJECT, 1, 0 },
		{ "From: a@example.com", "example.net", REJECT, 1, 0 },
		{ "From: a@example.com", "other.com", REJECT, 2, 0 },
		{ "From: a@a.b.example.com", "c.b.example.com", REJECT, 4, 1 },
		{ "From: a@example.com", "1.2.3.4.5.6.example.com", REJECT,
		    5, 2 },
		{ "From: a@a.b.c.d.e.example.com", "1.2.example.com", REJECT,
		    6, 3 },
		{ "From: a@example.com, b@example.net", "a.example.com",
		    REJECT, 2, 1 },
	};
	struct arena arena = ARENA_INIT;
	struct dmarc_outcome outcome;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone zone = { .text = rows[i].zone };
		struct lookups *lookups = zone_lookups(&zone);
		struct span identifier = span_of(rows[i].identifier);
		struct header_field fields[FIELDS_MAX];
		struct dmarc_authors authors;
		struct evaluation_row row = { rows[i].zone, rows[i].from,
		    arena_printf(&arena, "spf:%s", rows[i].identifier), "",
		    NULL };

		dmarc_authors_find(fields, read_fields(row.from, fields),
		    &arena, &authors);
		dmarc_prefetch(&authors, &identifier, 1, DMARC_TREEWALK,
		    lookups, &arena);
		assert_int_equal(lookups_count(lookups), rows[i].asked);
		evaluate(&row, lookups, DMARC_TREEWALK, &arena, &outcome);
		assert_int_equal(lookups_count(lookups), rows[i].asked +
		    rows[i].later);
		lookups_free(lookups);
	}
	arena_clear(&arena);
}

/* What follows is asked as soon as the answers are there. */
static void
test_prefetch_next(void **state)
{
	struct zone zone = { .text =
	    D("bank", "p=none; np=reject; psd=y") "_dmarc.bank LATE 1\n" };
	struct lookups *lookups = zone_lookups(&zone);
	struct arena arena = ARENA_INIT;
	struct dmarc_authors authors = { .domains = { SPAN_LIT("giant.bank") },
	    .count = 1 };

	(void)state;
	dmarc_prefetch(&authors, NULL, 0, DMARC_TREEWALK, lookups, &arena);
	assert_int_equal(lookups_count(lookups), 1);
	dmarc_prefetch_next(&authors, DMARC_TREEWALK, lookups, &arena);
	assert_int_equal(lookups_count(lookups), 2);
	assert_true(lookups_wait(lookups));
	dmarc_prefetch_next(&authors, DMARC_TREEWALK, lookups, &arena);
	assert_int_equal(lookups_count(lookups), 3);
	SPAN_IS(lookups_at(lookups, 2)->name, "giant.bank");
	lookups_free(lookups);
	arena_clear(&arena);
}

static void
test_library(void **state)
{
	static const char *const policies[] = { "none", "quarantine",
	    "reject" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(policies); i++) {
		struct span from = SPAN_LIT("x.example.com");
		const char *policy = policies[i];

		assert_string_equal(dmarc_library_verdict(from, policy, false,
		    false), policy);
		assert_string_equal(dmarc_library_verdict(from, policy, true,
		    false), "pass");
		assert_string_equal(dmarc_library_verdict(from, policy, false,
		    true), "pass");
		assert_string_equal(dmarc_library_verdict(from, policy, true,
		    true), "pass");
	}
	assert_string_equal(dmarc_library_verdict(SPAN_LIT("localhost"),
	    "reject", true, false), "pass");
	assert_string_equal(dmarc_library_verdict(SPAN_LIT("example.com"),
	    "bad", false, false), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authors),
		cmocka_unit_test(test_authors_bound),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_subdomains),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_bad_from),
		cmocka_unit_test(test_psl),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_prefetch),
		cmocka_unit_test(test_prefetch_next),
		cmocka_unit_test(test_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
