/* The signer's decisions, through the file driver, on real tables and keys. */
#include "tests/unit/unit.h"

#include "milters/sign/sign.h"

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/milter/file_driver.h"

#include <unistd.h>

static char scratch[] = "postern-sign-XXXXXX";

static void
put(const char *name, const char *text)
{
	struct strbuf path = STRBUF_INIT, err = STRBUF_INIT;

	strbuf_addf(&path, "%s/%s", scratch, name);
	if (file_replace(path.s, span_of(text), 0600, (uid_t)-1, (gid_t)-1,
	    &err) != 0)
		fail_msg("%s", err.s);
	strbuf_clear(&path);
}

static void
put_key(const char *name, enum dkim_algorithm algorithm)
{
	struct strbuf pem = STRBUF_INIT, err = STRBUF_INIT;
	struct dkim_key *key = dkim_key_generate(algorithm, 2048, &err);

	if (key == NULL || dkim_key_format(key, &pem, &err) != 0)
		fail_msg("%s", strbuf_str(&err));
	put(name, pem.s);
	strbuf_wipe(&pem);
	dkim_key_free(key);
}

static const char tables[] =
    "KeyTable ./KeyTable\nSigningTable refile:SigningTable\n";

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(scratch) == NULL)
		return -1;
	put_key("ed.private", DKIM_ED25519_SHA256);
	put_key("rsa.private", DKIM_RSA_SHA256);
	put("KeyTable",
	    "ed.example.com example.com:ed:./ed.private\n"
	    "rsa.example.com example.com:rsa:./rsa.private\n"
	    "each %:each:./ed.private\n");
	put("SigningTable",
	    "*@example.com ed.example.com\n"
	    "*@example.com rsa.example.com\n"
	    "*@each.example each\n"
	    "*@named.example %\n"
	    "boss@corp.example each:chief@corp.example\n");
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "ed.private", "rsa.private",
	    "KeyTable", "SigningTable", "sign.conf" };
	struct strbuf path = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(names); i++) {
		strbuf_reset(&path);
		strbuf_addf(&path, "%s/%s", scratch, names[i]);
		unlink(path.s);
	}
	strbuf_clear(&path);
	return rmdir(scratch);
}

static struct snapshot *
load(const char *base, const char *more)
{
	struct strbuf conf = STRBUF_INIT, path = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct snapshot_options options = { .uid = getuid(), .gid = getgid() };
	struct snapshot *snapshot;

	strbuf_addf(&conf, "%s%s\n", base, more != NULL ? more : "");
	put("sign.conf", conf.s);
	strbuf_addf(&path, "%s/sign.conf", scratch);
	options.file = path.s;
	snapshot = snapshot_load(&sign_filter, &options, &diag);
	if (snapshot == NULL)
		diag_print(&diag, stderr);
	diag_clear(&diag);
	strbuf_clear(&conf);
	strbuf_clear(&path);
	return snapshot;
}

struct outcome {
	struct file_result result;
	struct strbuf explain;
	struct strbuf signed_text;
	size_t signatures;
};

static void
run(struct snapshot *snapshot, const struct file_envelope *envelope,
    const char *text, struct arena *arena, struct outcome *outcome)
{
	struct file_envelope with = *envelope;
	struct strbuf err = STRBUF_INIT;
	const struct edit *edit;

	*outcome = (struct outcome){ .explain = STRBUF_INIT };
	with.explain = &outcome->explain;
	with.now = 1790000000;
	if (file_run(&sign_filter, snapshot, &with, span_of(text), arena,
	    &outcome->result, &err) != 0)
		fail_msg("%s", strbuf_str(&err));
	for (edit = outcome->result.edits.first; edit != NULL;
	    edit = edit->next)
		if (edit->kind == EDIT_INSERT_HEADER)
			outcome->signatures++;
	file_apply(span_of(text), &outcome->result.edits,
	    &outcome->signed_text);
}

static void
outcome_clear(struct outcome *outcome)
{
	strbuf_clear(&outcome->explain);
	strbuf_clear(&outcome->signed_text);
}

#define BODY	"\r\nHello\r\n"
#define MSG(from)	"From: " from "\r\nSubject: s\r\n" BODY

