/* SPF as a whole (RFC 7208), against a zone: at once, and with every answer
 * late. */
#include "tests/unit/unit.h"
#include "tests/unit/zone.h"

#include "common/spf/spf.h"

enum { SEEN_MAX = 200 };

/* A zone whose answers are not there when they are asked for first. */
struct late_zone {
	struct zone zone;
	struct arena arena;
	struct { struct span name; enum dns_type type; } seen[SEEN_MAX];
	size_t count;
};

static bool
late_source(void *arg, struct span name, enum dns_type type,
    struct arena *arena, struct dns_answer *answer)
{
	struct late_zone *late = arg;
	size_t i;

	for (i = 0; i < late->count; i++)
		if (late->seen[i].type == type &&
		    span_eq_nocase(late->seen[i].name, name))
			return zone_source(&late->zone, name, type, arena,
			    answer);
	assert_true(late->count < SEEN_MAX);
	late->seen[late->count].name = arena_dup(&late->arena, name);
	late->seen[late->count++].type = type;
	return false;
}

struct run {
	struct arena arena;
	struct lookups *lookups;
	struct spf_question question;
	const struct spf_outcome *outcome;
	unsigned waits;
	unsigned questions;
};

/* client, HELO, local part, domain */
static void
ask(struct run *run, const char *client, const char *helo, const char *local,
    const char *domain)
{
	run->question = (struct spf_question){
		.scope = SPF_SCOPE_MAILFROM,
		.helo = span_of(helo),
		.sender = { span_of(local), span_of(domain) },
		.receiver = "mx.example.org",
		.now = 1234567,
	};
	if (client[0] != '\0')
		assert_true(ipaddr_parse(span_of(client),
		    &run->question.client));
}

static void
evaluate(struct run *run, const struct lookups_options *options)
{
	struct spf_check *check;

	run->lookups = lookups_new(options);
	check = spf_check_new(&run->question, run->lookups, &run->arena);
	while ((run->outcome = spf_check_advance(check)) == NULL) {
		assert_true(lookups_wait(run->lookups));
		run->waits++;
	}
	assert_ptr_equal(spf_check_advance(check), run->outcome);
	run->questions = (unsigned)lookups_count(run->lookups);
}

static void
end(struct run *run)
{
	lookups_free(run->lookups);
	arena_clear(&run->arena);
	*run = (struct run){ .waits = 0 };
}

/* ---- results ---- */

struct row {
	const char *name;
	const char *client;
	const char *domain;
	const char *result;
	const char *term;	/* NULL: none */
	const char *explanation;	/* NULL: none */
	const char *zone;
};

#define MANY_IP4							\
	"ip4:198.51.100.1 ip4:198.51.100.2 ip4:198.51.100.3 "		\
	"ip4:198.51.100.4 ip4:198.51.100.5 ip4:198.51.100.6 "		\
	"ip4:198.51.100.7 ip4:198.51.100.8 ip4:198.51.100.9 "
#define TEN_A								\
	"a:a.d.example a:a.d.example a:a.d.example a:a.d.example "	\
	"a:a.d.example a:a.d.example a:a.d.example a:a.d.example "	\
	"a:a.d.example a:a.d.example "
#define TEN_ZONE	"a.d.example A 198.51.100.9\n"

