/*
 * rulerow.h - rows such as "RateLimit NAME key=user limit=100/1h when=out":
 * words and name=value options after the setting's name, read by a table as
 * settings are.
 */
#ifndef POSTERN_MILTERS_POLICY_RULEROW_H
#define POSTERN_MILTERS_POLICY_RULEROW_H

#include "milters/policy/condition.h"
#include "milters/policy/policy.h"

enum rule_kind {
	RULE_TEXT,		/* struct span, in the arena */
	RULE_NUMBER,		/* int64_t, min..max */
	RULE_DECIMAL,		/* int32_t, in hundredths; min..max too: "-1.5" */
	RULE_SECONDS,		/* int64_t; units_seconds() */
	RULE_FACTOR,		/* double, min..max (whole numbers) */
	RULE_DATE,		/* int64_t: 2026-11-25, its first second, UTC */
	RULE_WORD,		/* int: the index in words */
	RULE_CONDITION,		/* struct condition *: when= */
	RULE_OWN		/* struct span as it stands, for the check to
				   read further: limit=N/PERIOD */
};

enum { RULE_NEEDED = 1 };

struct rule_option {
	const char *name;		/* "limit" */
	enum rule_kind kind;
	size_t offset;			/* of its value in the rule's struct */
	const char *value;		/* default; NULL: zero */
	int64_t min, max;
	const char *const *words;	/* NULL-terminated */
	unsigned flags;
};

struct rule_schema {
	const char *setting;		/* "RateLimit" */
	const char *name;		/* what the first word is: "a name that
					   you choose"; NULL: there is none */
	size_t name_offset;		/* struct span */
	size_t place_offset;		/* const char *: "policy.conf:12" */
	const struct rule_option *options;
	size_t count;
};

/* Those of the settings that are rules. The manual is held against them. */
extern const struct rule_schema rate_schema, warmup_schema, greylist_schema,
    dnslist_schema, hostcheck_schema, reputation_schema;

/* A rule's row under way: for what a check has to say about it itself. */
struct rule_load {
	struct filter_load *load;
	const struct rule_schema *schema;
	const struct config_row *row;
};

/* Fills rule, a struct as schema's offsets say. False where diag got an error:
 * each names file and line, the option, and what it should look like. */
bool rule_read(struct rule_load *rl, void *rule);

/* file:line: error: RateLimit: text */
void rule_refuse(const struct rule_load *rl, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void rule_advise(const struct rule_load *rl, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "N/PERIOD", such as 100/1h, 5/10m; the period alone may lack its number:
 * 500/d. False where text is none; count 1.., period 1 s.. 400 d. */
bool rule_rate(struct span text, int64_t *count, int64_t *period);

#endif
