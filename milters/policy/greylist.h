/*
 * greylist.h - who has to come again before the mail is taken.
 *
 *	Greylist [delay=5m] [window=2d] [lifetime=35d] [autowhitelist=5]
 *	    [share=50%] [share-for=1h] [action=tempfail|tag]
 *	    [on-error=accept|tempfail] [when=in] [text=...]
 *
 * One row; without it nobody waits. A triplet of client's network (/24, /64),
 * sender and recipient that was never seen is deferred (450 4.7.1); it passes
 * once it comes again after delay and within window, and is known then until
 * it was not used for lifetime. Where our verifier's results are not looked at
 * each recipient is judged at RCPT; where they are, or when= needs what comes
 * later, the message is judged as one and waits unless one of its triplets
 * (of 100 recipients at most) passes.
 *
 * What keeps from waiting is a table of grounds, the cheapest first; the first
 * that holds is the reason. action=tag lets all pass with a field that says
 * what would have waited.
 */
#ifndef POSTERN_MILTERS_POLICY_GREYLIST_H
#define POSTERN_MILTERS_POLICY_GREYLIST_H

#include "milters/policy/check.h"
#include "milters/policy/condition.h"
#include "milters/policy/greyrecord.h"

enum greylist_action { GREYLIST_TEMPFAIL, GREYLIST_TAG };
enum greylist_trouble { GREYLIST_ACCEPT, GREYLIST_DEFER };

struct greylist {
	const char *place;
	struct grey_times times;
	int64_t autowhitelist;		/* successes of a network; 0: off */
	struct span share_text;
	unsigned share;			/* percent, while the cache is younger
					   than share_for */
	int64_t share_for;
	int action, on_error;
	struct condition *when;
	struct span text;		/* "%s": seconds to wait */
	enum policy_stage stage;	/* at which it judges */
};

/* A triplet that is judged, and what is known about it. */
struct grey_case {
	const struct policy_conf *conf;
	const struct policy_facts *facts;
	const struct policy_recipient *recipient;
	struct arena *arena;
	struct regex_budget *patterns;	/* of both lists */
	bool is_exempt;			/* by an access table */
	bool is_excluded;		/* by when= */
	bool client_is_good;		/* its network's reputation */
	struct span good_domain;	/* that has succeeded; empty: none */
	unsigned client_successes;
	/* Answered items; wrote is NULL where there is no sender. */
	struct cache_item *triplet, *wrote;
	/* what came out */
	struct grey_outcome outcome;
	const struct grey_ground *ground;	/* NULL: it waits */
};

struct grey_ground {
	const char *word;	/* "known" */
	const char *text;	/* "the triplet is known" */
	bool (*holds)(const struct grey_case *gc);
	bool is_success;	/* that counts for the client's network and
				   its domains */
};

extern const struct grey_ground grey_grounds[];
extern const size_t grey_ground_count;

/* The questions about a triplet: triplet, and wrote if it is not NULL. */
void grey_case_ask(struct grey_case *gc);
/* Fills outcome and ground, when the items are answered and all else is set. */
void grey_case_judge(struct grey_case *gc);
/* The cache cannot tell, and no ground spares it. */
bool grey_case_is_unknown(const struct grey_case *gc);
/* The triplet's record is to be put: unless nobody looked at it. */
bool grey_case_is_changed(const struct grey_case *gc);

/* The questions about successes of a network and of a domain, and about
 * whether user (one of ours) wrote to other. */
void grey_ask_client(const struct policy_conf *conf, struct span net,
    struct cache_item *item);
void grey_ask_domain(const struct policy_conf *conf, struct span domain,
    struct cache_item *item);
void grey_ask_wrote(const struct policy_conf *conf, const struct address *user,
    const struct address *other, struct arena *arena, struct cache_item *item);

/* The row and both lists: the check's load and unload. */
void greylist_load(struct filter_load *load, struct policy_conf *conf);
void greylist_unload(struct policy_conf *conf);

#endif
