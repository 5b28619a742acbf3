/*
 * floor - what the cryptography of one signature costs by itself: CPU
 * milliseconds of OpenSSL for a signature with a kept key, for verifying one,
 * and for SHA-256 of a number of octets in pieces of a milter's size.
 *
 *	floor TIME rsa|ed25519|rsa-verify|ed25519-verify|OCTETS...
 *
 * Prints "NAME MS" for each; TIME is the seconds spent on each.
 */
#include "common/base/mem.h"
#include "common/base/span.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

enum { PIECE = 65535 };

/* One key, its signature of a digest, and contexts that are made once and
 * copied for each signature. */
struct subject {
	EVP_PKEY *key;
	const EVP_MD *md;	/* NULL: Ed25519 hashes by itself */
	EVP_MD_CTX *signing, *verifying;
	unsigned char signature[512];
	size_t len;
};

typedef void operation(struct subject *subject);

static const unsigned char digest[32] = { 1, 2, 3 };

static void
need(bool ok)
{
	if (!ok)
		bench_die("floor: OpenSSL refuses");
}

static void
sign_once(struct subject *subject)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	subject->len = sizeof(subject->signature);
	need(ctx != NULL && EVP_MD_CTX_copy_ex(ctx, subject->signing) == 1);
	need(EVP_DigestSign(ctx, subject->signature, &subject->len, digest,
	    sizeof(digest)) == 1);
	EVP_MD_CTX_free(ctx);
}

static void
verify_once(struct subject *subject)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	need(ctx != NULL && EVP_MD_CTX_copy_ex(ctx, subject->verifying) == 1);
	need(EVP_DigestVerify(ctx, subject->signature, subject->len, digest,
	    sizeof(digest)) == 1);
	EVP_MD_CTX_free(ctx);
}

static void
prepare(struct subject *subject)
{
	need(subject->key != NULL);
	subject->signing = EVP_MD_CTX_new();
	subject->verifying = EVP_MD_CTX_new();
	need(EVP_DigestSignInit(subject->signing, NULL, subject->md, NULL,
	    subject->key) == 1);
	need(EVP_DigestVerifyInit(subject->verifying, NULL, subject->md, NULL,
	    subject->key) == 1);
	sign_once(subject);	/* blinding is set up by the first one */
}

static double
time_operation(struct subject *subject, operation *once, double seconds)
{
	double start, used;
	long count = 0;

	prepare(subject);
	start = bench_cpu();
	do {
		once(subject);
		count++;
	} while ((used = bench_cpu() - start) < seconds);
	EVP_MD_CTX_free(subject->signing);
	EVP_MD_CTX_free(subject->verifying);
	EVP_PKEY_free(subject->key);
	return used * 1000 / (double)count;
}

static void
hash_once(EVP_MD_CTX *ctx, const EVP_MD *md, const unsigned char *data,
    size_t size)
{
	unsigned char out[EVP_MAX_MD_SIZE];
	size_t done, piece;

	need(EVP_DigestInit_ex(ctx, md, NULL) == 1);
	for (done = 0; done < size; done += piece) {
		piece = size - done < PIECE ? size - done : PIECE;
		need(EVP_DigestUpdate(ctx, data, piece) == 1);
	}
	need(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
}

static double
time_hashing(size_t size, double seconds)
{
	unsigned char *data = xcalloc(1, PIECE);
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	double start, used;
	long count = 0;

	need(md != NULL && ctx != NULL);
	hash_once(ctx, md, data, size);
	start = bench_cpu();
	do {
		hash_once(ctx, md, data, size);
		count++;
	} while ((used = bench_cpu() - start) < seconds);
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	free(data);
	return used * 1000 / (double)count;
}

static const struct {
	const char *name;
	bool is_rsa;
	operation *once;
} operations[] = {
	{ "rsa", true, sign_once },
	{ "ed25519", false, sign_once },
	{ "rsa-verify", true, verify_once },
	{ "ed25519-verify", false, verify_once },
};

static double
measure(const char *what, double seconds)
{
	struct subject subject = { 0 };
	uint64_t size;
	size_t i;

	for (i = 0; i < ARRAY_LEN(operations); i++) {
		if (strcmp(what, operations[i].name) != 0)
			continue;
		subject.key = operations[i].is_rsa ? EVP_RSA_gen(2048) :
		    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		subject.md = operations[i].is_rsa ? EVP_sha256() : NULL;
		return time_operation(&subject, operations[i].once, seconds);
	}
	if (!span_number(span_of(what), SIZE_MAX, &size))
		bench_die("floor: %s: neither an operation nor a number",
		    what);
	return time_hashing(size, seconds);
}

int
main(int argc, char **argv)
{
	double seconds = argc > 2 ? strtod(argv[1], NULL) : 0;
	int i;

	if (!(seconds > 0))
		bench_die("usage: floor SECONDS rsa|ed25519|rsa-verify|"
		    "ed25519-verify|OCTETS...");
	for (i = 2; i < argc; i++)
		printf("%s %.5f\n", argv[i], measure(argv[i], seconds));
	return 0;
}
