#include "tests/unit/unit.h"
#include "tests/unit/dkim_keys.h"
#include "tests/unit/dkim_make.h"
#include "tests/unit/zone.h"

#include "common/dkim/verify.h"
#include "common/mail/message.h"

#include <time.h>

#define NOW		1700000000
#define NAME		"sel._domainkey.example.com"
#define A		"v=1; a=rsa-sha256; "
#define DS		"d=example.com; s=sel; "
#define C		"c=relaxed/relaxed; "
#define H		"h=from:subject; "
#define TAGS		A DS C H
#define V		"v=DKIM1; "
#define RSA		"p=" RSA_PUBLIC
#define ED		"k=ed25519; p=" ED25519_PUBLIC
#define ED_TAGS		"v=1; a=ed25519-sha256; " DS C H
#define BODY		"Hello,  world\r\n\r\n"
#define RELAXED		"Hello, world\r\n"

static struct dkim_key *rsa, *ed25519;

/* What happens to one message. */
struct scene {
	struct arena arena;
	struct zone zone;
	struct lookups *lookups;
	struct bodyhashes hashes;
	struct dkim_verify_options options;
	struct header_field fields[80];
	size_t count;
	struct dkim_verify *verify;
	const struct dkim_outcome *outcomes;
	size_t outcome_count;
};

static void
scene_field(struct scene *scene, const char *name, struct span value)
{
	assert_true(scene->count < ARRAY_LEN(scene->fields));
	header_normalize(span_of(name), value, &scene->arena,
	    &scene->fields[scene->count++]);
}

/* Signatures go on top, as MTAs have it. */
static void
scene_top(struct scene *scene, struct span value)
{
	size_t i = scene->count;

	scene_field(scene, "DKIM-Signature", value);
	for (; i > 0; i--) {
		struct header_field field = scene->fields[i];

		scene->fields[i] = scene->fields[i - 1];
		scene->fields[i - 1] = field;
	}
}

static void
scene_start(struct scene *scene)
{
	*scene = (struct scene){ .options = { .now = NOW } };
	scene_field(scene, "From", SPAN_LIT(" Joe <joe@example.com>"));
	scene_field(scene, "Subject", SPAN_LIT(" a  test"));
}

static void
scene_sign(struct scene *scene, const struct dkim_key *key, const char *tags,
    const char *hashed)
{
	const struct dkim_make make = { "DKIM-Signature", DKIM_SIGNATURE,
	    key, tags, span_of(hashed), scene->fields, scene->count };

	scene_top(scene, dkim_make(&make, &scene->arena));
}

static void
scene_record(struct scene *scene, const char *name, const char *record)
{
	scene->zone.text = arena_printf(&scene->arena, "%s%s TXT \"%s\"\n",
	    scene->zone.text != NULL ? scene->zone.text : "", name, record);
}

/* In pieces of one octet, two, three; true where all of it was asked for. */
static bool
scene_body(struct scene *scene, struct span body)
{
	size_t n;

	for (n = 1; body.len > 0; n++) {
		if (!bodyhashes_wanted(&scene->hashes))
			return false;
		bodyhashes_add(&scene->hashes, span_first(body, n));
		body = span_skip(body, n);
	}
	return true;
}

static void
scene_begin(struct scene *scene)
{
	scene->lookups = zone_lookups(&scene->zone);
	scene->verify = dkim_verify_start(&scene->options, scene->fields,
	    scene->count, scene->lookups, &scene->hashes, &scene->arena);
}

static void
scene_finish(struct scene *scene)
{
	struct strbuf err = STRBUF_INIT;

	while (!dkim_verify_advance(scene->verify))
		assert_true(lookups_wait(scene->lookups));
	assert_int_equal(bodyhashes_end(&scene->hashes, &err), 0);
	scene->outcomes = dkim_verify_end(scene->verify,
	    &scene->outcome_count);
}

static const struct dkim_outcome *
scene_run(struct scene *scene, struct span body)
{
	scene_begin(scene);
	scene_body(scene, body);
	scene_finish(scene);
	return scene->outcomes;
}

