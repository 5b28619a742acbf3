/*
 * record.h - DKIM key records (RFC 6376 3.6.1, 8463 4): what stands in DNS at
 * selector._domainkey.domain.
 */
#ifndef POSTERN_DKIM_RECORD_H
#define POSTERN_DKIM_RECORD_H

#include "common/dkim/key.h"
#include "common/mail/taglist.h"

enum { DKIM_RECORD_MAX = 16384 };	/* octets of one record */

enum dkim_record_result {
	DKIM_RECORD_OK,
	DKIM_RECORD_SYNTAX,	/* no tag list, a duplicate tag */
	DKIM_RECORD_VERSION,	/* v= not DKIM1, or not first */
	DKIM_RECORD_NO_KEY,	/* no p= */
	DKIM_RECORD_REVOKED,	/* p= empty */
	DKIM_RECORD_KEY_TYPE,	/* k= neither rsa nor ed25519 */
	DKIM_RECORD_BAD_KEY,	/* p= is no such key; numbers as in rsapub.h;
				   an Ed25519 point of small order */
	DKIM_RECORD_SHORT_KEY,	/* RSA under DKIM_RSA_BITS_MIN; all of the
				   record is read */
	DKIM_RECORD_TOO_LONG
};

struct dkim_record {
	enum dkim_algorithm algorithm;	/* by k= */
	struct strbuf public_key;	/* p=, decoded */
	unsigned bits;			/* of the key; 256 for Ed25519 */
	bool allows_sha256;		/* no h=, or h= has it */
	bool allows_email;		/* no s=, or s= has email or * */
	bool is_testing;		/* t=y */
	bool is_strict;			/* t=s: i= must be d= itself */
};

const char *dkim_record_result_text(enum dkim_record_result result);

/* record is cleared by the caller in every case. */
enum dkim_record_result dkim_record_parse(struct span text,
    struct dkim_record *record);
void dkim_record_clear(struct dkim_record *record);

/* True where the record's key is the public half of key. */
bool dkim_record_matches(const struct dkim_record *record,
    const struct dkim_key *key);

/* "v=DKIM1; k=rsa; p=...", for publishing. flags is "", "y", "s" or "y:s". */
int dkim_record_format(const struct dkim_key *key, const char *flags,
    struct strbuf *out, struct strbuf *err);

#endif
