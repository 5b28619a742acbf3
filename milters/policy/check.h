/*
 * check.h - what a check is, and what it may ask for and say.
 *
 * A stage goes like this, for every check in the order of policy_checks[]:
 * prepare() puts questions, to the cache by policy_want() and to DNS by
 * policy_lookups(); then the cache is asked once for all; then judge() says
 * what it finds, until a proposal is final; then resolve(), of the checks that
 * wait for DNS; then judge() of those that wait for the score. At POLICY_MAIL
 * there is only prepare(), for DNS: nothing is judged there. learn() comes
 * once, when it is known what happens with the message; where that passes,
 * edits may be recorded there.
 */
#ifndef POSTERN_MILTERS_POLICY_CHECK_H
#define POSTERN_MILTERS_POLICY_CHECK_H

#include "milters/policy/facts.h"
#include "milters/policy/policy.h"

struct policy_state;

enum { POLICY_CHECKS_MAX = 8 };

struct policy_check {
	const char *name;	/* "greylist": in the log and in MonitorOnly */
	/* Reads the check's rows; adds to conf what it makes of them. */
	void (*load)(struct filter_load *load, struct policy_conf *conf);
	void (*unload)(struct policy_conf *conf);
	/* The rest may be NULL. */
	void (*prepare)(struct policy_state *state);
	void (*judge)(struct policy_state *state);
	/* Whether judge() looks at the score, so that it comes last. */
	bool (*waits_for_score)(const struct policy_conf *conf);
	/* False: answers of DNS are missing; called again when some came. */
	bool (*resolve)(struct policy_state *state);
	void (*learn)(struct policy_state *state);
};

/* The cheapest first; the order in which proposals count. */
extern const struct policy_check *const policy_checks[];
extern const size_t policy_check_count;

extern const struct policy_check access_check, rate_check, warmup_check,
    reputation_check, greylist_check, hostname_check, dnslist_check;
/* Whose findings the score's are; not in policy_checks[]. */
extern const struct policy_check score_check;

/* What is proposed; the order is that of strength in the score's rows only. */
enum policy_action {
	POLICY_NONE,		/* a finding that has but a weight */
	POLICY_OK,		/* access: exempt from greylist and score */
	POLICY_TAG,		/* passes, with a field that says why */
	POLICY_QUARANTINE,	/* the hold queue */
	POLICY_DEFER,
	POLICY_REJECT,
	POLICY_DISCARD
};

struct policy_finding {
	struct policy_finding *next;
	const struct policy_check *check;
	enum policy_action action;
	bool is_for_recipient;	/* at RCPT: about this one alone */
	bool is_monitored;	/* MonitorOnly: told, not done */
	int32_t weight;		/* hundredths */
	struct span rule;	/* its name: "outgoing", "bl.example" */
	struct span reason;	/* for log and answer; printable once escaped */
	/* of a DEFER or REJECT; 0 and NULL: as policy has it */
	unsigned code;
	const char *enhanced;
	const char *text;	/* the SMTP answer; NULL: made of reason */
};

struct policy_state {
	struct filter_context *ctx;
	const struct policy_conf *conf;
	struct policy_facts facts;
	enum policy_stage stage;
	struct policy_recipient *recipient;	/* at POLICY_RCPT; else NULL */
	struct lookups *lookups;	/* NULL until somebody asks */
	struct policy_finding *findings;	/* oldest first */
	struct policy_finding **tail;
	size_t finding_count;
	struct regex_budget patterns;	/* of access tables and lists */
	struct policy_finding *decided;	/* what counts for the message;
					   NULL: it passes */
	bool is_exempt;		/* client, HELO, sender or header: OK */
	bool is_banned;		/* client, HELO or sender: refused by an access
				   table, whatever that means to recipients */
	bool cache_failed;	/* this stage's answers have trouble in them */
	/* At POLICY_END and in learn(): whether it passes us. */
	bool passes;
	/* Each check's own for this message; by its place in policy_checks[],
	 * NULL at first, from the arena. */
	void *own[POLICY_CHECKS_MAX];
	/* the engine's, see engine.c */
	struct policy_want *wants;
	struct policy_finding **unseen;
	struct policy_finding *by_score;	/* of the score, at RCPT */
	const char *internal_error;	/* NULL: none */
	bool has_waited;		/* for DNS */
	bool is_told;			/* log and counters have it */
	bool is_cut_short;		/* told: the patterns' time is up */
	size_t refused;			/* recipients */
};

/* The message's arena. */
static inline struct arena *
policy_arena(struct policy_state *state)
{
	return &state->ctx->message->arena;
}

/* The check's own memory for this message, zeroed when it is first asked
 * for. */
void *policy_own(struct policy_state *state, const struct policy_check *check,
    size_t size);

/*
 * In prepare(): these items, in the message's arena, are asked for together
 * with everybody's. At POLICY_END they are counters, which get their add, and
 * no records. Answered
 * in place when judge() is called.
 */
void policy_want(struct policy_state *state, struct cache_item *items,
    size_t count);

/* In prepare() and resolve(): the message's questions of DNS. */
struct lookups *policy_lookups(struct policy_state *state);

/*
 * A finding. weight may be 0, action POLICY_NONE. The reason is made here and
 * escaped; what is monitored is marked. The finding may be added to (code,
 * text) by the caller.
 */
struct policy_finding *policy_find(struct policy_state *state,
    const struct policy_check *check, enum policy_action action,
    int32_t weight, struct span rule, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* Whether greylist, lists, host names, reputation and score pass over this
 * message (at RCPT: over it for this recipient; later: for all that are
 * left). */
bool policy_is_exempt(const struct policy_state *state);

/* For what a check does besides: false in a trial. */
static inline bool
policy_may_learn(const struct policy_state *state)
{
	return !state->conf->is_trial;
}

#endif
