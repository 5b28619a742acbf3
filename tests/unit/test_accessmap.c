#include "tests/unit/tables.h"

#include "common/tables/accessmap.h"

static const struct dataset_place place = { "policy.conf", 3, "Access",
    NULL };

static const char *const verbs[] = { "OK", "REJECT", "DEFER", "DUNNO", "HOLD",
    "DISCARD", "PREPEND", "REDIRECT", "WARN" };

/* "VERB code enhanced text", as far as there is one. */
static void
describe(const struct access_action *action, struct strbuf *out)
{
	strbuf_adds(out, verbs[action->verb]);
	if (action->code != 0)
		strbuf_addf(out, " %u", action->code);
	if (action->enhanced.len > 0)
		strbuf_addf(out, " %.*s", SPAN_ARG(action->enhanced));
	if (action->text.len > 0)
		strbuf_addf(out, " %.*s", SPAN_ARG(action->text));
}

static bool
ask(const struct access_map *map, enum access_subject subject,
    const char *name, const char *other, struct arena *arena,
    struct access_action *action)
{
	struct ipaddr ip = { 0 };
	struct address address;

	switch (subject) {
	case ACCESS_CLIENT:
		if (!ipaddr_parse(span_of(other), &ip))
			ip.family = 0;
		return access_map_client(map, span_of(name), &ip, arena, NULL,
		    action);
	case ACCESS_HELO:
		return access_map_helo(map, span_of(name), arena, NULL, action);
	case ACCESS_HEADER:
		return access_map_header(map, span_of(name), span_of(other),
		    arena, NULL, action);
	default:
		address_parse_path(span_of(name), arena, &address);
		return access_map_address(map, &address, arena, NULL, action);
	}
}

struct look {
	const char *name, *other;
	const char *want;	/* NULL: nothing is found */
};

static void
hold(const char *table, const char *type, enum access_subject subject,
    const struct look *looks, size_t count)
{
	struct strbuf spec = STRBUF_INIT, got = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct access_action action;
	struct access_map *map;
	size_t i;

	scratch_write("table", span_of(table), 0644);
	strbuf_addf(&spec, "%s%s", type, scratch_path("table"));
	map = access_map_load(spec.s, subject, &place, &diag);
	row_says(type, &diag, "");
	for (i = 0; i < count; i++) {
		strbuf_reset(&got);
		if (ask(map, subject, looks[i].name, looks[i].other, &arena,
		    &action)) {
			describe(&action, &got);
			assert_true(span_starts(action.row,
			    SPAN_LIT("table:")));
		}
		if (!span_is(strbuf_span(&got), looks[i].want != NULL ?
		    looks[i].want : ""))
			fail_msg("%s %s %s: %s, not %s", type, looks[i].name,
			    looks[i].other, strbuf_str(&got), looks[i].want);
	}
	access_map_free(map);
	arena_clear(&arena);
	strbuf_clear(&spec);
	strbuf_clear(&got);
}

#define HOLD(table, type, subject, looks) \
	hold((table), (type), (subject), (looks), ARRAY_LEN(looks))

static const char clients[] =
    "\xef\xbb\xbf# clients\n"
    "\n"
    "Example.COM    REJECT 5.7.9 No mail\n"
    "   # a comment between\n"
    "\tfrom you\n"
    "ok.example.com OK\n"
    ".example.org   DEFER\n"
    "both.example   OK\n"
    ".both.example  REJECT below\n"
    "unknown        450 4.7.25 No name\n"
    "192.0.2        REJECT net\n"
    "192.0.2.7      OK\n"
    "192.0.2.128/25 HOLD half\n"
    "10             1234567\n"
    "2001:db8       DUNNO\n"
    "2001:db8:1::/48 WARN seen\n"
    "2001:DB8:0::5  554 Go away\n"
    "fe80:1:2       INFO link\n"
    "b\xc3\xbc" "cher.example DISCARD\n";

