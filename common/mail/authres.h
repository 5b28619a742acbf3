/*
 * authres.h - the Authentication-Results field (RFC 8601): writing one, and
 * knowing our own among those that came.
 *
 * What is written is well-formed by construction: every value is a token, a
 * domain name or a quoted string, every comment has its parentheses and
 * backslashes escaped, octets that must not stand in a header are escaped
 * (escape.h), and lines are folded.
 */
#ifndef POSTERN_MAIL_AUTHRES_H
#define POSTERN_MAIL_AUTHRES_H

#include "common/mail/address.h"
#include "common/mail/fold.h"
#include "common/mail/header.h"

enum { AUTHRES_VALUE_MAX = 512 };	/* octets of one value that are shown */

/* The value of a field under way. */
struct authres {
	struct strbuf *out;
	struct fold fold;
	size_t methods;
};

/* Starts the value of "Authentication-Results:" (a leading space included)
 * for our identifier. */
void authres_start(struct authres *authres, struct span id,
    struct strbuf *out);

/* "; spf=pass": method and result are words of ours. What follows belongs to
 * it, in this order: comment, reason, properties (each with its comment). */
void authres_method(struct authres *authres, const char *method,
    const char *result);
void authres_comment(struct authres *authres, struct span text);
void authres_reason(struct authres *authres, struct span text);
/* ptype.property=value, the value quoted where it has to be. An empty value
 * writes nothing. */
void authres_property(struct authres *authres, const char *property,
    struct span value);
/* The same for an address: local-part@domain with only the parts that need it
 * quoted. */
void authres_address(struct authres *authres, const char *property,
    const struct address *address);

/* Ends it; without any method it says "none". */
void authres_end(struct authres *authres);

/*
 * The authserv-id that a value bears, as any reader might take it: after
 * unfolding, without comments and quotes, in lower-case A-labels where it is a
 * domain name. In the arena; empty where there is nothing that could be one.
 * Works on what is no valid field too.
 */
struct span authres_id(struct span value, struct arena *arena);

/*
 * True where value bears one of the ids, or cannot be told from one that does.
 * ids are as authres_id() has them.
 */
bool authres_is_of(struct span value, const struct span *ids, size_t count,
    struct arena *arena);

#endif
