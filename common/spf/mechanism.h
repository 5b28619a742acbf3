/*
 * mechanism.h - one mechanism of an SPF record, with its qualifier (RFC 7208 5
 * and 12).
 */
#ifndef POSTERN_SPF_MECHANISM_H
#define POSTERN_SPF_MECHANISM_H

#include "common/base/ipaddr.h"

enum spf_mechanism {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS
};

struct spf_term {
	enum spf_mechanism mechanism;
	char qualifier;			/* '+', '-', '~' or '?' */
	unsigned char ip4_bits;		/* a, mx: 32 where none is written */
	unsigned char ip6_bits;		/* 128 */
	struct ipaddr network;		/* ip4, ip6 */
	struct span spec;		/* the domain-spec; "": <domain> */
	struct span text;		/* as it is written */
};

/* True where text is a directive; else why not, in a few words, in *reason.
 * Spans of term point into text. */
bool spf_term_parse(struct span text, struct spf_term *term,
    const char **reason);

/* Whether it is one of those that 4.6.4 limits: they need DNS. */
bool spf_mechanism_is_counted(enum spf_mechanism mechanism);

#endif