static const struct look client_looks[] = {
	{ "example.com", "203.0.113.1", "REJECT 5.7.9 No mail from you" },
	{ "a.b.EXAMPLE.com.", "203.0.113.1", "REJECT 5.7.9 No mail from you" },
	{ "ok.example.com", "192.0.2.1", "OK" },
	{ "x.ok.example.com", "", "OK" },
	{ "notexample.com", "", NULL },
	{ "example.org", "", NULL },
	{ "a.b.example.org", "", "DEFER" },
	{ "both.example", "", "OK" },
	{ "a.both.example", "", "REJECT below" },
	{ "unknown", "10.1.2.3", "DEFER 450 4.7.25 No name" },
	{ "", "10.1.2.3", "OK" },
	{ "", "::ffff:10.1.2.3", "OK" },
	{ "host.example", "192.0.2.1", "REJECT net" },
	{ "", "192.0.2.7", "OK" },
	{ "", "192.0.2.200", "HOLD half" },
	{ "", "192.0.3.1", NULL },
	{ "", "2001:db8::6", "DUNNO" },
	{ "", "2001:db8:1::6", "WARN seen" },
	{ "", "2001:db8::5", "REJECT 554 Go away" },
	{ "", "fe80:1:2:3::1", "WARN link" },
	{ "", "fe80:1:3::1", NULL },
	{ "mx.xn--bcher-kva.example", "", "DISCARD" },
	{ "192.0.2.7", "", NULL },
	{ "", "", NULL },
	{ ".", "", NULL },
	{ "..", "", NULL },
	{ "...example.com", "", "REJECT 5.7.9 No mail from you" },
};

static const char helos[] =
    "localhost REJECT\n"
    "[192.0.2.1] DEFER\n"
    "192.0.2.2 DUNNO\n"
    "2.2 REJECT wrong\n"
    "ylmf-pc 521 Bot\n"
    "my_host HOLD\n"
    ".dyn.example WARN\n";

static const struct look helo_looks[] = {
	{ "LOCALHOST", "", "REJECT" },
	{ "localhost.", "", "REJECT" },
	{ "[192.0.2.1]", "", "DEFER" },
	{ "192.0.2.2", "", "DUNNO" },
	{ "192.0.2.3", "", NULL },
	{ "1.2.2.2", "", NULL },
	{ "[1.2.2.2]", "", NULL },
	{ "a.dyn.example", "", "WARN" },
	{ "dyn.example", "", NULL },
	{ "ylmf-PC", "", "REJECT 521 Bot" },
	{ "my_host", "", "HOLD" },
	{ "", "", NULL },
};

static const char mails[] =
    "user@example.com REJECT one\n"
    "user+tag@example.com OK\n"
    "example.com REDIRECT <\"a b\"@Example.org>\n"
    ".sub.example HOLD\n"
    "<> PREPEND X-Null:  yes \n"
    "Abuse@ OK\n"
    "user+t2@ DEFER two\n"
    "\"q q\"@example.com 550 5.1.1 quoted\n"
    "[192.0.2.1] REJECT literal\n"
    "b\xc3\xbc@xn--bcher-kva.example DISCARD gone\n";

static const struct look mail_looks[] = {
	{ "<User@EXAMPLE.com>", "", "REJECT one" },
	{ "<user+other@example.com>", "", "REJECT one" },
	{ "<user+TAG@example.com>", "", "OK" },
	{ "<other@example.com>", "", "REDIRECT \"a b\"@example.org" },
	{ "<other@x.example.com>", "", "REDIRECT \"a b\"@example.org" },
	{ "<abuse@example.com>", "", "REDIRECT \"a b\"@example.org" },
	{ "<abuse+x@example.net>", "", "OK" },
	{ "<user+t2@example.net>", "", "DEFER two" },
	{ "<user@example.net>", "", NULL },
	{ "<+abuse@example.net>", "", NULL },
	{ "<x@a.b.sub.example>", "", "HOLD" },
	{ "<x@sub.example>", "", NULL },
	{ "<>", "", "PREPEND X-Null:  yes" },
	{ "<\"q q\"@example.com>", "", "REJECT 550 5.1.1 quoted" },
	{ "<\"user\"@example.com>", "", "REJECT one" },
	{ "<x@[192.0.2.1]>", "", "REJECT literal" },
	{ "<b\xc3\xbc@b\xc3\xbc" "cher.example>", "", "DISCARD gone" },
};

static const char cidrs[] =
    "192.0.2.1 OK\n"
    "192.0.2.0/24 REJECT net\n"
    "192.0.2.128/25 OK\n"	/* never */
    "if 10.0.0.0/8\n"
    "!10.1.0.0/16 DUNNO\n"
    "IF !10.1.2.0/24\n"
    "10.1.3.0/24 HOLD\n"
    "endif\n"
    "10.1.2.0/24 DEFER inner\n"
    "ENDIF\n"
    "10.1.2.3 REJECT never\n"
    "10.0.0.0/8 WARN rest\n"
    "!2001:db8::/32 DISCARD\n"
    "[2001:db8::1] OK\n"
    "::/0 REJECT 6\n";

