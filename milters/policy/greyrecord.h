/*
 * greyrecord.h - what greylisting keeps in the cache and what it makes of it.
 * Nothing here asks a cache or a clock.
 *
 * A triplet (client's network, sender, recipient) is a record of when it was
 * first seen, as long as it waits, then of when it was last used. How long a
 * record is kept is the cache's business, which counts by a clock of its own;
 * the wall clock's time in it only tells how long it has waited. So a clock
 * that jumps forward forgets nobody, and one that is set back makes those who
 * wait begin anew once: for the delay, never for longer.
 */
#ifndef POSTERN_MILTERS_POLICY_GREYRECORD_H
#define POSTERN_MILTERS_POLICY_GREYRECORD_H

#include "common/cache/cache.h"
#include "common/mail/address.h"

struct grey_times {		/* seconds */
	int64_t delay;		/* that a new triplet has to wait */
	int64_t window;		/* within which it has to come again */
	int64_t lifetime;	/* that it is known after its last use */
};

enum grey_answer {
	GREY_NEW,		/* never seen, or forgotten: it waits */
	GREY_EARLY,		/* it waits still */
	GREY_RETRIED,		/* it has waited, and is known from now on */
	GREY_KNOWN
};

struct grey_outcome {
	enum grey_answer answer;
	int64_t wait;		/* NEW, EARLY: seconds that are left */
	int64_t since;		/* EARLY, RETRIED: first seen; KNOWN: last
				   used, as far as it was noted; else now */
	bool is_changed;	/* the item is to be put */
};

/* "new", "early", "retried", "known". */
const char *grey_answer_word(enum grey_answer answer);

/* item: the triplet's, answered. Its value and ttl become what is to be put. A
 * record that is none of these is a miss. */
void grey_judge(struct cache_item *item, const struct grey_times *times,
    int64_t now, struct grey_outcome *outcome);
/* Makes a triplet known. */
void grey_release(struct cache_item *item, const struct grey_times *times,
    int64_t now);

/*
 * Successes of a client's network or a domain: messages that came through
 * after they had waited, one an hour at most, as postgrey counts them.
 */
unsigned grey_successes(const struct cache_item *item);
/* One more; true where the item is to be put. */
bool grey_succeed(struct cache_item *item, int64_t lifetime, int64_t now);

/* That somebody was written to. */
bool grey_is_marked(const struct cache_item *item);
void grey_mark(struct cache_item *item, int64_t lifetime);

/*
 * Names of senders change from message to message where they bear signatures or
 * numbers. In the arena: the address in lower case, without "+extension" and
 * without what BATV ("prvs=TAG=user", "btv1==TAG==user", "msprvs1=TAG=user")
 * and SRS (hash and time of "SRS0=HH=TT=domain=user", both hashes of SRS1) add;
 * is_verp: also with '#' for each number that stands between other than letters
 * and digits, as postgrey has it ("list-return-1234-me=here.example@" is
 * "list-return-#-me=here.example@"). An empty address is "<>".
 */
struct span grey_address(const struct address *address, bool is_verp,
    struct arena *arena);

#endif
