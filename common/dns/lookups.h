/*
 * lookups.h - all the DNS questions of one message: counted, bounded, each
 * asked once, and none of them waited for before there is nothing else to do.
 *
 * The checks of a message are written as functions that may be called again:
 * they ask for the answers they need with lookups_get(), stop where one is not
 * there yet, and begin anew later, when what they had asked is at hand at once.
 * So one thread runs all checks of a message and all their questions overlap:
 *
 *	while (!spf_check_advance(spf) | !dkim_verify_advance(dkim))
 *		if (!lookups_wait(lookups))
 *			... (a bug: nothing was open)
 *
 * An object belongs to one message; one thread at a time uses it.
 */
#ifndef POSTERN_DNS_LOOKUPS_H
#define POSTERN_DNS_LOOKUPS_H

#include "common/dns/dns.h"

/*
 * Whose question it is. SPF, DKIM and DMARC have each a share of the bound that
 * the others cannot use up: a message must not get around a policy by many
 * look-ups for something else.
 */
enum lookup_purpose {
	LOOKUP_IPREV,
	LOOKUP_SPF,
	LOOKUP_DKIM,
	LOOKUP_ARC,
	LOOKUP_DMARC,
	LOOKUP_HOST,		/* addresses of a client's or HELO's name */
	LOOKUP_DNSLIST
};

enum {
	LOOKUP_PURPOSES = LOOKUP_DNSLIST + 1,
	LOOKUPS_MAX = 40,		/* questions a message */
	LOOKUPS_RESERVED_SPF = 10,	/* of these */
	LOOKUPS_RESERVED_DKIM = 8,
	LOOKUPS_RESERVED_DMARC = 8
};

/*
 * Answers from elsewhere than the network. Fills answer (zeroed before), all of
 * it in the arena. False: not there yet; it is asked again after a wait.
 */
typedef bool lookup_source(void *arg, struct span name, enum dns_type type,
    struct arena *arena, struct dns_answer *answer);

struct lookups_options {
	struct dns *dns;
	lookup_source *source;		/* instead of dns, for tests */
	void *source_arg;
	unsigned max_queries;		/* 0: LOOKUPS_MAX */
	bool no_shares;			/* nothing is kept for SPF, DKIM and
					   DMARC: they are not asked for */
	int64_t query_ms;		/* one question; 0: 5000 */
	int64_t message_ms;		/* all, since lookups_new(); 0: 20000 */
};

/* One question, as the trace has it. */
struct lookup {
	enum lookup_purpose purpose;	/* who asked first */
	struct span name;		/* as asked, any octets */
	enum dns_type type;
	const struct dns_answer *answer;	/* NULL: still open */
	int64_t took_ms;
};

struct lookups;

/* Never NULL. options->dns must outlive it. */
struct lookups *lookups_new(const struct lookups_options *options);
/* Open questions are given up; answers are gone, and all that was derived. */
void lookups_free(struct lookups *lookups);

/*
 * The answer to a question, which lasts as long as lookups; NULL where it is
 * not there yet. The first call asks. A name may hold any octets; case does
 * not matter and a last dot is left out. A name that cannot be in DNS (an
 * empty label, one over 63 octets, over 253 in all) is DNS_MALFORMED. Over the
 * bound the result is DNS_REFUSED, after message_ms DNS_TIMEOUT; both at once.
 */
const struct dns_answer *lookups_get(struct lookups *lookups,
    enum lookup_purpose purpose, struct span name, enum dns_type type);

/*
 * Waits until an answer came, or a time ran out, that no earlier wait gave
 * notice of. (lookups_get() may have handed it out in the meantime: whoever
 * had got NULL for it before still has to be called again.) False where
 * nothing is to be waited for.
 */
bool lookups_wait(struct lookups *lookups);

/* Whether lookups_wait() would return at once with true; call that then, to
 * take notice. Cheap. */
bool lookups_arrived(struct lookups *lookups);

/* The trace, in the order of asking. */
size_t lookups_count(const struct lookups *lookups);
const struct lookup *lookups_at(const struct lookups *lookups, size_t i);
/* Whether a question was refused for the bound. */
bool lookups_over_limit(const struct lookups *lookups);

/* "TXT", "A": for traces. */
const char *dns_type_name(enum dns_type type);

/*
 * What an answer means to a module, made from it once and kept with it for as
 * long as it is cached: parsed keys, parsed policies. make() gets the answer
 * (its result is DNS_FOUND) and gives heap memory, never NULL, that no one
 * changes any more: several threads may use it. It must not depend on anything
 * but the answer.
 */
struct dns_derivation {
	void *(*make)(const struct dns_answer *answer);
	void (*free)(void *made);
};

const void *dns_answer_derive(const struct dns_answer *answer,
    const struct dns_derivation *derivation);

#endif