static const struct look cidr_looks[] = {
	{ "", "192.0.2.1", "OK" },
	{ "", "192.0.2.200", "REJECT net" },
	{ "", "10.2.3.4", "DUNNO" },
	{ "", "10.1.3.1", "HOLD" },
	{ "", "10.1.2.3", "DEFER inner" },
	{ "", "10.1.4.1", "WARN rest" },
	{ "", "11.0.0.1", NULL },
	{ "", "2001:db9::1", "DISCARD" },
	{ "", "2001:db8::1", "OK" },
	{ "", "2001:db8::2", "REJECT 6" },
	{ "10.1.2.3", "", NULL },
};

static const char posix[] =
    "/^(.*)-outgoing@(.*)$/ 550 Use ${1}@$(2) instead\n"
    "if /^x/\n"
    "!/y/ REJECT x without y\n"
    "/CASE/i OK\n"
    "endif\n"
    "|^a/b| DUNNO $$1\n"
    "/^r-(.*)@/ REDIRECT $1@example.org\n"
    "/^r-/ REJECT no address\n"
    "/^p(.)/\n   PREPEND X-P: <$1>$$\n"
    "/^<>$/ DEFER null\n";

static const struct look posix_looks[] = {
	{ "list-outgoing@example.com", "", "REJECT 550 Use list@example.com "
	    "instead" },
	{ "Xa@example.com", "", "REJECT x without y" },
	{ "xyCASE@example.com", "", "OK" },
	{ "xycase@example.com", "", NULL },
	{ "A/B@example.com", "", "DUNNO" },
	{ "r-me@example.com", "", "REDIRECT me@example.org" },
	{ "\"r-b c\"@example.com", "", "REJECT no address" },
	{ "p\xc3\xa4@example.com", "", "PREPEND X-P: <?>$" },
	{ "<>", "", "DEFER null" },
};

static const char pcres[] =
    "/^Subject: (?<w>\\w+)\\s+\\d{3}$/ REJECT $1\n"
    "/^X-Long: (a+)+$/ REJECT never\n"
    "/^X-Long: a/ HOLD slow\n"
    "/^to:.*  b/x WARN spaces\n"
    "/^Date:$/ DISCARD\n";

static const struct look pcre_looks[] = {
	{ "SUBJECT", " offer\r\n\t100", "REJECT offer" },
	{ "Subject", "offer 100", NULL },
	{ "To", " a@b", "WARN spaces" },
	{ "Date", "", "DISCARD" },
	{ "X-Long", " aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
	    "HOLD slow" },
};

static const char greys[] =
    "# comment\n"
    "debian.org   # lists\n"
    "/^ms-smtp.*\\.rr\\.com$/\n"
    "66.216.126.174\n"
    "195.235.39\n"
    "51.4\n"
    "51.5.80.0/27\n"
    "2a01:4180:4051:0800::/64\n"
    "  rz.hu-berlin.de \n";

static const struct look grey_looks[] = {
	{ "bendel.debian.org", "", "OK" },
	{ "debian.org", "", "OK" },
	{ "notdebian.org", "", NULL },
	{ "MS-SMTP-01.texas.rr.com", "", "OK" },
	{ "x.ms-smtp.rr.com", "", NULL },
	{ "unknown", "66.216.126.174", "OK" },
	{ "unknown", "195.235.39.1", "OK" },
	{ "unknown", "51.4.200.1", "OK" },
	{ "unknown", "51.5.80.31", "OK" },
	{ "unknown", "51.5.80.32", NULL },
	{ "unknown", "2a01:4180:4051:800::1", "OK" },
	{ "a.rz.hu-berlin.de", "", "OK" },
};

static const char grey_mails[] =
    "postmaster@\n"
    "user@example.com\n"
    "example.net\n"
    "/^list-.*@lists\\./\n";

static const struct look grey_mail_looks[] = {
	{ "postmaster@a.example", "", "OK" },
	{ "Postmaster+x@a.example", "", "OK" },
	{ "user@example.com", "", "OK" },
	{ "user+x@Example.com", "", "OK" },
	{ "user@x.example.com", "", NULL },
	{ "a@example.net", "", "OK" },
	{ "a@b.example.net", "", "OK" },
	{ "list-a@lists.example", "", "OK" },
	{ "other@lists.example", "", NULL },
};

