#include "tests/unit/unit.h"

#include "common/arc/arc.h"
#include "common/base/base64.h"
#include "common/dkim/headerhash.h"
#include "tests/unit/dkim_keys.h"
#include "tests/unit/zone.h"

#define NOW	1700000000
#define RSA_RECORD "TXT \"v=DKIM1; k=rsa; p=" RSA_PUBLIC "\"\n"
#define ED_RECORD "TXT \"v=DKIM1; k=ed25519; p=" ED25519_PUBLIC "\"\n"
#define KEYS	"rsa._domainkey.one.example " RSA_RECORD \
		"ed._domainkey.two.example " ED_RECORD

/* What one sealer does. */
struct sealer {
	const char *domain, *selector;
	const char *ams_tags, *as_tags;	/* more tags; NULL: none */
	const char *body;		/* as it left; NULL: the message's */
};

static const struct sealer one = { "one.example", "rsa", NULL, NULL, NULL };
static const struct sealer two = { "two.example", "ed", NULL, NULL, NULL };

enum { FIELDS_MAX = 3 * ARC_SETS_MAX + 4 };

struct message {
	struct arena arena;
	struct header_field fields[FIELDS_MAX];
	size_t count;
	const char *body;
	unsigned sets;
};

static struct dkim_key *rsa_key, *ed_key;

static int
load_keys(void **state)
{
	struct strbuf err = STRBUF_INIT;

	(void)state;
	rsa_key = dkim_key_parse(SPAN_LIT(RSA_BASE64), &err);
	ed_key = dkim_key_parse(SPAN_LIT(ED25519_SEED), &err);
	return rsa_key != NULL && ed_key != NULL ? 0 : -1;
}

static int
free_keys(void **state)
{
	(void)state;
	dkim_key_free(rsa_key);
	dkim_key_free(ed_key);
	return 0;
}

static const struct dkim_key *
key_of(const struct sealer *sealer)
{
	return sealer->selector[0] == 'e' ? ed_key : rsa_key;
}

/* ---- building ---- */

static void
message_start(struct message *m, const char *body)
{
	memset(m, 0, sizeof(*m));
	m->body = body;
	m->count = 2;
	header_normalize(SPAN_LIT("From"), SPAN_LIT(" joe@example.org"),
	    &m->arena, &m->fields[0]);
	header_normalize(SPAN_LIT("Subject"), SPAN_LIT(" hello"), &m->arena,
	    &m->fields[1]);
}

static void
put_on_top(struct message *m, enum arc_field kind, const struct strbuf *value)
{
	assert_true(m->count < FIELDS_MAX);
	memmove(m->fields + 1, m->fields, m->count * sizeof(m->fields[0]));
	header_normalize(span_of(arc_field_name(kind)), strbuf_span(value),
	    &m->arena, &m->fields[0]);
	m->count++;
}

/* Signs text; the field on top ends in "b=", which gets the outcome. */
static void
sign_top(struct message *m, enum arc_field kind, const struct dkim_key *key,
    struct span text)
{
	unsigned char out[DKIM_SIGNATURE_MAX];
	struct strbuf value = STRBUF_INIT, err = STRBUF_INIT;
	size_t len;

	assert_int_equal(dkim_key_sign(key, text, out, &len, &err), 0);
	strbuf_addspan(&value, m->fields[0].value);
	base64_encode(span_make(out, len), &value);
	header_normalize(span_of(arc_field_name(kind)), strbuf_span(&value),
	    &m->arena, &m->fields[0]);
	strbuf_clear(&value);
}

static void
add_body_hash(const char *body, struct strbuf *out)
{
	struct bodyhashes hashes = { .count = 0 };
	struct strbuf err = STRBUF_INIT;
	int index = bodyhashes_want(&hashes, CANON_RELAXED, UINT64_MAX, &err);

	assert_true(index >= 0);
	bodyhashes_add(&hashes, span_of(body));
	assert_int_equal(bodyhashes_end(&hashes, &err), 0);
	base64_encode(span_make(bodyhashes_digest(&hashes, index),
	    BODYHASH_SIZE), out);
	bodyhashes_clear(&hashes);
}

static void
add_start(const struct sealer *sealer, unsigned instance, struct strbuf *out)
{
	strbuf_addf(out, " i=%u; a=%s; d=%s; s=%s", instance,
	    dkim_algorithm_name(dkim_key_algorithm(key_of(sealer))),
	    sealer->domain, sealer->selector);
}

