#include "tests/unit/unit.h"
#include "tests/unit/zone.h"

#include "common/dmarc/align.h"
#include "common/dmarc/psl.h"

/* D("example.com", "p=none") is a line of a zone. */
#define D(name, tags)	"_dmarc." name " TXT \"v=DMARC1; " tags "\"\n"

static const char *
state_word(const struct dmarc_published *found)
{
	static const char *const words[] = {
		[DMARC_ABSENT] = "-",
		[DMARC_PRESENT] = "+",
		[DMARC_TROUBLE] = "!",
		[DMARC_UNASKED] = "?",
	};

	return words[found->state];
}

static const char *
result_word(enum dmarc_walk_result result)
{
	static const char *const words[] = {
		[DMARC_WALK_DONE] = "",
		[DMARC_WALK_TEMPERROR] = "temperror ",
		[DMARC_WALK_PERMERROR] = "permerror ",
	};

	return words[result];
}

/* "-a.example.com +example.com -com: sp=none of example.com" */
static void
describe(const struct dmarc_walk *walk, struct strbuf *out)
{
	size_t i;

	for (i = 0; i < walk->step_count; i++)
		strbuf_addf(out, "%s%s%.*s", i > 0 ? " " : "",
		    state_word(&walk->steps[i].found),
		    SPAN_ARG(walk->steps[i].domain));
	strbuf_addf(out, ": %s", result_word(walk->result));
	if (walk->record != NULL)
		strbuf_addf(out, "%s=%s of %.*s%s", walk->source,
		    dmarc_policy_name(walk->policy),
		    SPAN_ARG(walk->policy_domain),
		    walk->is_uncertain ? "?" : "");
	else
		strbuf_adds(out, "nothing");
	strbuf_addf(out, "; org %.*s", SPAN_ARG(walk->organizational_domain));
}

static void
run_walk(struct lookups *lookups, const char *domain,
    enum dmarc_discovery discovery, enum dmarc_extent extent,
    struct arena *arena, struct strbuf *out)
{
	struct dmarc_walk walk;

	while (!dmarc_walk(span_of(domain), discovery, extent, lookups, arena,
	    &walk))
		assert_true(lookups_wait(lookups));
	strbuf_reset(out);
	describe(&walk, out);
}

struct walk_row {
	const char *zone;
	const char *domain;
	const char *want;
};

static void
check_walks(const struct walk_row *rows, size_t count,
    enum dmarc_discovery discovery, enum dmarc_extent extent)
{
	struct arena arena = ARENA_INIT;
	struct strbuf got = STRBUF_INIT;
	size_t i;

	for (i = 0; i < count; i++) {
		struct zone zone = { .text = rows[i].zone };
		struct lookups *lookups = zone_lookups(&zone);

		run_walk(lookups, rows[i].domain, discovery, extent, &arena,
		    &got);
		ROW_EQ(rows[i].zone, strbuf_span(&got),
		    span_of(rows[i].want));
		lookups_free(lookups);
		arena_reset(&arena);
	}
	strbuf_clear(&got);
	arena_clear(&arena);
}