static void
test_tables(void **state)
{
	uint64_t limited = access_map_limited();

	(void)state;
	HOLD(clients, "", ACCESS_CLIENT, client_looks);
	HOLD(clients, "hash:", ACCESS_CLIENT, client_looks);
	HOLD(helos, "texthash:", ACCESS_HELO, helo_looks);
	HOLD(mails, "file:", ACCESS_SENDER, mail_looks);
	HOLD(mails, "btree:", ACCESS_RECIPIENT, mail_looks);
	HOLD(cidrs, "cidr:", ACCESS_CLIENT, cidr_looks);
	HOLD(posix, "regexp:", ACCESS_SENDER, posix_looks);
	assert_true(access_map_limited() == limited);
	HOLD(pcres, "pcre:", ACCESS_HEADER, pcre_looks);
	assert_true(access_map_limited() == limited + 1);
	HOLD(greys, "postgrey:", ACCESS_CLIENT, grey_looks);
	HOLD(grey_mails, "postgrey:", ACCESS_RECIPIENT, grey_mail_looks);
}

/* The client's name is asked of all rows before its address. */
static void
test_order(void **state)
{
	static const struct look looks[] = {
		{ "unknown", "192.0.2.1", "DEFER name" },
		{ "a.example", "192.0.2.1", "REJECT address" },
		{ "a.example", "", NULL },
	};

	(void)state;
	HOLD("/^192/ REJECT address\n/^unknown$/ DEFER name\n", "regexp:",
	    ACCESS_CLIENT, looks);
}

#define SAYS(line, level, text) \
	"DIR/table:" line ": " level ": Access: " text "\n"
#define CONF(text)	"policy.conf:3: error: Access: " text "\n"

