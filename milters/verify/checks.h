/*
 * checks.h - the checks of one message: started as soon as what they need is
 * known, their DNS questions overlapping, waited for at the end only.
 */
#ifndef POSTERN_MILTERS_VERIFY_CHECKS_H
#define POSTERN_MILTERS_VERIFY_CHECKS_H

#include "milters/verify/verify.h"

struct verify_state {
	struct verify_report report;
	bool is_done;			/* report is complete */
	struct lookups *lookups;
	bool has_waited;		/* for one of them */
	struct bodyhashes hashes;
	struct address sender;		/* MAIL FROM; empty: <> or no address */
	bool sender_is_bad;
	bool iprev_done;
	struct spf_question spf_question[2];	/* by enum spf_scope */
	struct spf_check *spf[2];
	struct dkim_verify *dkim;
	struct arc_validate *arc;
};

/* At MAIL: reverse DNS and SPF. */
void checks_start(struct filter_context *ctx, struct verify_state *state);
/* At the end of the header: DKIM, ARC, and DMARC's first questions. */
void checks_header(struct filter_context *ctx, struct verify_state *state);
/* False: the body is needed no more. */
bool checks_body(struct verify_state *state, struct span piece);
/* Waits for what is missing, and fills the report but for its decision. */
void checks_finish(struct filter_context *ctx, struct verify_state *state);
void checks_free(struct verify_state *state);

#endif