static const struct {
	const char *name;
	const char *conf;	/* beside the tables */
	const char *client, *client_name;
	const char *macro, *value;
	const char *recipient;
	const char *text;
	size_t signatures;
	const char *says;	/* in the explanation */
	enum verdict_action action;
} cases[] = {
	{ "local mail", NULL, NULL, NULL, NULL, NULL, NULL,
	    MSG("a@example.com"), 1, "signed", VERDICT_ACCEPT },
	{ "both keys", "MultipleSignatures yes", NULL, NULL, NULL, NULL, NULL,
	    MSG("a@example.com"), 2, "signed", VERDICT_ACCEPT },
	{ "case of the domain", NULL, NULL, NULL, NULL, NULL, NULL,
	    MSG("A <a@EXAMPLE.Com>"), 1, "signed", VERDICT_ACCEPT },
	{ "external client", NULL, "192.0.2.1", "mx.example", NULL, NULL,
	    NULL, MSG("a@example.com"), 0, "not signed: external",
	    VERDICT_ACCEPT },
	{ "authenticated client", NULL, "192.0.2.1", "mx.example",
	    "{auth_type}", "PLAIN", NULL, MSG("a@example.com"), 1, "signed",
	    VERDICT_ACCEPT },
	{ "empty auth_type", NULL, "192.0.2.1", "mx.example", "{auth_type}",
	    "", NULL, MSG("a@example.com"), 0, "external", VERDICT_ACCEPT },
	{ "MTA", "MTA submission, other", "192.0.2.1", "mx.example",
	    "{daemon_name}", "submission", NULL, MSG("a@example.com"), 1,
	    "MTA", VERDICT_ACCEPT },
	{ "MTA of another name", "MTA submission", "192.0.2.1", "mx.example",
	    "{daemon_name}", "smtpd", NULL, MSG("a@example.com"), 0,
	    "external", VERDICT_ACCEPT },
	{ "MacroList with value", "MacroList mode=out|both", "192.0.2.1",
	    "mx.example", "{mode}", "both", NULL, MSG("a@example.com"), 1,
	    "MacroList", VERDICT_ACCEPT },
	{ "MacroList, another value", "MacroList mode=out|both",
	    "192.0.2.1", "mx.example", "{mode}", "in", NULL,
	    MSG("a@example.com"), 0, "external", VERDICT_ACCEPT },
	{ "InternalHosts network", "InternalHosts 192.0.2.0/24",
	    "192.0.2.200", "mx.example", NULL, NULL, NULL,
	    MSG("a@example.com"), 1, "InternalHosts", VERDICT_ACCEPT },
	{ "a list replaces the default", "InternalHosts 192.0.2.0/24",
	    "127.0.0.1", "localhost", NULL, NULL, NULL, MSG("a@example.com"),
	    0, "external", VERDICT_ACCEPT },
	{ "peer", "PeerList 192.0.2.7", "192.0.2.7", "mx.example",
	    "{auth_type}", "PLAIN", NULL, MSG("a@example.com"), 0,
	    "not signed: peer", VERDICT_ACCEPT },
	{ "exempt", "ExemptDomains example.com", NULL, NULL, NULL, NULL, NULL,
	    MSG("a@example.com"), 0, "not signed: exempt", VERDICT_ACCEPT },
	{ "no row", NULL, NULL, NULL, NULL, NULL, NULL,
	    MSG("a@elsewhere.example"), 0, "not signed: no-row",
	    VERDICT_ACCEPT },
	{ "domain of the sender", NULL, NULL, NULL, NULL, NULL, NULL,
	    MSG("a@each.example"), 1, "d=each.example", VERDICT_ACCEPT },
	{ "identity", NULL, NULL, NULL, NULL, NULL, NULL,
	    MSG("boss@corp.example"), 1, "signed", VERDICT_ACCEPT },
	{ "no key of that name", NULL, NULL, NULL, NULL, NULL, NULL,
	    MSG("a@named.example"), 0, "not signed: no-key", VERDICT_ACCEPT },
	{ "recipient", "DontSignMailTo *@gate.example", NULL, NULL, NULL,
	    NULL, "<x@GATE.example>", MSG("a@example.com"), 0,
	    "not signed: recipient", VERDICT_ACCEPT },
	{ "another recipient", "DontSignMailTo *@gate.example", NULL, NULL,
	    NULL, NULL, "<x@other.example>", MSG("a@example.com"), 1,
	    "signed", VERDICT_ACCEPT },
	{ "no From", NULL, NULL, NULL, NULL, NULL, NULL,
	    "Subject: s\r\n" BODY, 0, "no-from", VERDICT_ACCEPT },
	{ "two From fields", NULL, NULL, NULL, NULL, NULL, NULL,
	    "From: a@example.com\r\nfrom: b@example.com\r\n" BODY, 0,
	    "several-from", VERDICT_ACCEPT },
	{ "two From fields, rejected", "OnBadMessage reject", NULL, NULL,
	    NULL, NULL, NULL,
	    "From: a@example.com\r\nfrom: b@example.com\r\n" BODY, 0,
	    "several-from", VERDICT_REJECT },
	{ "From does not parse", NULL, NULL, NULL, NULL, NULL, NULL,
	    MSG("a@example.com <b@example.com>"), 0, "bad-from",
	    VERDICT_ACCEPT },
	{ "authors of one domain", NULL, NULL, NULL, NULL, NULL, NULL,
	    MSG("a@example.com, b@example.com"), 1, "signed",
	    VERDICT_ACCEPT },
	{ "authors of two domains", NULL, NULL, NULL, NULL, NULL, NULL,
	    MSG("a@example.com, b@other.example"), 0, "bad-from",
	    VERDICT_ACCEPT },
	{ "bare CR", NULL, NULL, NULL, NULL, NULL, NULL,
	    "From: a@example.com\r\nX: a\rb\r\n" BODY, 0, "malformed-header",
	    VERDICT_ACCEPT },
	{ "header too large", "MaximumHeaders 1k", NULL, NULL, NULL, NULL,
	    NULL, NULL, 0, "header-too-large", VERDICT_ACCEPT },
	{ "Sender decides", "SenderHeaders Sender, From", NULL, NULL, NULL,
	    NULL, NULL,
	    "From: a@elsewhere.example\r\nSender: b@each.example\r\n" BODY, 1,
	    "d=each.example", VERDICT_ACCEPT },
	{ "headers only", NULL, NULL, NULL, NULL, NULL, NULL,
	    "From: a@example.com\r\n", 1, "signed", VERDICT_ACCEPT },
};

