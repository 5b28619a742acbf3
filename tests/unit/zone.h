/*
 * zone.h - DNS for tests: a zone written as text, plugged into lookups as
 * their source. No network, no threads.
 *
 *	struct zone zone = { .text =
 *	    "example.org  TXT    \"v=spf1 \" \"-all\"\n"
 *	    "example.org  MX     10 mx.example.org\n"
 *	    "www.example.org CNAME  example.org\n"
 *	    "dead.example SERVFAIL\n" };
 *	struct lookups *lookups = zone_lookups(&zone);
 *
 * A line is "name TYPE data", owner names are complete, '#' in column one
 * begins a comment. Types: A, AAAA, MX, PTR, CNAME, TXT, the latter in quotes
 * (\", \\ and \DDD inside; strings over 255 octets are cut into several) or as
 * one word. The pseudo types NXDOMAIN, NODATA, SERVFAIL, TIMEOUT, BOGUS and
 * MALFORMED are answers of all types at a name, or of the one type that
 * follows; "name LATE n [TYPE]" lets the answer be there only when it was asked
 * for n times in vain; "name SECURE" marks answers as validated. Names compare
 * without case. A name that has nothing but others below it is NODATA, one that
 * has neither is NXDOMAIN. CNAMEs are followed; a loop is SERVFAIL. A line that
 * cannot be read is a bug of the test: it aborts.
 */
#ifndef POSTERN_TESTS_ZONE_H
#define POSTERN_TESTS_ZONE_H

#include "common/dns/lookups.h"

enum { ZONE_LATE_MAX = 32 };

struct zone {
	const char *text;
	size_t len;		/* of text; 0: a C string */
	bool lenient;		/* for fuzzing: unreadable lines are passed
				   over */
	unsigned asked;		/* questions answered so far */
	unsigned waited[ZONE_LATE_MAX];	/* by LATE line, from the top */
};

/* A lookup_source; arg is a struct zone. */
bool zone_source(void *arg, struct span name, enum dns_type type,
    struct arena *arena, struct dns_answer *answer);

/* New look-ups that ask the zone, with the default bounds. */
struct lookups *zone_lookups(struct zone *zone);

#endif
