#include "admin/key.h"

#include "common/base/mem.h"
#include "common/dkim/record.h"
#include "common/dns/dns.h"

#include <stdio.h>

enum { WINDOW = 64 };	/* questions open at a time */

struct values {
	struct setup_options setup;
	struct keyset_hints hints;
	const char *nameservers;
	int64_t timeout;
	bool all;
};

/* What a test can come to; the first that applies. */
enum outcome {
	OUTCOME_OK, OUTCOME_NO_KEY, OUTCOME_NO_NAME, OUTCOME_DNS,
	OUTCOME_MISSING, OUTCOME_SEVERAL, OUTCOME_SYNTAX, OUTCOME_REVOKED,
	OUTCOME_WRONG_KEY, OUTCOME_NO_SHA256, OUTCOME_NO_EMAIL,
	OUTCOME_TESTING
};

static const struct {
	const char *word;
	const char *text;	/* what to do, or what it means */
	int status;
} outcomes[] = {
	[OUTCOME_OK] = { "ok", NULL, EX_OK },
	[OUTCOME_NO_KEY] = { "no-private-key", NULL, EXIT_NO },
	[OUTCOME_NO_NAME] = { "no-name", NULL, EXIT_NO },
	[OUTCOME_DNS] = { "dns-error", NULL, EX_TEMPFAIL },
	[OUTCOME_MISSING] = { "missing", "no TXT record is published there; "
	    "postern key dns prints it", EXIT_NO },
	[OUTCOME_SEVERAL] = { "several-records", NULL, EXIT_NO },
	[OUTCOME_SYNTAX] = { "syntax", NULL, EXIT_NO },
	[OUTCOME_REVOKED] = { "revoked", "p= is empty: receivers take the "
	    "key for withdrawn", EXIT_NO },
	[OUTCOME_WRONG_KEY] = { "wrong-key", NULL, EXIT_NO },
	[OUTCOME_NO_SHA256] = { "no-sha256", "h= does not list sha256, which "
	    "all signatures use; leave h= out or write h=sha256", EXIT_NO },
	[OUTCOME_NO_EMAIL] = { "no-email", "s= does not allow email; leave "
	    "s= out", EXIT_NO },
	[OUTCOME_TESTING] = { "testing", "t=y: receivers treat the mail as "
	    "if it were not signed; take t=y out when all is well", EXIT_NO },
};

struct result {
	enum outcome outcome;
	struct span name;	/* of the record */
	struct strbuf detail;
	struct span published;	/* the record, where there is just one */
};

/* One key whose question is under way. */
struct test {
	const struct keyset_key *key;
	struct dkim_key *private;
	struct dns_query *query;	/* NULL: it was not put */
	struct result result;
};

static void
test_clear(struct test *test)
{
	dkim_key_free(test->private);
	strbuf_clear(&test->result.detail);
}

static void
test_start(struct test *test, struct keyset *set,
    const struct keyset_key *key, struct dns *dns, int64_t timeout_ms)
{
	struct result *result = &test->result;

	*test = (struct test){ .key = key };
	test->private = keyset_load(set, key, &result->detail);
	if (test->private == NULL) {
		result->outcome = OUTCOME_NO_KEY;
		return;
	}
	strbuf_reset(&result->detail);	/* DNS is the question here */
	if (!keyset_record_name(set, key, &result->name, &result->detail)) {
		result->outcome = OUTCOME_NO_NAME;
		return;
	}
	test->query = dns_ask(dns, result->name.p, DNS_TXT, timeout_ms);
}

/* ---- judging ---- */

/* p= as published, and as it should be: a web form that cuts at 255 octets
 * leaves a beginning of it. */
static bool
is_cut_short(struct span published, const struct dkim_key *private,
    size_t *have, size_t *want)
{
	struct strbuf is = STRBUF_INIT, should = STRBUF_INIT,
	    err = STRBUF_INIT;
	const struct tag *tag;
	struct taglist list;
	bool cut = false;

	if (taglist_parse(published, &list) == TAGLIST_OK &&
	    (tag = taglist_find(&list, "p")) != NULL &&
	    dkim_key_format_public(private, &should, &err) == 0) {
		tag_value_squeeze(tag->value, &is);
		*have = is.len;
		*want = should.len;
		cut = is.len > 0 && is.len < should.len &&
		    span_starts(strbuf_span(&should), strbuf_span(&is));
	}
	strbuf_clear(&is);
	strbuf_clear(&should);
	strbuf_clear(&err);
	return cut;
}