static void
scene_end(struct scene *scene)
{
	dkim_verify_free(scene->verify);
	lookups_free(scene->lookups);
	bodyhashes_clear(&scene->hashes);
	arena_clear(&scene->arena);
}

static void
check(const char *name, const struct dkim_outcome *outcome,
    enum dkim_result result, const char *reason)
{
	if (outcome->result != result || strcmp(outcome->reason, reason) != 0)
		fail_msg("%s: got %s (%s), want %s (%s)", name,
		    dkim_result_name(outcome->result), outcome->reason,
		    dkim_result_name(result), reason);
}

/* ---- rules of the field ---- */

static const struct field_row {
	const char *tags;
	enum dkim_result result;
	const char *reason;
} field_rows[] = {
	{ TAGS, DKIM_PASS, "" },
	{ TAGS "q=dns/txt; t=1699999999; x=1700000001; z=From:x; ", DKIM_PASS,
	    "" },
	{ TAGS "unknown=tag; ", DKIM_PASS, "" },
	{ TAGS "i=@example.com; ", DKIM_PASS, "" },
	{ TAGS "i=joe@sub.example.com; ", DKIM_PASS, "" },
	{ A "d=EXAMPLE.com; s=SEL; " C H, DKIM_PASS, "" },
	{ A DS C "h=Subject:From:from:no-such; ", DKIM_PASS, "" },
	{ A DS C "h=subject; ", DKIM_PERMERROR, "From not in h=" },
	{ A DS H C "s=sel; ", DKIM_PERMERROR, "duplicate tag" },
	{ DS C H "a=rsa-sha256; ", DKIM_PERMERROR, "no v=" },
	{ "v=2; a=rsa-sha256; " DS C H, DKIM_PERMERROR, "unsupported version" },
	{ "v=1; a=rsa-sha1; " DS C H, DKIM_PERMERROR,
	    "rsa-sha1 is no longer accepted" },
	{ "v=1; a=rsa-md5; " DS C H, DKIM_PERMERROR, "unsupported algorithm" },
	{ TAGS "q=http; ", DKIM_PERMERROR, "unsupported q=" },
	{ A DS H "c=nowsp; ", DKIM_PERMERROR, "unsupported c=" },
	{ A "d=com; s=sel; " C H, DKIM_PERMERROR, "malformed d=" },
	{ A "d=exa_mple.com; s=sel; " C H, DKIM_PERMERROR, "malformed d=" },
	{ A "d=example.com; s=-sel; " C H, DKIM_PERMERROR, "malformed s=" },
	{ TAGS "i=joe@example.org; ", DKIM_PERMERROR, "i= not within d=" },
	{ TAGS "t=5; x=5; ", DKIM_PERMERROR, "x= not after t=" },
	{ TAGS "x=1699999700; ", DKIM_PASS, "" },	/* a clock's slack */
	{ TAGS "x=1699999699; ", DKIM_PERMERROR, "signature expired" },
	{ TAGS "x=0; ", DKIM_PERMERROR, "signature expired" },
	{ TAGS "t=1700000300; ", DKIM_PASS, "" },
	{ TAGS "t=1700000301; ", DKIM_PERMERROR,
	    "signature is from the future" },
	{ TAGS "t=999999999999; ", DKIM_PERMERROR,
	    "signature is from the future" },
	{ TAGS "x=999999999999; ", DKIM_PASS, "" },
};

static void
test_field(void **state)
{
	const struct field_row *row;
	struct scene scene;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(field_rows); i++) {
		row = &field_rows[i];
		scene_start(&scene);
		scene_record(&scene, NAME, V RSA);
		scene_sign(&scene, rsa, row->tags, RELAXED);
		scene_run(&scene, SPAN_LIT(BODY));
		ROW_IS(row->tags, scene.outcome_count == 1);
		check(row->tags, scene.outcomes, row->result, row->reason);
		scene_end(&scene);
	}
}

