/*
 * listcodes.h - which answers of a DNS list count: codes=127.0.0.2-11,
 * 127.0.1.0/24 and the like.
 */
#ifndef POSTERN_MILTERS_POLICY_LISTCODES_H
#define POSTERN_MILTERS_POLICY_LISTCODES_H

#include "common/base/ipaddr.h"

enum { LISTCODES_MAX = 32 };

struct listcode_range {
	uint32_t low, high;
};

struct listcodes {
	struct listcode_range ranges[LISTCODES_MAX];
	size_t count;		/* 0: every answer */
};

/*
 * An item is an address, two with "-" between them or with but the last octet
 * of the second, or a network. False where one is none, or not one that a list
 * may answer, or there are too many: *bad is that item.
 */
bool listcodes_read(struct span text, struct listcodes *codes,
    struct span *bad);

/*
 * Whether that address is an answer at all: within 127/8 (RFC 5782 2.1), and
 * not in 127.255.255.0/24, by which lists say that they do not answer.
 */
bool listcodes_is_answer(const struct ipaddr *address);

/* For an address that is an answer. */
bool listcodes_has(const struct listcodes *codes,
    const struct ipaddr *address);

#endif