/* The whole walk: what "postern dmarc" shows. */
static void
test_walks(void **state)
{
	static const struct walk_row rows[] = {
		/* RFC 9989 B.4.1, B.4.2, B.4.3 */
		{ D("example.com", "p=reject")
		    D("signing.example.com", "p=none"), "example.com",
		    "+example.com -com: p=reject of example.com; "
		    "org example.com" },
		{ D("example.com", "p=reject")
		    D("signing.example.com", "p=none"), "signing.example.com",
		    "+signing.example.com +example.com -com: p=none of "
		    "signing.example.com; org example.com" },
		{ D("example.com", "p=reject"),
		    "a.b.c.d.e.f.g.h.i.j.k.example.com",
		    "-a.b.c.d.e.f.g.h.i.j.k.example.com "
		    "-g.h.i.j.k.example.com -h.i.j.k.example.com "
		    "-i.j.k.example.com -j.k.example.com -k.example.com "
		    "+example.com -com: p=reject of example.com; "
		    "org example.com" },
		{ D("bank.example", "p=reject; psd=y")
		    D("giant.bank.example", "p=quarantine"),
		    "giant.bank.example",
		    "+giant.bank.example +bank.example: p=quarantine of "
		    "giant.bank.example; org giant.bank.example" },
		{ D("bank.example", "p=reject; psd=y")
		    D("giant.bank.example", "p=quarantine"),
		    "mail.giant.bank.example",
		    "-mail.giant.bank.example +giant.bank.example "
		    "+bank.example: p=quarantine of giant.bank.example; "
		    "org giant.bank.example" },
		{ D("bank.example", "p=reject; psd=y; sp=none"),
		    "mail.mega.bank.example",
		    "-mail.mega.bank.example -mega.bank.example "
		    "+bank.example: sp=none of bank.example; "
		    "org mega.bank.example" },
		/* 4.10.2's three examples */
		{ D("mail.example.com", "p=none")
		    D("example.com", "p=reject"), "a.mail.example.com",
		    "-a.mail.example.com +mail.example.com +example.com -com: "
		    "p=reject of example.com; org example.com" },
		{ D("mail.example.com", "p=none; psd=n")
		    D("example.com", "p=reject"), "a.mail.example.com",
		    "-a.mail.example.com +mail.example.com: p=none of "
		    "mail.example.com; org mail.example.com" },
		{ D("com", "p=none; psd=y"), "a.mail.example.com",
		    "-a.mail.example.com -mail.example.com -example.com +com: "
		    "p=none of com; org example.com" },
		/* Nothing at all. */
		{ "", "a.example.com", "-a.example.com -example.com -com: "
		    "nothing; org a.example.com" },
		{ "", "localhost", "-localhost: nothing; org localhost" },
		{ D("localhost", "p=none"), "localhost",
		    "+localhost: p=none of localhost; org localhost" },
		/* psd=y at the start is no suffix for itself. */
		{ D("example.com", "p=reject; psd=y") D("com", "p=none"),
		    "example.com", "+example.com: p=reject of example.com; "
		    "org example.com" },
		{ D("example.com", "p=reject; psd=n") D("com", "p=none"),
		    "example.com", "+example.com: p=reject of example.com; "
		    "org example.com" },
		/* A suffix's record without psd=y: 11.8. */
		{ D("com", "p=reject; sp=none"), "example.com",
		    "-example.com +com: sp=none of com; org com" },
		{ D("example.com", "p=reject") D("com", "p=none"),
		    "example.com", "+example.com +com: p=reject of "
		    "example.com; org com" },
		/* The organizational domain's goes before the suffix's. */
		{ D("example.co.uk", "p=quarantine") D("co.uk", "p=reject; "
		    "psd=y") D("uk", "p=none; psd=y"), "a.example.co.uk",
		    "-a.example.co.uk +example.co.uk +co.uk: p=quarantine of "
		    "example.co.uk; org example.co.uk" },
		{ D("uk", "p=none; psd=y"), "a.example.co.uk",
		    "-a.example.co.uk -example.co.uk -co.uk +uk: p=none of "
		    "uk; org co.uk" },
		/* Records between the two do not count. */
		{ D("b.c.example.com", "p=none") D("c.example.com", "p=none")
		    D("example.com", "p=quarantine; sp=reject"),
		    "a.b.c.example.com", "-a.b.c.example.com "
		    "+b.c.example.com +c.example.com +example.com -com: "
		    "sp=reject of example.com; org example.com" },
		/* Which records count at a name. */
		{ D("example.com", "p=reject") D("example.com", "p=reject"),
		    "example.com", "-example.com -com: nothing; "
		    "org example.com" },
		{ D("a.example.com", "p=none") D("a.example.com", "p=none")
		    D("example.com", "p=reject"), "a.example.com",
		    "-a.example.com +example.com -com: p=reject of "
		    "example.com; org example.com" },
		{ "_dmarc.example.com TXT \"v=spf1 -all\"\n"
		    D("example.com", "p=reject")
		    "_dmarc.example.com TXT \"p=none; v=DMARC1\"\n",
		    "example.com", "+example.com -com: p=reject of "
		    "example.com; org example.com" },
		{ D("example.com", "p=none; p=none") D("com", "p=reject"),
		    "example.com", "-example.com +com: p=reject of com; "
		    "org com" },
		{ D("example.com", "p=none; p=none")
		    D("example.com", "p=reject"), "example.com",
		    "-example.com -com: nothing; org example.com" },
		{ "_dmarc.example.com TXT \"v=DMA\" \"RC1;p=\" \"reject\"\n",
		    "example.com", "+example.com -com: p=reject of "
		    "example.com; org example.com" },
		{ "_dmarc.example.com CNAME x.example.net\n"
		    "x.example.net TXT \"v=DMARC1;p=reject\"\n",
		    "example.com", "+example.com -com: p=reject of "
		    "example.com; org example.com" },
		/* A record that asks for nothing still stands there. */
		{ D("a.example.com", "p=bad") D("example.com", "p=reject"),
		    "a.example.com", "+a.example.com +example.com -com: "
		    "nothing; org example.com" },
		{ D("example.com", "sp=none") D("com", "p=reject; psd=y"),
		    "a.example.com", "-a.example.com +example.com +com: "
		    "nothing; org example.com" },
		{ D("a.example.com", "rua=mailto:d@example.com")
		    D("example.com", "p=reject"), "a.example.com",
		    "+a.example.com +example.com -com: p=none of "
		    "a.example.com; org example.com" },
		/* Eight labels and more. */
		{ D("c.d.e.f.g.example.com", "p=reject; psd=y"),
		    "b.c.d.e.f.g.example.com", "-b.c.d.e.f.g.example.com "
		    "+c.d.e.f.g.example.com: p=reject of "
		    "c.d.e.f.g.example.com; org b.c.d.e.f.g.example.com" },
		{ D("b.c.d.e.f.g.example.com", "p=none")
		    D("c.d.e.f.g.example.com", "p=reject; psd=y"),
		    "a.b.c.d.e.f.g.example.com", "-a.b.c.d.e.f.g.example.com "
		    "+c.d.e.f.g.example.com: p=reject of "
		    "c.d.e.f.g.example.com; org b.c.d.e.f.g.example.com" },
		/* 5.1.8: the one at the zone cut is never found. */
		{ D("example.com", "p=reject")
		    D("b.c.d.e.f.g.example.com", "p=none; psd=n"),
		    "mail.a.b.c.d.e.f.g.example.com",
		    "-mail.a.b.c.d.e.f.g.example.com "
		    "-c.d.e.f.g.example.com -d.e.f.g.example.com "
		    "-e.f.g.example.com -f.g.example.com -g.example.com "
		    "+example.com -com: p=reject of example.com; "
		    "org example.com" },
	};

	(void)state;
	check_walks(rows, ARRAY_LEN(rows), DMARC_TREEWALK, DMARC_WALK_ALL);
}

