#include "tests/unit/unit.h"
#include "tests/unit/dkim_keys.h"

#include "common/base/base64.h"
#include "common/dkim/headerhash.h"
#include "common/dkim/sign.h"
#include "common/mail/fold.h"
#include "common/mail/message.h"

static struct dkim_key *rsa, *ed25519;
static struct dkim_signset *set;

static const char text[] =
    "From: Joe <joe@example.com>\n"
    "To: sue@example.net\n"
    "Subject:  a   folded\n"
    "\tsubject \n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
    "X-Other: not signed\n"
    "Received: by b\n"
    "Received: by a\n"
    "Message-ID: <1@example.com>\n"
    "\n";

static const struct dkim_sign_options basic = {
	.header_canon = CANON_RELAXED,
	.body_canon = CANON_RELAXED,
	.now = 1700000000,
};

static struct dkim_sign_key
sign_key(struct dkim_key *key, const char *identity)
{
	return (struct dkim_sign_key){ key, SPAN_LIT("example.com"),
	    SPAN_LIT("sel"), span_of(identity) };
}

/* What a verifier does, with the public half we have. */
static bool
verifies(const struct message *message, const struct dkim_key *key,
    struct span value, struct span body, struct arena *arena)
{
	const struct header_field own = { SPAN_LIT("DKIM-Signature"), value,
	    false };
	struct dkim_headers *headers = dkim_headers_new(message->headers,
	    message->header_count, arena);
	struct strbuf err = STRBUF_INIT, data = STRBUF_INIT;
	struct bodyhashes hashes = { 0 };
	struct dkim_signature s;
	const char *reason;
	bool same;
	int rc;

	dkim_signature_parse(value, arena, &s, &reason);
	if (reason != NULL)
		fail_msg("%.*s: %s", SPAN_ARG(value), reason);
	bodyhashes_want(&hashes, s.body_canon, s.body_length, &err);
	bodyhashes_add(&hashes, body);
	assert_int_equal(bodyhashes_end(&hashes, &err), 0);
	same = memcmp(bodyhashes_digest(&hashes, 0), s.body_hash.p,
	    BODYHASH_SIZE) == 0;
	bodyhashes_clear(&hashes);
	dkim_headers_text(headers, &s, &own, &data);
	dkim_headers_free(headers);
	rc = dkim_key_verify(key, strbuf_span(&data), s.signature, &err);
	strbuf_clear(&data);
	return rc == 1 && same;
}

static void
sign(const struct dkim_sign_options *options, const struct dkim_sign_key *keys,
    size_t count, struct message *message, struct span body,
    struct dkim_signed *results)
{
	struct dkim_sign_options own = *options;
	struct strbuf err = STRBUF_INIT;
	struct dkim_sign *s;

	if (own.signset == NULL)
		own.signset = set;
	s = dkim_sign_start(&own, keys, count, message->headers,
	    message->header_count, &message->arena, &err);
	assert_non_null(s);
	dkim_sign_body(s, span_first(body, 1));
	dkim_sign_body(s, span_skip(body, 1));
	assert_int_equal(dkim_sign_end(s, results, &err), 0);
	dkim_sign_free(s);
	assert_int_equal(err.len, 0);
}

static struct message
read_message(const char *s)
{
	struct message message = { .arena = ARENA_INIT };
	struct span body;

	message_read_text(&message, span_of(s), &body);
	return message;
}

static bool
has(struct span s, const char *what)
{
	return memmem(s.p, s.len, what, strlen(what)) != NULL;
}

/* No line of 78 columns or more but for what cannot be broken. */
static void
check_lines(const char *name, struct span value, size_t most)
{
	size_t column = strlen("DKIM-Signature:"), i;

	ROW_IS(name, value.len > 0 && value.p[0] == ' ');
	for (i = 0; i < value.len; i++) {
		if (value.p[i] == '\n') {
			ROW_IS(name, value.p[i - 1] == '\r');
			ROW_IS(name, value.p[i + 1] == '\t');
			column = 0;
		} else if (value.p[i] != '\r') {
			column++;
		}
		ROW_IS(name, column <= most);
		ROW_IS(name, value.p[i] != '\n' || i + 1 < value.len);
	}
}