static void
add_ams(struct message *m, const struct sealer *sealer, unsigned instance)
{
	static struct span names[] = { SPAN_LIT("from"), SPAN_LIT("subject") };
	const struct dkim_signature signature = { .names = names,
	    .name_count = 2, .header_canon = CANON_RELAXED };
	struct strbuf value = STRBUF_INIT, text = STRBUF_INIT;
	struct dkim_headers *headers;

	add_start(sealer, instance, &value);
	strbuf_adds(&value, "; c=relaxed/relaxed; h=from:subject; bh=");
	add_body_hash(sealer->body != NULL ? sealer->body : m->body, &value);
	if (sealer->ams_tags != NULL)
		strbuf_addf(&value, "; %s", sealer->ams_tags);
	strbuf_adds(&value, ";\r\n\tb=");
	put_on_top(m, ARC_MESSAGE_SIGNATURE, &value);
	headers = dkim_headers_new(m->fields, m->count, &m->arena);
	dkim_headers_text(headers, &signature, &m->fields[0], &text);
	sign_top(m, ARC_MESSAGE_SIGNATURE, key_of(sealer), strbuf_span(&text));
	dkim_headers_free(headers);
	strbuf_clear(&value);
	strbuf_clear(&text);
}

static void
add_seal(struct message *m, const struct sealer *sealer, unsigned instance)
{
	struct strbuf value = STRBUF_INIT, text = STRBUF_INIT;
	struct arc_chain chain;

	add_start(sealer, instance, &value);
	strbuf_addf(&value, "; cv=%s;", instance == 1 ? "none" : "pass");
	if (sealer->as_tags != NULL)
		strbuf_addf(&value, " %s;", sealer->as_tags);
	strbuf_adds(&value, " b=");
	put_on_top(m, ARC_SEAL, &value);
	arc_chain_find(m->fields, m->count, &m->arena, &chain);
	assert_int_equal(chain.count, instance);
	arc_seal_text(chain.sets, instance, &text);
	sign_top(m, ARC_SEAL, key_of(sealer), strbuf_span(&text));
	strbuf_clear(&value);
	strbuf_clear(&text);
}

static void
seal(struct message *m, const struct sealer *sealer)
{
	struct strbuf value = STRBUF_INIT;
	unsigned instance = ++m->sets;

	strbuf_addf(&value, " i=%u; mx.example.net; none", instance);
	put_on_top(m, ARC_AUTHENTICATION_RESULTS, &value);
	add_ams(m, sealer, instance);
	add_seal(m, sealer, instance);
	strbuf_clear(&value);
}

/* ---- validating ---- */

struct trial {
	struct zone zone;
	struct lookups_options lookups;
	struct arc_options options;
	struct lookups *open;		/* the outcome needs it */
	struct arena arena;
};

static const struct arc_outcome *
validate(struct trial *t, const struct message *m, const char *body)
{
	const struct arc_outcome *outcome;
	struct bodyhashes hashes = { .count = 0 };
	struct strbuf err = STRBUF_INIT;
	struct arc_validate *v;

	t->zone.asked = 0;
	t->lookups.source = zone_source;
	t->lookups.source_arg = &t->zone;
	t->options.now = NOW;
	t->open = lookups_new(&t->lookups);
	v = arc_validate_start(&t->options, m->fields, m->count, t->open,
	    &hashes, &t->arena);
	while (!arc_validate_advance(v))
		assert_true(lookups_wait(t->open));
	bodyhashes_add(&hashes, span_of(body));
	assert_int_equal(bodyhashes_end(&hashes, &err), 0);
	outcome = arc_validate_end(v);
	arc_validate_free(v);
	bodyhashes_clear(&hashes);
	return outcome;
}

static void
trial_end(struct trial *t)
{
	lookups_free(t->open);
	arena_clear(&t->arena);
}

static void
check(const char *name, const struct message *m, const char *zone,
    enum arc_result result, const char *reason, unsigned instance)
{
	struct trial t = { .zone = { .text = zone } };
	const struct arc_outcome *outcome = validate(&t, m, m->body);

	ROW_EQ(name, span_of(arc_result_name(outcome->result)),
	    span_of(arc_result_name(result)));
	ROW_EQ(name, span_of(outcome->reason), span_of(reason));
	ROW_IS(name, outcome->failed_instance == instance);
	trial_end(&t);
}

