/*
 * record.h - the SPF record of a domain: chosen among its TXT records (RFC 7208
 * 4.5) and held against the whole grammar of section 12.
 *
 * It is made once for an answer and kept with it (dns_answer_derive()).
 */
#ifndef POSTERN_SPF_RECORD_H
#define POSTERN_SPF_RECORD_H

#include "common/dns/lookups.h"
#include "common/spf/mechanism.h"

/* A modifier that takes part; text "": there is none. */
struct spf_modifier {
	struct span spec;
	struct span text;
};

struct spf_record {
	/* Up to the first "all": what follows has no effect, though it has
	 * been checked (5.1). */
	struct spf_term *terms;
	size_t count;
	struct spf_modifier redirect;	/* none where there is an "all" */
	struct spf_modifier exp;
};

enum spf_found {
	SPF_FOUND_NONE,		/* no record begins with "v=spf1" */
	SPF_FOUND_ONE,
	SPF_FOUND_SEVERAL,
	SPF_FOUND_BAD		/* it is not by the grammar */
};

struct spf_published {
	enum spf_found found;
	struct spf_record record;	/* SPF_FOUND_ONE */
	const char *reason;		/* SPF_FOUND_BAD: in a few words */
	struct span bad_term;		/* and where; as it is written */
	char *text;			/* what all spans point into */
};

/* Reads the record text alone, "v=spf1" included, for others than DNS.
 * False, with reason and bad_term. text is copied; spf_published_clear(). */
bool spf_record_parse(struct span text, struct spf_published *published);
void spf_published_clear(struct spf_published *published);

/* Makes a struct spf_published of the answer to a TXT question. */
extern const struct dns_derivation spf_derivation;

#endif