static const struct row rows[] = {
	{ "no record", "192.0.2.1", "d.example", "none", NULL, NULL,
	    "d.example A 192.0.2.1" },
	{ "no domain", "192.0.2.1", "d.example", "none", NULL, NULL, "" },
	{ "several", "192.0.2.1", "d.example", "permerror", NULL, NULL,
	    "d.example TXT \"v=spf1 +all\"\nd.example TXT \"v=spf1 +all\"" },
	{ "a syntax error far behind", "192.0.2.1", "d.example", "permerror",
	    NULL, NULL, "d.example TXT \"v=spf1 +all foo\"" },
	{ "SERVFAIL", "192.0.2.1", "d.example", "temperror", NULL, NULL,
	    "d.example SERVFAIL" },
	{ "TIMEOUT", "192.0.2.1", "d.example", "temperror", NULL, NULL,
	    "d.example TIMEOUT" },
	{ "BOGUS", "192.0.2.1", "d.example", "temperror", NULL, NULL,
	    "d.example BOGUS" },
	{ "an answer that cannot be read", "192.0.2.1", "d.example",
	    "temperror", NULL, NULL, "d.example MALFORMED" },
	{ "empty", "192.0.2.1", "d.example", "neutral", NULL, NULL,
	    "d.example TXT \"v=spf1\"" },
	{ "all", "192.0.2.1", "d.example", "softfail", "~all", NULL,
	    "d.example TXT \"v=spf1 ~all -all\"" },
	{ "loopback is a client as any other", "127.0.0.1", "d.example",
	    "fail", "-all", NULL, "d.example TXT \"v=spf1 -all\"" },
	{ "so is ::1", "::1", "d.example", "fail", "-all", NULL,
	    "d.example TXT \"v=spf1 -all\"" },
	{ "no client", "", "d.example", "none", NULL, NULL,
	    "d.example TXT \"v=spf1 -all\"" },

	{ "ip4", "192.0.2.1", "d.example", "pass", "ip4:192.0.2.0/24", NULL,
	    "d.example TXT \"v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.0/24 "
	    "-all\"" },
	{ "ip4 with 0 bits", "192.0.2.1", "d.example", "pass",
	    "ip4:0.0.0.0/0", NULL,
	    "d.example TXT \"v=spf1 ip4:0.0.0.0/0 -all\"" },
	{ "a mapped client is IPv4", "::ffff:192.0.2.1", "d.example", "pass",
	    "ip4:192.0.2.1", NULL,
	    "d.example TXT \"v=spf1 ip6:::ffff:192.0.2.1 ip4:192.0.2.1\"" },
	{ "a mapped network has nobody", "::ffff:192.0.2.1", "d.example",
	    "neutral", NULL, NULL,
	    "d.example TXT \"v=spf1 -ip6:::ffff:0.0.0.0/96 -ip6:::/0\"" },
	{ "unless it is wider than that", "2001:db8::1", "d.example", "pass",
	    "ip6:::ffff:192.0.2.1/0", NULL,
	    "d.example TXT \"v=spf1 ip6:::ffff:192.0.2.1/0 -all\"" },
	{ "ip6", "2001:db8::1", "d.example", "pass", "ip6:2001:db8::/33",
	    NULL, "d.example TXT \"v=spf1 ip4:0.0.0.0/0 ip6:2001:db8::/33\"" },
	{ "the hundredth term of a long record", "192.0.2.1", "d.example",
	    "fail", "-all", NULL, "d.example TXT \"v=spf1 " MANY_IP4 MANY_IP4
	    MANY_IP4 MANY_IP4 MANY_IP4 MANY_IP4 MANY_IP4 MANY_IP4 MANY_IP4
	    MANY_IP4 MANY_IP4 "-all\"" },

	{ "a", "192.0.2.1", "d.example", "pass", "a", NULL,
	    "d.example TXT \"v=spf1 a -all\"\nd.example A 198.51.100.1\n"
	    "d.example A 192.0.2.1" },
	{ "a by CNAME", "192.0.2.1", "d.example", "pass", "a:w.d.example",
	    NULL, "d.example TXT \"v=spf1 a:w.d.example -all\"\n"
	    "w.d.example CNAME h.example\nh.example A 192.0.2.1" },
	{ "a in a CNAME loop", "192.0.2.1", "d.example", "temperror", NULL,
	    NULL, "d.example TXT \"v=spf1 a:w.d.example -all\"\n"
	    "w.d.example CNAME w.d.example" },
	{ "a/24", "192.0.2.200", "d.example", "pass", "a/24", NULL,
	    "d.example TXT \"v=spf1 a/24 -all\"\nd.example A 192.0.2.1" },
	{ "a/31 and its neighbour", "192.0.2.2", "d.example", "fail", "-all",
	    NULL, "d.example TXT \"v=spf1 a/31 -all\"\n"
	    "d.example A 192.0.2.1" },
	{ "a//64", "2001:db8::ff", "d.example", "pass", "a/31//64", NULL,
	    "d.example TXT \"v=spf1 a/31//64 -all\"\n"
	    "d.example AAAA 2001:db8::1" },
	{ "a/0", "192.0.2.1", "d.example", "pass", "a/0", NULL,
	    "d.example TXT \"v=spf1 a/0 -all\"\nd.example A 198.51.100.1" },
	{ "a/0 without an address", "192.0.2.1", "d.example", "fail", "-all",
	    NULL, "d.example TXT \"v=spf1 a/0 -all\"\n"
	    "d.example AAAA 2001:db8::1" },
	{ "a//0", "2001:db8::1", "d.example", "pass", "a//0", NULL,
	    "d.example TXT \"v=spf1 a//0 -all\"\nd.example AAAA ::2" },
	{ "a name that cannot be asked", "192.0.2.1", "d.example", "fail",
	    "-all", NULL, "d.example TXT \"v=spf1 a:b..d.example -all\"" },

	{ "mx", "192.0.2.1", "d.example", "pass", "mx", NULL,
	    "d.example TXT \"v=spf1 mx -all\"\nd.example MX 20 b.d.example\n"
	    "d.example MX 10 a.d.example\na.d.example A 198.51.100.1\n"
	    "b.d.example A 192.0.2.1" },
	{ "mx/0", "192.0.2.1", "d.example", "pass", "mx/0", NULL,
	    "d.example TXT \"v=spf1 mx/0 -all\"\n"
	    "d.example MX 10 a.d.example\na.d.example A 198.51.100.1" },
	{ "no implicit mx", "192.0.2.1", "d.example", "fail", "-all", NULL,
	    "d.example TXT \"v=spf1 mx -all\"\nd.example A 192.0.2.1" },
	{ "null mx", "192.0.2.1", "d.example", "fail", "-all", NULL,
	    "d.example TXT \"v=spf1 mx -all\"\nd.example MX 0 ." },
	{ "an earlier host fails", "192.0.2.1", "d.example", "temperror",
	    NULL, NULL, "d.example TXT \"v=spf1 mx -all\"\n"
	    "d.example MX 10 a.d.example\nd.example MX 20 b.d.example\n"
	    "a.d.example SERVFAIL\nb.d.example A 192.0.2.1" },
	{ "a later host fails", "192.0.2.1", "d.example", "pass", "mx", NULL,
	    "d.example TXT \"v=spf1 mx -all\"\n"
	    "d.example MX 10 a.d.example\nd.example MX 20 b.d.example\n"
	    "b.d.example SERVFAIL\na.d.example A 192.0.2.1" },
	{ "eleven hosts", "192.0.2.1", "d.example", "permerror", NULL, NULL,
	    "d.example TXT \"v=spf1 mx -all\"\nd.example MX 1 a.d.example\n"
	    "d.example MX 2 a.d.example\nd.example MX 3 a.d.example\n"
	    "d.example MX 4 a.d.example\nd.example MX 5 a.d.example\n"
	    "d.example MX 6 a.d.example\nd.example MX 7 a.d.example\n"
	    "d.example MX 8 a.d.example\nd.example MX 9 a.d.example\n"
	    "d.example MX 10 a.d.example\nd.example MX 11 a.d.example\n"
	    "a.d.example A 192.0.2.1" },

	{ "exists", "2001:db8::1", "d.example", "pass",
	    "exists:%{l}.%{d}", NULL,
	    "d.example TXT \"v=spf1 exists:%{l}.%{d} -all\"\n"
	    "alice.d.example A 127.0.0.2" },
	{ "exists wants A", "2001:db8::1", "d.example", "fail", "-all", NULL,
	    "d.example TXT \"v=spf1 exists:%{l}.%{d} -all\"\n"
	    "alice.d.example AAAA 2001:db8::1" },
	{ "exists fails", "192.0.2.1", "d.example", "temperror", NULL, NULL,
	    "d.example TXT \"v=spf1 exists:e.d.example -all\"\n"
	    "e.d.example TIMEOUT" },
	{ "the local part as a prefix length", "192.0.2.99", "d.example",
	    "fail", "-all", NULL,
	    "d.example TXT \"v=spf1 a:%{h} -all\"\nhelo/24 A 192.0.2.1" },

	{ "ptr", "192.0.2.1", "d.example", "pass", "ptr", NULL,
	    "d.example TXT \"v=spf1 ptr -all\"\n"
	    "1.2.0.192.in-addr.arpa PTR other.example\n"
	    "1.2.0.192.in-addr.arpa PTR h.d.example\n"
	    "h.d.example A 192.0.2.1" },
	{ "ptr and the domain itself", "2001:db8::1", "d.example", "pass",
	    "ptr:d.example", NULL,
	    "d.example TXT \"v=spf1 ptr:d.example -all\"\n"
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
	    "ip6.arpa PTR D.Example\nd.example AAAA 2001:db8::1" },
	{ "ptr that does not lead back", "192.0.2.1", "d.example", "fail",
	    "-all", NULL, "d.example TXT \"v=spf1 ptr -all\"\n"
	    "1.2.0.192.in-addr.arpa PTR h.d.example\n"
	    "h.d.example A 192.0.2.2" },
	{ "ptr of a domain that ends alike", "192.0.2.1", "d.example", "fail",
	    "-all", NULL, "d.example TXT \"v=spf1 ptr -all\"\n"
	    "1.2.0.192.in-addr.arpa PTR bad.example\n"
	    "bad.example A 192.0.2.1" },
	{ "ptr fails", "192.0.2.1", "d.example", "fail", "-all", NULL,
	    "d.example TXT \"v=spf1 ptr -all\"\n"
	    "1.2.0.192.in-addr.arpa SERVFAIL" },
	{ "a name of ptr fails", "192.0.2.1", "d.example", "pass", "ptr",
	    NULL, "d.example TXT \"v=spf1 ptr -all\"\n"
	    "1.2.0.192.in-addr.arpa PTR a.d.example\n"
	    "1.2.0.192.in-addr.arpa PTR b.d.example\n"
	    "a.d.example TIMEOUT\nb.d.example A 192.0.2.1" },

	{ "include passes", "192.0.2.1", "d.example", "softfail",
	    "~include:i.example", NULL,
	    "d.example TXT \"v=spf1 ~include:i.example -all\"\n"
	    "i.example TXT \"v=spf1 ip4:192.0.2.1 -all\"" },
	{ "include fails", "192.0.2.1", "d.example", "pass", "+all", NULL,
	    "d.example TXT \"v=spf1 include:i.example +all\"\n"
	    "i.example TXT \"v=spf1 -all\"" },
	{ "include is neutral by default", "192.0.2.1", "d.example", "fail",
	    "-all", NULL, "d.example TXT \"v=spf1 include:i.example -all\"\n"
	    "i.example TXT \"v=spf1 ip4:198.51.100.1\"" },
	{ "include finds none", "192.0.2.1", "d.example", "permerror", NULL,
	    NULL, "d.example TXT \"v=spf1 include:i.example -all\"" },
	{ "include of no name", "192.0.2.1", "d.example", "permerror", NULL,
	    NULL, "d.example TXT \"v=spf1 include:a..example -all\"" },
	{ "include meets trouble", "192.0.2.1", "d.example", "temperror",
	    NULL, NULL, "d.example TXT \"v=spf1 include:i.example +all\"\n"
	    "i.example TIMEOUT" },
	{ "trouble within include", "192.0.2.1", "d.example", "temperror",
	    NULL, NULL, "d.example TXT \"v=spf1 include:i.example +all\"\n"
	    "i.example TXT \"v=spf1 a\"\ni.example TIMEOUT A" },
	{ "include is bad", "192.0.2.1", "d.example", "permerror", NULL,
	    NULL, "d.example TXT \"v=spf1 include:i.example +all\"\n"
	    "i.example TXT \"v=spf1 include\"" },
	{ "include has several", "192.0.2.1", "d.example", "permerror", NULL,
	    NULL, "d.example TXT \"v=spf1 include:i.example +all\"\n"
	    "i.example TXT \"v=spf1\"\ni.example TXT \"v=spf1\"" },
	{ "include of itself", "192.0.2.1", "d.example", "permerror", NULL,
	    NULL, "d.example TXT \"v=spf1 include:d.example +all\"" },
	{ "redirect in include", "192.0.2.1", "d.example", "pass",
	    "include:i.example", NULL,
	    "d.example TXT \"v=spf1 include:i.example -all\"\n"
	    "i.example TXT \"v=spf1 redirect=r.example\"\n"
	    "r.example TXT \"v=spf1 ip4:192.0.2.1 -all\"" },
	{ "%{d} in include, %{o} stays", "192.0.2.1", "d.example", "pass",
	    "include:i.example", NULL,
	    "d.example TXT \"v=spf1 include:i.example -all\"\n"
	    "i.example TXT \"v=spf1 exists:%{o}.%{d} -all\"\n"
	    "d.example.i.example A 127.0.0.2" },
	{ "include with a dot at the end", "192.0.2.1", "d.example", "pass",
	    "include:i.example.", NULL,
	    "d.example TXT \"v=spf1 include:i.example. -all\"\n"
	    "i.example TXT \"v=spf1 a:%{d} -all\"\ni.example A 192.0.2.1" },

	{ "redirect", "192.0.2.1", "d.example", "pass", "a", NULL,
	    "d.example TXT \"v=spf1 redirect=r.example\"\n"
	    "r.example TXT \"v=spf1 a -all\"\nr.example A 192.0.2.1" },
	{ "redirect twice", "192.0.2.1", "d.example", "fail", "-all", NULL,
	    "d.example TXT \"v=spf1 redirect=r.example\"\n"
	    "r.example TXT \"v=spf1 redirect=s.example\"\n"
	    "s.example TXT \"v=spf1 -all\"" },
	{ "redirect finds none", "192.0.2.1", "d.example", "permerror", NULL,
	    NULL, "d.example TXT \"v=spf1 redirect=r.example\"" },
	{ "redirect is not reached", "192.0.2.1", "d.example", "pass",
	    "ip4:192.0.2.1", NULL,
	    "d.example TXT \"v=spf1 redirect=r.example ip4:192.0.2.1\"" },
	{ "all beats redirect", "192.0.2.1", "d.example", "neutral", "?all",
	    NULL, "d.example TXT \"v=spf1 redirect=r.example ?all\"" },
	{ "redirect to itself", "192.0.2.1", "d.example", "permerror", NULL,
	    NULL, "d.example TXT \"v=spf1 redirect=%{d}\"" },

	{ "ten terms", "192.0.2.1", "d.example", "pass", "ip4:192.0.2.1",
	    NULL, TEN_ZONE "d.example TXT \"v=spf1 " TEN_A
	    "ip4:192.0.2.1 -all\"" },
	{ "eleven terms", "192.0.2.1", "d.example", "permerror", NULL, NULL,
	    TEN_ZONE "d.example TXT \"v=spf1 " TEN_A
	    "mx ip4:192.0.2.1 -all\"" },
	{ "the eleventh is not reached", "192.0.2.1", "d.example", "pass",
	    "ip4:192.0.2.1", NULL, TEN_ZONE "d.example TXT \"v=spf1 " TEN_A
	    "ip4:192.0.2.1 mx mx mx mx -all\"" },
	{ "eleven terms over two records", "192.0.2.1", "d.example",
	    "permerror", NULL, NULL, TEN_ZONE
	    "d.example TXT \"v=spf1 include:i.example a:a.d.example +all\"\n"
	    "i.example TXT \"v=spf1 a:a.d.example a:a.d.example a:a.d.example "
	    "a:a.d.example a:a.d.example a:a.d.example a:a.d.example "
	    "a:a.d.example a:a.d.example\"" },
	{ "redirect is a term", "192.0.2.1", "d.example", "permerror", NULL,
	    NULL, TEN_ZONE "d.example TXT \"v=spf1 " TEN_A
	    "redirect=r.example\"\nr.example TXT \"v=spf1 +all\"" },
	{ "two void terms", "192.0.2.1", "d.example", "pass", "+all", NULL,
	    "d.example TXT \"v=spf1 a mx +all\"" },
	{ "three void terms", "192.0.2.1", "d.example", "permerror", NULL,
	    NULL, "d.example TXT \"v=spf1 a mx exists:e.example +all\"" },
	{ "three void terms over two records", "192.0.2.1", "d.example",
	    "permerror", NULL, NULL,
	    "d.example TXT \"v=spf1 a include:i.example exists:e.example "
	    "+all\"\ni.example TXT \"v=spf1 mx\"" },
	{ "hosts of one mx are one term", "192.0.2.1", "d.example", "pass",
	    "+all", NULL, "d.example TXT \"v=spf1 mx a +all\"\n"
	    "d.example MX 1 a.d.example\nd.example MX 2 b.d.example\n"
	    "d.example MX 3 c.d.example" },

	{ "mx without any address", "192.0.2.1", "d.example", "permerror",
	    NULL, NULL, "d.example TXT \"v=spf1 mx a exists:e.example "
	    "+all\"\nd.example MX 1 a.d.example\n"
	    "d.example MX 2 b.d.example" },
	{ "mx with one address is not void", "192.0.2.1", "d.example", "pass",
	    "+all", NULL, "d.example TXT \"v=spf1 mx a exists:e.example "
	    "+all\"\nd.example MX 1 a.d.example\n"
	    "d.example MX 2 b.d.example\na.d.example A 198.51.100.1" },

	{ "an explanation", "192.0.2.1", "d.example", "fail", "-all",
	    "192.0.2.1 may not send as alice@d.example to mx.example.org, 100%",
	    "d.example TXT \"v=spf1 -all exp=e.%{d}\"\n"
	    "e.d.example TXT \"%{c} may not send as \" \"%{s} to %{r}, "
	    "100%%\"" },
	{ "no explanation of a softfail", "192.0.2.1", "d.example",
	    "softfail", "~all", NULL,
	    "d.example TXT \"v=spf1 ~all exp=e.d.example\"\n"
	    "e.d.example TXT \"no\"" },
	{ "the explanation of the redirect", "192.0.2.1", "d.example", "fail",
	    "-all", "R", "d.example TXT \"v=spf1 redirect=r.example "
	    "exp=e.d.example\"\nr.example TXT \"v=spf1 -all exp=e.%{d}\"\n"
	    "e.d.example TXT \"D\"\ne.r.example TXT \"R\"" },
	{ "not that of an include", "192.0.2.1", "d.example", "fail",
	    "-include:i.example", "D",
	    "d.example TXT \"v=spf1 -include:i.example exp=e.d.example\"\n"
	    "i.example TXT \"v=spf1 all exp=e.i.example\"\n"
	    "e.d.example TXT \"D\"\ne.i.example TXT \"I\"" },
	{ "two texts are none", "192.0.2.1", "d.example", "fail", "-all",
	    NULL, "d.example TXT \"v=spf1 -all exp=e.d.example\"\n"
	    "e.d.example TXT \"a\"\ne.d.example TXT \"b\"" },
	{ "a text with a bad macro", "192.0.2.1", "d.example", "fail", "-all",
	    NULL, "d.example TXT \"v=spf1 -all exp=e.d.example\"\n"
	    "e.d.example TXT \"%{x}\"" },
	{ "a text with 8-bit", "192.0.2.1", "d.example", "fail", "-all", NULL,
	    "d.example TXT \"v=spf1 -all exp=e.d.example\"\n"
	    "e.d.example TXT \"\\195\\164\"" },
	{ "a text that DNS keeps", "192.0.2.1", "d.example", "fail", "-all",
	    NULL, "d.example TXT \"v=spf1 -all exp=e.d.example\"\n"
	    "e.d.example TIMEOUT" },
	{ "a text with a name that DNS keeps", "192.0.2.1", "d.example",
	    "fail", "-all", "hello unknown",
	    "d.example TXT \"v=spf1 -all exp=e.d.example\"\n"
	    "e.d.example TXT \"hello %{p}\"\n"
	    "1.2.0.192.in-addr.arpa TIMEOUT" },
	{ "a text's look-ups are beyond the limits", "192.0.2.1", "d.example",
	    "fail", "-all", NULL,
	    "d.example TXT \"v=spf1 a mx -all exp=e.d.example\"" },
	{ "%{p}: the domain itself first", "192.0.2.1", "d.example", "fail",
	    "-all", "d.example", "d.example TXT \"v=spf1 -all exp=e.%{d}\"\n"
	    "e.d.example TXT \"%{p}\"\nd.example A 192.0.2.1\n"
	    "z.d.example A 192.0.2.1\nother.example A 192.0.2.1\n"
	    "1.2.0.192.in-addr.arpa PTR other.example\n"
	    "1.2.0.192.in-addr.arpa PTR z.d.example\n"
	    "1.2.0.192.in-addr.arpa PTR d.example" },
	{ "%{p}: then one below it", "192.0.2.1", "d.example", "pass",
	    "exists:%{p}", NULL, "d.example TXT \"v=spf1 exists:%{p} -all\"\n"
	    "z.d.example A 192.0.2.1\n"
	    "1.2.0.192.in-addr.arpa PTR other.example\n"
	    "1.2.0.192.in-addr.arpa PTR z.d.example" },
};

