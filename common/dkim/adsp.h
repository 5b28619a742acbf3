/*
 * adsp.h - Author Domain Signing Practices (RFC 5617, historic): what a domain
 * said of its unsigned mail. Reported where an admin asks for it, never acted
 * upon.
 */
#ifndef POSTERN_DKIM_ADSP_H
#define POSTERN_DKIM_ADSP_H

#include "common/dns/lookups.h"

/* RFC 5617 5.4. */
enum adsp_result {
	ADSP_NONE,		/* nothing published */
	ADSP_PASS,		/* an author domain signature passed */
	ADSP_UNKNOWN,
	ADSP_FAIL,		/* dkim=all */
	ADSP_DISCARD,		/* dkim=discardable */
	ADSP_NXDOMAIN,
	ADSP_TEMPERROR,
	ADSP_PERMERROR
};

struct adsp {
	enum adsp_result result;
	const char *reason;	/* in a few words; "" */
};

/*
 * is_signed: a signature whose d= is the author domain itself passed. False:
 * answers are missing, call again.
 */
bool adsp_check(struct span author_domain, bool is_signed,
    struct lookups *lookups, struct arena *arena, struct adsp *adsp);

const char *adsp_result_name(enum adsp_result result);

#endif