static void
test_cases(void **state)
{
	struct strbuf large = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct snapshot *snapshot;
	struct outcome outcome;
	struct file_macro macro;
	size_t i;

	(void)state;
	strbuf_adds(&large, "From: a@example.com\r\nX: ");
	for (i = 0; i < 2000; i++)
		strbuf_addc(&large, 'x');
	strbuf_adds(&large, "\r\n" BODY);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct file_envelope envelope = {
			.client_address = cases[i].client,
			.client_name = cases[i].client_name,
			.sender = "<bounce@example.com>",
			.recipients = &cases[i].recipient,
			.recipient_count = cases[i].recipient != NULL,
			.macros = &macro,
			.macro_count = cases[i].macro != NULL,
		};

		macro = (struct file_macro){ cases[i].macro, cases[i].value };
		snapshot = load(tables, cases[i].conf);
		ROW_IS(cases[i].name, snapshot != NULL);
		if (cases[i].text == NULL)
			envelope.max_header_bytes = 1024;
		run(snapshot, &envelope, cases[i].text != NULL ?
		    cases[i].text : large.s, &arena, &outcome);
		if (strstr(strbuf_str(&outcome.explain), cases[i].says) ==
		    NULL)
			fail_msg("%s: \"%s\" is not in: %s", cases[i].name,
			    cases[i].says, strbuf_str(&outcome.explain));
		ROW_IS(cases[i].name,
		    outcome.signatures == cases[i].signatures);
		ROW_IS(cases[i].name,
		    outcome.result.verdict.action == cases[i].action);
		ROW_IS(cases[i].name, outcome.result.body_was_read ==
		    (cases[i].signatures != 0 &&
		    strstr(cases[i].text, "Hello") != NULL));
		outcome_clear(&outcome);
		snapshot_unref(snapshot);
		arena_reset(&arena);
	}
	strbuf_clear(&large);
	arena_clear(&arena);
}

/* What was signed once is recognized, unless it was changed or the setting
 * says otherwise. */
static void
test_again(void **state)
{
	static const struct {
		const char *conf;
		bool changed;
		size_t signatures;
	} rows[] = {
		{ NULL, false, 0 },
		{ NULL, true, 1 },
		{ "KeepOwnSignatures no", false, 1 },
		{ "RemoveOldSignatures yes", false, 1 },
	};
	struct file_envelope envelope = { .sender = "<a@example.com>" };
	struct arena arena = ARENA_INIT;
	struct outcome first, second;
	struct snapshot *snapshot;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		snapshot = load(tables, rows[i].conf);
		assert_non_null(snapshot);
		run(snapshot, &envelope, MSG("a@example.com"), &arena,
		    &first);
		assert_int_equal(first.signatures, 1);
		if (rows[i].changed)
			strbuf_adds(&first.signed_text, "more\r\n");
		run(snapshot, &envelope, first.signed_text.s, &arena,
		    &second);
		assert_int_equal(second.signatures, rows[i].signatures);
		if (rows[i].signatures == 0)
			assert_non_null(strstr(second.explain.s,
			    "already-signed"));
		outcome_clear(&first);
		outcome_clear(&second);
		snapshot_unref(snapshot);
		arena_reset(&arena);
	}
	arena_clear(&arena);
}