static void
test_round(void **state)
{
	static const char *const bodies[] = { "", "\r\n", "x", "a  b \r\n\r\n",
	    "\ta\tb\r\n.\r\n..\r\n" };
	struct dkim_sign_key keys[2] = { sign_key(rsa, ""),
	    sign_key(ed25519, "") };
	struct dkim_sign_options options = basic;
	struct dkim_signed results[2];
	struct message message;
	size_t i, k;

	(void)state;
	for (i = 0; i < 4 * ARRAY_LEN(bodies); i++) {
		message = read_message(text);
		options.header_canon = (enum canon)(i & 1);
		options.body_canon = (enum canon)(i >> 1 & 1);
		sign(&options, keys, 2, &message, span_of(bodies[i / 4]),
		    results);
		for (k = 0; k < 2; k++) {
			assert_ptr_equal(results[k].by, &keys[k]);
			assert_false(results[k].was_there);
			assert_true(verifies(&message, keys[k].key,
			    results[k].value, span_of(bodies[i / 4]),
			    &message.arena));
			assert_false(verifies(&message, keys[k].key,
			    results[k].value, span_of("other"),
			    &message.arena));
			check_lines(bodies[i / 4], results[k].value, FOLD_COLUMNS);
		}
		message_clear(&message);
	}
}

static void
test_layout(void **state)
{
	static const char want[] =
	    " v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\r\n"
	    "\ts=sel; t=1700000000; x=1700003600; i=@example.com; "
	    "h=From:Message-ID:Date:\r\n"
	    "\tSubject:To:From:To:Cc:Subject:Date:Reply-To:Message-ID:"
	    "In-Reply-To:\r\n"
	    "\tReferences:MIME-Version:Content-Type:"
	    "Content-Transfer-Encoding;\r\n"
	    "\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=";
	struct dkim_sign_key key = sign_key(ed25519, "@example.com");
	struct dkim_sign_options options = basic;
	struct message message = read_message(text);
	struct dkim_signed result;

	(void)state;
	options.ttl = 3600;
	sign(&options, &key, 1, &message, span_of(""), &result);
	SPAN_IS(span_first(result.value, sizeof(want) - 1), want);
	message_clear(&message);
}

static void
test_identity(void **state)
{
	static const struct {
		const char *identity;
		const char *written;	/* NULL: left out */
	} rows[] = {
		{ "", NULL },
		{ "joe@example.com", " i=joe@example.com;" },
		{ "joe@Sub.Example.COM", " i=joe@sub.example.com;" },
		{ "@example.com", " i=@example.com;" },
		{ "joe@example.org", NULL },
		{ "joe@xexample.com", NULL },
		{ "joe", NULL },
		{ "joe@", NULL },
		{ "a;b=c|d e@example.com",
		    " i=a=3Bb=3Dc=7Cd=20e@example.com;" },
		{ "a@b@example.com", " i=a@b@example.com;" },
		{ "j\xc3\xb6@example.com", " i=j=C3=B6@example.com;" },
	};
	struct dkim_sign_key key;
	struct dkim_signed result;
	struct message message;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		message = read_message(text);
		key = sign_key(ed25519, rows[i].identity);
		sign(&basic, &key, 1, &message, span_of(""), &result);
		ROW_IS(rows[i].identity, has(result.value, rows[i].written !=
		    NULL ? rows[i].written : "; h="));
		ROW_IS(rows[i].identity, has(result.value, "i=") ==
		    (rows[i].written != NULL));
		ROW_IS(rows[i].identity, verifies(&message, ed25519,
		    result.value, span_of(""), &message.arena));
		message_clear(&message);
	}
}

static void
test_long_parts(void **state)
{
	struct strbuf identity = STRBUF_INIT;
	struct message message = read_message(text);
	struct dkim_signature s;
	struct dkim_sign_key key;
	struct dkim_signed result;
	const char *reason;
	int i;

	(void)state;
	for (i = 0; i < 255; i++)
		strbuf_adds(&identity, "\xc3");
	strbuf_adds(&identity, "@example.com");
	key = sign_key(ed25519, identity.s);
	sign(&basic, &key, 1, &message, span_of(""), &result);
	check_lines("identity", result.value, FOLD_COLUMNS);
	assert_true(verifies(&message, ed25519, result.value, span_of(""),
	    &message.arena));
	dkim_signature_parse(result.value, &message.arena, &s, &reason);
	ROW_EQ("identity", s.identity, strbuf_span(&identity));
	strbuf_clear(&identity);
	message_clear(&message);
}

static void
test_diagnostics(void **state)
{
	struct dkim_sign_key key = sign_key(ed25519, "");
	struct dkim_sign_options options = basic;
	struct message message = read_message(text);
	struct strbuf big = STRBUF_INIT;
	struct dkim_signed result;

	(void)state;
	options.diagnostics = true;
	sign(&options, &key, 1, &message, span_of(""), &result);
	check_lines("z=", result.value, FOLD_COLUMNS);
	assert_true(has(result.value, " z=From:=20Joe=20<joe@example.com>"));
	assert_true(has(result.value, "|To:=20sue@example.net"));
	assert_false(has(result.value, "Other"));
	assert_true(verifies(&message, ed25519, result.value, span_of(""),
	    &message.arena));
	while (big.len < DKIM_SIGN_COPIES_MAX)
		strbuf_adds(&big, " x");
	message_add_header(&message, SPAN_LIT("Comments"), SPAN_LIT(" y"));
	message_add_header(&message, SPAN_LIT("Cc"), strbuf_span(&big));
	sign(&options, &key, 1, &message, span_of(""), &result);
	assert_false(has(result.value, "z="));
	assert_true(verifies(&message, ed25519, result.value, span_of(""),
	    &message.arena));
	strbuf_clear(&big);
	message_clear(&message);
}