static void
test_pass(void **state)
{
	struct trial t = { .zone = { .text = KEYS } };
	const struct arc_outcome *outcome;
	struct message m;
	unsigned i;

	(void)state;
	message_start(&m, "hello\r\n");
	check("no chain", &m, "", ARC_NONE, "", 0);
	for (i = 1; i <= 3; i++) {
		seal(&m, i % 2 == 1 ? &one : &two);
		check("a chain", &m, KEYS, ARC_PASS, "", 0);
	}
	outcome = validate(&t, &m, m.body);
	assert_int_equal(outcome->count, 3);
	assert_int_equal(outcome->sealer_count, 3);
	SPAN_IS(outcome->sealers[0], "one.example");
	SPAN_IS(outcome->sealers[1], "two.example");
	SPAN_IS(outcome->sealers[2], "one.example");
	assert_int_equal(t.zone.asked, 2);
	trial_end(&t);
	arena_clear(&m.arena);
}

/* As many sets as there may be cost two questions. */
static void
test_longest(void **state)
{
	struct trial t = { .zone = { .text = KEYS } };
	struct message m;
	unsigned i;

	(void)state;
	message_start(&m, "hello\r\n");
	for (i = 0; i < ARC_SETS_MAX; i++)
		seal(&m, i % 2 == 0 ? &one : &two);
	assert_int_equal(validate(&t, &m, m.body)->result, ARC_PASS);
	assert_int_equal(t.zone.asked, 2);
	trial_end(&t);
	arena_clear(&m.arena);
}

static void
test_keys(void **state)
{
	static const struct {
		const char *name, *zone;
		enum arc_result result;
		const char *reason;
		unsigned instance;
	} rows[] = {
		{ "late answers", "rsa._domainkey.one.example LATE 3\n"
		    "ed._domainkey.two.example LATE 1\n" KEYS,
		    ARC_PASS, "", 0 },
		{ "no key of the newest", "rsa._domainkey.one.example "
		    RSA_RECORD, ARC_FAIL, "no key for signature",
		    2 },
		{ "no key of the oldest", "ed._domainkey.two.example "
		    ED_RECORD, ARC_FAIL, "no key for signature",
		    1 },
		{ "revoked", "ed._domainkey.two.example TXT \"p=\"\n"
		    "rsa._domainkey.one.example " RSA_RECORD,
		    ARC_FAIL, "key is revoked", 2 },
		{ "of another type", "ed._domainkey.two.example " RSA_RECORD
		    "rsa._domainkey.one.example " RSA_RECORD,
		    ARC_FAIL, "key is of another type than a=", 2 },
		{ "not for mail", "rsa._domainkey.one.example TXT"
		    " \"s=other; p=" RSA_PUBLIC "\"\n"
		    "ed._domainkey.two.example " ED_RECORD,
		    ARC_FAIL, "key is not for mail", 1 },
		{ "another key", "ed._domainkey.two.example TXT \"k=ed25519;"
		    " p=yxfoyAfSvzk/FgQRumxn2ZMRWxoLEZL2nrhi5A0Lbis=\"\n"
		    "rsa._domainkey.one.example " RSA_RECORD, ARC_FAIL,
		    "ARC-Message-Signature did not verify", 2 },
		{ "several", KEYS "ed._domainkey.two.example " ED_RECORD
		    "ed._domainkey.two.example " ED_RECORD,
		    ARC_FAIL, "several key records", 2 },
		/* trouble is neither a fail nor a pass */
		{ "dead DNS", "rsa._domainkey.one.example SERVFAIL\n"
		    "ed._domainkey.two.example SERVFAIL\n",
		    ARC_TEMPERROR, "the DNS servers failed", 2 },
		{ "dead for the newest", "ed._domainkey.two.example TIMEOUT\n"
		    "rsa._domainkey.one.example " RSA_RECORD,
		    ARC_TEMPERROR, "no answer in time", 2 },
		{ "dead for the oldest", "rsa._domainkey.one.example BOGUS\n"
		    "ed._domainkey.two.example " ED_RECORD,
		    ARC_TEMPERROR, "DNSSEC validation failed", 1 },
		/* unless it cannot end well */
		{ "dead, and no key", "ed._domainkey.two.example SERVFAIL\n",
		    ARC_FAIL, "no key for signature",
		    1 },
	};
	struct message m;
	size_t i;

	(void)state;
	message_start(&m, "hello\r\n");
	seal(&m, &one);
	seal(&m, &two);
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(rows[i].name, &m, rows[i].zone, rows[i].result,
		    rows[i].reason, rows[i].instance);
	arena_clear(&m.arena);
}

