/*
 * hostname.h - HostCheck NAME weight=W [when=...]: what speaks against a
 * client's name, as it says it in HELO and as DNS has it.
 */
#ifndef POSTERN_MILTERS_POLICY_HOSTNAME_H
#define POSTERN_MILTERS_POLICY_HOSTNAME_H

#include "milters/policy/policy.h"

struct condition;
struct hostname_test;

/* What the tests ask of DNS for one message, all together: the reverse name,
 * IPREV_NAMES_MAX and the MTA's name for the client, three types of HELO. */
enum { HOSTNAME_QUESTIONS = 8 };

struct hostcheck {
	struct span name;	/* "iprev-fail" */
	const char *place;
	int32_t weight;
	struct condition *condition;
	const struct hostname_test *test;
};

#endif
