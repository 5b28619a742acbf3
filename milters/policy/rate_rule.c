#include "milters/policy/rate.h"

#include "common/base/mem.h"
#include "common/base/units.h"
#include "milters/policy/identity.h"
#include "milters/policy/rulerow.h"

#include <sys/stat.h>

/* Slots beside the window's parts, which are far below. */
#define SLOT_OVERRIDE	((uint64_t)1 << 63)
#define SLOT_ALERT	(((uint64_t)1 << 63) + 1)

const char *const rate_count_words[] = { "messages", "recipients", "bytes",
    NULL };
static const char *const action_words[] = { "tempfail", "reject",
    "quarantine", "tag", NULL };
static const enum policy_action actions[] = { POLICY_DEFER, POLICY_REJECT,
    POLICY_QUARANTINE, POLICY_TAG };
static const char *const error_words[] = { "accept", "tempfail", NULL };
static const char *const no_yes[] = { "no", "yes", NULL };

#define OPTION(name, kind, field, def, max, words, flags) \
	{ name, kind, offsetof(struct rate_rule, field), def, 0, max, words, \
	    flags }

static const struct rule_option options[] = {
	OPTION("key", RULE_OWN, key_text, NULL, 200, NULL, RULE_NEEDED),
	OPTION("limit", RULE_OWN, limit_text, NULL, 40, NULL, RULE_NEEDED),
	OPTION("burst", RULE_OWN, burst_text, NULL, 40, NULL, 0),
	OPTION("when", RULE_CONDITION, condition, NULL, 0, NULL, 0),
	OPTION("count", RULE_WORD, count, "messages", 0, rate_count_words, 0),
	OPTION("action", RULE_WORD, action, NULL, 0, action_words,
	    RULE_NEEDED),
	OPTION("on-error", RULE_WORD, on_error, "accept", 0, error_words, 0),
	OPTION("alert", RULE_WORD, alert, "no", 0, no_yes, 0),
};

const struct rule_schema rate_schema = {
	.setting = "RateLimit",
	.name = "a name that you choose, such as users",
	.name_offset = offsetof(struct rate_rule, name),
	.place_offset = offsetof(struct rate_rule, place),
	.options = options,
	.count = ARRAY_LEN(options),
};

/* ---- load ---- */

bool
rate_name_is_valid(struct span name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (!is_alpha(name.p[i]) && !is_digit(name.p[i]) &&
		    memchr("-_.", name.p[i], 3) == NULL)
			return false;
	return name.len > 0 && name.len <= RATE_NAME_MAX;
}

const struct rate_rule *
rate_find(const struct policy_conf *conf, struct span name)
{
	size_t i;

	for (i = 0; i < conf->rate_count; i++)
		if (span_eq(conf->rates[i].name, name))
			return &conf->rates[i];
	return NULL;
}

static void
check_name(const struct rule_load *rl, const struct policy_conf *conf,
    const struct rate_rule *rule)
{
	const char *name = diag_quote(rl->load->diag, rule->name);
	const struct rate_rule *first = rate_find(conf, rule->name);

	if (!rate_name_is_valid(rule->name))
		rule_refuse(rl, "%s is no name; write up to %d letters, "
		    "digits, \"-\", \"_\" and \".\"", name, RATE_NAME_MAX);
	else if (first != rule)
		rule_refuse(rl, "the name %s is taken by %s", name,
		    first->place);
}

static void
read_key(const struct rule_load *rl, struct rate_rule *rule)
{
	struct strbuf err = STRBUF_INIT;

	if (!keyparts_read(rule->key_text, &rule->key, &err))
		rule_refuse(rl, "key=%s: %s",
		    diag_quote(rl->load->diag, rule->key_text),
		    strbuf_str(&err));
	strbuf_clear(&err);
}

static void
read_limit(const struct rule_load *rl, struct rate_rule *rule)
{
	struct diag *diag = rl->load->diag;

	if (!rule_rate(rule->limit_text, &rule->limit, &rule->period) ||
	    rule->limit > RATE_LIMIT_MAX ||
	    rule->period > RATE_PERIOD_MAX)
		rule_refuse(rl, "limit=%s: write a number and a time of at "
		    "most 350d, such as 100/1h%s",
		    diag_quote(diag, rule->limit_text),
		    rule->count == RATE_BYTES ? " or 500M/1d" : "");
	if (rule->burst_text.len == 0)
		return;
	if (!units_bytes(rule->burst_text, &rule->burst) || rule->burst < 1)
		rule_refuse(rl, "burst=%s: write a number, of what may pass "
		    "in an eighth of the period",
		    diag_quote(diag, rule->burst_text));
	else if (rule->burst >= rule->limit)
		rule_advise(rl, "burst= has no effect: limit= is not more");
}

static void
place_in_stages(const struct rule_load *rl, struct policy_conf *conf,
    struct rate_rule *rule)
{
	enum policy_stage stage = condition_stage(rule->condition);

