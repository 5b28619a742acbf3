/*
 * rate.h - RateLimit: how much an identity may send in a sliding window.
 *
 *	RateLimit NAME key=KEYS limit=N/PERIOD [burst=M] [when=CONDITIONS]
 *	    [count=messages|recipients|bytes]
 *	    action=tempfail|reject|quarantine|tag
 *	    [on-error=accept|tempfail] [alert=yes|no]
 *
 * Never more than N pass in any PERIOD (window.h); with burst= never more than
 * M in any eighth of it. count=recipients counts those of the message that the
 * condition and the key are about, count=bytes its size. Counted is what
 * passes: at the end of a message it is added, and taken back if the message is
 * refused. Before, at RCPT, rules that tempfail or reject look whether the
 * limit is reached already, and refuse the recipient then. A message that comes
 * again is counted once: see retry.h, and why a reject may wait for the end. One
 * with more than IDENTITIES_MAX identities of a rule is treated as if one of
 * them were over the limit.
 */
#ifndef POSTERN_MILTERS_POLICY_RATE_H
#define POSTERN_MILTERS_POLICY_RATE_H

#include "common/cache/window.h"
#include "milters/policy/check.h"
#include "milters/policy/keyparts.h"
#include "milters/policy/retry.h"

enum {
	RATE_NAME_MAX = 64,		/* octets of a rule's name */
	RATE_PERIOD_MAX = 350 * 86400,	/* the window's tail fits in the
					   cache's longest time to live */
	RATE_ITEMS = WINDOW_ITEMS + 1	/* the window, and "limit set" */
};

#define RATE_LIMIT_MAX	(CACHE_COUNTER_MAX - 1)

enum rate_count { RATE_MESSAGES, RATE_RECIPIENTS, RATE_BYTES };
extern const char *const rate_count_words[];

struct rate_rule {
	struct span name;
	const char *place;
	struct span key_text, limit_text, burst_text;	/* as written */
	struct keyparts key;
	int64_t limit, period;
	int64_t burst;			/* 0: none */
	struct condition *condition;
	int count;			/* enum rate_count */
	int action;			/* an index in rate's action words */
	int on_error;			/* 0: accept, 1: tempfail */
	int alert;			/* 0: no, 1: yes */
	enum policy_action proposal;
	/* From which stage on it is known whether and whom it counts. */
	enum policy_stage stage;
	bool is_per_recipient;		/* recipients of a message differ */
};

void rate_load(struct filter_load *load, struct policy_conf *conf);
void rate_unload(struct policy_conf *conf);
/* True where it is 1 to RATE_NAME_MAX letters, digits, "-", "_" and ".". */
bool rate_name_is_valid(struct span name);

/* NULL where there is none of that name. */
const struct rate_rule *rate_find(const struct policy_conf *conf,
    struct span name);

/* ---- the counters of an identity ---- */

/* Its name in the cache, slot 0. */
void rate_name(const struct cache *cache, const struct rate_rule *rule,
    const struct span *values, struct cache_key *name);

/* Fills the items that tell its use, at most RATE_ITEMS: their number. */
size_t rate_items(const struct rate_rule *rule, const struct cache_key *name,
    int64_t now, int64_t add, struct cache_item *items);

struct rate_use {
	int64_t count;		/* in the window */
	int64_t recent;		/* in its last eighth */
	int64_t limit;		/* the rule's, or as set for this identity */
	bool is_set;
	bool has_trouble;	/* the cache does not know */
};

/* What the answered items tell. */
void rate_read(const struct rate_rule *rule, const struct cache_item *items,
    struct rate_use *use);

/* Seconds until a message of that weight fits, of which more is not in the
 * items yet; -1: it never does. */
int64_t rate_wait(const struct rate_rule *rule,
    const struct cache_item *items, const struct rate_use *use, int64_t now,
    int64_t more, int64_t weight);

/* What "limit set" stores: an identity's own limit, for ttl seconds. */
void rate_override(const struct cache_key *name, int64_t limit, int64_t ttl,
    struct cache_item *item);
/* What is stored when its overrun was told. */
void rate_alert_item(const struct rate_rule *rule,
    const struct cache_key *name, struct cache_item *item);

/* The message's, which warm-up counts by too. */
struct retry *rate_retry(struct policy_state *state);

#endif