static enum outcome
judge_key(struct result *result, enum dkim_record_result parsed,
    const struct dkim_record *record, const struct dkim_key *private)
{
	size_t have, want;

	if (is_cut_short(result->published, private, &have, &want)) {
		strbuf_addf(&result->detail, "the published p= ends after %zu "
		    "of %zu characters; publish it in several strings of at "
		    "most 255 (postern key dns --format split)", have, want);
		return OUTCOME_WRONG_KEY;
	}
	if (parsed == DKIM_RECORD_REVOKED)
		return OUTCOME_REVOKED;
	if (parsed != DKIM_RECORD_OK) {
		strbuf_adds(&result->detail, dkim_record_result_text(parsed));
		return OUTCOME_SYNTAX;
	}
	if (!dkim_record_matches(record, private)) {
		strbuf_addf(&result->detail, "%s key that is published is "
		    "not the one the signer has",
		    record->algorithm == dkim_key_algorithm(private) ?
		    "the" : "the (differently typed)");
		return OUTCOME_WRONG_KEY;
	}
	if (!record->allows_sha256)
		return OUTCOME_NO_SHA256;
	if (!record->allows_email)
		return OUTCOME_NO_EMAIL;
	return record->is_testing ? OUTCOME_TESTING : OUTCOME_OK;
}

static enum outcome
judge(struct result *result, const struct dns_answer *answer,
    const struct dkim_key *private, struct arena *arena)
{
	enum dkim_record_result parsed;
	struct dkim_record record;
	enum outcome outcome;

	if (answer->result == DNS_NXDOMAIN || answer->result == DNS_NODATA)
		return OUTCOME_MISSING;
	if (answer->result != DNS_FOUND) {
		strbuf_addf(&result->detail, "%s: %s",
		    dns_result_text(answer->result),
		    answer->detail != NULL ? answer->detail : "");
		return OUTCOME_DNS;
	}
	if (answer->count != 1) {
		strbuf_addf(&result->detail, "%zu TXT records are published "
		    "there; receivers may take any of them or none (RFC 6376 "
		    "3.6.2.2): leave one", answer->count);
		return OUTCOME_SEVERAL;
	}
	if (!dns_txt_join(answer->records[0].data, arena,
	    &result->published)) {
		strbuf_adds(&result->detail, "a malformed TXT record");
		return OUTCOME_DNS;
	}
	parsed = dkim_record_parse(result->published, &record);
	outcome = judge_key(result, parsed, &record, private);
	dkim_record_clear(&record);
	return outcome;
}

/* A name server takes a name without the last dot for one below the zone's, so
 * the record ends up at name.domain: worth a look where it is missing. */
static void
look_at_doubled_name(struct test *test, struct dns *dns, int64_t timeout_ms,
    struct arena *arena)
{
	const char *name = arena_printf(arena, "%.*s.%.*s",
	    SPAN_ARG(test->result.name), SPAN_ARG(test->key->domain));
	struct dns_answer answer;

	dns_lookup(dns, name, DNS_TXT, timeout_ms, arena, &answer);
	if (answer.result == DNS_FOUND)
		strbuf_addf(&test->result.detail, "it is published at %s "
		    "instead: the zone's name was added to one that had it; "
		    "end the name with a dot, or leave the domain out", name);
}

static void
test_finish(struct test *test, struct dns *dns, int64_t timeout_ms,
    struct arena *arena)
{
	struct result *result = &test->result;
	struct dns_answer answer;

	if (test->query == NULL)
		return;
	dns_wait(test->query, arena, &answer);
	result->outcome = judge(result, &answer, test->private, arena);
	if (result->outcome == OUTCOME_MISSING)
		look_at_doubled_name(test, dns, timeout_ms, arena);
	if (result->detail.len == 0 && outcomes[result->outcome].text != NULL)
		strbuf_adds(&result->detail, outcomes[result->outcome].text);
}

/* ---- telling ---- */

static void
print_text(const struct test *test)
{
	const struct result *result = &test->result;

	printf("%-16s%s", outcomes[result->outcome].word,
	    cli_escape(test->key->name));
	if (result->name.len > 0 && !span_eq(result->name, test->key->name))
		printf(" (%s)", cli_escape(result->name));
	if (result->detail.len > 0)
		printf(": %s", cli_escape(strbuf_span(&result->detail)));
	putchar('\n');
	if (result->published.len > 0 && result->outcome != OUTCOME_OK)
		printf("                published: %s\n",
		    cli_escape(result->published));
}

static void
print_json(const struct test *test, struct json *json)
{
	const struct result *result = &test->result;

	json_object(json, NULL);
	json_string(json, "name", test->key->name);
	if (result->name.len > 0)
		json_string(json, "record", result->name);
	json_cstring(json, "outcome", outcomes[result->outcome].word);
	json_bool(json, "ok", result->outcome == OUTCOME_OK);
	if (result->detail.len > 0)
		json_string(json, "detail", strbuf_span(&result->detail));
	if (result->published.len > 0)
		json_string(json, "published", result->published);
	json_object_end(json);
}