static void
hold(const struct row *row, const struct run *run, const char *how)
{
	const struct spf_outcome *outcome = run->outcome;
	const char *result = spf_result_name(outcome->result);

	if (strcmp(result, row->result) != 0)
		fail_msg("%s (%s): %s, not %s: %s", row->name, how, result,
		    row->result, outcome->reason);
	ROW_EQ(row->name, outcome->term, span_of(row->term));
	ROW_EQ(row->name, outcome->explanation, span_of(row->explanation));
	ROW_IS(row->name, (outcome->term.len > 0) ==
	    (outcome->reason[0] == '\0'));
	ROW_IS(row->name, outcome->terms <= SPF_TERMS_MAX);
	ROW_IS(row->name, outcome->voids <= SPF_VOID_MAX);
}

static void
test_rows(void **state)
{
	struct lookups_options options = { .source = zone_source };
	struct run run = { .waits = 0 };
	struct zone zone;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		zone = (struct zone){ .text = rows[i].zone };
		options.source_arg = &zone;
		ask(&run, rows[i].client, "helo/24", "alice",
		    rows[i].domain);
		evaluate(&run, &options);
		assert_int_equal(run.waits, 0);
		hold(&rows[i], &run, "at once");
		end(&run);
	}
}

static void
test_rows_late(void **state)
{
	struct lookups_options options = { .source = late_source };
	struct run run = { .waits = 0 };
	struct late_zone late;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		late = (struct late_zone){ .zone = { .text = rows[i].zone } };
		options.source_arg = &late;
		ask(&run, rows[i].client, "helo/24", "alice",
		    rows[i].domain);
		evaluate(&run, &options);
		hold(&rows[i], &run, "late");
		end(&run);
		arena_clear(&late.arena);
	}
}

