/*
 * condition.h - when=: for which messages a rule is meant.
 *
 * Terms, divided by commas, all of which have to hold; "!" in front turns one
 * round; words divided by "|" are alternatives:
 *
 *	in, out			direction: out is mail of our own users and
 *				hosts
 *	authenticated		the client has authenticated
 *	local			it came by no SMTP session
 *	null-sender		MAIL FROM is <>
 *	daemon=NAME|...		the MTA's {daemon_name}
 *	client=HOST|...		names and networks, as in a host list
 *	helo=NAME|...		names, ".parent"
 *	sender-domain=LIST	domains, ".parent"; or file:/path of them
 *	rcpt-domain=LIST	of any recipient (at RCPT: of this one)
 *	from-domain=LIST	of any author
 *	dkim=WORD|...		result of our verifier: pass, fail, none...
 *	spf=WORD|... dmarc=WORD|...
 *	score>N score<N		the score so far
 *	reputation>N ...	what reputation alone adds to it
 */
#ifndef POSTERN_MILTERS_POLICY_CONDITION_H
#define POSTERN_MILTERS_POLICY_CONDITION_H

#include "common/tables/dataset.h"
#include "milters/policy/facts.h"

struct condition;

enum condition_result {
	CONDITION_NO,
	CONDITION_YES,
	CONDITION_LATER		/* known at a later stage only */
};

/*
 * Into *condition, NULL for no text; lives in the arena, lists in it are freed
 * by condition_free(). False where diag got an error; its place is place's.
 */
bool condition_load(struct span text, const struct dataset_place *place,
    struct arena *arena, struct diag *diag, struct condition **condition);
void condition_free(struct condition *condition);

/* recipient: whom rcpt-domain is about; NULL: any of them. condition NULL
 * always holds. Results of a verifier that are not there are "none". */
enum condition_result condition_holds(const struct condition *condition,
    const struct policy_facts *facts,
    const struct policy_recipient *recipient);

/* The first stage at which it is never CONDITION_LATER. */
enum policy_stage condition_stage(const struct condition *condition);
/* Whether it looks at results of our verifier; at the score. */
bool condition_needs_results(const struct condition *condition);
bool condition_needs_score(const struct condition *condition);

#endif
