/*
 * reputation.h - what is known of who sent mail before, by names that were
 * authenticated: a DKIM domain, an SPF domain, a client's network, a user. A
 * bare From has none.
 *
 *	Reputation KIND weight=W [bad-weight=W] [half-life=14d] [minimum=5]
 *	    [when=...]
 *
 * KIND is dkim-domain, spf-domain, client-net or sasl-user. Each name has two
 * counts, of good and of bad messages, that lose half of themselves with every
 * half-life. With n = good + bad and r = (good - bad) / (n + 5), a row adds to
 * the score weight * r where r is above 0 (weight is negative as a rule: good
 * senders need less) and bad-weight * -r where it is below; nothing where n is
 * below minimum. r never reaches 1, so a row never adds more than its weights.
 * bad-weight is -weight where it is not given. Of several DKIM domains the
 * worst counts where one is bad, else the best. Without when= a row is for mail
 * that comes in, that of sasl-user for mail that goes out.
 *
 * Messages count when it is known what happens with them: as good those that
 * pass with a score (without what reputation added) below half the lowest of
 * the score's limits; as bad those that the score refused, held or tagged or
 * an access table refused. What waits or is over a limit counts as nothing.
 */
#ifndef POSTERN_MILTERS_POLICY_REPUTATION_H
#define POSTERN_MILTERS_POLICY_REPUTATION_H

#include "common/cache/decay.h"
#include "milters/policy/check.h"
#include "milters/policy/condition.h"

enum reputation_kind {
	REPUTATION_DKIM_DOMAIN,
	REPUTATION_SPF_DOMAIN,
	REPUTATION_CLIENT_NET,
	REPUTATION_SASL_USER
};

enum {
	REPUTATION_KINDS = REPUTATION_SASL_USER + 1,
	REPUTATION_TTL = 10	/* half-lives: less than 0.1% is left then */
};

struct reputation {
	const char *place;
	struct span kind_word;
	enum reputation_kind kind;
	int64_t half_life, minimum;
	int32_t weight, bad_weight;
	struct condition *when;
};

/* False where word is none of them. */
bool reputation_kind_of(struct span word, enum reputation_kind *kind);
const char *reputation_kind_word(enum reputation_kind kind);

/* Half-life of a kind; 0 where no row has it. */
int64_t reputation_half_life(const struct policy_conf *conf,
    enum reputation_kind kind);

/* The question about a name; its answer, brought to now. */
void reputation_item(const struct policy_conf *conf,
    enum reputation_kind kind, struct span name, struct cache_item *item);
void reputation_read(const struct policy_conf *conf,
    enum reputation_kind kind, const struct cache_item *item, int64_t now,
    struct decay *decay);

/* r above, from -1 to 1; what the row adds to the score. */
double reputation_ratio(const struct decay *decay);
int32_t reputation_weight(const struct reputation *row,
    const struct decay *decay);

/* Known, with the least minimum of the kind's rows, and r at least 0.5: such a
 * one is not greylisted. */
bool reputation_is_good(const struct policy_conf *conf,
    enum reputation_kind kind, const struct decay *decay);

/* In prepare() of whatever check: wants what this stage has brought of names.
 * May be called by several. In judge(): whether one of them is known as good.
 */
void reputation_ask(struct policy_state *state);
bool reputation_is_known_good(struct policy_state *state,
    enum reputation_kind kind, struct span name);

/* The rows: the check's load and unload. */
void reputation_load(struct filter_load *load, struct policy_conf *conf);
void reputation_unload(struct policy_conf *conf);

#endif