/* ---- rules of the key record ---- */

#define RSA_512		"p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALcJkVRuWhUSzMNeJB" \
	"xavDbxvEna4yP0vYg8MYp07sfpQyIlaxTqQHI+3oIjpszZH4LIxj8EK8g2yQ6RnV1/WW8" \
	"CAwEAAQ=="
#define SUB		"i=@sub.example.com; "

static const struct key_row {
	const char *tags;	/* of the signature */
	const char *records;	/* '|' between several; NULL: none */
	enum dkim_result result;
	const char *reason;
} key_rows[] = {
	{ TAGS, V RSA, DKIM_PASS, "" },
	{ TAGS, RSA, DKIM_PASS, "" },
	{ TAGS, V "g=other; n=x; zzz=; " RSA, DKIM_PASS, "" },
	{ ED_TAGS, V ED, DKIM_PASS, "" },
	{ TAGS, NULL, DKIM_PERMERROR, "no key for signature" },
	{ TAGS, V "p=", DKIM_PERMERROR, "key is revoked" },
	{ TAGS, V "h=sha256; p=", DKIM_PERMERROR, "key is revoked" },
	{ TAGS, V, DKIM_PERMERROR, "key record has no p=" },
	{ TAGS, "v=spf1 -all", DKIM_PERMERROR,
	    "key record is not of version DKIM1" },
	{ TAGS, "v=DKIM2; " RSA, DKIM_PERMERROR,
	    "key record is not of version DKIM1" },
	{ TAGS, RSA "; v=DKIM1", DKIM_PERMERROR,
	    "key record is not of version DKIM1" },
	{ TAGS, "text", DKIM_PERMERROR, "key record is malformed" },
	{ TAGS, V RSA "; " RSA, DKIM_PERMERROR, "key record is malformed" },
	{ TAGS, V "k=dsa; " RSA, DKIM_PERMERROR, "key is of an unknown type" },
	{ TAGS, V "p=%%%", DKIM_PERMERROR,
	    "key is malformed or out of bounds" },
	{ TAGS, V ED, DKIM_PERMERROR, "key is of another type than a=" },
	{ ED_TAGS, V RSA, DKIM_PERMERROR, "key is of another type than a=" },
	{ TAGS, V "h=sha1; " RSA, DKIM_PERMERROR, "key is not for SHA-256" },
	{ TAGS, V "h=sha1:sha256; " RSA, DKIM_PASS, "" },
	{ TAGS, V "s=tlsrpt; " RSA, DKIM_PERMERROR, "key is not for mail" },
	{ TAGS, V "s=tlsrpt:email; " RSA, DKIM_PASS, "" },
	{ TAGS, V "s=*; " RSA, DKIM_PASS, "" },
	{ TAGS SUB, V RSA, DKIM_PASS, "" },
	{ TAGS SUB, V "t=s; " RSA, DKIM_PERMERROR, "key is not for i=" },
	{ TAGS "i=a@EXAMPLE.com; ", V "t=s; " RSA, DKIM_PASS, "" },
	{ TAGS, V "t=s; " RSA, DKIM_PASS, "" },
	{ TAGS, V RSA_512, DKIM_POLICY, "key is too short" },
	/* RFC 6376 6.1.2: a wildcard's other texts; 3.6.2.2 */
	{ TAGS, "v=spf1 -all|some text|" V RSA, DKIM_PASS, "" },
	{ TAGS, V RSA "|v=spf1 -all", DKIM_PASS, "" },
	{ TAGS, V RSA "|" V "n=2; " RSA, DKIM_PERMERROR,
	    "several key records" },
	{ TAGS, V RSA "|" V "p=", DKIM_PERMERROR, "several key records" },
	{ TAGS, "v=spf1 -all|other", DKIM_PERMERROR,
	    "key record is not of version DKIM1" },
};

