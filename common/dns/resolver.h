/*
 * resolver.h - one thread that asks the name servers for everybody. The same
 * question of several askers is asked once; what comes goes to all of them and
 * to the cache, even when nobody waits any more.
 *
 * The thread and libunbound's start with the first question, all signals
 * blocked: a daemon may fork into the background before. Where the servers
 * refuse, what waits fails at once; when they come back after an absence, or
 * resolv.conf names others, all that waits is asked anew.
 */
#ifndef POSTERN_DNS_RESOLVER_H
#define POSTERN_DNS_RESOLVER_H

#include "common/dns/cache.h"
#include "common/dns/flights.h"
#include "common/dns/nameservers.h"

struct resolver_options {
	struct nameservers servers;
	const char *resolv_conf;	/* where they come from; NULL: fixed */
	const char *trust_anchor_file;
	bool is_logged;			/* the log hears when the servers go
					   away, come back, or change */
};

struct resolver;

/* NULL, a sentence in err. options' texts and cache must outlive it. */
struct resolver *resolver_new(const struct resolver_options *options,
    struct dns_cache *cache, struct strbuf *err);
/* No query may be open. */
void resolver_free(struct resolver *resolver);

/* Puts a question, as dns_group_ask() has it. query->asker is set. */
void resolver_ask(struct resolver *resolver, struct dns_query *query,
    struct span name, enum dns_type type);
/* The asker wants no answer any more, if it has not come. */
void resolver_give_up(struct resolver *resolver, struct dns_query *query);

/* As dns_group_wait(). */
void resolver_wait(struct resolver *resolver, struct asker *asker,
    unsigned arrived, int64_t until);

void resolver_describe(struct resolver *resolver, struct strbuf *out);

#endif