static const struct {
	enum access_subject subject;
	const char *type, *text;
	bool loads;
	const char *says;
} faults[] = {
	{ ACCESS_SENDER, "", "a.example\n", false, SAYS("1", "error", "the row "
	    "has no action; write one behind it, such as OK or REJECT") },
	{ ACCESS_SENDER, "", "a.example  FILTER smtp:x\n", false, SAYS("1",
	    "error", "\"FILTER\" sends mail to a content filter, which only "
	    "Postfix can; keep that row in a table of main.cf") },
	{ ACCESS_SENDER, "", "# x\na.example\n  permit\n", false, SAYS("2",
	    "error", "\"permit\" is a restriction; write OK") },
	{ ACCESS_SENDER, "", "a.example reject_unauth_destination\n", false,
	    SAYS("1", "error", "\"reject_unauth_destination\" is no action; "
	    "there are OK, REJECT, DEFER, 4NN TEXT and 5NN TEXT, DUNNO, HOLD, "
	    "DISCARD, PREPEND, REDIRECT, WARN and INFO; restrictions and "
	    "their classes are for main.cf") },
	{ ACCESS_SENDER, "", "a.example 550\n", true, SAYS("1", "warning",
	    "550 with no text behind it means OK, as all numbers do; write "
	    "REJECT, DEFER or 550 TEXT") },
	{ ACCESS_SENDER, "", "a.example 250 fine\nb.example 569 x\n", false,
	    SAYS("1", "error", "\"250\" is no code of an answer; write 4NN "
	    "TEXT or 5NN TEXT") SAYS("2", "error", "\"569\" is no code of an "
	    "answer; write 4NN TEXT or 5NN TEXT") },
	{ ACCESS_SENDER, "", "a.example 550 4.7.1 x\n", true, SAYS("1",
	    "warning", "the status 4.7.1 is not of the class of its answer; "
	    "it is read as 5.7.1, write that") },
	{ ACCESS_SENDER, "", "a.example REJECT \xc3\xa4\n", true, SAYS("1",
	    "warning", "\"\xc3\xa4\" has characters that are not ASCII; each "
	    "of their bytes becomes \"?\"") },
	{ ACCESS_SENDER, "", "a.example PREPEND X-A\nb.example PREPEND X A: b\n"
	    "c.example PREPEND X-\xc3\xa4: b\nd.example PREPEND X-A: \xc3\xa4\n",
	    false, SAYS("1", "error", "\"X-A\" is no header field; write "
	    "PREPEND Name: value")
	    SAYS("2", "error", "\"X A: b\" is no header field; write PREPEND "
	    "Name: value")
	    SAYS("3", "error", "\"X-\xc3\xa4: b\" is no header field; write "
	    "PREPEND Name: value")
	    SAYS("4", "error", "\"X-A: \xc3\xa4\" has characters that are not "
	    "ASCII; write them as an encoded word (RFC 2047)") },
	{ ACCESS_SENDER, "", "a.example REDIRECT user\n", false, SAYS("1",
	    "error", "\"user\" is no address; write REDIRECT user@domain") },
	{ ACCESS_SENDER, "", "*@example.com OK\nuser@* OK\n*.example.com OK\n",
	    false, SAYS("1", "error", "\"*@example.com\" has no user before "
	    "the \"@\"; write the domain alone")
	    SAYS("2", "error", "\"user@*\" has no domain behind the \"@\"; "
	    "write user@domain, or user@ for every domain")
	    SAYS("3", "error", "\"*.example.com\" is neither an address nor a "
	    "domain; write user@domain, domain, .domain, user@ or <>") },
	{ ACCESS_SENDER, "", "a.example OK\nA.example. REJECT\n", true,
	    SAYS("2", "warning", "\"a.example\" is there already, on line 1, "
	    "and that row counts; remove one of them") },
	{ ACCESS_SENDER, "", " a.example OK\nb.example OK\n", false, SAYS("1",
	    "error", "begins with blanks, but there is no row before it that "
	    "it could go on with") },
	{ ACCESS_SENDER, "", "a.example O\001K\n", false, SAYS("1", "error",
	    "the row holds a control character; is this a text file?") },
	{ ACCESS_CLIENT, "", "*.example.com OK\n", false, SAYS("1", "error",
	    "\"*.example.com\" has a \"*\", which is a character like others "
	    "here; write example.com, which means what is below it too, or "
	    ".example.com") },
	{ ACCESS_CLIENT, "", "192.0.2.5/24 OK\n192.0.2 OK\n300.1 OK\n", false,
	    SAYS("1", "warning", "\"192.0.2.5/24\" has bits set behind its "
	    "prefix; it is read as 192.0.2.0/24, write that")
	    SAYS("2", "warning", "the network is there already, on line 1, "
	    "and that row counts; remove one of them")
	    SAYS("3", "error", "\"300.1\" is no full IPv4 address; write a "
	    "network as 192.0.2.0/24") },
	{ ACCESS_HELO, "", "*.example OK\n", false, SAYS("1", "error",
	    "\"*.example\" is nothing that HELO says; write a host name, "
	    ".example.com or [192.0.2.1]") },
	{ ACCESS_CLIENT, "cidr:", "192.0.2.0/33 OK\n192.0.2.1/24 OK\n"
	    "host.example OK\n", false,
	    SAYS("1", "error", "\"192.0.2.0/33\" is no address or network; "
	    "write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32")
	    SAYS("2", "error", "\"192.0.2.1/24\" has bits set behind its "
	    "prefix; make them 0, or write the address alone")
	    SAYS("3", "error", "\"host.example\" is no address or network; "
	    "write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32") },
	{ ACCESS_CLIENT, "cidr:", "endif\nif 10.0.0.0/8\nif ::/0 x\n"
	    "endif y\n", false,
	    SAYS("1", "error", "there is no if that this endif ends; remove "
	    "it")
	    SAYS("3", "error", "\"x\" stands behind the network of an if; "
	    "write it on a line of its own")
	    SAYS("4", "error", "\"y\" stands behind endif; begin the next row "
	    "at the line's start")
	    SAYS("2", "error", "this if has no endif; write one behind its "
	    "last row") },
	{ ACCESS_SENDER, "pcre:", "if /a/\nif /(/\nendif\n/b/ OK\n", false,
	    SAYS("2", "error", "the pattern \"(\": missing closing "
	    "parenthesis, at offset 1")
	    SAYS("1", "error", "this if has no endif; write one behind its "
	    "last row") },
	{ ACCESS_SENDER, "pcre:", "/a/ $1 x\n/(a)/ REJECT $2\n/a/ REJECT a$\n"
	    "!/(a)/ REJECT $1\n/(a)/ PREPEND X-$1: y\n/a/ REJECT $1b\n", false,
	    SAYS("1", "error", "\"$1\" is no action; there are OK, REJECT, "
	    "DEFER, 4NN TEXT and 5NN TEXT, DUNNO, HOLD, DISCARD, PREPEND, "
	    "REDIRECT, WARN and INFO; restrictions and their classes are for "
	    "main.cf")
	    SAYS("2", "error", "\"$2\" has a $1 of a group that the pattern "
	    "has not; write $$ for the character")
	    SAYS("3", "error", "\"a$\" has a \"$\" with no number of a group "
	    "behind it; write $1 or ${1}, and $$ for the character")
	    SAYS("4", "error", "\"$1\" has a $1, but a \"!\" before the "
	    "pattern: what does not match has no groups; write $$ for the "
	    "character")
	    SAYS("5", "error", "a $1 cannot be the name of a field; write "
	    "PREPEND Name: $1")
	    SAYS("6", "error", "\"$1b\" has a \"$\" with no number of a group "
	    "behind it; write $1 or ${1}, and $$ for the character") },
	{ ACCESS_SENDER, "regexp:", "/\\d/ OK\n/a/x OK\n/a/!/b/ OK\n/a OK\n"
	    "a OK\n/a/q OK\n/(?i)a/ OK\n", false,
	    SAYS("1", "warning", "\"\\d\" is the letter d in regexp: tables; "
	    "write that, or make the table a pcre: one")
	    SAYS("2", "error", "basic expressions, by the flag x, are not "
	    "read; write it as an extended one, without x")
	    SAYS("3", "error", "two patterns in a row are not read; write if "
	    "and endif around the second")
	    SAYS("4", "error", "\"/a OK\": the pattern has no end; write a "
	    "second \"/\"")
	    SAYS("5", "error", "\"a OK\" begins with no pattern; write "
	    "/pattern/ ACTION")
	    SAYS("6", "error", "\"q\" has a letter behind the pattern that "
	    "means nothing there; the action comes after a blank")
	    SAYS("7", "error", "the pattern \"(?i)a\": has a \"(?\", which is "
	    "Perl's; make the table a pcre: one") },
	{ ACCESS_CLIENT, "postgrey:", "a.example b.example\n/(/\n*.x.example\n",
	    false, SAYS("1", "error", "\"a.example\" is followed by "
	    "something; write one entry a line")
	    SAYS("2", "error", "the pattern \"(\": missing closing "
	    "parenthesis, at offset 1")
	    SAYS("3", "error", "\"*.x.example\" has a \"*\", which is a "
	    "character like others here; write example.com, which means what "
	    "is below it too, or .example.com") },
};