static void
add_records(struct scene *scene, const char *records)
{
	struct span rest = span_of(records), record;
	bool more;

	if (records == NULL) {
		scene->zone.text = "";
		return;
	}
	do {
		more = span_cut(&rest, '|', &record);
		scene_record(scene, NAME,
		    arena_dup(&scene->arena, record).p);
	} while (more);
}

static void
test_key_record(void **state)
{
	const struct key_row *row;
	struct scene scene;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(key_rows); i++) {
		row = &key_rows[i];
		scene_start(&scene);
		add_records(&scene, row->records);
		scene_sign(&scene, strstr(row->tags, "ed25519") != NULL ?
		    ed25519 : rsa, row->tags, RELAXED);
		scene_run(&scene, SPAN_LIT(BODY));
		check(row->records != NULL ? row->records : "none",
		    scene.outcomes, row->result, row->reason);
		scene_end(&scene);
	}
}

/* Only what may be otherwise later is temporary. */
static void
test_dns_trouble(void **state)
{
	static const struct {
		const char *zone;
		enum dkim_result result;
	} rows[] = {
		{ NAME " SERVFAIL\n", DKIM_TEMPERROR },
		{ NAME " TIMEOUT\n", DKIM_TEMPERROR },
		{ NAME " BOGUS\n", DKIM_TEMPERROR },
		{ NAME " NXDOMAIN\n", DKIM_PERMERROR },
		{ NAME " NODATA\n", DKIM_PERMERROR },
		{ NAME " TXT \"v=DKIM1; \\000" RSA "\"\n", DKIM_PERMERROR },
		{ NAME " CNAME k.example.net\n"
		    "k.example.net TXT \"" V RSA "\"\n", DKIM_PASS },
	};
	struct scene scene;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		scene_start(&scene);
		scene.zone.text = rows[i].zone;
		scene_sign(&scene, rsa, TAGS, RELAXED);
		scene_run(&scene, SPAN_LIT(BODY));
		if (scene.outcomes->result != rows[i].result)
			fail_msg("%s: %s (%s)", rows[i].zone,
			    dkim_result_name(scene.outcomes->result),
			    scene.outcomes->reason);
		scene_end(&scene);
	}
}

/* ---- what was signed ---- */

static void
test_changes(void **state)
{
	struct scene scene;

	(void)state;
	scene_start(&scene);
	scene_record(&scene, NAME, V RSA);
	scene_sign(&scene, rsa, TAGS, RELAXED);
	scene_run(&scene, SPAN_LIT("Hello, you\r\n"));
	check("body", scene.outcomes, DKIM_FAIL, "body hash did not verify");
	assert_true(scene.outcomes->has_body_hash);
	scene_end(&scene);

	scene_start(&scene);
	scene_record(&scene, NAME, V RSA);
	scene_sign(&scene, rsa, TAGS, RELAXED);
	scene.fields[2].value = SPAN_LIT(" another test");
	scene_begin(&scene);
	/* the body is not asked for: nothing could make it a pass */
	assert_false(bodyhashes_wanted(&scene.hashes));
	scene_finish(&scene);
	check("header", scene.outcomes, DKIM_FAIL, "signature did not verify");
	assert_int_equal(scene.outcomes->header_text.len, 0);
	scene_end(&scene);

	scene_start(&scene);
	scene.options.keep_hashed = true;
	scene_record(&scene, NAME, V RSA);
	scene_sign(&scene, rsa, TAGS, RELAXED);
	scene.fields[2].value = SPAN_LIT(" another test");
	scene_run(&scene, SPAN_LIT(BODY));
	check("header", scene.outcomes, DKIM_FAIL, "signature did not verify");
	assert_true(span_starts(scene.outcomes->header_text, SPAN_LIT(
	    "from:Joe <joe@example.com>\r\nsubject:another test\r\n"
	    "dkim-signature:v=1; a=rsa-sha256; ")));
	assert_true(span_ends_nocase(scene.outcomes->header_text,
	    SPAN_LIT("; b=")));
	/* to explain, whether the body is what was signed is known all the
	 * same */
	assert_true(scene.outcomes->has_body_hash);
	assert_memory_equal(scene.outcomes->body_hash,
	    scene.outcomes->signature.body_hash.p, BODYHASH_SIZE);
	scene_end(&scene);

	/* another key */
	scene_start(&scene);
	scene_record(&scene, NAME, V "k=ed25519; p="
	    "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=");
	scene_sign(&scene, ed25519, ED_TAGS, RELAXED);
	scene_run(&scene, SPAN_LIT(BODY));
	check("key", scene.outcomes, DKIM_FAIL, "signature did not verify");
	scene_end(&scene);
}

