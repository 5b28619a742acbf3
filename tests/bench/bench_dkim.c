/*
 * bench_dkim.c - what canonical forms, signing and verifying cost, each beside
 * what OpenSSL alone needs for the same bytes. CPU time; the best of some
 * rounds.
 */
#include "tests/bench/bench.h"

#include "common/base/mem.h"
#include "common/dkim/sign.h"
#include "common/dkim/verify.h"
#include "common/mail/message.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 25, CHUNK = 65535 };	/* a milter's body chunk */

static const char header[] =
    "Received: from a.example.com (a.example.com [192.0.2.1])\n"
    "\tby mx.example.com (Postfix) with ESMTPS id 4ABCDEF\n"
    "\tfor <sue@example.net>; Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
    "From: Joe SixPack <joe@football.example.com>\n"
    "To: Suzie Q <suzie@shopping.example.net>\n"
    "Subject: Is dinner ready?\n"
    "MIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: 8bit\n"
    "User-Agent: Some Agent 1.0\n"
    "\n";

static const struct kind {
	const char *name;
	const char *line;
} kinds[] = {
	{ "prose", "Lorem ipsum  dolor sit amet, consectetur adipiscing elit, "
	    "sed do eiusmod.\r\n" },
	{ "base64", "TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVyIGFk"
	    "aXBpc2NpbmcgZWxpdAo=\r\n" },
	{ "indented code", "\t\tif (a == b)  \r\n"
	    "\t\t\treturn  (c);\t/* x */\r\n" },
	{ "blanks", "                                                        "
	    "                     \r\n" },
	{ "worst case", "a  b  c  d  e  f  g  h  i  j  k  l  m  n  o  p  " },
	{ "empty lines", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n" },
};

static void
fill(struct strbuf *body, const char *line, size_t size)
{
	strbuf_reset(body);
	while (body->len < size)
		strbuf_adds(body, line);
	strbuf_truncate(body, size);
}

static void
drop(void *arg, const void *data, size_t len)
{
	uint64_t *octets = arg;

	(void)data;
	*octets += len;
}

static double
canon_time(enum canon canon, struct span body)
{
	struct canon_body *state = xmalloc(sizeof(*state));
	double start = bench_cpu();
	uint64_t octets = 0;

	canon_body_start(state, canon, drop, &octets);
	for (; body.len > 0; body = span_skip(body, CHUNK))
		canon_body_add(state, span_first(body, CHUNK));
	canon_body_end(state);
	start = bench_cpu() - start;
	free(state);
	return start;
}

static double
bodyhash_time(enum canon canon, struct span body)
{
	struct bodyhashes hashes = { 0 };
	struct strbuf err = STRBUF_INIT;
	double start = bench_cpu();

	bodyhashes_want(&hashes, canon, UINT64_MAX, &err);
	for (; body.len > 0; body = span_skip(body, CHUNK))
		bodyhashes_add(&hashes, span_first(body, CHUNK));
	if (bodyhashes_end(&hashes, &err) != 0)
		bench_die("%s", strbuf_str(&err));
	bodyhashes_clear(&hashes);
	return bench_cpu() - start;
}

static double
sha256_time(struct span body)
{
	unsigned char out[BODYHASH_SIZE];
	double start = bench_cpu();

	EVP_Digest(body.p, body.len, out, NULL, EVP_sha256(), NULL);
	return bench_cpu() - start;
}

static void
least(double *best, double t)
{
	if (*best == 0 || t < *best)
		*best = t;
}

static void
bench_body(const struct kind *kind, enum canon canon, struct span body)
{
	double canonical = 0, hash = 0, floor = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		least(&canonical, canon_time(canon, body));
		least(&hash, bodyhash_time(canon, body));
		least(&floor, sha256_time(body));
	}
	printf("%-14s %-8s canonical %6.2f GB/s   hashed %6.2f GB/s   "
	    "SHA-256 alone %5.2f GB/s   ratio %.2f\n", kind->name,
	    canon_name(canon), (double)body.len / canonical / 1e9,
	    (double)body.len / hash / 1e9, (double)body.len / floor / 1e9,
	    hash / floor);
}

static void
bench_bodies(void)
{
	enum { SIZE = 1 << 20 };	/* in the cache, as what comes from a
				   socket */
	struct strbuf body = STRBUF_INIT;
	enum canon canon;
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		fill(&body, kinds[i].line, SIZE);
		for (canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++)
			bench_body(&kinds[i], canon, strbuf_span(&body));
	}
	strbuf_clear(&body);
}

/* ---- whole signatures ---- */

