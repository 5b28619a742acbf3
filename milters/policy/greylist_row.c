#include "milters/policy/greylist.h"

#include "milters/policy/rulerow.h"

#include "common/base/mem.h"

enum { TEXT_MAX = 200 };

static const char *const action_words[] = { "tempfail", "tag", NULL };
static const char *const trouble_words[] = { "accept", "tempfail", NULL };

#define OPTION(name, kind, field, value, min, max, words)		\
	{ name, kind, offsetof(struct greylist, field), value, min, max, \
	    words, 0 }

static const struct rule_option options[] = {
	OPTION("delay", RULE_SECONDS, times.delay, "5m", 1, 86400, NULL),
	OPTION("window", RULE_SECONDS, times.window, "2d", 60, 30 * 86400,
	    NULL),
	OPTION("lifetime", RULE_SECONDS, times.lifetime, "35d", 60,
	    CACHE_TTL_MAX / 2, NULL),
	OPTION("autowhitelist", RULE_NUMBER, autowhitelist, "5", 0, 1000,
	    NULL),
	OPTION("share", RULE_OWN, share_text, "50%", 0, 4, NULL),
	OPTION("share-for", RULE_SECONDS, share_for, "1h", 0, 30 * 86400,
	    NULL),
	OPTION("action", RULE_WORD, action, "tempfail", 0, 0, action_words),
	OPTION("on-error", RULE_WORD, on_error, "accept", 0, 0,
	    trouble_words),
	OPTION("when", RULE_CONDITION, when, "in", 0, 0, NULL),
	OPTION("text", RULE_TEXT, text,
	    "Greylisted, please try again in %s seconds", 0, TEXT_MAX, NULL),
};

const struct rule_schema greylist_schema = {
	.setting = "Greylist",
	.place_offset = offsetof(struct greylist, place),
	.options = options,
	.count = ARRAY_LEN(options),
};

static bool
read_share(const struct rule_load *rl, struct greylist *rule)
{
	struct span text = rule->share_text, number;
	uint64_t percent;

	span_cut(&text, '%', &number);
	if (text.len != 0 || !span_number(number, 100, &percent)) {
		rule_refuse(rl, "share=%s: write a part such as 50%%",
		    diag_quote(rl->load->diag, rule->share_text));
		return false;
	}
	rule->share = (unsigned)percent;
	return true;
}

static void
check_times(const struct rule_load *rl, const struct greylist *rule)
{
	if (rule->times.window <= rule->times.delay)
		rule_refuse(rl, "window= has to be longer than delay=, or "
		    "nobody comes again in time");
	else if (rule->times.window < 4 * rule->times.delay)
		rule_advise(rl, "window= is short for delay=: many servers "
		    "try again after an hour only");
}

static enum policy_stage
stage_of(const struct policy_conf *conf, const struct greylist *rule)
{
	enum policy_stage stage = condition_stage(rule->when);
	enum policy_stage least = conf->trust_results ? POLICY_HEADERS :
	    POLICY_RCPT;

	return stage > least ? stage : least;
}

static void
load_maps(struct filter_load *load, struct policy_conf *conf)
{
	struct dataset_place place = filter_place(load, "GreylistClients");

	conf->greylist_clients = access_map_load(conf->greylist_clients_spec,
	    ACCESS_CLIENT, &place, load->diag);
	place = filter_place(load, "GreylistRecipients");
	conf->greylist_recipients = access_map_load(
	    conf->greylist_recipients_spec, ACCESS_RECIPIENT, &place,
	    load->diag);
}

void
greylist_load(struct filter_load *load, struct policy_conf *conf)
{
	struct rule_load rl = { .load = load, .schema = &greylist_schema };
	struct greylist *rule;

	load_maps(load, conf);
	if (conf->greylist_rows.count == 0)
		return;
	rl.row = &conf->greylist_rows.rows[conf->greylist_rows.count - 1];
	if (conf->greylist_rows.count > 1)
		rule_refuse(&rl, "there can be but one, and %s:%u is one",
		    conf->greylist_rows.rows[0].file,
		    conf->greylist_rows.rows[0].line);
	rule = arena_zalloc(load->arena, sizeof(*rule));
	conf->greylist = rule;
	if (!rule_read(&rl, rule) || !read_share(&rl, rule))
		return;
	check_times(&rl, rule);
	rule->stage = stage_of(conf, rule);
	/* Fields are added where the header is looked at. */
	if (rule->stage >= POLICY_HEADERS || rule->action == GREYLIST_TAG)
		conf->wants_header = true;
}

void
greylist_unload(struct policy_conf *conf)
{
	if (conf->greylist != NULL)
		condition_free(conf->greylist->when);
	access_map_free(conf->greylist_clients);
	access_map_free(conf->greylist_recipients);
}