static void
test_length(void **state)
{
	static const struct {
		const char *tags, *hashed, *body;
		enum dkim_result partial, result;
		const char *reason;
	} rows[] = {
		{ TAGS "l=14; ", RELAXED, BODY, DKIM_POLICY, DKIM_PASS, "" },
		{ TAGS "l=14; ", RELAXED, BODY "x", DKIM_NONE, DKIM_POLICY,
		    "l= leaves part of the body unsigned" },
		{ TAGS "l=14; ", RELAXED, BODY "x", DKIM_FAIL, DKIM_FAIL,
		    "l= leaves part of the body unsigned" },
		{ TAGS "l=14; ", RELAXED, BODY "x", DKIM_PASS, DKIM_PASS, "" },
		{ TAGS "l=5; ", "Hello", BODY, DKIM_PASS, DKIM_PASS, "" },
		{ TAGS "l=5; ", "Hello", "Hallo", DKIM_PASS, DKIM_FAIL,
		    "body hash did not verify" },
		{ TAGS "l=0; ", "", BODY, DKIM_POLICY, DKIM_POLICY,
		    "l= leaves part of the body unsigned" },
		{ TAGS "l=0; ", "", "", DKIM_POLICY, DKIM_PASS, "" },
		{ TAGS "l=15; ", RELAXED, BODY, DKIM_PASS, DKIM_PERMERROR,
		    "l= is over the body's size" },
		{ TAGS "l=99999999999999999999999999; ", RELAXED, BODY,
		    DKIM_PASS, DKIM_PERMERROR, "l= is over the body's size" },
		{ TAGS "l=-1; ", RELAXED, BODY, DKIM_PASS, DKIM_PERMERROR,
		    "malformed l=" },
		{ A DS H "l=2; ", "\r\n", "", DKIM_POLICY, DKIM_PASS, "" },
		{ A DS H "l=0; ", "", "", DKIM_POLICY, DKIM_POLICY,
		    "l= leaves part of the body unsigned" },
	};
	struct scene scene;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		scene_start(&scene);
		scene.options.partial_body = rows[i].partial;
		scene_record(&scene, NAME, V RSA);
		scene_sign(&scene, rsa, rows[i].tags, rows[i].hashed);
		scene_run(&scene, span_of(rows[i].body));
		check(rows[i].tags, scene.outcomes, rows[i].result,
		    rows[i].reason);
		scene_end(&scene);
	}
}

/* ---- several signatures ---- */

/* Which are examined: those of the author's domain and near it first. */
static void
test_order(void **state)
{
	static const char *const domains[] = {	/* from the top */
		"one.example.org", "mail.example.com", "example.org",
		"Example.Com", "two.example.org", "news.example.com",
		"sub.mail.example.com",
	};
	static const size_t order[] = { 1, 3, 6, 5, 0, 2, 4 };
	const struct span author = SPAN_LIT("mail.example.com");
	struct scene scene;
	size_t i;

	(void)state;
	scene_start(&scene);
	scene.zone.text = "";
	for (i = ARRAY_LEN(domains); i-- > 0;)
		scene_sign(&scene, rsa, arena_printf(&scene.arena,
		    A "d=%s; s=sel; " C H, domains[i]), RELAXED);
	scene.options.max_signatures = 4;
	scene.options.authors = &author;
	scene.options.author_count = 1;
	scene_run(&scene, SPAN_LIT(BODY));
	assert_int_equal(scene.outcome_count, ARRAY_LEN(domains));
	for (i = 0; i < ARRAY_LEN(domains); i++) {
		assert_int_equal(scene.outcomes[i].field, order[i]);
		assert_int_equal(scene.outcomes[i].is_skipped, i >= 4);
		check(domains[i], &scene.outcomes[i], i < 4 ? DKIM_PERMERROR :
		    DKIM_NEUTRAL, i < 4 ? "no key for signature" :
		    "not examined: too many signatures");
	}
	assert_int_equal(lookups_count(scene.lookups), 4);
	assert_int_equal(dkim_verify_unlisted(scene.verify), 0);
	scene_end(&scene);
}