/* The domain's own record is all the policy needs. */
static void
test_policy(void **state)
{
	static const struct walk_row rows[] = {
		{ D("example.com", "p=reject"), "example.com",
		    "+example.com: p=reject of example.com; org " },
		{ D("example.com", "p=reject; psd=n"), "example.com",
		    "+example.com: p=reject of example.com; "
		    "org example.com" },
		{ D("example.com", "p=reject"), "a.example.com",
		    "-a.example.com +example.com -com: p=reject of "
		    "example.com; org example.com" },
		/* The longest name that can have "_dmarc." and one longer. */
		{ "", "a234567890123456789012345678901234567890."
		    "b234567890123456789012345678901234567890."
		    "c234567890123456789012345678901234567890."
		    "d234567890123456789012345678901234567890."
		    "e234567890123456789012345678901234567890."
		    "f234567890123456789012345678901234567890."
		    "com", "-a234567890123456789012345678901234567890."
		    "b234567890123456789012345678901234567890."
		    "c234567890123456789012345678901234567890."
		    "d234567890123456789012345678901234567890."
		    "e234567890123456789012345678901234567890."
		    "f234567890123456789012345678901234567890.com "
		    "-b234567890123456789012345678901234567890."
		    "c234567890123456789012345678901234567890."
		    "d234567890123456789012345678901234567890."
		    "e234567890123456789012345678901234567890."
		    "f234567890123456789012345678901234567890.com "
		    "-c234567890123456789012345678901234567890."
		    "d234567890123456789012345678901234567890."
		    "e234567890123456789012345678901234567890."
		    "f234567890123456789012345678901234567890.com "
		    "-d234567890123456789012345678901234567890."
		    "e234567890123456789012345678901234567890."
		    "f234567890123456789012345678901234567890.com "
		    "-e234567890123456789012345678901234567890."
		    "f234567890123456789012345678901234567890.com "
		    "-f234567890123456789012345678901234567890.com "
		    "-com: nothing; org "
		    "a234567890123456789012345678901234567890."
		    "b234567890123456789012345678901234567890."
		    "c234567890123456789012345678901234567890."
		    "d234567890123456789012345678901234567890."
		    "e234567890123456789012345678901234567890."
		    "f234567890123456789012345678901234567890.com" },
	};

	(void)state;
	check_walks(rows, ARRAY_LEN(rows), DMARC_TREEWALK, DMARC_WALK_POLICY);
}

