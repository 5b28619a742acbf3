#include "milters/policy/warmup.h"

#include "common/base/mem.h"
#include "milters/policy/identity.h"
#include "milters/policy/rate.h"
#include "milters/policy/rulerow.h"

/* A count outlives its day, for machines and clocks that are behind. */
enum { COUNT_TTL = 2 * WARMUP_DAY };

static const char *const action_words[] = { "tempfail", "quarantine", NULL };

#define OPTION(name, kind, field, def, lo, hi, words, flags) \
	{ name, kind, offsetof(struct warmup_rule, field), def, lo, hi, words, \
	    flags }

static const struct rule_option options[] = {
	OPTION("start", RULE_OWN, start_text, NULL, 0, 40, NULL, RULE_NEEDED),
	OPTION("growth", RULE_FACTOR, growth, "1.3", 1, 10, NULL, 0),
	OPTION("max", RULE_NUMBER, max, NULL, 1, 1000000000, NULL,
	    RULE_NEEDED),
	OPTION("since", RULE_DATE, since, NULL, 0, 0, NULL, RULE_NEEDED),
	OPTION("name", RULE_OWN, name_text, NULL, 0, RATE_NAME_MAX, NULL, 0),
	OPTION("action", RULE_WORD, action, "tempfail", 0, 0, action_words, 0),
	OPTION("key", RULE_OWN, key_text, NULL, 0, 200, NULL, 0),
	OPTION("when", RULE_CONDITION, condition, NULL, 0, 0, NULL, 0),
};

const struct rule_schema warmup_schema = {
	.setting = "WarmUp",
	.name = "the domains, such as gmail.com,googlemail.com",
	.name_offset = offsetof(struct warmup_rule, domains_text),
	.place_offset = offsetof(struct warmup_rule, place),
	.options = options,
	.count = ARRAY_LEN(options),
};

/* ---- load ---- */

const struct warmup_rule *
warmup_find(const struct policy_conf *conf, struct span name)
{
	size_t i;

	for (i = 0; i < conf->warmup_count; i++)
		if (span_eq(conf->warmups[i].name, name))
			return &conf->warmups[i];
	return NULL;
}

/* "gmail.com,googlemail.com" is gmail-com, "*" is all, a file its last
 * name. */
static struct span
default_name(const struct rule_load *rl, struct span domains)
{
	struct span first = domains, rest = domains;
	char *name;
	size_t i;

	span_cut(&rest, ',', &first);
	if (span_rfind(first, '/') != first.len)
		first = span_skip(first, span_rfind(first, '/') + 1);
	while (first.len > 0 && (first.p[0] == '.' || first.p[0] == '*'))
		first = span_skip(first, 1);
	if (first.len == 0)
		return SPAN_LIT("all");
	first = span_first(first, RATE_NAME_MAX);
	name = arena_printf(rl->load->arena, "%.*s", SPAN_ARG(first));
	for (i = 0; name[i] != '\0'; i++)
		if (!is_alpha(name[i]) && !is_digit(name[i]))
			name[i] = '-';
	return span_of(name);
}

static void
read_name(const struct rule_load *rl, const struct policy_conf *conf,
    struct warmup_rule *rule)
{
	const struct warmup_rule *first;
	const char *quoted;

	rule->name = rule->name_text.len != 0 ? rule->name_text :
	    default_name(rl, rule->domains_text);
	quoted = diag_quote(rl->load->diag, rule->name);
	first = warmup_find(conf, rule->name);
	if (!rate_name_is_valid(rule->name) || span_has(rule->name, '.'))
		rule_refuse(rl, "name=%s: write up to %d letters, digits, "
		    "\"-\" and \"_\": it is a Postfix transport's too",
		    quoted, RATE_NAME_MAX);
	else if (first != rule)
		rule_refuse(rl, "the name %s is taken by %s; write another "
		    "one with name=", quoted, first->place);
}

