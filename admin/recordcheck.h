/*
 * recordcheck.h - what a published key record means for the private key that
 * the signer has.
 */
#ifndef POSTERN_ADMIN_RECORDCHECK_H
#define POSTERN_ADMIN_RECORDCHECK_H

#include "common/dkim/record.h"
#include "common/dns/dns.h"

/* The first that applies. */
enum recordcheck_outcome {
	RECORDCHECK_OK,
	RECORDCHECK_NO_KEY,	/* these two are the caller's to find */
	RECORDCHECK_NO_NAME,
	RECORDCHECK_DNS,
	RECORDCHECK_MISSING,
	RECORDCHECK_SEVERAL,
	RECORDCHECK_SYNTAX,
	RECORDCHECK_REVOKED,
	RECORDCHECK_WRONG_KEY,
	RECORDCHECK_NO_SHA256,
	RECORDCHECK_NO_EMAIL,
	RECORDCHECK_TESTING
};

struct recordcheck {
	enum recordcheck_outcome outcome;
	struct strbuf detail;	/* a sentence, with what to do; may be empty */
	struct span published;	/* the record, where there is just one; in the
				   arena */
};

/* "wrong-key", "dns-error"...: for people and scripts. */
const char *recordcheck_word(enum recordcheck_outcome outcome);
/* EX_OK; EXIT_NO; EX_TEMPFAIL where nothing is known. */
int recordcheck_status(enum recordcheck_outcome outcome);

/* Fills check, whose detail is empty before. */
void recordcheck_judge(struct recordcheck *check,
    const struct dns_answer *answer, const struct dkim_key *private,
    struct arena *arena);

#endif
