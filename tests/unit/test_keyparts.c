/* key=: parts, what they are of a message, what an admin types. */
#include "tests/unit/unit.h"

#include "milters/policy/keyparts.h"

static void
reads_parts(void **state)
{
	static const struct {
		const char *text;
		const char *names;	/* NULL: refused */
		const char *err;
	} rows[] = {
		{ "client", "client", "" },
		{ "sasl-user+rcpt-domain", "sasl-user+rcpt-domain", "" },
		{ "RCPT,Helo", "rcpt+helo", "" },
		{ "client+client-net+sasl-user+mail-from+mail-from-domain+rcpt"
		    "+rcpt-domain+dkim-domain+helo+daemon",
		    "client+client-net+sasl-user+mail-from+mail-from-domain+"
		    "rcpt+rcpt-domain+dkim-domain+helo+daemon", "" },
		{ "", NULL, "write one or more of client, client-net, "
		    "sasl-user, mail-from, mail-from-domain, rcpt, "
		    "rcpt-domain, dkim-domain, helo, daemon, joined by +" },
		{ "client+", NULL, "write one" },
		{ "+client", NULL, "write one" },
		{ "sasluser", NULL, "did you mean sasl-user?" },
		{ "rcpt+helo+rcpt", NULL, "rcpt is there twice" },
	};
	struct strbuf err = STRBUF_INIT, names = STRBUF_INIT;
	struct keyparts key;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&err);
		strbuf_reset(&names);
		ROW_IS(rows[i].text, keyparts_read(span_of(rows[i].text), &key,
		    &err) == (rows[i].names != NULL));
		ROW_IS(rows[i].text, strncmp(strbuf_str(&err), rows[i].err,
		    strlen(rows[i].err)) == 0);
		if (rows[i].names == NULL)
			continue;
		keyparts_add_names(&key, &names);
		ROW_EQ(rows[i].text, strbuf_span(&names),
		    span_of(rows[i].names));
	}
	strbuf_clear(&err);
	strbuf_clear(&names);
}

static struct keyparts
key_of(const char *text)
{
	struct strbuf err = STRBUF_INIT;
	struct keyparts key;

	assert_true(keyparts_read(span_of(text), &key, &err));
	return key;
}

static const struct policy_recipient recipient = {
	.text = SPAN_LIT("b@example.net"),
	.address = { SPAN_LIT("b"), SPAN_LIT("example.net") },
};

static const struct policy_facts full = {
	.client_text = SPAN_LIT("192.0.2.1"),
	.client_net = SPAN_LIT("192.0.2.0/24"),
	.user = SPAN_LIT("alice"),
	.helo = SPAN_LIT("client.example"),
	.daemon = SPAN_LIT("submission"),
	.sender = { SPAN_LIT("a"), SPAN_LIT("example.com") },
	.sender_text = SPAN_LIT("a@example.com"),
	.dkim_domains = { SPAN_LIT("d1.example"), SPAN_LIT("d2.example"),
	    SPAN_LIT("d1.example") },
	.dkim_count = 3,
};

static const struct policy_facts bounce = {
	.sender_is_null = true,
	.sender_text = SPAN_LIT("<>"),
};

static void
finds_values(void **state)
{
	static const struct policy_recipient odd = {
		.text = SPAN_LIT("postmaster"),
	};
	static const struct {
		const char *key;
		const struct policy_facts *facts;
		const struct policy_recipient *recipient;
		size_t variant;
		const char *values;	/* NULL: it has none */
	} rows[] = {
		{ "client", &full, NULL, 0, "192.0.2.1" },
		{ "client-net+helo", &full, NULL, 0,
		    "192.0.2.0/24+client.example" },
		{ "helo+client-net", &full, NULL, 0,
		    "client.example+192.0.2.0/24" },
		{ "daemon+sasl-user", &full, NULL, 0, "submission+alice" },
		{ "mail-from", &full, NULL, 0, "a@example.com" },
		{ "mail-from-domain", &full, NULL, 0, "example.com" },
		{ "mail-from", &bounce, NULL, 0, "<>" },
		{ "mail-from-domain", &bounce, NULL, 0, "<>" },
		{ "sasl-user", &bounce, NULL, 0, NULL },
		{ "mail-from+client", &bounce, NULL, 0, NULL },
		{ "rcpt", &full, &recipient, 0, "b@example.net" },
		{ "sasl-user+rcpt-domain", &full, &recipient, 0,
		    "alice+example.net" },
		{ "rcpt", &full, &odd, 0, "postmaster" },
		{ "rcpt-domain", &full, &odd, 0, NULL },
		{ "dkim-domain", &full, NULL, 0, "d1.example" },
		{ "dkim-domain+rcpt", &full, &recipient, 1,
		    "d2.example+b@example.net" },
		{ "dkim-domain", &full, NULL, 2, NULL },
	};
	struct span values[KEYPARTS_MAX];
	struct strbuf text = STRBUF_INIT;
	struct keyparts key;
	bool found;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		key = key_of(rows[i].key);
		found = keyparts_values(&key, rows[i].facts,
		    rows[i].recipient, rows[i].variant, values);
		ROW_IS(rows[i].key, found == (rows[i].values != NULL));
		if (!found)
			continue;
		strbuf_reset(&text);
		keyparts_add_values(&key, values, &text);
		ROW_EQ(rows[i].key, strbuf_span(&text),
		    span_of(rows[i].values));
	}
	key = key_of("dkim-domain");
	assert_int_equal(keyparts_variants(&key, &full), 3);
	assert_int_equal(keyparts_variants(&key, &bounce), 0);
	key = key_of("client");
	assert_int_equal(keyparts_variants(&key, &bounce), 1);
	strbuf_clear(&text);
}