#define NP	"p=reject; sp=quarantine; np=none"

/* sp= and np=: of subdomains alone; NXDOMAIN alone is no existence. */
static void
test_sources(void **state)
{
	static const struct walk_row rows[] = {
		{ D("example.com", NP), "example.com",
		    "+example.com: p=reject of example.com; org " },
		{ D("example.com", NP), "nx.example.com",
		    "-nx.example.com +example.com -com: np=none of "
		    "example.com; org example.com" },
		{ D("example.com", NP) "a.example.com A 192.0.2.1\n",
		    "a.example.com", "-a.example.com +example.com -com: "
		    "sp=quarantine of example.com; org example.com" },
		{ D("example.com", NP) "a.example.com MX 10 mx.example.com\n",
		    "a.example.com", "-a.example.com +example.com -com: "
		    "sp=quarantine of example.com; org example.com" },
		/* An empty non-terminal exists. */
		{ D("example.com", NP) "www.a.example.com A 192.0.2.1\n",
		    "a.example.com", "-a.example.com +example.com -com: "
		    "sp=quarantine of example.com; org example.com" },
		{ D("example.com", NP) "_dmarc.a.example.com TXT \"x\"\n",
		    "a.example.com", "-a.example.com +example.com -com: "
		    "sp=quarantine of example.com; org example.com" },
		/* An alias exists, whatever it points to. */
		{ D("example.com", NP) "a.example.com CNAME b.example.net\n",
		    "a.example.com", "-a.example.com +example.com -com: "
		    "sp=quarantine of example.com; org example.com" },
		{ D("example.com", "p=reject; np=none"), "nx.example.com",
		    "-nx.example.com +example.com -com: np=none of "
		    "example.com; org example.com" },
		{ D("example.com", "p=reject; np=none")
		    "a.example.com A 192.0.2.1\n", "a.example.com",
		    "-a.example.com +example.com -com: p=reject of "
		    "example.com; org example.com" },
		{ D("example.com", "p=reject; sp=none"), "nx.example.com",
		    "-nx.example.com +example.com -com: sp=none of "
		    "example.com; org example.com" },
		/* A suffix's policy for what nobody registered. */
		{ D("bank", "p=none; np=reject; psd=y"), "giant.bank",
		    "-giant.bank +bank: np=reject of bank; org giant.bank" },
		{ D("bank", "p=none; np=reject; psd=y")
		    "giant.bank MX 10 mx.giant.bank\n", "giant.bank",
		    "-giant.bank +bank: p=none of bank; org giant.bank" },
		/* Trouble matters where np= is another policy. */
		{ D("example.com", NP) "nx.example.com SERVFAIL A\n",
		    "nx.example.com", "-nx.example.com +example.com -com: "
		    "sp=quarantine of example.com?; org example.com" },
		{ D("example.com", "p=reject; np=reject")
		    "nx.example.com TIMEOUT A\n", "nx.example.com",
		    "-nx.example.com +example.com -com: p=reject of "
		    "example.com; org example.com" },
	};

	(void)state;
	check_walks(rows, ARRAY_LEN(rows), DMARC_TREEWALK, DMARC_WALK_POLICY);
}

