#include "milters/policy/control.h"

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/json.h"
#include "milters/policy/warmup.h"

#include <inttypes.h>
#include <sysexits.h>
#include <time.h>

static const char usage[] =
    "usage: postern warmup show [NAME [KEY]] [--json]";

struct request {
	const struct policy_conf *conf;
	struct control_answer *answer;
	struct arena arena;
	int64_t now;
	bool as_json;
	struct span words[CONTROL_WORDS_MAX];	/* behind the verb */
	size_t count;
};

/* What there is to say of a group. */
struct group {
	const struct warmup_rule *rule;
	int64_t allowance;
	int64_t used;		/* -1: of which key was not said */
	bool is_known;
	int64_t delay;		/* seconds between deliveries */
};

/* ---- what is so ---- */

static void
look_up(struct request *r, const struct span *values, struct group *group)
{
	struct cache_item item;
	struct cache_key name;

	warmup_name(r->conf->cache, group->rule, values, &name);
	warmup_item(&name, r->now, 0, &item);
	group->is_known = cache_get(r->conf->cache, &item, 1);
	group->used = item.number;
}

/* Today's allowance spread over the day. */
static int64_t
delay_of(int64_t allowance)
{
	return allowance > 0 ? WARMUP_DAY / allowance : WARMUP_DAY;
}

static int
look_at(struct request *r, const struct warmup_rule *rule,
    struct group *group)
{
	struct span values[KEYPARTS_MAX];
	struct strbuf err = STRBUF_INIT;
	int status = EX_OK;

	*group = (struct group){ .rule = rule, .used = -1, .is_known = true };
	group->allowance = warmup_allowance(rule, r->now);
	group->delay = delay_of(group->allowance);
	if (r->count < 2 && rule->key.count != 0)
		return EX_OK;
	if (r->count < 2 || keyparts_parse(&rule->key, r->words + 1,
	    r->count - 1, &r->arena, values, &err))
		look_up(r, values, group);
	else
		status = control_refuse(r->answer, rule->key.count == 0 ?
		    "the group has no key=" : strbuf_str(&err), span_of(""));
	strbuf_clear(&err);
	return status;
}

/* ---- as text ---- */

/*
 * The group's domains as lines of a transport(5) table: ".example" means what
 * is below it there too, and an empty transport is the default one.
 */
static void
add_transports(struct request *r, const struct warmup_rule *rule)
{
	struct strbuf *out = &r->answer->output;
	struct diag diag = DIAG_INIT;
	struct dataset_row row;
	struct dataset set;
	struct span domain;

	if (dataset_open(rule->domains_text.p, &rule->at, &set, &diag) == 0) {
		while (dataset_next(&set, &row, &diag)) {
			domain = row.key;
			if (domain.p[0] == '!')
				domain = span_skip(domain, 1);
			if (span_starts(domain, SPAN_LIT("*.")))
				domain = span_skip(domain, 1);
			escape_add(out, domain, ESCAPE_MAX, 0);
			strbuf_addf(out, "\t%.*s:\n", row.key.p[0] == '!' ?
			    0 : (int)rule->name.len, rule->name.p);
		}
		dataset_close(&set);
	} else {
		strbuf_adds(out, "# the list of domains cannot be read now\n");
	}
	diag_clear(&diag);
}

static void
add_date(struct strbuf *out, int64_t when)
{
	time_t seconds = (time_t)when;
	char text[32];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%d", &tm) != 0)
		strbuf_adds(out, text);
}

