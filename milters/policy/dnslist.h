/*
 * dnslist.h - DnsList ZONE type=client|helo|sender|from weight=W [codes=...]
 * [when=...] [name=...]: lists of good and bad hosts and domains in DNS
 * (RFC 5782).
 *
 * Rows with the same zone and type share their questions; each adds its weight
 * once a message at most, where an answer has one of its codes.
 */
#ifndef POSTERN_MILTERS_POLICY_DNSLIST_H
#define POSTERN_MILTERS_POLICY_DNSLIST_H

#include "milters/policy/listcodes.h"
#include "milters/policy/policy.h"

struct condition;
struct listhealth;

enum {
	/* Different questions for one message with one author; lookups.h has
	 * room for these and for what HostCheck asks. */
	DNSLIST_QUESTIONS_MAX = 32,
	DNSLIST_AUTHORS_MAX = 4	/* domains of From that are looked up */
};

enum dnslist_type { DNSLIST_CLIENT, DNSLIST_HELO, DNSLIST_SENDER,
    DNSLIST_FROM };

struct dnslist {
	struct span zone;	/* lower case, without a last dot */
	struct span label;	/* what log and answers call it */
	const char *place;
	int type;		/* enum dnslist_type */
	int32_t weight;
	struct span codes_text;
	struct listcodes codes;
	struct condition *condition;
	size_t first;		/* the first row that asks the same */
	struct listhealth *health;
};

#endif