static void
test_trouble(void **state)
{
	static const struct walk_row rows[] = {
		{ "_dmarc.example.com SERVFAIL\n", "example.com",
		    "!example.com: temperror nothing; org " },
		{ "_dmarc.example.com TIMEOUT\n", "example.com",
		    "!example.com: temperror nothing; org " },
		{ "_dmarc.example.com BOGUS\n", "example.com",
		    "!example.com: temperror nothing; org " },
		{ "_dmarc.example.com MALFORMED\n", "example.com",
		    "!example.com: temperror nothing; org " },
		{ "_dmarc.com SERVFAIL\n", "example.com",
		    "-example.com !com: temperror nothing; org " },
		/* Above the domain's own record it does not matter but for
		 * the organizational domain. */
		{ D("example.com", "p=reject") "_dmarc.com SERVFAIL\n",
		    "example.com", "+example.com !com: p=reject of "
		    "example.com; org " },
		{ D("example.com", "p=reject; psd=n") "_dmarc.com SERVFAIL\n",
		    "example.com", "+example.com: p=reject of example.com; "
		    "org example.com" },
		/* Above another one, that might not be the one. */
		{ D("example.com", "p=reject") "_dmarc.com SERVFAIL\n",
		    "a.example.com", "-a.example.com +example.com !com: "
		    "temperror nothing; org " },
		{ D("example.com", "p=reject; psd=n") "_dmarc.com SERVFAIL\n",
		    "a.example.com", "-a.example.com +example.com: p=reject "
		    "of example.com; org example.com" },
		{ D("example.com", "p=reject")
		    "_dmarc.b.example.com TIMEOUT\n", "a.b.example.com",
		    "-a.b.example.com !b.example.com +example.com: "
		    "temperror nothing; org " },
		/* Below it. */
		{ D("example.com", "p=reject")
		    "_dmarc.a.example.com BOGUS\n", "a.example.com",
		    "!a.example.com +example.com: temperror nothing; org " },
		/* No trouble, but no answer either. */
		{ "_dmarc.example.com NXDOMAIN\n_dmarc.com NODATA\n",
		    "example.com", "-example.com -com: nothing; "
		    "org example.com" },
		/* Answers that come late. */
		{ D("example.com", NP) "_dmarc.a.example.com LATE 2\n"
		    "_dmarc.example.com LATE 1\na.example.com LATE 1 A\n",
		    "a.example.com", "-a.example.com +example.com -com: "
		    "sp=quarantine of example.com; org example.com" },
	};

	(void)state;
	check_walks(rows, ARRAY_LEN(rows), DMARC_TREEWALK, DMARC_WALK_ALL);
}

static void
test_psl(void **state)
{
	static const struct walk_row rows[] = {
		{ D("example.com", "p=reject; sp=none"), "a.b.example.com",
		    "-a.b.example.com +example.com: sp=none of example.com; "
		    "org example.com" },
		{ D("a.example.com", "p=reject"), "a.example.com",
		    "+a.example.com: p=reject of a.example.com; "
		    "org example.com" },
		{ D("b.example.com", "p=reject; psd=n"), "a.b.example.com",
		    "-a.b.example.com -example.com: nothing; "
		    "org example.com" },
		{ D("co.uk", "p=reject; psd=y"), "a.example.co.uk",
		    "-a.example.co.uk -example.co.uk: nothing; "
		    "org example.co.uk" },
		{ "", "co.uk", "-co.uk: nothing; org co.uk" },
		{ D("example.com", NP), "nx.example.com",
		    "-nx.example.com +example.com: np=none of example.com; "
		    "org example.com" },
		{ "_dmarc.a.example.com SERVFAIL\n"
		    D("example.com", "p=reject"), "a.example.com",
		    "!a.example.com +example.com: temperror nothing; "
		    "org example.com" },
	};

	(void)state;
	check_walks(rows, ARRAY_LEN(rows), DMARC_PSL, DMARC_WALK_ALL);
	SPAN_IS(psl_organizational_domain(SPAN_LIT("x.y.example.org")),
	    "example.org");
	SPAN_IS(psl_organizational_domain(SPAN_LIT("a.b.nobody-has-this")),
	    "b.nobody-has-this");
	SPAN_IS(psl_organizational_domain(SPAN_LIT("www.xn--85x722f.com.cn")),
	    "xn--85x722f.com.cn");
	SPAN_IS(psl_organizational_domain(SPAN_LIT("")), "");
}

