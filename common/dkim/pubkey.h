/*
 * pubkey.h - public keys from DNS: the key record at
 * selector._domainkey.domain, parsed once and kept for its time to live.
 */
#ifndef POSTERN_DKIM_PUBKEY_H
#define POSTERN_DKIM_PUBKEY_H

#include "common/dkim/record.h"
#include "common/dns/lookups.h"

struct dkim_public_key;

/* What a look-up of a key can come to. */
enum dkim_key_status {
	DKIM_KEY_FOUND,
	DKIM_KEY_TEMPORARY,	/* DNS trouble */
	DKIM_KEY_UNUSABLE	/* no record, several, malformed, revoked, out
				   of bounds: lasting */
};

struct dkim_key_lookup {
	enum dkim_key_status status;
	const char *reason;		/* in a few words, lasts as lookups */
	const struct dkim_public_key *key;	/* DKIM_KEY_FOUND */
	bool is_secure;			/* the answer was validated */
};

/*
 * Looks for the key of a signature with this d= and s=. False: the answer is
 * not there yet. Several TXT records at the name are all looked at (RFC 6376
 * 3.6.2.2 leaves them undefined): the result is the key where exactly one is a
 * key record, else DKIM_KEY_UNUSABLE. A key may be found that is too short, or
 * not meant for the signature: see dkim_public_key_refuse().
 */
bool dkim_key_find(struct lookups *lookups, enum lookup_purpose purpose,
    struct span domain, struct span selector, struct dkim_key_lookup *found);

/* The record's tags; public_key in it is p=, decoded. */
const struct dkim_record *dkim_public_key_record(
    const struct dkim_public_key *key);
unsigned dkim_public_key_bits(const struct dkim_public_key *key);

/*
 * NULL, or why this key verifies no signature with that a= (RFC 6376 6.1.2), a
 * constant: k=, h= or s= of its record say no. Its size is for the caller to
 * judge, and so is t=s.
 */
const char *dkim_public_key_refuse(const struct dkim_public_key *key,
    enum dkim_algorithm algorithm);

/*
 * 1: signature is the key's over hash, SHA-256 of the header text; 0: it is
 * not; -1: trouble, a sentence in err. RSA PKCS#1 1.5, or PureEdDSA over the
 * hash (RFC 8463 3). Any thread.
 */
int dkim_public_key_verify(const struct dkim_public_key *key,
    const unsigned char hash[32], struct span signature, struct strbuf *err);

#endif
