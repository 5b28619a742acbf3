/*
 * identity.h - whom a message is counted for, by rules that count: an identity
 * is a rule and the values of its key. Each comes once a message, however many
 * recipients share it. All memory is the message's arena.
 */
#ifndef POSTERN_MILTERS_POLICY_IDENTITY_H
#define POSTERN_MILTERS_POLICY_IDENTITY_H

#include "milters/policy/check.h"
#include "milters/policy/keyparts.h"

enum {
	/* Of one rule in one message; what is beyond is not looked at, and the
	 * rule decides as if it were over the limit. */
	IDENTITIES_MAX = 1000,
	IDENTITY_BUCKETS = 32
};

struct identity {
	struct identity *in_bucket;
	struct identity *next;		/* of those of this stage */
	const void *rule;
	const struct keyparts *key;
	const struct span *values;	/* key->count of them */
	struct cache_key name;		/* slot 0 */
	size_t recipients;		/* that it is counted for, so far */
	size_t last;			/* place + 1 of the last one at RCPT */
	struct cache_item *items;	/* NULL: not asked for yet */
	size_t item_count;
	bool is_taken;			/* at the end of the message */
	bool is_told;			/* its overrun is */
};

struct identities {
	struct identity *buckets[IDENTITY_BUCKETS];
	struct identity *stage;		/* those of this stage */
	struct identity **tail;
};

/* A stage begins: nobody is of it yet. */
void identities_begin(struct identities *set);

/*
 * The identity of that rule with these values, made where there is none. kind
 * and rule_name are part of its name in the cache, and period, so that what
 * was counted by other parts is not mixed up with it; 0: none.
 */
struct identity *identities_find(struct identities *set,
    struct policy_state *state, const void *rule, const char *kind,
    struct span rule_name, int64_t period, const struct keyparts *key,
    const struct span *values);

/* It is of this stage; once only. */
void identities_take(struct identities *set, struct identity *identity);

/* At RCPT: this recipient is one of its; the one before counts unless it was
 * refused. */
void identity_touch(struct identity *identity,
    const struct policy_facts *facts);

/* In learn(): what those of this stage had added is taken back where the
 * message does not pass. */
void identities_learn(struct identities *set, struct policy_state *state);

/* The name in the cache of an identity: for commands. */
void identity_name(const struct cache *cache, const char *kind,
    struct span rule_name, int64_t period, const struct keyparts *key,
    const struct span *values, struct cache_key *name);

/* "alice+example.com", in the message's arena. */
struct span identity_text(const struct identity *identity,
    struct policy_state *state);

#endif