static void
knows_when(void **state)
{
	struct keyparts key = key_of("client+rcpt");

	(void)state;
	assert_int_equal(keyparts_stage(&key), POLICY_RCPT);
	assert_true(keyparts_has_recipient(&key));
	key = key_of("helo+dkim-domain");
	assert_int_equal(keyparts_stage(&key), POLICY_HEADERS);
	assert_false(keyparts_has_recipient(&key));
	assert_true(keyparts_has_dkim(&key));
}

static void
reads_what_an_admin_types(void **state)
{
	static const struct {
		const char *key, *typed;	/* typed: words by blanks */
		const char *values, *err;
	} rows[] = {
		{ "sasl-user", "Alice", "alice", NULL },
		{ "sasl-user", "a+b", "a+b", NULL },
		{ "sasl-user+rcpt-domain", "Alice+Example.COM",
		    "alice+example.com", NULL },
		{ "sasl-user+rcpt-domain", "a+b example.com",
		    "a+b+example.com", NULL },
		{ "sasl-user+rcpt-domain", "a+b+example.com", NULL,
		    "write the key as sasl-user+rcpt-domain, or each part as "
		    "a word of its own" },
		{ "sasl-user+rcpt-domain", "alice", NULL, "write the key" },
		{ "sasl-user", "alice example.com", NULL, "write the key" },
		{ "client", "2001:DB8::0:1", "2001:db8::1", NULL },
		{ "client", "192.0.2.0/24", NULL,
		    "the key's part client makes no sense" },
		{ "client-net", "192.0.2.7", "192.0.2.0/24", NULL },
		{ "client-net", "192.0.2.0/24", "192.0.2.0/24", NULL },
		{ "client-net", "192.0.0.0/16", NULL, "the key's part" },
		{ "client-net", "2001:db8::1", "2001:db8::/64", NULL },
		{ "mail-from", "A+x@Example.com", "a+x@example.com", NULL },
		{ "mail-from", "<>", "<>", NULL },
		{ "rcpt", "<B+x@Example.com>", "b@example.com", NULL },
		{ "mail-from-domain", "<>", "<>", NULL },
		{ "dkim-domain", "no domain!", NULL, "write the key" },
		{ "dkim-domain", "no_domain!", NULL, "the key's part" },
		{ "daemon", "MTA-v4", "MTA-v4", NULL },
	};
	struct span words[4], values[KEYPARTS_MAX], rest;
	struct strbuf err = STRBUF_INIT, text = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct keyparts key;
	size_t i, count;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		key = key_of(rows[i].key);
		rest = span_of(rows[i].typed);
		for (count = 0; span_item(&rest, &words[count]); count++)
			;
		strbuf_reset(&err);
		strbuf_reset(&text);
		ROW_IS(rows[i].typed, keyparts_parse(&key, words, count,
		    &arena, values, &err) == (rows[i].err == NULL));
		if (rows[i].err != NULL) {
			ROW_IS(rows[i].typed, strncmp(strbuf_str(&err),
			    rows[i].err, strlen(rows[i].err)) == 0);
			continue;
		}
		keyparts_add_values(&key, values, &text);
		ROW_EQ(rows[i].typed, strbuf_span(&text),
		    span_of(rows[i].values));
	}
	strbuf_clear(&err);
	strbuf_clear(&text);
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_parts),
		cmocka_unit_test(finds_values),
		cmocka_unit_test(knows_when),
		cmocka_unit_test(reads_what_an_admin_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
