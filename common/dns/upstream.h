/*
 * upstream.h - libunbound: one context that forwards to given name servers.
 * One thread uses it; another, libunbound's, works behind it from the first
 * question on, so a context does not survive fork().
 *
 * No name is answered from here: the zones that libunbound has built in
 * (localhost, invalid, onion, test, home.arpa, the reverse zones of private
 * networks) are opened, so that what counts is what the site's own name
 * servers say of them. RFC 6761 and RFC 7686 have them refuse what is not to
 * leak; private names and addresses may well be known to them.
 */
#ifndef POSTERN_DNS_UPSTREAM_H
#define POSTERN_DNS_UPSTREAM_H

#include "common/dns/answer.h"
#include "common/dns/nameservers.h"

struct upstream;

/* arg is upstream_ask()'s. Takes over one reference to answer. Called from
 * upstream_process(). */
typedef void upstream_answered(void *owner, void *arg,
    const struct dns_answer *answer);

/* NULL, a sentence in err. No thread runs yet. trust_anchor_file may be
 * NULL. */
struct upstream *upstream_new(const struct nameservers *servers,
    const char *trust_anchor_file, upstream_answered *answered, void *owner,
    struct strbuf *err);
/* Open questions are never answered. */
void upstream_free(struct upstream *upstream);

/* Readable where upstream_process() has something to do. */
int upstream_fd(const struct upstream *upstream);
void upstream_process(struct upstream *upstream);

/* Asks for a name of any octets. Where that fails at once, answered() is
 * called before this returns. */
void upstream_ask(struct upstream *upstream, struct span name,
    enum dns_type type, void *arg);

#endif