static void
add_group(struct request *r, const struct group *group)
{
	const struct warmup_rule *rule = group->rule;
	struct strbuf *out = &r->answer->output;

	strbuf_addf(out, "# %.*s (%s): today's allowance %" PRId64
	    " recipients, ", SPAN_ARG(rule->name), rule->place,
	    group->allowance);
	if (group->used < 0)
		strbuf_adds(out, "used: name a key to see");
	else
		strbuf_addf(out, "used %" PRId64 "%s", group->used,
		    group->is_known ? "" : " (by this process, for the cache "
		    "does not answer)");
	strbuf_addf(out, "\n# day %" PRId64 ", since ",
	    warmup_days(rule, r->now) + 1);
	add_date(out, rule->since);
	strbuf_addf(out, ", growth %g, at most %" PRId64 "\n", rule->growth,
	    rule->max);
}

/* A delivery to one domain at a time, and not the next before its time. */
static void
add_postfix(struct request *r, const struct group *group)
{
	const struct warmup_rule *rule = group->rule;
	struct strbuf *out = &r->answer->output;

	strbuf_adds(out, "# transport\n");
	add_transports(r, rule);
	strbuf_addf(out, "# main.cf\n%.*s_destination_rate_delay = %" PRId64
	    "s\n%.*s_destination_concurrency_limit = 1\n",
	    SPAN_ARG(rule->name), group->delay, SPAN_ARG(rule->name));
	strbuf_addf(out, "# master.cf\n%.*s unix - - n - - smtp\n",
	    SPAN_ARG(rule->name));
}

/* ---- as JSON ---- */

static void
add_json(const struct group *group, int64_t now, struct json *json)
{
	const struct warmup_rule *rule = group->rule;

	json_object(json, NULL);
	json_string(json, "name", rule->name);
	json_string(json, "domains", rule->domains_text);
	json_cstring(json, "place", rule->place);
	json_number(json, "day", warmup_days(rule, now) + 1);
	json_number(json, "allowance", group->allowance);
	if (group->used < 0)
		json_null(json, "used");
	else
		json_number(json, "used", group->used);
	json_bool(json, "known", group->is_known);
	json_number(json, "max", rule->max);
	json_number(json, "destination_rate_delay", group->delay);
	json_object_end(json);
}

/* ---- show ---- */

static int
show_groups(struct request *r, struct json *json)
{
	const struct warmup_rule *rule;
	struct group group;
	int status;
	size_t i;

	for (i = 0; i < r->conf->warmup_count; i++) {
		rule = &r->conf->warmups[i];
		if (r->count != 0 && !span_eq(rule->name, r->words[0]))
			continue;
		status = look_at(r, rule, &group);
		if (status != EX_OK)
			return status;
		if (r->as_json) {
			add_json(&group, r->now, json);
			continue;
		}
		add_group(r, &group);
		add_postfix(r, &group);
	}
	return EX_OK;
}

static int
show(struct request *r)
{
	struct json json;
	int status;

	if (r->count != 0 && warmup_find(r->conf, r->words[0]) == NULL)
		return control_refuse(r->answer,
		    "there is no WarmUp of the name ", r->words[0]);
	if (!r->as_json)
		return show_groups(r, NULL);
	json_start(&json, &r->answer->output);
	json_array(&json, NULL);
	status = show_groups(r, &json);
	json_array_end(&json);
	strbuf_addc(&r->answer->output, '\n');
	return status;
}

int
control_warmup(const struct policy_conf *conf, const struct span *words,
    size_t count, struct control_answer *answer)
{
	struct request r = { .conf = conf, .answer = answer,
	    .now = clock_wall() };
	int status = EX_OK;
	size_t i;

	if (count < 2 || count > CONTROL_WORDS_MAX ||
	    !span_is(words[1], "show")) {
		strbuf_adds(&answer->error, usage);
		return EX_USAGE;
	}
	for (i = 2; i < count && status == EX_OK; i++) {
		if (span_is(words[i], "--json"))
			r.as_json = true;
		else if (span_starts(words[i], SPAN_LIT("--")))
			status = control_refuse(answer, "no such option: ",
			    words[i]);
		else
			r.words[r.count++] = words[i];
	}
	if (status == EX_OK)
		status = show(&r);
	arena_clear(&r.arena);
	return status;
}