	rule->proposal = actions[rule->action];
	rule->is_per_recipient = keyparts_has_recipient(&rule->key) ||
	    stage >= POLICY_RCPT || rule->count == RATE_RECIPIENTS;
	if (keyparts_stage(&rule->key) > stage)
		stage = keyparts_stage(&rule->key);
	/* Only at the end the score is what it will be. */
	rule->stage = condition_needs_score(rule->condition) ? POLICY_END :
	    stage;
	conf->wants_header = true;	/* for retry.h */
	conf->wants_body |= rule->count == RATE_BYTES;
	if (!conf->trust_results && keyparts_has_dkim(&rule->key))
		rule_advise(rl, "no effect: no dkim-domain is known without "
		    "\"AuthResults trust\"");
}

static void
load_rule(struct filter_load *load, struct policy_conf *conf,
    const struct config_row *row)
{
	struct rule_load rl = { load, &rate_schema, row };
	struct rate_rule *rule = &conf->rates[conf->rate_count++];

	if (!rule_read(&rl, rule))
		return;
	check_name(&rl, conf, rule);
	read_key(&rl, rule);
	read_limit(&rl, rule);
	place_in_stages(&rl, conf, rule);
}

static bool
is_wanted(const struct policy_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->rate_count; i++)
		if (conf->rates[i].alert)
			return true;
	return false;
}

/* It may come later, and the log has the alert in any case: not an error. */
static void
check_command(struct filter_load *load, const struct policy_conf *conf)
{
	const char *path = conf->alert_command;
	struct stat st;

	if (path == NULL)
		return;
	if (path[0] != '/')
		filter_refuse(load, "AlertCommand",
		    "write the program's full path; it gets no arguments");
	else if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (st.st_mode & 0111) == 0)
		filter_advise(load, "AlertCommand", arena_printf(load->arena,
		    "%s is no program that can be run; only the log gets "
		    "alerts", path));
	else if (!is_wanted(conf))
		filter_advise(load, "AlertCommand", "no effect: no RateLimit "
		    "has alert=yes");
}

void
rate_load(struct filter_load *load, struct policy_conf *conf)
{
	size_t i;

	if (conf->rate_rows.count == 0) {
		check_command(load, conf);
		return;
	}
	conf->rates = arena_zalloc(load->arena,
	    conf->rate_rows.count * sizeof(*conf->rates));
	for (i = 0; i < conf->rate_rows.count; i++)
		load_rule(load, conf, &conf->rate_rows.rows[i]);
	check_command(load, conf);
}

void
rate_unload(struct policy_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->rate_count; i++)
		condition_free(conf->rates[i].condition);
}

/* ---- the counters of an identity ---- */

void
rate_name(const struct cache *cache, const struct rate_rule *rule,
    const struct span *values, struct cache_key *name)
{
	identity_name(cache, "rate", rule->name, rule->period, &rule->key,
	    values, name);
}

size_t
rate_items(const struct rate_rule *rule, const struct cache_key *name,
    int64_t now, int64_t add, struct cache_item *items)
{
	size_t count = window_count(rule->period);

	window_items(name, rule->period, now, add, items);
	rate_override(name, 0, 0, &items[count]);
	return count + 1;
}

/* A counter, so that it can be asked for together with the window's: one more
 * than the limit, for 0 is that of none. */
void
rate_override(const struct cache_key *name, int64_t limit, int64_t ttl,
    struct cache_item *item)
{
	*item = (struct cache_item){ .key = *name, .kind = CACHE_COUNTER,
	    .ttl = ttl, .number = limit + 1 };
	item->key.slot = SLOT_OVERRIDE;
}

void
rate_alert_item(const struct rate_rule *rule, const struct cache_key *name,
    struct cache_item *item)
{
	*item = (struct cache_item){ .key = *name, .ttl = rule->period,
	    .len = 1, .value = { 1 } };
	item->key.slot = SLOT_ALERT;
}

void
rate_read(const struct rate_rule *rule, const struct cache_item *items,
    struct rate_use *use)
{
	size_t count = window_count(rule->period), i;

	*use = (struct rate_use){
		.count = window_sum(items, count),
		.recent = window_recent(items, count),
		.limit = rule->limit,
	};
	use->is_set = items[count].number > 0;
	if (use->is_set)
		use->limit = items[count].number - 1;
	for (i = 0; i <= count; i++)
		use->has_trouble |= items[i].state == CACHE_TROUBLE;
}

int64_t
rate_wait(const struct rate_rule *rule, const struct cache_item *items,
    const struct rate_use *use, int64_t now, int64_t more, int64_t weight)
{
	int64_t wait, burst_wait = 0;

	if (weight > use->limit || (rule->burst != 0 && weight > rule->burst))
		return -1;
	wait = window_wait(items, window_count(rule->period), rule->period,
	    now, use->limit - more);
	if (rule->burst != 0 && use->recent + more > rule->burst)
		burst_wait = 2 * window_part(rule->period);
	return wait > burst_wait ? wait : burst_wait;
}
