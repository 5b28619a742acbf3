/*
 * key.h - private keys: reading, making, signing with them.
 *
 * A struct dkim_key is immutable and may be used by many threads at once. It
 * is counted: dkim_key_ref() and dkim_key_free(), any thread.
 */
#ifndef POSTERN_DKIM_KEY_H
#define POSTERN_DKIM_KEY_H

#include "common/base/strbuf.h"

#include <sys/stat.h>

enum dkim_algorithm {
	DKIM_RSA_SHA256,	/* RFC 6376 3.3.1, RFC 8301 */
	DKIM_ED25519_SHA256	/* RFC 8463 */
};

enum {
	DKIM_RSA_BITS_MIN = 1024,	/* RFC 8301 3.2 */
	DKIM_RSA_BITS_GOOD = 2048,
	DKIM_RSA_BITS_MAX = 8192,
	DKIM_KEY_FILE_MAX = 65536,	/* octets */
	DKIM_SIGNATURE_MAX = DKIM_RSA_BITS_MAX / 8
};

struct dkim_key;

/* "rsa-sha256", "ed25519-sha256" (a=); "rsa", "ed25519" (k=). */
const char *dkim_algorithm_name(enum dkim_algorithm algorithm);
const char *dkim_algorithm_key_type(enum dkim_algorithm algorithm);
bool dkim_algorithm_parse(struct span s, enum dkim_algorithm *algorithm);

/*
 * Reads a key from PEM (PKCS#8 or PKCS#1, not encrypted) or from base64 of
 * the DER of those; base64 of 32 octets is a raw Ed25519 seed. NULL, a
 * sentence in err that says what it is instead, for anything else: a public
 * key, a certificate, a key of another type, RSA under 1024 or over 8192 bits.
 */
struct dkim_key *dkim_key_parse(struct span text, struct strbuf *err);

/* The same from a file; st may be NULL, else it gets the file's fstat. The
 * sentence in err names the file. */
struct dkim_key *dkim_key_load(const char *path, struct stat *st,
    struct strbuf *err);

/*
 * Whether a file of that owner and mode is safe to hold a key for a daemon that
 * runs as uid: owned by uid or root, nothing for group or others. A root-owned
 * file of mode 0640 whose group is gid is accepted too. A sentence with the
 * remedy in err where not.
 */
bool dkim_key_file_is_safe(const char *path, const struct stat *st, uid_t uid,
    gid_t gid, struct strbuf *err);

struct dkim_key *dkim_key_generate(enum dkim_algorithm algorithm,
    unsigned bits, struct strbuf *err);

struct dkim_key *dkim_key_ref(struct dkim_key *key);
void dkim_key_free(struct dkim_key *key);

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *key);
unsigned dkim_key_bits(const struct dkim_key *key);	/* 256 for Ed25519 */

/* PKCS#8 PEM; the caller wipes out. */
int dkim_key_format(const struct dkim_key *key, struct strbuf *out,
    struct strbuf *err);
/* The value of p= of the key record: base64 of the SubjectPublicKeyInfo for
 * RSA (RFC 6376 3.6.1), of the 32 octets for Ed25519 (RFC 8463 4). */
int dkim_key_format_public(const struct dkim_key *key, struct strbuf *out,
    struct strbuf *err);

/*
 * Signs data (the canonical header text): SHA-256, then RSA PKCS#1 1.5 or
 * PureEdDSA over the hash (RFC 8463 3). *len gets the signature's size.
 */
int dkim_key_sign(const struct dkim_key *key, struct span data,
    unsigned char out[DKIM_SIGNATURE_MAX], size_t *len, struct strbuf *err);

/* 1: signature is the key's over data; 0: it is not; -1: trouble, in err. */
int dkim_key_verify(const struct dkim_key *key, struct span data,
    struct span signature, struct strbuf *err);

/* Signs and verifies a fixed text: 0 where the key works. */
int dkim_key_probe(const struct dkim_key *key, struct strbuf *err);

#endif