/* ---- identities ---- */

#define IDENTITY_ZONE							\
	"d.example TXT \"v=spf1 -all exp=e.d.example\"\n"		\
	"e.d.example TXT \"%{s} %{h}\"\n"				\
	"_u.d.example TXT \"v=spf1 -all\"\n"				\
	"xn--pl-via.example TXT \"v=spf1 -all exp=e.d.example\"\n"	\
	"exists.example TXT \"v=spf1 exists:%{l}.d.example -all\"\n"	\
	"include.example TXT \"v=spf1 include:%{l}.d.example -all\"\n"	\
	"odd.example TXT \"v=spf1 exists:%{l}.odd.example -all\"\n"	\
	"a\\b.odd.example A 127.0.0.2\n"

static const struct {
	const char *name;
	enum spf_scope scope;
	const char *helo, *local, *domain;
	const char *result, *explanation;
} identities[] = {
	{ "mail from", SPF_SCOPE_MAILFROM, "h.example", "alice", "d.example",
	    "fail", "alice@d.example h.example" },
	{ "no local part", SPF_SCOPE_MAILFROM, "h.example", "", "d.example",
	    "fail", "postmaster@d.example h.example" },
	{ "null sender", SPF_SCOPE_MAILFROM, "d.example", "", "", "fail",
	    "postmaster@d.example d.example" },
	{ "helo", SPF_SCOPE_HELO, "d.example", "alice", "other.example",
	    "fail", "postmaster@d.example d.example" },
	{ "helo with a dot", SPF_SCOPE_HELO, "d.example.", "", "", "fail",
	    "postmaster@d.example d.example." },
	{ "helo of one label", SPF_SCOPE_HELO, "example", "", "", "none",
	    NULL },
	{ "no helo", SPF_SCOPE_HELO, "", "", "", "none", NULL },
	{ "a literal", SPF_SCOPE_HELO, "[192.0.2.1]", "", "", "none", NULL },
	{ "an address", SPF_SCOPE_HELO, "192.0.2.1", "", "", "none", NULL },
	{ "garbage", SPF_SCOPE_HELO, "a b\1.example", "", "", "none", NULL },
	{ "empty label", SPF_SCOPE_HELO, "a..d.example", "", "", "none",
	    NULL },
	{ "two dots at the end", SPF_SCOPE_HELO, "d.example..", "", "",
	    "none", NULL },
	{ "long label", SPF_SCOPE_MAILFROM, "h.example", "alice",
	    "a234567890123456789012345678901234567890123456789012345678901234"
	    ".d.example", "none", NULL },
	{ "a literal domain", SPF_SCOPE_MAILFROM, "h.example", "alice",
	    "[192.0.2.1]", "none", NULL },
	{ "a local part alone", SPF_SCOPE_MAILFROM, "d.example", "alice", "",
	    "none", NULL },
	{ "an underscore", SPF_SCOPE_MAILFROM, "d.example", "alice",
	    "_u.d.example", "fail", "" },
	{ "U-labels", SPF_SCOPE_HELO, "p\xc3\xa4l.example", "", "", "fail",
	    "postmaster@xn--pl-via.example p??l.example" },
	{ "a blank in the local part", SPF_SCOPE_MAILFROM, "h.example",
	    "Macro Error", "d.example", "fail",
	    "Macro Error@d.example h.example" },
	{ "a backslash in it", SPF_SCOPE_MAILFROM, "h.example", "a\\b",
	    "odd.example", "pass", NULL },
	{ "a local part that no name has", SPF_SCOPE_MAILFROM, "h.example",
	    "p\xc3\xa4l", "exists.example", "fail", "" },
	{ "and one that is to be included", SPF_SCOPE_MAILFROM, "h.example",
	    "p\xc3\xa4l", "include.example", "fail", "" },
};