/* The field that is changed, from the top: seal, signature, results of i=2,
 * of i=1, From, Subject. */
static void
test_changes(void **state)
{
	static const struct {
		size_t field;
		const char *value;
		const char *reason;
		unsigned instance;
	} rows[] = {
		{ 2, " i=2; mx.example.net; spf=pass",
		    "ARC-Seal did not verify", 2 },
		{ 5, " i=1; mx.example.net; spf=pass",
		    "ARC-Seal did not verify", 2 },
		{ 6, " mallory@example.org",
		    "ARC-Message-Signature did not verify", 2 },
		{ 7, " goodbye", "ARC-Message-Signature did not verify", 2 },
	};
	struct message m;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		message_start(&m, "hello\r\n");
		seal(&m, &one);
		seal(&m, &two);
		check(rows[i].value, &m, KEYS, ARC_PASS, "", 0);
		m.fields[rows[i].field].value = span_of(rows[i].value);
		check(rows[i].value, &m, KEYS, ARC_FAIL, rows[i].reason,
		    rows[i].instance);
		arena_clear(&m.arena);
	}
}

/* A seal that was no good when the next sealer passed it on. */
static void
test_older_seal(void **state)
{
	struct message m;

	(void)state;
	message_start(&m, "hello\r\n");
	seal(&m, &one);
	m.fields[2].value = SPAN_LIT(" i=1; mx.example.net; spf=pass");
	seal(&m, &two);
	check("an older seal", &m, KEYS, ARC_FAIL, "ARC-Seal did not verify",
	    1);
	arena_clear(&m.arena);
}

/* Older message signatures need not verify: lists change messages. */
static void
test_older_message_signature(void **state)
{
	static const struct sealer before = { "one.example", "rsa", NULL, NULL,
	    "hello, without a footer\r\n" };
	struct message m;

	(void)state;
	message_start(&m, "hello\r\n");
	seal(&m, &before);
	check("as the list got it", &m, KEYS, ARC_FAIL,
	    "body hash did not verify", 1);
	seal(&m, &two);
	check("as the list sent it", &m, KEYS, ARC_PASS, "", 0);
	arena_clear(&m.arena);
}

static void
test_body(void **state)
{
	static const struct {
		const char *tags, *body;
		bool accept_partial;
		enum arc_result result;
		const char *reason;
	} rows[] = {
		{ NULL, "hello\r\n", false, ARC_PASS, "" },
		{ NULL, "hello \r\n\r\n", false, ARC_PASS, "" },
		{ NULL, "hello!\r\n", false, ARC_FAIL,
		    "body hash did not verify" },
		{ NULL, "", false, ARC_FAIL, "body hash did not verify" },
		{ "l=7", "hello\r\n", false, ARC_PASS, "" },
		{ "l=7", "hello\r\nmore\r\n", false, ARC_FAIL,
		    "l= leaves part of the body unsigned" },
		{ "l=7", "hello\r\nmore\r\n", true, ARC_PASS, "" },
		{ "l=8", "hello\r\n", true, ARC_FAIL,
		    "l= is over the body's size" },
		{ "t=1; x=1699999000", "hello\r\n", false, ARC_FAIL,
		    "ARC-Message-Signature is expired" },
		{ "t=1; x=1699999900", "hello\r\n", false, ARC_PASS, "" },
		{ "x=1700000001", "hello\r\n", false, ARC_PASS, "" },
	};
	struct sealer sealer = one;
	const struct arc_outcome *outcome;
	struct message m;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct trial t = { .zone = { .text = KEYS } };

		message_start(&m, "hello\r\n");
		sealer.ams_tags = rows[i].tags;
		seal(&m, &sealer);
		t.options.accept_partial_body = rows[i].accept_partial;
		outcome = validate(&t, &m, rows[i].body);
		ROW_EQ(rows[i].body, span_of(outcome->reason),
		    span_of(rows[i].reason));
		ROW_IS(rows[i].body, outcome->result == rows[i].result);
		trial_end(&t);
		arena_clear(&m.arena);
	}
}

/* A body that cannot be right is a fail even where the key is not to be had.
 */
static void
test_body_without_key(void **state)
{
	struct trial t = { .zone = { .text = "one.example SERVFAIL\n"
	    "rsa._domainkey.one.example SERVFAIL\n" } };
	struct message m;

	(void)state;
	message_start(&m, "hello\r\n");
	seal(&m, &one);
	assert_int_equal(validate(&t, &m, "hello\r\n")->result,
	    ARC_TEMPERROR);
	lookups_free(t.open);
	assert_int_equal(validate(&t, &m, "other\r\n")->result, ARC_FAIL);
	trial_end(&t);
	arena_clear(&m.arena);
}

