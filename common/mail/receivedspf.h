/*
 * receivedspf.h - the Received-SPF field (RFC 7208 9.1). As with
 * Authentication-Results, what is written is well-formed by construction
 * (quote.h), whatever the envelope holds.
 */
#ifndef POSTERN_MAIL_RECEIVEDSPF_H
#define POSTERN_MAIL_RECEIVEDSPF_H

#include "common/base/ipaddr.h"
#include "common/mail/address.h"

struct received_spf {
	const char *result;		/* "pass", "fail", ...: ours */
	struct span comment;		/* for people; empty: none */
	const char *identity;		/* "mailfrom", "helo": ours */
	struct ipaddr client;		/* family 0: left out */
	struct address sender;		/* an empty domain: the null sender */
	struct span helo;		/* as given */
	struct span receiver;		/* our host name */
	struct span mechanism;		/* that matched; empty: left out */
	struct span problem;		/* what went wrong; empty: left out */
};

/* Appends the field's value, a leading space included. */
void received_spf_format(const struct received_spf *spf, struct strbuf *out);

#endif
