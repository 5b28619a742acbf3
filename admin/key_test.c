#include "admin/key.h"

#include "admin/dnstrace.h"
#include "admin/recordcheck.h"
#include "common/base/mem.h"
#include "common/dns/lookups.h"

#include <stdio.h>

enum { WINDOW = 64 };	/* questions open at a time */

struct values {
	struct setup_options setup;
	struct keyset_hints hints;
	const char *nameservers;
	int64_t timeout;
	bool all;
};

/* One key whose question is under way. */
struct test {
	const struct keyset_key *key;
	struct dkim_key *private;
	struct lookups *lookups;	/* NULL: it was not asked for */
	struct span name;		/* of the record; empty: not known */
	struct recordcheck check;
};

static void
test_clear(struct test *test)
{
	dkim_key_free(test->private);
	lookups_free(test->lookups);
	strbuf_clear(&test->check.detail);
}

static void
test_start(struct test *test, struct keyset *set,
    const struct keyset_key *key, struct dns *dns, int64_t timeout_ms)
{
	const struct lookups_options options = { .dns = dns,
		.query_ms = timeout_ms, .message_ms = 2 * timeout_ms };
	struct recordcheck *check = &test->check;

	*test = (struct test){ .key = key };
	test->private = keyset_load(set, key, &check->detail);
	if (test->private == NULL) {
		check->outcome = RECORDCHECK_NO_KEY;
		return;
	}
	strbuf_reset(&check->detail);	/* DNS is the question here */
	if (!keyset_record_name(set, key, &test->name, &check->detail)) {
		check->outcome = RECORDCHECK_NO_NAME;
		return;
	}
	test->lookups = lookups_new(&options);
	lookups_get(test->lookups, LOOKUP_DKIM, test->name, DNS_TXT);
}

static const struct dns_answer *
test_wait(struct test *test, struct span name)
{
	const struct dns_answer *answer;

	while ((answer = lookups_get(test->lookups, LOOKUP_DKIM, name,
	    DNS_TXT)) == NULL)
		dnstrace_wait(test->lookups);
	return answer;
}

/* A name server takes a name without the last dot for one below the zone's, so
 * the record ends up at name.domain: worth a look where it is missing. */
static void
look_at_doubled_name(struct test *test, struct arena *arena)
{
	const char *name = arena_printf(arena, "%.*s.%.*s",
	    SPAN_ARG(test->name), SPAN_ARG(test->key->domain));

	if (test_wait(test, span_of(name))->result != DNS_FOUND)
		return;
	strbuf_reset(&test->check.detail);
	strbuf_addf(&test->check.detail, "it is published at %s instead: the "
	    "zone's name was added to one that had it; end the name with a "
	    "dot, or leave the domain out", name);
}

static void
test_finish(struct test *test, struct arena *arena)
{
	struct recordcheck *check = &test->check;

	if (test->lookups == NULL)
		return;
	recordcheck_judge(check, test_wait(test, test->name), test->private,
	    arena);
	if (check->outcome == RECORDCHECK_MISSING)
		look_at_doubled_name(test, arena);
}

/* ---- telling ---- */

static void
print_text(const struct test *test)
{
	const struct recordcheck *check = &test->check;

	printf("%-16s%s", recordcheck_word(check->outcome),
	    cli_escape(test->key->name));
	if (test->name.len > 0 && !span_eq(test->name, test->key->name))
		printf(" (%s)", cli_escape(test->name));
	if (check->detail.len > 0)
		printf(": %s", cli_escape(strbuf_span(&check->detail)));
	putchar('\n');
	if (check->published.len > 0 && check->outcome != RECORDCHECK_OK)
		printf("                published: %s\n",
		    cli_escape(check->published));
}

static void
print_json(const struct test *test, struct json *json)
{
	const struct recordcheck *check = &test->check;

	json_object(json, NULL);
	json_string(json, "name", test->key->name);
	if (test->name.len > 0)
		json_string(json, "record", test->name);
	json_cstring(json, "outcome", recordcheck_word(check->outcome));
	json_bool(json, "ok", check->outcome == RECORDCHECK_OK);
	if (check->detail.len > 0)
		json_string(json, "detail", strbuf_span(&check->detail));
	if (check->published.len > 0)
		json_string(json, "published", check->published);
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
		test_finish(test, &arena);
		rc = worse(rc, recordcheck_status(test->check.outcome));
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
	const struct dns_options options = {
		.nameservers = values->nameservers };
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