static void
test_bounds(void **state)
{
	struct scene scene;
	struct span value;
	size_t i;

	(void)state;
	scene_start(&scene);
	scene_record(&scene, NAME, V RSA);
	scene_sign(&scene, rsa, TAGS, RELAXED);
	value = scene.fields[0].value;
	for (i = 1; i < 70; i++)
		scene_field(&scene, "DKIM-Signature", value);
	scene_run(&scene, SPAN_LIT(BODY));
	assert_int_equal(scene.outcome_count, DKIM_VERIFY_LISTED_MAX);
	assert_int_equal(dkim_verify_unlisted(scene.verify), 6);
	for (i = 0; i < scene.outcome_count; i++)
		check("of many", &scene.outcomes[i],
		    i < DKIM_VERIFY_SIGNATURES ? DKIM_PASS : DKIM_NEUTRAL,
		    i < DKIM_VERIFY_SIGNATURES ? "" :
		    "not examined: too many signatures");
	assert_int_equal(lookups_count(scene.lookups), 1);
	assert_int_equal(scene.hashes.count, 1);
	scene_end(&scene);

	scene_start(&scene);
	scene_run(&scene, SPAN_LIT(BODY));
	assert_int_equal(scene.outcome_count, 0);
	assert_false(bodyhashes_wanted(&scene.hashes));
	scene_end(&scene);
}

/* The order of answers does not matter, and nothing is decided before. */
static void
test_late(void **state)
{
	struct scene scene;

	(void)state;
	scene_start(&scene);
	scene.zone.text = "a._domainkey.example.com LATE 3\n"
	    "a._domainkey.example.com TXT \"" V RSA "\"\n"
	    "b._domainkey.example.com TXT \"" V "t=y; " ED "\"\n"
	    "b._domainkey.example.com SECURE\n";
	scene_sign(&scene, rsa, A "d=example.com; s=a; " C H, RELAXED);
	scene_sign(&scene, ed25519, "v=1; a=ed25519-sha256; d=example.com; "
	    "s=b; " C H, RELAXED);
	scene_begin(&scene);
	assert_false(dkim_verify_advance(scene.verify));
	assert_true(scene_body(&scene, SPAN_LIT(BODY)));
	scene_finish(&scene);
	check("b", &scene.outcomes[0], DKIM_PASS, "");
	check("a", &scene.outcomes[1], DKIM_PASS, "");
	assert_true(scene.outcomes[0].is_testing);
	assert_true(scene.outcomes[0].is_secure);
	assert_int_equal(scene.outcomes[0].key_bits, 256);
	assert_false(scene.outcomes[1].is_testing);
	assert_false(scene.outcomes[1].is_secure);
	assert_int_equal(scene.outcomes[1].key_bits, 1024);
	scene_end(&scene);
}

/* ---- what is shown ---- */

