/*
 * rsapub.h - the two numbers of an RSA public key, read from DER in place.
 *
 * Not by the library's decoders: those try every kind of key there is, which
 * takes five times as long as a signature's verification, and what they accept
 * a stranger's DNS would be free to choose.
 */
#ifndef POSTERN_DKIM_RSAPUB_H
#define POSTERN_DKIM_RSAPUB_H

#include "common/base/span.h"

struct rsa_public {
	struct span modulus;	/* big-endian, without zeros in front */
	struct span exponent;
};

/*
 * Reads a SubjectPublicKeyInfo of an RSA key, or the bare RSAPublicKey: RFC
 * 6376 speaks of the latter and its examples are the former; both are in use
 * (erratum 3017). False where der is neither, or not to its last octet.
 */
bool rsa_public_read(struct span der, struct rsa_public *key);

unsigned rsa_public_bits(const struct rsa_public *key);

/*
 * NULL, or why no signature is to be verified with such numbers, a constant: a
 * modulus that is even or over 8192 bits; an exponent that is even, under 3 or
 * over 64 bits. A modulus may be short: who asks judges that by its bits.
 */
const char *rsa_public_trouble(const struct rsa_public *key);

#endif
