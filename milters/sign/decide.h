/*
 * decide.h - whether a message is signed, by which keys, and if not, why not:
 * the first condition that failed.
 */
#ifndef POSTERN_MILTERS_SIGN_DECIDE_H
#define POSTERN_MILTERS_SIGN_DECIDE_H

#include "milters/sign/sign.h"

/* In the order they are tried. */
enum sign_reason {
	SIGN_YES,
	SIGN_PEER,		/* client in PeerList */
	SIGN_TOO_LARGE,		/* header over MaximumHeaders */
	SIGN_MALFORMED,		/* a bare CR, LF or NUL in a header field */
	SIGN_NO_FROM,
	SIGN_SEVERAL_FROM,
	SIGN_BAD_FROM,		/* does not parse, or authors of several
				   domains */
	SIGN_BAD_SENDER,	/* the same of the SenderHeaders field */
	SIGN_EXEMPT,		/* domain in ExemptDomains */
	SIGN_EXTERNAL,		/* none of the origin tests */
	SIGN_NO_ROW,		/* not in SigningTable or Domain */
	SIGN_NO_KEY,		/* keyname "%", and no key of that name */
	SIGN_RECIPIENT,		/* a recipient in DontSignMailTo */
	SIGN_KEY_ERROR,		/* the key cannot be had */
	SIGN_THERE,		/* our valid signature is there already */
	SIGN_INTERNAL_ERROR	/* crypto trouble */
};

enum { SIGN_REASONS = SIGN_INTERNAL_ERROR + 1 };

/* The word in logs, counters and explanations: "external", "no-row". */
const char *sign_reason_word(enum sign_reason reason);

struct sign_decision {
	enum sign_reason reason;
	const char *detail;	/* more words for the log; NULL: none */
	struct address sender;	/* whose signature it is; empty until known */
	bool is_spoofing;	/* SIGN_EXTERNAL for a sender of ours, and the
				   client is not in ExternalIgnoreList */
	struct dkim_sign_key keys[DKIM_SIGN_KEYS_MAX];
	size_t key_count;	/* > 0 only for SIGN_YES */
};

/* Texts are in the message's arena or the configuration. The keys hold
 * references: sign_decision_clear(). */
void sign_decide(struct filter_context *ctx, struct sign_decision *decision);
void sign_decision_clear(struct sign_decision *decision);

#endif