static void
test_identities(void **state)
{
	struct zone zone = { .text = IDENTITY_ZONE };
	struct lookups_options options = { .source = zone_source,
	    .source_arg = &zone };
	struct run run = { .waits = 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(identities); i++) {
		ask(&run, "192.0.2.1", identities[i].helo,
		    identities[i].local, identities[i].domain);
		run.question.scope = identities[i].scope;
		evaluate(&run, &options);
		if (strcmp(spf_result_name(run.outcome->result),
		    identities[i].result) != 0)
			fail_msg("%s: %s: %s", identities[i].name,
			    spf_result_name(run.outcome->result),
			    run.outcome->reason);
		ROW_EQ(identities[i].name, run.outcome->explanation,
		    span_of(identities[i].explanation));
		end(&run);
	}
}

/* ---- bounds ---- */

static void
test_explanations_are_cut(void **state)
{
	struct zone zone = { .text =
	    "d.example TXT \"v=spf1 -all exp=%{d}.e\"\n"
	    "d.example.e TXT \"%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}"
	    "%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}"
	    "%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}\"" };
	struct lookups_options options = { .source = zone_source,
	    .source_arg = &zone };
	struct run run = { .waits = 0 };

	(void)state;
	ask(&run, "192.0.2.1", "h.example", "a.long.local.part.\xc3\xa4",
	    "d.example");
	evaluate(&run, &options);
	assert_int_equal(run.outcome->explanation.len, SPF_EXPLANATION_MAX);
	assert_memory_equal(run.outcome->explanation.p,
	    "a.long.local.part.??@d.examplea.long", 36);
	end(&run);
}

