/*
 * iprev.h - forward-confirmed reverse DNS (RFC 8601 3).
 */
#ifndef POSTERN_DNS_IPREV_H
#define POSTERN_DNS_IPREV_H

#include "common/base/ipaddr.h"
#include "common/dns/lookups.h"

enum { IPREV_NAMES_MAX = 3 };	/* PTR names that are looked up again */

enum iprev_result {
	IPREV_PASS,
	IPREV_FAIL,		/* a name, but it does not lead back */
	IPREV_TEMPERROR,
	IPREV_PERMERROR		/* no reverse name, or no address to ask for */
};

struct iprev {
	enum iprev_result result;
	struct span name;	/* IPREV_PASS: the first that leads back */
	const char *reason;	/* in a few words; "" for a pass */
};

/* The name below in-addr.arpa or ip6.arpa, in the arena. */
struct span iprev_reverse_name(const struct ipaddr *address,
    struct arena *arena);

/*
 * Asks for the addresses of the name that the MTA has for the client, while
 * the reverse name is still to be found out: mostly it is the same one. Only a
 * hint; any text is welcome.
 */
void iprev_prefetch(const struct ipaddr *client, struct span name,
    struct lookups *lookups);

/* False: answers are missing, call again. All text is in the arena. */
bool iprev_check(const struct ipaddr *client, struct lookups *lookups,
    struct arena *arena, struct iprev *iprev);

/* "pass", "fail", "temperror", "permerror". */
const char *iprev_result_name(enum iprev_result result);

#endif