static void
test_shown(void **state)
{
	struct scene scene;
	const struct dkim_outcome *o;

	(void)state;
	scene_start(&scene);
	scene.zone.text = "";
	scene_field(&scene, "DKIM-Signature", SPAN_LIT(" v=1; a=Rsa-Sha1; "
	    "d=Example.com ; s=x;\r\n\tb=AAAA\r\n\tBBBBCCCC"));
	scene_field(&scene, "dkim-signature", SPAN_LIT("b=AAAABBBBCDCC"));
	scene_field(&scene, "DKIM-Signature", SPAN_LIT("junk\001"));
	scene_field(&scene, "DKIM-Signature", SPAN_LIT(" d=a.b\rx; b=ab"));
	scene_field(&scene, "DKIM-Signature ", SPAN_LIT(" d=a.b; b=abc"));
	scene_sign(&scene, rsa, A "d=B\xc3\xbc" "cher.example; s=\xc3\xbc; "
	    "i=j=C3=BCrgen@b\xc3\xbc" "cher.example; " C H, RELAXED);
	o = scene_run(&scene, SPAN_LIT(BODY));
	assert_int_equal(scene.outcome_count, 6);
	check("U-labels", &o[0], DKIM_PERMERROR, "no key for signature");
	assert_true(o[0].is_readable);
	SPAN_IS(o[0].domain, "xn--bcher-kva.example");
	SPAN_IS(o[0].selector, "xn--tda");
	SPAN_IS(o[0].identity, "j\xc3\xbcrgen@xn--bcher-kva.example");
	SPAN_IS(lookups_at(scene.lookups, 0)->name,
	    "xn--tda._domainkey.xn--bcher-kva.example");
	assert_int_equal(o[0].b.len, 8);
	check("SHA-1", &o[1], DKIM_PERMERROR, "rsa-sha1 is no longer accepted");
	assert_false(o[1].is_readable);
	SPAN_IS(o[1].domain, "Example.com");
	SPAN_IS(o[1].selector, "x");
	SPAN_IS(o[1].identity, "");
	SPAN_IS(o[1].algorithm, "Rsa-Sha1");
	SPAN_IS(o[1].b, "AAAABBBBCC");	/* as many as tell it apart */
	SPAN_IS(o[2].b, "AAAABBBBCD");
	check("junk", &o[3], DKIM_PERMERROR, "malformed tag list");
	SPAN_IS(o[3].b, "");
	check("a bare CR", &o[4], DKIM_PERMERROR, "malformed header field");
	SPAN_IS(o[4].b, "ab");
	check("a blank", &o[5], DKIM_PERMERROR, "malformed header field");
	scene_end(&scene);
}

static void
test_own_identity(void **state)
{
	struct scene scene;

	(void)state;
	scene_start(&scene);
	scene_record(&scene, NAME, V RSA);
	scene_sign(&scene, rsa, TAGS, RELAXED);
	scene_run(&scene, SPAN_LIT(BODY));
	SPAN_IS(scene.outcomes->identity, "@example.com");
	SPAN_IS(scene.outcomes->algorithm, "rsa-sha256");
	scene_end(&scene);
}

/* Beyond the message's bound of questions: lasting, so no temporary error. */
static void
test_questions(void **state)
{
	struct lookups_options options = { .source = zone_source,
	    .max_queries = 1 };
	struct scene scene;

	(void)state;
	scene_start(&scene);
	scene.zone.text = "";
	scene_sign(&scene, rsa, TAGS, RELAXED);
	scene_sign(&scene, rsa, A "d=example.org; s=x; " C H, RELAXED);
	options.source_arg = &scene.zone;
	scene.lookups = lookups_new(&options);
	scene.verify = dkim_verify_start(&scene.options, scene.fields,
	    scene.count, scene.lookups, &scene.hashes, &scene.arena);
	scene_finish(&scene);
	check("asked", &scene.outcomes[0], DKIM_PERMERROR, "no key for signature");
	check("refused", &scene.outcomes[1], DKIM_PERMERROR,
	    "too many DNS questions for one message");
	scene_end(&scene);
}

/* A field that is malformed is hashed as it came: other than signed, or not. */
static void
test_malformed_fields(void **state)
{
	struct scene scene;

	(void)state;
	scene_start(&scene);
	scene_record(&scene, NAME, V RSA);
	scene_field(&scene, "Subject", span_make(" a\0b\rc", 6));
	scene_field(&scene, "Date ", SPAN_LIT(" x"));
	assert_true(scene.fields[2].is_malformed);
	scene_sign(&scene, rsa, A DS C "h=from:subject:subject:date; ",
	    RELAXED);
	scene_run(&scene, SPAN_LIT(BODY));
	check("as signed", scene.outcomes, DKIM_PASS, "");
	scene_end(&scene);
}

