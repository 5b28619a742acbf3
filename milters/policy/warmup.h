/*
 * warmup.h - WarmUp: how many recipients of a group of domains a new sending
 * address may have a day, growing day by day.
 *
 *	WarmUp DOMAINS start=N/day growth=1.3 max=M since=2026-11-01
 *	    [name=NAME] [action=tempfail|quarantine] [key=KEYS]
 *	    [when=CONDITIONS]
 *
 * DOMAINS is a list of domains as in namelist.h ("gmail.com,googlemail.com",
 * ".example", "*"), or file:/path of one: a group. A recipient belongs to the
 * first row that lists its domain and whose condition holds. Only outgoing mail
 * is looked at. On the first day N pass, on every later one growth times as
 * many as the day before, never more than M; days are UTC's. Before since=, and
 * where the clock was set back to it, it is the first day.
 *
 * What is over it is deferred, at RCPT recipient by recipient, or held. It is
 * counted as RateLimit counts: what passes, once. Where the cache is away, this
 * process's own count decides.
 */
#ifndef POSTERN_MILTERS_POLICY_WARMUP_H
#define POSTERN_MILTERS_POLICY_WARMUP_H

#include "common/tables/namelist.h"
#include "milters/policy/check.h"
#include "milters/policy/keyparts.h"

enum { WARMUP_DAY = 86400 };

struct warmup_rule {
	struct span domains_text, name_text, start_text, key_text;
	const char *place;
	struct span name;		/* also of a Postfix transport */
	struct dataset_place at;	/* of domains_text */
	struct namelist *domains;
	int64_t start, max, since;
	double growth;
	struct keyparts key;		/* may be empty: one count for all */
	struct condition *condition;
	int action;			/* 0: tempfail, 1: quarantine */
};

void warmup_load(struct filter_load *load, struct policy_conf *conf);
void warmup_unload(struct policy_conf *conf);

const struct warmup_rule *warmup_find(const struct policy_conf *conf,
    struct span name);

/* Days since since=, 0 on the first one and before. */
int64_t warmup_days(const struct warmup_rule *rule, int64_t now);
/* How many recipients may pass today. */
int64_t warmup_allowance(const struct warmup_rule *rule, int64_t now);

/* The counter of today; name is the identity's (identity.h), which
 * warmup_name() makes. */
void warmup_item(const struct cache_key *name, int64_t now, int64_t add,
    struct cache_item *item);
void warmup_name(const struct cache *cache, const struct warmup_rule *rule,
    const struct span *values, struct cache_key *name);

#endif