static const struct {
	const char *name, *conf, *from;
	size_t signatures;
	const char *has;	/* in the signed text */
} singles[] = {
	{ "one domain", "Domain example.com\n", "a@example.com", 1,
	    "d=example.com;" },
	{ "below it", "Domain example.com\n", "a@sub.example.com", 0, NULL },
	{ "SubDomains", "Domain example.com\nSubDomains yes\n",
	    "a@sub.example.com", 1, "d=example.com;" },
	{ "several domains", "Domain example.com, example.org\n",
	    "a@example.org", 1, "d=example.org;" },
	{ "none of them", "Domain example.com, example.org\n",
	    "a@example.net", 0, NULL },
};

static void
test_single(void **state)
{
	struct file_envelope envelope = { .sender = "<>" };
	struct arena arena = ARENA_INIT;
	struct snapshot *snapshot;
	struct outcome outcome;
	char text[200];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(singles); i++) {
		snapshot = load(singles[i].conf,
		    "Selector s1\nKeyFile ed.private\n");
		ROW_IS(singles[i].name, snapshot != NULL);
		snprintf(text, sizeof(text), "From: %s\r\n\r\nHello\r\n",
		    singles[i].from);
		run(snapshot, &envelope, text, &arena, &outcome);
		ROW_IS(singles[i].name,
		    outcome.signatures == singles[i].signatures);
		if (singles[i].has != NULL)
			ROW_IS(singles[i].name,
			    strstr(outcome.signed_text.s, singles[i].has) !=
			    NULL);
		outcome_clear(&outcome);
		snapshot_unref(snapshot);
		arena_reset(&arena);
	}
	arena_clear(&arena);
}

/* Configurations that must not load, and what is said. */
static const struct {
	const char *conf, *says;
} broken[] = {
	{ "", "nothing to sign with" },
	{ "KeyTable ./KeyTable\n", "SigningTable is missing" },
	{ "SigningTable refile:SigningTable\n", "KeyTable is missing" },
	{ "Domain example.com\nSelector s\n", "nothing to sign with" },
	{ "Domain example.com\nSelector s\nKeyFile gone.private\n",
	    "gone.private" },
	{ "KeyTable ./KeyTable\nSigningTable refile:SigningTable\nMode v\n",
	    "sign.conf:3: error: Mode" },
	{ "KeyTable ./KeyTable\nSigningTable refile:SigningTable\n"
	    "Canonicalization strict\n", "sign.conf:3: error: " },
	{ "KeyTable ./KeyTable\nSigningTable refile:SigningTable\n"
	    "SignatureAlgorithm rsa-sha256\n", "does not fit the key" },
	{ "KeyTable ./KeyTable\nSigningTable refile:SigningTable\n"
	    "OnKeyError ignore\n", "sign.conf:3: error: OnKeyError" },
	{ "KeyTable ./KeyTable\nSigningTable refile:SigningTable\n"
	    "On-InternalError accept\n", "write OnInternalError" },
	{ "KeyTable ./KeyTable\nSigningTable refile:SigningTable\n"
	    "InternalHost 192.0.2.1\n", "InternalHosts" },
};

static void
test_broken(void **state)
{
	struct snapshot_options options = { .uid = getuid(), .gid = getgid() };
	struct strbuf path = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	size_t i;

	(void)state;
	strbuf_addf(&path, "%s/sign.conf", scratch);
	options.file = path.s;
	for (i = 0; i < ARRAY_LEN(broken); i++) {
		put("sign.conf", broken[i].conf);
		ROW_IS(broken[i].conf, snapshot_load(&sign_filter, &options,
		    &diag) == NULL);
		if (!diag_has(&diag, DIAG_ERROR, broken[i].says)) {
			diag_print(&diag, stderr);
			fail_msg("no error says \"%s\"", broken[i].says);
		}
		diag_clear(&diag);
	}
	strbuf_clear(&path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_broken),
	};

	log_open("test", LOG_TO_STDERR, "mail", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
