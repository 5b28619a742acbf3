/*
 * floor - what the cryptography of one signature costs by itself: CPU
 * milliseconds of OpenSSL for a signature with a kept key, and for SHA-256 of
 * a number of octets in pieces of a milter's size.
 *
 *	floor TIME rsa|ed25519|OCTETS...
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

struct signer {
	EVP_PKEY *key;
	const EVP_MD *md;	/* NULL: Ed25519 hashes by itself */
	EVP_MD_CTX *ctx;	/* made once, copied for each signature */
};

static void
need(bool ok)
{
	if (!ok)
		bench_die("floor: OpenSSL refuses");
}

static void
sign_once(const struct signer *signer)
{
	static const unsigned char digest[32] = { 1, 2, 3 };
	unsigned char signature[512];
	size_t len = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	need(ctx != NULL && EVP_MD_CTX_copy_ex(ctx, signer->ctx) == 1);
	need(EVP_DigestSign(ctx, signature, &len, digest,
	    sizeof(digest)) == 1);
	EVP_MD_CTX_free(ctx);
}

static double
time_signing(struct signer *signer, double seconds)
{
	double start, used;
	long count = 0;

	need(signer->key != NULL);
	signer->ctx = EVP_MD_CTX_new();
	need(EVP_DigestSignInit(signer->ctx, NULL, signer->md, NULL,
	    signer->key) == 1);
	sign_once(signer);	/* blinding is set up by the first one */
	start = bench_cpu();
	do {
		sign_once(signer);
		count++;
	} while ((used = bench_cpu() - start) < seconds);
	EVP_MD_CTX_free(signer->ctx);
	EVP_PKEY_free(signer->key);
	return used * 1000 / (double)count;
}

static void
hash_once(EVP_MD_CTX *ctx, const EVP_MD *md, const unsigned char *data,
    size_t size)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t done, piece;

	need(EVP_DigestInit_ex(ctx, md, NULL) == 1);
	for (done = 0; done < size; done += piece) {
		piece = size - done < PIECE ? size - done : PIECE;
		need(EVP_DigestUpdate(ctx, data, piece) == 1);
	}
	need(EVP_DigestFinal_ex(ctx, digest, NULL) == 1);
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

static double
measure(const char *what, double seconds)
{
	struct signer signer = { 0 };
	uint64_t size;

	if (strcmp(what, "rsa") == 0) {
		signer.key = EVP_RSA_gen(2048);
		signer.md = EVP_sha256();
		return time_signing(&signer, seconds);
	}
	if (strcmp(what, "ed25519") == 0) {
		signer.key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		return time_signing(&signer, seconds);
	}
	if (!span_number(span_of(what), SIZE_MAX, &size))
		bench_die("floor: %s: neither rsa nor ed25519 nor a number",
		    what);
	return time_hashing(size, seconds);
}

int
main(int argc, char **argv)
{
	double seconds = argc > 2 ? strtod(argv[1], NULL) : 0;
	int i;

	if (!(seconds > 0))
		bench_die("usage: floor SECONDS rsa|ed25519|OCTETS...");
	for (i = 2; i < argc; i++)
		printf("%s %.5f\n", argv[i], measure(argv[i], seconds));
	return 0;
}