/* A key that is known to be wrong counts more than one nobody could ask
 * about. */
static int
worse(int a, int b)
{
	if (a == EXIT_NO || b == EXIT_NO)
		return EXIT_NO;
	return a != EX_OK ? a : b;
}

static int
test_all(struct keyset *set, const struct values *values, struct dns *dns)
{
	int64_t timeout_ms = values->timeout * 1000;
	struct test tests[WINDOW], *test;
	struct strbuf out = STRBUF_INIT;
	size_t started = 0, done = 0;
	struct arena arena = ARENA_INIT;
	struct json json;
	int rc = EX_OK;

	json_start(&json, &out);
	json_array(&json, NULL);
	for (; done < set->count; done++) {
		for (; started < set->count && started < done + WINDOW;
		    started++)
			test_start(&tests[started % WINDOW], set,
			    &set->keys[started], dns, timeout_ms);
		test = &tests[done % WINDOW];
		test_finish(test, dns, timeout_ms, &arena);
		rc = worse(rc, outcomes[test->result.outcome].status);
		if (values->setup.json)
			print_json(test, &json);
		else
			print_text(test);
		test_clear(test);
		arena_reset(&arena);
	}
	json_array_end(&json);
	if (values->setup.json)
		cli_print(&out);
	strbuf_clear(&out);
	arena_clear(&arena);
	return rc;
}

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct dns_options options = { values->nameservers, NULL };
	struct strbuf err = STRBUF_INIT;
	struct keyset set;
	struct dns *dns;
	size_t i;
	int rc = EX_OK;

	if (values->all == (count > 0)) {
		cli_error("name the keys or domains to test, or --all");
		return EX_USAGE;
	}
	dns = dns_new(&options, &err);
	if (dns == NULL) {
		cli_error("--nameserver: %s", err.s);
		strbuf_clear(&err);
		return EX_USAGE;
	}
	keyset_init(&set, &values->setup);
	if (values->all)
		rc = keyset_add_all(&set);
	for (i = 0; i < count && rc == EX_OK; i++)
		rc = keyset_add(&set, args[i], &values->hints, true);
	if (rc == EX_OK)
		rc = test_all(&set, values, dns);
	keyset_clear(&set);
	dns_free(dns);
	return rc;
}

static const struct values defaults = { .timeout = 5 };

static const struct cli_option options[] = {
	{ .name = "all", .kind = CLI_FLAG,
	    .offset = offsetof(struct values, all),
	    .help = "every key of the KeyTable" },
	{ .name = "nameserver", .kind = CLI_TEXT,
	    .offset = offsetof(struct values, nameservers),
	    .argument = "ADDR[@PORT]",
	    .help = "ask there (several: with commas) instead of the\n"
	    "servers of /etc/resolv.conf" },
	{ .name = "timeout", .kind = CLI_SECONDS,
	    .offset = offsetof(struct values, timeout),
	    .argument = "SECONDS", .help = "for one answer (default: 5)",
	    .min = 1, .max = 600 },
	KEY_HINTS(struct values, hints),
	SETUP_TABLES(struct values, setup),
	SETUP_JSON(struct values, setup),
};

const struct cli_command key_test_command = {
	.name = "test",
	.arguments = "NAME|DOMAIN...",
	.least = 0,
	.most = 1000,
	.summary = "compare published DNS records with the private keys",
	.description =
	    "Asks DNS for the record of each key and compares it with the "
	    "private key. NAME is a\nrow of the KeyTable or the path of a key "
	    "file; a DOMAIN stands for all of its keys.\n\n"
	    "Each key gets a line that begins with one of these words:\n"
	    "  ok               the record is this key's, and usable\n"
	    "  missing          there is no such record\n"
	    "  several-records  there are several\n"
	    "  wrong-key        it is another key's, or cut short\n"
	    "  revoked          its p= is empty\n"
	    "  no-sha256        its h= does not allow sha256\n"
	    "  no-email         its s= does not allow email\n"
	    "  testing          it has t=y\n"
	    "  syntax           it is no key record\n"
	    "  dns-error        DNS failed, or DNSSEC says forged: try again\n"
	    "  no-private-key   the private key cannot be read\n"
	    "  no-name          the domain is not known: --domain\n\n"
	    "Exit status: 0 all are ok; 1 one is not; 75 none is known to be "
	    "wrong, but DNS failed\nfor one.",
	.examples =
	    "  postern key test example.com\n"
	    "  postern key test --all\n"
	    "  postern key test s202611._domainkey.example.com --nameserver "
	    "192.0.2.53\n"
	    "  postern key test --all --json --nameserver 127.0.0.1@5353\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.defaults = &defaults,
	.run = run,
};