/* Over the message's bound of questions: a lasting defect. */
static void
test_the_message_s_bound(void **state)
{
	struct zone zone = { .text =
	    "d.example TXT \"v=spf1 mx include:i.example -all\"\n"
	    "d.example MX 1 a.example\nd.example MX 2 b.example\n"
	    "d.example MX 3 c.example\nd.example MX 4 e.example\n"
	    "i.example TXT \"v=spf1 +all\"\n" };
	struct lookups_options options = { .source = zone_source,
	    .source_arg = &zone, .max_queries = 5 };
	struct run run = { .waits = 0 };

	(void)state;
	ask(&run, "192.0.2.1", "h.example", "alice", "d.example");
	evaluate(&run, &options);
	assert_int_equal(run.outcome->result, SPF_PERMERROR);
	assert_true(lookups_over_limit(run.lookups));
	end(&run);
}

/* Independent look-ups wait together; what is not needed is not asked for. */
static const struct {
	const char *name, *zone;
	unsigned waits, questions;
} costs[] = {
	{ "a match in the record itself",
	    "d.example TXT \"v=spf1 ip4:192.0.2.1 a mx include:i.example\"",
	    1, 1 },
	{ "terms are asked for in their turn",
	    "d.example TXT \"v=spf1 a mx include:i.example\"\n"
	    "d.example A 192.0.2.1", 2, 2 },
	{ "the hosts of an mx together",
	    "d.example TXT \"v=spf1 mx -all\"\n"
	    "d.example MX 1 a.example\nd.example MX 2 b.example\n"
	    "d.example MX 3 c.example\nd.example MX 4 e.example\n",
	    3, 6 },
	{ "three includes in a row together",
	    "d.example TXT \"v=spf1 include:a.example ip4:198.51.100.1 "
	    "include:b.example include:c.example -all\"\n"
	    "a.example TXT \"v=spf1 ?all\"\nb.example TXT \"v=spf1 ?all\"\n"
	    "c.example TXT \"v=spf1 ?all\"\n", 2, 4 },
	{ "but not past a match",
	    "d.example TXT \"v=spf1 include:a.example ip4:192.0.2.1 "
	    "include:b.example -all\"\n"
	    "a.example TXT \"v=spf1 ?all\"\nb.example TXT \"v=spf1 ?all\"\n",
	    2, 2 },
	{ "three levels",
	    "d.example TXT \"v=spf1 include:a.example include:x.example "
	    "-all\"\na.example TXT \"v=spf1 include:b.example ?all\"\n"
	    "b.example TXT \"v=spf1 include:c.example ?all\"\n"
	    "c.example TXT \"v=spf1 ip4:192.0.2.1\"\n"
	    "x.example TXT \"v=spf1 ?all\"\n", 4, 5 },
	{ "a syntax error ends it",
	    "d.example TXT \"v=spf1 include:a.example foo\"\n"
	    "a.example TXT \"v=spf1 ?all\"", 1, 1 },
};

