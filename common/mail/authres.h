/*
 * authres.h - the Authentication-Results field (RFC 8601): writing one, and
 * knowing our own among those that came.
 *
 * What is written is well-formed by construction: every value is a token, a
 * domain name or a quoted string, every comment has its parentheses and
 * backslashes escaped (quote.h, which bounds them too), and lines are folded.
 */
#ifndef POSTERN_MAIL_AUTHRES_H
#define POSTERN_MAIL_AUTHRES_H

#include "common/mail/address.h"
#include "common/mail/fold.h"

/* The value of a field under way. */
struct authres {
	struct strbuf *out;
	struct fold fold;
	size_t methods;
};

/* Starts the value of "Authentication-Results:" (a leading space included)
 * for our identifier, which is written in A-labels where it is a domain
 * name. */
void authres_start(struct authres *authres, struct span id,
    struct strbuf *out);

/* "; spf=pass": method and result are words of ours. What follows belongs to
 * it, in this order: comment, reason, properties (each with its comment). */
void authres_method(struct authres *authres, const char *method,
    const char *result);
void authres_comment(struct authres *authres, struct span text);
void authres_reason(struct authres *authres, struct span text);
/* ptype.property=value. What reads as [local-part]@domain or is a token stays
 * as it is, all else is quoted. An empty value writes nothing. */
void authres_property(struct authres *authres, const char *property,
    struct span value);
/* The same for an address, whose local part is quoted where it has to be.
 * Without a domain it writes nothing. */
void authres_address(struct authres *authres, const char *property,
    const struct address *address);

/* Ends it; without any method it says "none". */
void authres_end(struct authres *authres);

/*
 * The authserv-id that a value bears by the grammar (RFC 8601 2.2, with the
 * obsolete forms of RFC 5322 and UTF-8): without comments and quotes, in lower
 * case, in A-labels where it is a domain name, without dots at its end. In the
 * arena; empty where there is none.
 */
struct span authres_id(struct span value, struct arena *arena);

/* The same for an identifier as an admin writes it: what authres_id() makes of
 * a field that authres_start() began with it. */
struct span authres_own_id(struct span id, struct arena *arena);

/*
 * True where value bears one of the ids, which are as authres_own_id() has
 * them, or where it is malformed or ambiguous in such a way that some reader
 * could take it for one that does. A value that plainly begins with another
 * identifier is not. The time is linear in the value's size.
 */
bool authres_is_of(struct span value, const struct span *ids, size_t count,
    struct arena *arena);

#endif