struct signing {
	struct dkim_sign_options options;
	struct dkim_sign_key key;
	struct message message;
	struct span body;
};

/* The value of the field, in the arena. */
static struct span
sign_once(const struct signing *s, struct arena *arena)
{
	struct strbuf err = STRBUF_INIT;
	struct dkim_signed result;
	struct dkim_sign *sign;

	sign = dkim_sign_start(&s->options, &s->key, 1, s->message.headers,
	    s->message.header_count, arena, &err);
	if (sign == NULL)
		bench_die("%s", strbuf_str(&err));
	dkim_sign_body(sign, s->body);
	if (dkim_sign_end(sign, &result, &err) != 0)
		bench_die("%s", strbuf_str(&err));
	dkim_sign_free(sign);
	return result.value;
}

/* OpenSSL's part of it: the hash of body and header, one signature. */
static void
floor_once(const struct signing *s, EVP_PKEY *pkey, bool rsa)
{
	unsigned char out[DKIM_SIGNATURE_MAX], hash[BODYHASH_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = sizeof(out);

	EVP_Digest(s->body.p, s->body.len, hash, NULL, EVP_sha256(), NULL);
	EVP_Digest(header, sizeof(header), hash, NULL, EVP_sha256(), NULL);
	EVP_DigestSignInit(ctx, NULL, rsa ? EVP_sha256() : NULL, NULL, pkey);
	if (EVP_DigestSign(ctx, out, &len, hash, sizeof(hash)) != 1)
		bench_die("signing failed");
	EVP_MD_CTX_free(ctx);
}

static void
bench_sign(struct signing *s, enum dkim_algorithm algorithm, int times)
{
	bool rsa = algorithm == DKIM_RSA_SHA256;
	EVP_PKEY *pkey = rsa ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
	    (size_t)DKIM_RSA_BITS_GOOD) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct strbuf err = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	double ours = 0, floor = 0, start;
	int i, k;

	s->key.key = dkim_key_generate(algorithm, DKIM_RSA_BITS_GOOD, &err);
	for (i = 0; i < ROUNDS; i++) {
		start = bench_cpu();
		for (k = 0; k < times; k++) {
			sign_once(s, &arena);
			arena_clear(&arena);
		}
		least(&ours, bench_cpu() - start);
		start = bench_cpu();
		for (k = 0; k < times; k++)
			floor_once(s, pkey, rsa);
		least(&floor, bench_cpu() - start);
	}
	printf("%-15s %8zu octets  ours %9.1f us   OpenSSL %9.1f us   "
	    "ratio %.3f\n", dkim_algorithm_name(algorithm), s->body.len,
	    ours / times * 1e6, floor / times * 1e6, ours / floor);
	dkim_key_free(s->key.key);
	EVP_PKEY_free(pkey);
}

/* ---- and their verification, the key being known ---- */

struct verifying {
	struct dkim_verify_options options;
	struct message message;		/* signed */
	struct span body;
	struct lookups *lookups;	/* lasts: so does the parsed key */
};

static bool
answer_key(void *arg, struct span name, enum dns_type type,
    struct arena *arena, struct dns_answer *answer)
{
	const struct span *record = arg;
	struct strbuf data = STRBUF_INIT;
	struct span rest = *record, string;

	(void)name;
	(void)type;
	for (; rest.len > 0; rest = span_skip(rest, string.len)) {
		string = span_first(rest, 255);
		strbuf_addc(&data, (char)string.len);
		strbuf_addspan(&data, string);
	}
	answer->result = DNS_FOUND;
	answer->count = 1;
	answer->records = arena_alloc(arena, sizeof(*answer->records));
	answer->records[0].data = arena_dup(arena, strbuf_span(&data));
	strbuf_clear(&data);
	return true;
}

static void
verify_once(const struct verifying *v)
{
	const struct dkim_outcome *outcomes;
	struct bodyhashes hashes = { 0 };
	struct strbuf err = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct dkim_verify *verify;
	size_t count;

	verify = dkim_verify_start(&v->options, v->message.headers,
	    v->message.header_count, v->lookups, &hashes, &arena);
	bodyhashes_add(&hashes, v->body);
	if (bodyhashes_end(&hashes, &err) != 0)
		bench_die("%s", strbuf_str(&err));
	outcomes = dkim_verify_end(verify, &count);
	if (count != 1 || outcomes[0].result != DKIM_PASS)
		bench_die("a signature of ours does not verify");
	dkim_verify_free(verify);
	bodyhashes_clear(&hashes);
	arena_clear(&arena);
}