static void
test_costs(void **state)
{
	struct lookups_options options = { .source = late_source };
	struct run run = { .waits = 0 };
	struct late_zone late;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(costs); i++) {
		late = (struct late_zone){ .zone = { .text = costs[i].zone } };
		options.source_arg = &late;
		ask(&run, "192.0.2.1", "h.example", "alice", "d.example");
		evaluate(&run, &options);
		if (run.waits != costs[i].waits ||
		    run.questions != costs[i].questions)
			fail_msg("%s: %u waits, %u questions", costs[i].name,
			    run.waits, run.questions);
		end(&run);
		arena_clear(&late.arena);
	}
}

/* ---- the trace ---- */

static void
test_steps(void **state)
{
	static const struct spf_step want[] = {
		{ SPAN_LIT("d.example"), SPAN_LIT(""), "record found", 0 },
		{ SPAN_LIT("d.example"), SPAN_LIT("a"), "void", 0 },
		{ SPAN_LIT("d.example"), SPAN_LIT("ip4:198.51.100.1"),
		    "no match", 0 },
		{ SPAN_LIT("d.example"), SPAN_LIT("include:i.example"),
		    "no match", 0 },
		{ SPAN_LIT("i.example"), SPAN_LIT(""), "record found", 1 },
		{ SPAN_LIT("i.example"), SPAN_LIT("-all"), "match", 1 },
		{ SPAN_LIT("d.example"), SPAN_LIT("redirect=r.example"),
		    "followed", 0 },
		{ SPAN_LIT("r.example"), SPAN_LIT(""), "record found", 1 },
		{ SPAN_LIT("r.example"), SPAN_LIT("~all"), "match", 1 },
	};
	struct zone zone = { .text = "d.example TXT \"v=spf1 a "
	    "ip4:198.51.100.1 include:i.example redirect=r.example\"\n"
	    "i.example TXT \"v=spf1 -all\"\nr.example TXT \"v=spf1 ~all\"" };
	struct lookups_options options = { .source = zone_source,
	    .source_arg = &zone };
	struct run run = { .waits = 0 };
	const struct spf_step *step;
	size_t i;

	(void)state;
	ask(&run, "192.0.2.1", "h.example", "alice", "d.example");
	evaluate(&run, &options);
	assert_int_equal(run.outcome->step_count, ARRAY_LEN(want));
	for (i = 0; i < ARRAY_LEN(want); i++) {
		step = &run.outcome->steps[i];
		ROW_EQ("domain", step->domain, want[i].domain);
		ROW_EQ("term", step->term, want[i].term);
		assert_string_equal(step->outcome, want[i].outcome);
		assert_int_equal(step->depth, want[i].depth);
	}
	SPAN_IS(run.outcome->term_domain, "r.example");
	assert_int_equal(run.outcome->terms, 3);
	assert_int_equal(run.outcome->voids, 1);
	end(&run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_rows_late),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_explanations_are_cut),
		cmocka_unit_test(test_the_message_s_bound),
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