static void
test_faults(void **state)
{
	struct strbuf spec = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct access_map *map;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(faults); i++) {
		scratch_write("table", span_of(faults[i].text), 0644);
		strbuf_reset(&spec);
		strbuf_addf(&spec, "%s%s", faults[i].type,
		    scratch_path("table"));
		map = access_map_load(spec.s, faults[i].subject, &place,
		    &diag);
		ROW_IS(faults[i].text, (map != NULL) == faults[i].loads);
		access_map_free(map);
		row_says(faults[i].text, &diag, faults[i].says);
	}
	strbuf_clear(&spec);
}

static const struct {
	enum access_subject subject;
	const char *spec;
	const char *says;
} specs[] = {
	{ ACCESS_CLIENT, "mysql:/etc/x", CONF("\"mysql:/etc/x\" is of a type "
	    "that is not read; export its rows to a text file and write "
	    "texthash:/path; there are texthash:, hash:, btree:, lmdb:, "
	    "cidr:, regexp:, pcre: and postgrey:") },
	{ ACCESS_CLIENT, "access-client", CONF("\"access-client\" is no "
	    "table; write TYPE:/path, or /path") },
	{ ACCESS_CLIENT, "cidr:", CONF("\"cidr:\" is no table; write "
	    "TYPE:/path, or /path") },
	{ ACCESS_HEADER, "hash:/x", CONF("\"hash:/x\": hash: tables are not "
	    "for header fields; use a regexp: or pcre: one") },
	{ ACCESS_SENDER, "cidr:/x", CONF("\"cidr:/x\": cidr: tables are not "
	    "for senders; use a hash:, regexp: or pcre: one") },
	{ ACCESS_HELO, "postgrey:/x", CONF("\"postgrey:/x\": postgrey: tables "
	    "are not for HELO names; use a hash:, regexp: or pcre: one") },
	{ ACCESS_CLIENT, "hash:DIR/none", CONF("DIR/none: No such file or "
	    "directory") },
	{ ACCESS_CLIENT, "hash:DIR/made", CONF("there is only DIR/made.db, "
	    "and that is not read, but the text it was made of; write that "
	    "again (postmap -s TYPE:DIR/made > DIR/made)") },
};