/* Over the bound, a walk is taken as far as it came. */
static void
test_bound(void **state)
{
	static const struct {
		unsigned max;
		const char *want;
	} rows[] = {
		{ 1, "-a.b.example.com ?b.example.com: permerror nothing; "
		    "org " },
		{ 3, "-a.b.example.com -b.example.com +example.com ?com: "
		    "np=quarantine of example.com; org " },
		{ 7, "-a.b.example.com -b.example.com +example.com -com: "
		    "sp=none of example.com; org example.com" },
	};
	static const char text[] =
	    D("example.com", "p=reject; sp=none; np=quarantine")
	    "a.b.example.com A 192.0.2.1\n";
	struct arena arena = ARENA_INIT;
	struct strbuf got = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone zone = { .text = text };
		struct lookups_options options = { .source = zone_source,
		    .source_arg = &zone, .max_queries = rows[i].max };
		struct lookups *lookups = lookups_new(&options);

		run_walk(lookups, "a.b.example.com", DMARC_TREEWALK,
		    DMARC_WALK_ALL, &arena, &got);
		ROW_EQ(text, strbuf_span(&got), span_of(rows[i].want));
		lookups_free(lookups);
	}
	strbuf_clear(&got);
	arena_clear(&arena);
}

static void
test_alignment(void **state)
{
	static const char bank[] = D("bank.example", "p=reject; psd=y")
	    D("giant.bank.example", "p=reject");
	static const char simple[] = D("example.com", "p=reject");
	static const struct {
		const char *zone;
		const char *author, *identifier;
		enum dmarc_match match;
		const char *meeting;
		unsigned asked;
	} rows[] = {
		{ simple, "example.com", "example.com", DMARC_ALIGNED, "", 0 },
		{ simple, "example.com", "a.example.com", DMARC_ALIGNED,
		    "example.com", 2 },
		{ simple, "a.example.com", "example.com", DMARC_ALIGNED,
		    "example.com", 2 },
		{ simple, "a.example.com", "b.example.com", DMARC_ALIGNED,
		    "example.com", 3 },
		{ simple, "example.com", "example.net", DMARC_NOT_ALIGNED, "",
		    0 },
		{ simple, "example.com", "attacker.com", DMARC_NOT_ALIGNED,
		    "", 1 },
		{ simple, "example.com", "myexample.com", DMARC_NOT_ALIGNED,
		    "", 1 },
		{ simple, "x.com", "attackerx.com", DMARC_NOT_ALIGNED, "", 1 },
		{ simple, "example.com", "com", DMARC_NOT_ALIGNED, "", 1 },
		{ simple, "com", "example.com", DMARC_NOT_ALIGNED, "", 1 },
		{ simple, "example.com", "", DMARC_NOT_ALIGNED, "", 0 },
		/* Another organization below. */
		{ D("example.com", "p=none") D("a.example.com", "p=none; "
		    "psd=n"), "example.com", "a.example.com",
		    DMARC_NOT_ALIGNED, "", 2 },
		{ D("example.com", "p=none") D("a.example.com", "p=none; "
		    "psd=n"), "a.example.com", "example.com",
		    DMARC_NOT_ALIGNED, "", 2 },
		{ D("example.com", "p=none") D("a.example.com", "p=none; "
		    "psd=n"), "b.a.example.com", "c.a.example.com",
		    DMARC_ALIGNED, "a.example.com", 3 },
		{ D("example.com", "p=none") D("a.example.com", "p=none; "
		    "psd=y"), "example.com", "b.a.example.com",
		    DMARC_NOT_ALIGNED, "", 3 },
		{ D("example.com", "p=none") D("a.example.com", "p=none; "
		    "psd=y"), "a.example.com", "b.a.example.com",
		    DMARC_NOT_ALIGNED, "", 2 },
		/* B.4.3 */
		{ bank, "giant.bank.example", "mail.giant.bank.example",
		    DMARC_ALIGNED, "giant.bank.example", 2 },
		{ bank, "giant.bank.example", "mail.mega.bank.example",
		    DMARC_NOT_ALIGNED, "", 4 },
		{ bank, "bank.example", "giant.bank.example",
		    DMARC_NOT_ALIGNED, "", 2 },
		{ bank, "giant.bank.example", "bank.example",
		    DMARC_NOT_ALIGNED, "", 2 },
		/* A suffix above: one organization below it, record or not. */
		{ D("com", "p=none; psd=y"), "example.com", "a.example.com",
		    DMARC_ALIGNED, "com", 3 },
		{ D("com", "p=none; psd=y"), "example.com", "example2.com",
		    DMARC_NOT_ALIGNED, "", 3 },
		/* One that forgot psd=y (11.8). */
		{ D("com", "p=none"), "example.com", "attacker.com",
		    DMARC_ALIGNED, "com", 3 },
		{ D("com", "p=none") D("example.com", "p=none; psd=n"),
		    "example.com", "attacker.com", DMARC_NOT_ALIGNED, "", 2 },
		{ D("com", "p=none") D("example.com", "p=none"),
		    "example.com", "attacker.com", DMARC_ALIGNED, "com", 3 },
		/* No record above: each is its own. */
		{ D("a.example.com", "p=none") D("b.example.com", "p=none"),
		    "a.example.com", "b.example.com", DMARC_NOT_ALIGNED, "",
		    2 },
		{ "", "a.example.com", "example.com", DMARC_NOT_ALIGNED, "",
		    2 },
		/* The shortcut: both are below what nobody asks at. */
		{ D("3.4.5.6.7.example.com", "p=none; psd=y"),
		    "a.2.3.4.5.6.7.example.com", "2.3.4.5.6.7.example.com",
		    DMARC_ALIGNED, "3.4.5.6.7.example.com", 3 },
		{ D("4.5.6.7.8.example.com", "p=none; psd=y"),
		    "a.3.4.5.6.7.8.example.com", "b.9.4.5.6.7.8.example.com",
		    DMARC_NOT_ALIGNED, "", 3 },
		{ D("4.5.6.7.8.example.com", "p=none; psd=y"),
		    "a.2.3.4.5.6.7.8.example.com",
		    "b.2.3.4.5.6.7.8.example.com", DMARC_ALIGNED,
		    "4.5.6.7.8.example.com", 3 },
		{ D("4.5.6.7.8.example.com", "p=none; psd=n"),
		    "a.2.3.4.5.6.7.8.example.com",
		    "b.1.3.4.5.6.7.8.example.com", DMARC_ALIGNED,
		    "4.5.6.7.8.example.com", 3 },
		/* Trouble above what they share is none. */
		{ D("example.com", "p=reject") "_dmarc.com SERVFAIL\n",
		    "example.com", "a.example.com", DMARC_ALIGNED,
		    "example.com", 2 },
		{ D("example.com", "p=reject")
		    "_dmarc.b.example.com SERVFAIL\n", "a.b.example.com",
		    "c.example.com", DMARC_MATCH_TROUBLE, "", 4 },
		{ D("example.com", "p=reject")
		    "_dmarc.b.example.com SERVFAIL\n", "a.b.example.com",
		    "c.b.example.com", DMARC_MATCH_TROUBLE, "", 3 },
		{ D("com", "p=reject") "_dmarc.example.com SERVFAIL\n",
		    "a.b.example.com", "c.b.example.com", DMARC_ALIGNED,
		    "com", 5 },
		{ "_dmarc.com SERVFAIL\n", "example.com", "attacker.com",
		    DMARC_MATCH_TROUBLE, "", 3 },
		{ "_dmarc.com SERVFAIL\n" D("attacker.com", "p=none; psd=n"),
		    "example.com", "attacker.com", DMARC_NOT_ALIGNED, "", 3 },
		{ D("example.com", "p=reject")
		    "_dmarc.a.example.com TIMEOUT\n", "example.com",
		    "a.example.com", DMARC_MATCH_TROUBLE, "", 2 },
	};
	struct dmarc_aligned aligned;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone zone = { .text = rows[i].zone };
		struct lookups *lookups = zone_lookups(&zone);
		const struct dmarc_pair pair = { span_of(rows[i].author),
		    span_of(rows[i].identifier), DMARC_RELAXED,
		    DMARC_TREEWALK };

		while (!dmarc_align(&pair, lookups, &aligned))
			assert_true(lookups_wait(lookups));
		if (aligned.match != rows[i].match ||
		    lookups_count(lookups) != rows[i].asked)
			fail_msg("%zu: %s %s: %s, %zu asked", i,
			    rows[i].author, rows[i].identifier, aligned.how,
			    lookups_count(lookups));
		ROW_EQ(rows[i].identifier, aligned.meeting,
		    span_of(rows[i].meeting));
		lookups_free(lookups);
	}
}

