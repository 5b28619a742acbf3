/*
 * sign.h - signs one message: start at the end of its header, feed the body,
 * end. Several keys sign in one pass over the body.
 */
#ifndef POSTERN_DKIM_SIGN_H
#define POSTERN_DKIM_SIGN_H

#include "common/dkim/signature.h"
#include "common/dkim/signset.h"

enum {
	DKIM_SIGN_KEYS_MAX = 16,	/* signatures made for one message */
	DKIM_SIGN_COPIES_MAX = 32768,	/* octets of z=; over that it is left
					   out: MTAs cut fields of 100 KB */
	DKIM_SIGN_EXISTING_MAX = 32	/* DKIM-Signature fields, topmost first,
					   that keep_existing looks at */
};

struct dkim_sign_key {
	struct dkim_key *key;	/* borrowed until dkim_sign_free() */
	struct span domain;	/* d=, lower-case A-labels */
	struct span selector;	/* s= */
	struct span identity;	/* i=; not written where it is empty or its
				   domain not within d=: that would make the
				   signature invalid (RFC 6376 3.5) */
};

struct dkim_sign_options {
	enum canon header_canon;
	enum canon body_canon;
	const struct dkim_signset *signset;
	int64_t now;		/* t= */
	int64_t ttl;		/* x= - t=; 0: no x= */
	bool diagnostics;	/* z=: copies of the signed fields */
	bool keep_existing;	/* no second signature beside a valid one of
				   the same d=, s= and a=; one that is past its
				   x=, or has an l= (we never write it, and it
				   seals only part of the body), is none */
};

struct dkim_sign;

/* What became of one key. value is the field's value for "DKIM-Signature",
 * with its leading space and CRLF + TAB folds, in the arena given at start. */
struct dkim_signed {
	const struct dkim_sign_key *by;
	bool was_there;		/* keep_existing: value is empty */
	struct span value;
};

/*
 * Everything borrowed (fields, keys, options, arena) must last until
 * dkim_sign_free(). count is 1 to DKIM_SIGN_KEYS_MAX. NULL, a sentence in err,
 * on trouble with the crypto library.
 */
struct dkim_sign *dkim_sign_start(const struct dkim_sign_options *options,
    const struct dkim_sign_key *keys, size_t count,
    const struct header_field *fields, size_t field_count,
    struct arena *arena, struct strbuf *err);
void dkim_sign_body(struct dkim_sign *sign, struct span piece);
/* results has room for count members. 0, or -1 with a sentence in err: then
 * none is to be used. */
int dkim_sign_end(struct dkim_sign *sign, struct dkim_signed *results,
    struct strbuf *err);
void dkim_sign_free(struct dkim_sign *sign);

#endif