static void
test_specs(void **state)
{
	struct diag diag = DIAG_INIT;
	size_t i;

	(void)state;
	scratch_write("made.db", SPAN_LIT("x"), 0644);
	for (i = 0; i < ARRAY_LEN(specs); i++) {
		assert_null(access_map_load(scratch_text(specs[i].spec).p,
		    specs[i].subject, &place, &diag));
		row_says(specs[i].spec, &diag, specs[i].says);
	}
}

/* The first table that knows decides; one that says DUNNO knows. */
static void
test_several(void **state)
{
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct ipaddr address = { 0 };
	struct access_action action;
	struct access_map *map;
	char spec[512];

	(void)state;
	scratch_write("one", SPAN_LIT("a.example DUNNO\n"), 0644);
	scratch_write("two", SPAN_LIT("/a\\.example/ REJECT\n/b/ OK\n"), 0644);
	snprintf(spec, sizeof(spec), "hash:%s, pcre:%s,postgrey:%s",
	    scratch_path("one"), scratch_path("two"),
	    scratch_path("list.local"));
	map = access_map_load(spec, ACCESS_CLIENT, &place, &diag);
	row_says("several", &diag, "");
	assert_int_equal(access_map_count(map), 3);
	assert_true(access_map_client(map, span_of("a.example"), &address,
	    &arena, NULL, &action));
	assert_int_equal(action.verb, ACCESS_DUNNO);
	SPAN_IS(action.row, "one:1");
	assert_true(access_map_client(map, span_of("b.example"), &address,
	    &arena, NULL, &action));
	SPAN_IS(action.row, "two:2");
	assert_false(access_map_client(map, span_of("c.example"), &address,
	    &arena, NULL, &action));
	access_map_free(map);
	arena_clear(&arena);
}

static void
test_empty(void **state)
{
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct ipaddr address = { 0 };
	struct access_action action;
	struct access_map *map = access_map_load(NULL, ACCESS_CLIENT, &place,
	    &diag);

	(void)state;
	assert_int_equal(access_map_count(map), 0);
	assert_false(access_map_client(map, span_of("a.example"), &address,
	    &arena, NULL, &action));
	access_map_free(map);
	map = access_map_load("", ACCESS_SENDER, &place, &diag);
	assert_false(access_map_address(map, NULL, &arena, NULL, &action));
	access_map_free(map);
	access_map_free(NULL);
}

/* Bytes of any value, and of any number. */
static void
test_hostile(void **state)
{
	static const char names[] = "a.example\0b";
	struct strbuf text = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct arena arena = ARENA_INIT;
	struct ipaddr address = { 0 };
	struct access_action action;
	struct access_map *map;

	(void)state;
	scratch_write("table", SPAN_LIT("a.example REJECT\n"), 0644);
	map = access_map_load(scratch_path("table"), ACCESS_CLIENT, &place,
	    &diag);
	assert_false(access_map_client(map, span_make(names,
	    sizeof(names) - 1), &address, &arena, NULL, &action));
	while (text.len < 100000)
		strbuf_adds(&text, "a.");
	strbuf_adds(&text, "a.example");
	assert_false(access_map_client(map, strbuf_span(&text), &address,
	    &arena, NULL, &action));
	access_map_free(map);
	scratch_write("table", SPAN_LIT("/^x: (.*)$/ REJECT $1\n"), 0644);
	strbuf_reset(&text);
	strbuf_addf(&text, "pcre:%s", scratch_path("table"));
	map = access_map_load(text.s, ACCESS_HEADER, &place, &diag);
	while (text.len < 100000)
		strbuf_addc(&text, '\xff');
	assert_true(access_map_header(map, span_of("X"), SPAN_LIT(" a\0\r\n\t"
	    "\x1b\xff"), &arena, NULL, &action));
	SPAN_IS(action.text, "a? ??");
	strbuf_reset(&text);
	while (text.len < 100000)
		strbuf_addc(&text, ' ');
	assert_true(access_map_header(map, span_of("X"), strbuf_span(&text),
	    &arena, NULL, &action));
	assert_int_equal(action.text.len, ACCESS_TEXT_MAX);
	access_map_free(map);
	arena_clear(&arena);
	strbuf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