static void
test_min_key_bits(void **state)
{
	struct trial t = { .zone = { .text = KEYS },
	    .options = { .min_key_bits = 2048 } };
	const struct arc_outcome *outcome;
	struct message m;

	(void)state;
	message_start(&m, "hello\r\n");
	seal(&m, &two);
	outcome = validate(&t, &m, m.body);
	assert_int_equal(outcome->result, ARC_PASS);
	lookups_free(t.open);
	seal(&m, &one);
	outcome = validate(&t, &m, m.body);
	assert_int_equal(outcome->result, ARC_FAIL);
	SPAN_IS(span_of(outcome->reason), "key is too short");
	trial_end(&t);
	arena_clear(&m.arena);
}

/* More keys than a message may ask for: it would be so at any time. */
static void
test_too_many_questions(void **state)
{
	struct trial t = { .lookups = { .max_queries = 24 } };
	struct strbuf zone = STRBUF_INIT;
	struct sealer sealer = one;
	const struct arc_outcome *outcome;
	char selector[16];
	struct message m;
	unsigned i;

	(void)state;
	message_start(&m, "hello\r\n");
	sealer.selector = selector;
	for (i = 0; i < 30; i++) {
		snprintf(selector, sizeof(selector), "rsa%u", i);
		strbuf_addf(&zone, "%s._domainkey.one.example %s", selector,
		    RSA_RECORD);
		seal(&m, &sealer);
	}
	t.zone.text = strbuf_str(&zone);
	outcome = validate(&t, &m, m.body);
	assert_int_equal(outcome->result, ARC_FAIL);
	SPAN_IS(span_of(outcome->reason), dns_result_text(DNS_REFUSED));
	assert_true(lookups_over_limit(t.open));
	assert_in_range(t.zone.asked, 1, 24);
	trial_end(&t);
	strbuf_clear(&zone);
	arena_clear(&m.arena);
}

static void
test_structure(void **state)
{
	struct message m;

	(void)state;
	message_start(&m, "hello\r\n");
	seal(&m, &one);
	seal(&m, &two);
	m.fields[0].name = SPAN_LIT("X-ARC-Seal");
	check("incomplete", &m, KEYS, ARC_FAIL, "ARC-Seal: missing", 2);
	arena_clear(&m.arena);
}

static void
test_keep_hashed(void **state)
{
	struct trial t = { .zone = { .text = KEYS },
	    .options = { .keep_hashed = true } };
	const struct arc_outcome *outcome;
	struct message m;

	(void)state;
	message_start(&m, "hello\r\n");
	seal(&m, &one);
	outcome = validate(&t, &m, m.body);
	assert_int_equal(outcome->header_text.len, 0);
	lookups_free(t.open);
	m.fields[3].value = SPAN_LIT(" mallory@example.org");
	outcome = validate(&t, &m, m.body);
	assert_true(span_starts(outcome->header_text, SPAN_LIT(
	    "from:mallory@example.org\r\nsubject:hello\r\n"
	    "arc-message-signature:i=1;")));
	lookups_free(t.open);
	arena_clear(&m.arena);
	message_start(&m, "hello\r\n");
	seal(&m, &one);
	m.fields[2].value = SPAN_LIT(" i=1; mx.example.net; spf=pass");
	outcome = validate(&t, &m, m.body);
	assert_true(span_starts(outcome->header_text, SPAN_LIT(
	    "arc-authentication-results:i=1; mx.example.net; spf=pass\r\n"
	    "arc-message-signature:i=1;")));
	assert_memory_equal(outcome->body_hash,
	    outcome->message_signature->body_hash.p, BODYHASH_SIZE);
	lookups_free(t.open);
	outcome = validate(&t, &m, "other\r\n");
	assert_int_equal(outcome->message_signature->instance, 1);
	assert_int_equal(outcome->body_octets, 7);
	assert_memory_not_equal(outcome->body_hash,
	    outcome->message_signature->body_hash.p, BODYHASH_SIZE);
	trial_end(&t);
	arena_clear(&m.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_older_seal),
		cmocka_unit_test(test_older_message_signature),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_body_without_key),
		cmocka_unit_test(test_min_key_bits),
		cmocka_unit_test(test_too_many_questions),
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_keep_hashed),
	};

	return cmocka_run_group_tests(tests, load_keys, free_keys);
}