/* Whether two domains have one organizational domain, by the letter of 4.10.2:
 * each found by a whole walk. */
static bool
same_by_walks(const char *a, const char *b, struct lookups *lookups,
    struct arena *arena)
{
	struct dmarc_walk first, second;

	while (!dmarc_walk(span_of(a), DMARC_TREEWALK, DMARC_WALK_ALL,
	    lookups, arena, &first) || !dmarc_walk(span_of(b),
	    DMARC_TREEWALK, DMARC_WALK_ALL, lookups, arena, &second))
		assert_true(lookups_wait(lookups));
	return span_eq(first.organizational_domain,
	    second.organizational_domain);
}

/* The short way and the letter agree: every way of publishing at five names,
 * every pair of six. */
static void
test_alignment_is_that_of_walks(void **state)
{
	static const char *const places[] = { "_dmarc.com", "_dmarc.e.com",
	    "_dmarc.a.e.com", "_dmarc.b.e.com", "_dmarc.c.a.e.com" };
	static const char *const names[] = { "com", "e.com", "a.e.com",
	    "b.e.com", "c.a.e.com", "d.a.e.com" };
	static const char *const records[] = { "x", "v=DMARC1;p=none",
	    "v=DMARC1;p=none;psd=y", "v=DMARC1;p=none;psd=n" };
	struct arena arena = ARENA_INIT;
	struct strbuf text = STRBUF_INIT;
	struct dmarc_aligned aligned;
	unsigned way, k, i, j;

	(void)state;
	for (way = 0; way < 4 * 4 * 4 * 4 * 4; way++) {
		struct zone zone = { .len = 0 };
		struct lookups *lookups = zone_lookups(&zone);

		strbuf_reset(&text);
		for (k = 0; k < ARRAY_LEN(places); k++)
			strbuf_addf(&text, "%s TXT \"%s\"\n", places[k],
			    records[way >> (2 * k) & 3]);
		zone.text = text.s;
		for (i = 0; i < ARRAY_LEN(names); i++)
			for (j = 0; j < ARRAY_LEN(names); j++) {
				const struct dmarc_pair pair = {
				    span_of(names[i]), span_of(names[j]),
				    DMARC_RELAXED, DMARC_TREEWALK };

				while (!dmarc_align(&pair, lookups, &aligned))
					assert_true(lookups_wait(lookups));
				if ((aligned.match == DMARC_ALIGNED) !=
				    same_by_walks(names[i], names[j], lookups,
				    &arena))
					fail_msg("%s %s in\n%s", names[i],
					    names[j], text.s);
			}
		lookups_free(lookups);
		arena_reset(&arena);
	}
	strbuf_clear(&text);
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_psl),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_alignment_is_that_of_walks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