/* ---- what no message may cost ---- */

enum {
	MANY_FIELDS = 100000,
	LARGE_HEADER = 10 << 20
};

/* h= of as many names as there may be: the same one, or all different. */
static struct span
costly_tags(struct arena *arena, unsigned seed)
{
	struct strbuf tags = STRBUF_INIT;
	struct span made;
	unsigned i;

	strbuf_addf(&tags, A DS "c=relaxed/relaxed; l=%u; h=from", seed);
	for (i = 1; i < DKIM_HEADER_NAMES_MAX; i++)
		strbuf_addf(&tags, ":X-%u", seed % 2 == 0 ? 1 : i + seed);
	strbuf_adds(&tags, "; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;"
	    " b=AAAA");
	made = arena_dup(arena, strbuf_span(&tags));
	strbuf_clear(&tags);
	return made;
}

static size_t
fill_header(struct header_field *fields, struct arena *arena)
{
	struct strbuf large = STRBUF_INIT;
	size_t i, n = 0;
	unsigned seed;

	for (seed = 0; seed < 2000; seed++)
		header_normalize(SPAN_LIT("DKIM-Signature"),
		    costly_tags(arena, seed % 64), arena, &fields[n++]);
	header_normalize(SPAN_LIT("From"), SPAN_LIT(" joe@example.com"), arena,
	    &fields[n++]);
	while (large.len < LARGE_HEADER / 4)
		strbuf_adds(&large, " a \t b");
	for (i = 0; i < 4; i++)
		fields[n++] = (struct header_field){ SPAN_LIT("X-1"),
		    arena_dup(arena, strbuf_span(&large)), false };
	for (i = 0; n < MANY_FIELDS; i++)
		fields[n++] = (struct header_field){ span_of(arena_printf(arena,
		    "X-%zu", i % 5000)), SPAN_LIT(" x"), false };
	strbuf_clear(&large);
	return n;
}

static void
test_cost(void **state)
{
	struct header_field *fields = xcalloc(MANY_FIELDS, sizeof(*fields));
	struct scene scene = { .options = { .now = NOW, .max_signatures =
	    DKIM_VERIFY_SIGNATURES_MAX } };
	struct arena arena = ARENA_INIT;
	size_t count = fill_header(fields, &arena);
	clock_t start = clock();

	(void)state;
	scene_record(&scene, NAME, V RSA);
	scene.lookups = zone_lookups(&scene.zone);
	scene.verify = dkim_verify_start(&scene.options, fields, count,
	    scene.lookups, &scene.hashes, &scene.arena);
	scene_finish(&scene);
	assert_int_equal(scene.outcome_count, DKIM_VERIFY_LISTED_MAX);
	check("costly", scene.outcomes, DKIM_FAIL, "signature did not verify");
	print_message("%.2f s of CPU, %zu octets of memory\n",
	    (double)(clock() - start) / CLOCKS_PER_SEC, scene.arena.total);
	assert_true(scene.arena.total < 32 << 20);
	scene_end(&scene);
	arena_clear(&arena);
	free(fields);
}

static int
make_keys(void **state)
{
	struct strbuf err = STRBUF_INIT;

	(void)state;
	rsa = dkim_key_parse(SPAN_LIT(RSA_BASE64), &err);
	ed25519 = dkim_key_parse(SPAN_LIT(ED25519_SEED), &err);
	return rsa == NULL || ed25519 == NULL;
}

static int
free_keys(void **state)
{
	(void)state;
	dkim_key_free(rsa);
	dkim_key_free(ed25519);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field),
		cmocka_unit_test(test_key_record),
		cmocka_unit_test(test_dns_trouble),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_own_identity),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_malformed_fields),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
