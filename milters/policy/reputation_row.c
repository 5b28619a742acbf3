#include "milters/policy/reputation.h"

#include "milters/policy/learn.h"
#include "milters/policy/rulerow.h"

#include "common/base/mem.h"

#include <math.h>

enum {
	PRIOR = 5,		/* messages that nothing is known of yet */
	NO_WEIGHT = INT32_MIN	/* bad-weight= is not given */
};

static const char *const kind_words[] = {
	[REPUTATION_DKIM_DOMAIN] = "dkim-domain",
	[REPUTATION_SPF_DOMAIN] = "spf-domain",
	[REPUTATION_CLIENT_NET] = "client-net",
	[REPUTATION_SASL_USER] = "sasl-user",
};

/* ---- rows ---- */

bool
reputation_kind_of(struct span word, enum reputation_kind *kind)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kind_words); i++) {
		if (span_is_nocase(word, kind_words[i])) {
			*kind = (enum reputation_kind)i;
			return true;
		}
	}
	return false;
}

const char *
reputation_kind_word(enum reputation_kind kind)
{
	return kind_words[kind];
}

#define OPTION(name, kind, field, value, min, max, flags)		\
	{ name, kind, offsetof(struct reputation, field), value, min, max, \
	    NULL, flags }

static const struct rule_option options[] = {
	OPTION("half-life", RULE_SECONDS, half_life, "14d", 60,
	    CACHE_TTL_MAX, 0),
	OPTION("weight", RULE_DECIMAL, weight, NULL, -POLICY_WEIGHT_MAX,
	    POLICY_WEIGHT_MAX, RULE_NEEDED),
	OPTION("bad-weight", RULE_DECIMAL, bad_weight, NULL,
	    -POLICY_WEIGHT_MAX, POLICY_WEIGHT_MAX, 0),
	OPTION("minimum", RULE_NUMBER, minimum, "5", 1, 1000000, 0),
	OPTION("when", RULE_CONDITION, when, NULL, 0, 0, 0),
};

const struct rule_schema reputation_schema = {
	.setting = "Reputation",
	.name = "dkim-domain, spf-domain, client-net or sasl-user",
	.name_offset = offsetof(struct reputation, kind_word),
	.place_offset = offsetof(struct reputation, place),
	.options = options,
	.count = ARRAY_LEN(options),
};

/* One name has one record, whatever rows look at it. */
static bool
has_other_half_life(const struct policy_conf *conf,
    const struct reputation *row)
{
	int64_t half_life = reputation_half_life(conf, row->kind);

	return half_life != 0 && half_life != row->half_life;
}

static bool
read_row(struct rule_load *rl, struct policy_conf *conf)
{
	struct reputation *row = &conf->reputations[conf->reputation_count];

	row->bad_weight = NO_WEIGHT;
	if (!rule_read(rl, row))
		return false;
	if (!reputation_kind_of(row->kind_word, &row->kind)) {
		rule_refuse(rl, "%s is no kind of names; write dkim-domain, "
		    "spf-domain, client-net or sasl-user",
		    diag_quote(rl->load->diag, row->kind_word));
		return false;
	}
	if (has_other_half_life(conf, row)) {
		rule_refuse(rl, "half-life= differs from that of another row "
		    "of %s; there is one record of a name",
		    kind_words[row->kind]);
		return false;
	}
	if (row->bad_weight == NO_WEIGHT)
		row->bad_weight = -row->weight;
	if (row->weight > 0)
		rule_advise(rl, "weight is above 0: a good name makes the "
		    "score worse");
	if (row->kind <= REPUTATION_SPF_DOMAIN && !conf->trust_results)
		rule_advise(rl, "no effect: no %s is known without "
		    "\"AuthResults trust\"", kind_words[row->kind]);
	return true;
}

void
reputation_load(struct filter_load *load, struct policy_conf *conf)
{
	struct rule_load rl = { .load = load, .schema = &reputation_schema };
	size_t i;

	conf->reputations = arena_zalloc(load->arena,
	    conf->reputation_rows.count * sizeof(*conf->reputations));
	for (i = 0; i < conf->reputation_rows.count; i++) {
		rl.row = &conf->reputation_rows.rows[i];
		read_row(&rl, conf);
		conf->reputation_count++;
	}
	if (conf->reputation_count > 0)
		conf->wants_header = true;
}

void
reputation_unload(struct policy_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->reputation_count; i++)
		condition_free(conf->reputations[i].when);
	if (conf->reputation_count > 0)
		learn_finish();
}

int64_t
reputation_half_life(const struct policy_conf *conf, enum reputation_kind kind)
{
	size_t i;

	for (i = 0; i < conf->reputation_count; i++)
		if (conf->reputations[i].kind == kind)
			return conf->reputations[i].half_life;
	return 0;
}

/* ---- a name's record ---- */

void
reputation_item(const struct policy_conf *conf, enum reputation_kind kind,
    struct span name, struct cache_item *item)
{
	struct span parts[] = { span_of(kind_words[kind]), name };

	memset(item, 0, sizeof(*item));
	cache_name(conf->cache, "reputation", parts, ARRAY_LEN(parts),
	    &item->key);
}

void
reputation_read(const struct policy_conf *conf, enum reputation_kind kind,
    const struct cache_item *item, int64_t now, struct decay *decay)
{
	int64_t half_life = reputation_half_life(conf, kind);

	decay_read(item, decay);
	decay_forward(decay, now, half_life > 0 ? half_life : 1);
}

double
reputation_ratio(const struct decay *decay)
{
	return (decay->good - decay->bad) /
	    (decay->good + decay->bad + PRIOR);
}

int32_t
reputation_weight(const struct reputation *row, const struct decay *decay)
{
	double ratio = reputation_ratio(decay);

	if (decay->good + decay->bad < (double)row->minimum)
		return 0;
	return (int32_t)lrint(ratio > 0 ? row->weight * ratio :
	    row->bad_weight * -ratio);
}

bool
reputation_is_good(const struct policy_conf *conf, enum reputation_kind kind,
    const struct decay *decay)
{
	double known = decay->good + decay->bad;
	size_t i;

	if (reputation_ratio(decay) < 0.5)
		return false;
	for (i = 0; i < conf->reputation_count; i++)
		if (conf->reputations[i].kind == kind &&
		    known >= (double)conf->reputations[i].minimum)
			return true;
	return false;
}