static void
read_domains(const struct rule_load *rl, struct warmup_rule *rule)
{
	rule->at = filter_place(rl->load, warmup_schema.setting);
	rule->at.file = rl->row->file;
	rule->at.line = rl->row->line;
	rule->domains = namelist_load(rule->domains_text.p, NAMELIST_DOMAINS,
	    &rule->at, rl->load->diag);
	if (rule->domains != NULL && namelist_count(rule->domains) == 0)
		rule_advise(rl, "there is no domain in %s",
		    diag_quote(rl->load->diag, rule->domains_text));
}

static void
read_key(const struct rule_load *rl, struct warmup_rule *rule)
{
	struct strbuf err = STRBUF_INIT;

	if (rule->key_text.len == 0)
		return;
	if (!keyparts_read(rule->key_text, &rule->key, &err))
		rule_refuse(rl, "key=%s: %s",
		    diag_quote(rl->load->diag, rule->key_text),
		    strbuf_str(&err));
	else if (keyparts_has_recipient(&rule->key) ||
	    keyparts_has_dkim(&rule->key))
		rule_refuse(rl, "key=%s: recipients are told apart by the "
		    "group, and signatures are not known at RCPT",
		    diag_quote(rl->load->diag, rule->key_text));
	strbuf_clear(&err);
}

static void
read_ramp(const struct rule_load *rl, struct warmup_rule *rule)
{
	int64_t period;

	if (!rule_rate(rule->start_text, &rule->start, &period) ||
	    period != WARMUP_DAY)
		rule_refuse(rl, "start=%s: write a number a day, such as "
		    "50/day", diag_quote(rl->load->diag, rule->start_text));
	else if (rule->start > rule->max)
		rule_refuse(rl, "start= is more than max=");
}

static void
load_rule(struct filter_load *load, struct policy_conf *conf,
    const struct config_row *row)
{
	struct rule_load rl = { load, &warmup_schema, row };
	struct warmup_rule *rule = &conf->warmups[conf->warmup_count++];

	if (!rule_read(&rl, rule))
		return;
	read_name(&rl, conf, rule);
	read_domains(&rl, rule);
	read_key(&rl, rule);
	read_ramp(&rl, rule);
	conf->wants_header = true;	/* for retry.h */
}

void
warmup_load(struct filter_load *load, struct policy_conf *conf)
{
	size_t i;

	if (conf->warmup_rows.count == 0)
		return;
	conf->warmups = arena_zalloc(load->arena,
	    conf->warmup_rows.count * sizeof(*conf->warmups));
	for (i = 0; i < conf->warmup_rows.count; i++)
		load_rule(load, conf, &conf->warmup_rows.rows[i]);
}

void
warmup_unload(struct policy_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->warmup_count; i++) {
		condition_free(conf->warmups[i].condition);
		namelist_free(conf->warmups[i].domains);
	}
}

/* ---- the ramp ---- */

static int64_t
day_of(int64_t time)
{
	return time / WARMUP_DAY;
}

int64_t
warmup_days(const struct warmup_rule *rule, int64_t now)
{
	int64_t days = day_of(now) - day_of(rule->since);

	return days > 0 ? days : 0;
}

int64_t
warmup_allowance(const struct warmup_rule *rule, int64_t now)
{
	int64_t days = warmup_days(rule, now);
	double factor = rule->growth, allowance = (double)rule->start;

	/* By squares: days may be many, and the factor infinite. */
	for (; days > 0; days >>= 1) {
		if ((days & 1) != 0)
			allowance *= factor;
		if (allowance >= (double)rule->max)
			return rule->max;
		factor *= factor;
	}
	/* What is 130 but for its last bit is 130. */
	return (int64_t)(allowance + 1e-6);
}

void
warmup_name(const struct cache *cache, const struct warmup_rule *rule,
    const struct span *values, struct cache_key *name)
{
	identity_name(cache, "warmup", rule->name, 0, &rule->key, values,
	    name);
}

void
warmup_item(const struct cache_key *name, int64_t now, int64_t add,
    struct cache_item *item)
{
	*item = (struct cache_item){ .key = *name, .kind = CACHE_COUNTER,
	    .add = add, .ttl = COUNT_TTL };
	item->key.slot = (uint64_t)day_of(now);
}