/* OpenSSL's part: two hashes and a verification with a key at hand. */
static void
verify_floor(const struct verifying *v, EVP_PKEY *pkey, bool rsa,
    struct span signature)
{
	unsigned char hash[BODYHASH_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	EVP_Digest(v->body.p, v->body.len, hash, NULL, EVP_sha256(), NULL);
	EVP_Digest(header, sizeof(header), hash, NULL, EVP_sha256(), NULL);
	EVP_DigestVerifyInit(ctx, NULL, rsa ? EVP_sha256() : NULL, NULL, pkey);
	if (EVP_DigestVerify(ctx, (const unsigned char *)signature.p,
	    signature.len, (const unsigned char *)header, 32) != 1)
		bench_die("verifying failed");
	EVP_MD_CTX_free(ctx);
}

static EVP_PKEY *
floor_key(bool rsa, unsigned char *signature, size_t *len)
{
	EVP_PKEY *pkey = rsa ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
	    (size_t)DKIM_RSA_BITS_GOOD) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	EVP_DigestSignInit(ctx, NULL, rsa ? EVP_sha256() : NULL, NULL, pkey);
	if (EVP_DigestSign(ctx, signature, len, (const unsigned char *)header,
	    32) != 1)
		bench_die("signing failed");
	EVP_MD_CTX_free(ctx);
	return pkey;
}

static void
bench_verify(struct signing *s, enum dkim_algorithm algorithm)
{
	enum { TIMES = 200 };
	bool rsa = algorithm == DKIM_RSA_SHA256;
	unsigned char signature[DKIM_SIGNATURE_MAX];
	size_t len = sizeof(signature);
	EVP_PKEY *pkey = floor_key(rsa, signature, &len);
	struct verifying v = { .options = { .now = 1700000000 },
	    .body = s->body };
	struct strbuf record = STRBUF_INIT, err = STRBUF_INIT;
	struct span record_text, rest;
	const struct lookups_options how = { .source = answer_key,
	    .source_arg = &record_text };
	double ours = 0, floor = 0, start;
	int i, k;

	s->key.key = dkim_key_generate(algorithm, DKIM_RSA_BITS_GOOD, &err);
	dkim_record_format(s->key.key, "", &record, &err);
	record_text = strbuf_span(&record);
	message_add_header(&v.message, SPAN_LIT("DKIM-Signature"),
	    sign_once(s, &v.message.arena));
	message_read_text(&v.message, span_of(header), &rest);
	v.lookups = lookups_new(&how);
	for (i = 0; i < ROUNDS; i++) {
		start = bench_cpu();
		for (k = 0; k < TIMES; k++)
			verify_once(&v);
		least(&ours, bench_cpu() - start);
		start = bench_cpu();
		for (k = 0; k < TIMES; k++)
			verify_floor(&v, pkey, rsa, span_make(signature, len));
		least(&floor, bench_cpu() - start);
	}
	printf("%-15s %8zu octets  ours %9.1f us   OpenSSL %9.1f us   "
	    "ratio %.3f   (verified)\n", dkim_algorithm_name(algorithm),
	    v.body.len, ours / TIMES * 1e6, floor / TIMES * 1e6, ours / floor);
	lookups_free(v.lookups);
	message_clear(&v.message);
	strbuf_clear(&record);
	dkim_key_free(s->key.key);
	EVP_PKEY_free(pkey);
}

static void
bench_signing(void)
{
	static const size_t sizes[] = { 0, 2 << 10, 50 << 10, 1 << 20 };
	static const struct dkim_signset_options defaults;
	struct diag diag = DIAG_INIT;
	struct dkim_signset *set = dkim_signset_new(&defaults, &diag);
	struct strbuf body = STRBUF_INIT;
	struct signing s = {
		.options = { CANON_RELAXED, CANON_RELAXED, set, 1700000000, 0,
		    false, true },
		.key = { NULL, SPAN_LIT("example.com"), SPAN_LIT("sel"),
		    SPAN_LIT("@example.com") },
	};
	struct span rest;
	size_t i;

	message_read_text(&s.message, span_of(header), &rest);
	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		fill(&body, kinds[0].line, sizes[i]);
		s.body = strbuf_span(&body);
		bench_sign(&s, DKIM_RSA_SHA256, 20);
		bench_sign(&s, DKIM_ED25519_SHA256, 100);
		bench_verify(&s, DKIM_RSA_SHA256);
		bench_verify(&s, DKIM_ED25519_SHA256);
	}
	strbuf_clear(&body);
	message_clear(&s.message);
	dkim_signset_free(set);
}

int
main(void)
{
	bench_bodies();
	bench_signing();
	return 0;
}