static void
put_on_top(struct message *message, struct span value)
{
	struct header_field own;

	message_add_header(message, SPAN_LIT("DKIM-Signature"), value);
	own = message->headers[message->header_count - 1];
	memmove(message->headers + 1, message->headers,
	    (message->header_count - 1) * sizeof(own));
	message->headers[0] = own;
}

static void
test_existing(void **state)
{
	static const struct {
		const char *name;
		enum canon first;	/* the body's form then */
		int64_t ttl;
		int64_t later;
		const char *body;	/* the second time; NULL: the same */
		const char *added;	/* a field since then */
		bool was_there;
	} rows[] = {
		{ "again", CANON_RELAXED, 0, 0, NULL, NULL, true },
		{ "another form", CANON_SIMPLE, 0, 0, NULL, NULL, true },
		{ "within x=", CANON_RELAXED, 10, 9, NULL, NULL, true },
		{ "past x=", CANON_RELAXED, 10, 10, NULL, NULL, false },
		{ "other body", CANON_RELAXED, 0, 0, "x", NULL, false },
		{ "a field of no interest", CANON_RELAXED, 0, 0, NULL,
		    "Received", true },
		{ "a second Subject", CANON_RELAXED, 0, 0, NULL, "Subject",
		    false },
		{ "a first Cc", CANON_RELAXED, 0, 0, NULL, "Cc", false },
	};
	struct dkim_sign_key keys[2] = { sign_key(rsa, ""),
	    sign_key(ed25519, "") };
	struct dkim_sign_options options;
	struct dkim_signed results[2];
	struct message message;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		message = read_message(text);
		options = basic;
		options.body_canon = rows[i].first;
		options.ttl = rows[i].ttl;
		sign(&options, keys, 1, &message, span_of("a  b\r\n"), results);
		put_on_top(&message, results[0].value);
		if (rows[i].added != NULL)
			message_add_header(&message, span_of(rows[i].added),
			    SPAN_LIT(" more"));
		options = basic;
		options.keep_existing = true;
		options.now += rows[i].later;
		sign(&options, keys, 2, &message, span_of(rows[i].body != NULL ?
		    rows[i].body : "a  b\r\n"), results);
		ROW_IS(rows[i].name, results[0].was_there == rows[i].was_there);
		ROW_IS(rows[i].name, (results[0].value.len == 0) ==
		    rows[i].was_there);
		ROW_IS(rows[i].name, !results[1].was_there);
		message_clear(&message);
	}
}

/* What others put on top must not hide ours for ever, nor cost for ever. */
static void
test_many_existing(void **state)
{
	static const int others[] = { 0, DKIM_SIGN_EXISTING_MAX - 1,
	    DKIM_SIGN_EXISTING_MAX };
	struct dkim_sign_key key = sign_key(ed25519, "");
	struct dkim_sign_options options = basic;
	struct dkim_signed result;
	struct message message;
	struct strbuf bad = STRBUF_INIT;
	size_t i;
	int k;

	(void)state;
	options.keep_existing = true;
	for (i = 0; i < ARRAY_LEN(others); i++) {
		message = read_message(text);
		sign(&options, &key, 1, &message, span_of(""), &result);
		put_on_top(&message, result.value);
		strbuf_reset(&bad);
		strbuf_addspan(&bad, result.value);
		bad.s[bad.len - 5] ^= 1;
		for (k = 0; k < others[i]; k++)
			put_on_top(&message, strbuf_span(&bad));
		sign(&options, &key, 1, &message, span_of(""), &result);
		assert_int_equal(result.was_there,
		    others[i] < DKIM_SIGN_EXISTING_MAX);
		message_clear(&message);
	}
	strbuf_clear(&bad);
}

static int
start(void **state)
{
	static const struct dkim_signset_options options;
	struct diag diag = DIAG_INIT;
	struct strbuf err = STRBUF_INIT;

	(void)state;
	rsa = dkim_key_parse(SPAN_LIT(RSA_BASE64), &err);
	ed25519 = dkim_key_parse(SPAN_LIT(ED25519_SEED), &err);
	set = dkim_signset_new(&options, &diag);
	return rsa != NULL && ed25519 != NULL && diag.count == 0 ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	dkim_key_free(rsa);
	dkim_key_free(ed25519);
	dkim_signset_free(set);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_long_parts),
		cmocka_unit_test(test_diagnostics),
		cmocka_unit_test(test_existing),
		cmocka_unit_test(test_many_existing),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
