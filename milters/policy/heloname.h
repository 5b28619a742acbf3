/*
 * heloname.h - what a client says its name is (RFC 5321 4.1.1.1, 4.1.3).
 */
#ifndef POSTERN_MILTERS_POLICY_HELONAME_H
#define POSTERN_MILTERS_POLICY_HELONAME_H

#include "common/base/ipaddr.h"

enum heloname_kind {
	HELONAME_INVALID,	/* nothing, no host name, an address without
				   brackets */
	HELONAME_LITERAL,	/* [192.0.2.1], [IPv6:2001:db8::1] */
	HELONAME_SHORT,		/* one label */
	HELONAME_FULL
};

/*
 * The kind of text. '_' is let pass, as MTAs do, and one dot at the end, which
 * heloname_without_dot() takes off. Names that end in a number are addresses
 * somebody did not finish.
 */
enum heloname_kind heloname_kind(struct span text);
struct span heloname_without_dot(struct span text);

#endif
