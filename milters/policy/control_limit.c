#include "milters/policy/control.h"

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/json.h"
#include "common/base/mem.h"
#include "common/base/units.h"
#include "milters/policy/rate.h"

#include <inttypes.h>
#include <sysexits.h>

static const char usage[] =
    "usage: postern limit show [RULE [KEY]] [--json]\n"
    "       postern limit release RULE KEY\n"
    "       postern limit set RULE KEY NUMBER|default [--for=TIME]";

/* What was asked for; lives as long as the answer is made. */
struct request {
	const struct policy_conf *conf;
	struct control_answer *answer;
	struct arena arena;
	int64_t now;
	bool as_json;
	int64_t seconds;		/* --for= */
	struct span words[CONTROL_WORDS_MAX];	/* behind the verb */
	size_t count;
	/* the identity */
	const struct rate_rule *rule;
	struct span values[KEYPARTS_MAX];
	struct cache_key name;
};

static bool
read_option(struct request *r, struct span word)
{
	if (span_is(word, "--json")) {
		r->as_json = true;
		return true;
	}
	if (!span_starts(word, SPAN_LIT("--for=")))
		return false;
	word = span_skip(word, strlen("--for="));
	return units_seconds(word, &r->seconds) && r->seconds > 0 &&
	    r->seconds <= CACHE_TTL_MAX;
}

static int
read_words(struct request *r, const struct span *words, size_t count)
{
	size_t i;

	for (i = 0; i < count && i < CONTROL_WORDS_MAX; i++) {
		if (!span_starts(words[i], SPAN_LIT("--")))
			r->words[r->count++] = words[i];
		else if (!read_option(r, words[i]))
			return control_refuse(r->answer, "no such option: ",
			    words[i]);
	}
	return EX_OK;
}

/* The rule and the key that begin the words, the key without the last rest of
 * them. */
static int
find_identity(struct request *r, size_t rest)
{
	struct strbuf err = STRBUF_INIT;
	int status = EX_OK;

	if (r->count < 2 + rest)
		return control_refuse(r->answer, usage, span_of(""));
	r->rule = rate_find(r->conf, r->words[0]);
	if (r->rule == NULL)
		return control_refuse(r->answer, "there is no RateLimit ",
		    r->words[0]);
	if (keyparts_parse(&r->rule->key, r->words + 1, r->count - 1 - rest,
	    &r->arena, r->values, &err))
		rate_name(r->conf->cache, r->rule, r->values, &r->name);
	else
		status = control_refuse(r->answer, strbuf_str(&err),
		    span_of(""));
	strbuf_clear(&err);
	return status;
}

static struct span
key_text(struct request *r)
{
	struct strbuf text = STRBUF_INIT, clean = STRBUF_INIT;
	struct span copy;

	keyparts_add_values(&r->rule->key, r->values, &text);
	escape_add(&clean, strbuf_span(&text), CONTROL_WORD_MAX, 0);
	copy = arena_dup(&r->arena, strbuf_span(&clean));
	strbuf_clear(&text);
	strbuf_clear(&clean);
	return copy;
}

/* ---- show ---- */

static void
show_rule(struct request *r, const struct rate_rule *rule, struct json *json)
{
	struct strbuf *out = &r->answer->output;

	if (json == NULL) {
		strbuf_addf(out, "%.*s\tlimit=%.*s count=%s key=%.*s (%s)\n",
		    SPAN_ARG(rule->name), SPAN_ARG(rule->limit_text),
		    rate_count_words[rule->count], SPAN_ARG(rule->key_text),
		    rule->place);
		return;
	}
	json_object(json, NULL);
	json_string(json, "rule", rule->name);
	json_number(json, "limit", rule->limit);
	json_number(json, "period", rule->period);
	json_cstring(json, "counts", rate_count_words[rule->count]);
	json_string(json, "key", rule->key_text);
	json_cstring(json, "place", rule->place);
	json_object_end(json);
}

static int
show_rules(struct request *r)
{
	const struct rate_rule *only = NULL;
	struct json json;
	size_t i;

	if (r->count == 1 && (only = rate_find(r->conf, r->words[0])) == NULL)
		return control_refuse(r->answer, "there is no RateLimit ",
		    r->words[0]);
	if (r->as_json) {
		json_start(&json, &r->answer->output);
		json_array(&json, NULL);
	}
	for (i = 0; i < r->conf->rate_count; i++)
		if (only == NULL || only == &r->conf->rates[i])
			show_rule(r, &r->conf->rates[i],
			    r->as_json ? &json : NULL);
	if (r->as_json) {
		json_array_end(&json);
		strbuf_addc(&r->answer->output, '\n');
	}
	return EX_OK;
}

static void
show_use_json(struct request *r, const struct rate_use *use, int64_t wait)
{
	struct strbuf text = STRBUF_INIT;
	struct json json;

	keyparts_add_values(&r->rule->key, r->values, &text);
	json_start(&json, &r->answer->output);
	json_object(&json, NULL);
	json_string(&json, "rule", r->rule->name);
	json_string(&json, "key", strbuf_span(&text));
	json_cstring(&json, "counts", rate_count_words[r->rule->count]);
	json_number(&json, "count", use->count);
	json_number(&json, "limit", use->limit);
	json_bool(&json, "set", use->is_set);
	json_number(&json, "period", r->rule->period);
	json_number(&json, "recent", use->recent);
	json_number(&json, "burst", r->rule->burst);
	json_number(&json, "wait", wait);
	json_bool(&json, "known", !use->has_trouble);
	json_object_end(&json);
	strbuf_addc(&r->answer->output, '\n');
	strbuf_clear(&text);
}

static void
show_use_text(struct request *r, const struct rate_use *use, int64_t wait)
{
	struct strbuf *out = &r->answer->output;
	const struct rate_rule *rule = r->rule;

	strbuf_addf(out, "rule    %.*s (%s)\nkey     %.*s\n",
	    SPAN_ARG(rule->name), rule->place, SPAN_ARG(key_text(r)));
	strbuf_addf(out, "count   %" PRId64 " %s in %" PRId64 " seconds\n",
	    use->count, rate_count_words[rule->count], rule->period);
	strbuf_addf(out, "limit   %" PRId64 "%s\n", use->limit,
	    use->is_set ? ", set for this key" : "");
	if (rule->burst != 0)
		strbuf_addf(out, "burst   %" PRId64 " of %" PRId64 "\n",
		    use->recent, rule->burst);
	if (wait < 0)
		strbuf_adds(out, "free    never: the limit is 0\n");
	else if (wait == 0)
		strbuf_adds(out, "free    now\n");
	else
		strbuf_addf(out, "free    in %" PRId64 " seconds\n", wait);
	if (use->has_trouble)
		strbuf_adds(out, "the cache does not answer: this is what "
		    "this process has counted meanwhile\n");
}

static int
show(struct request *r)
{
	struct cache_item items[RATE_ITEMS];
	struct rate_use use;
	int64_t wait;
	int status;

	if (r->count < 2)
		return show_rules(r);
	status = find_identity(r, 0);
	if (status != EX_OK)
		return status;
	cache_get(r->conf->cache, items, rate_items(r->rule, &r->name, r->now,
	    0, items));
	rate_read(r->rule, items, &use);
	wait = rate_wait(r->rule, items, &use, r->now, 1, 1);
	(r->as_json ? show_use_json : show_use_text)(r, &use, wait);
	return EX_OK;
}

/* ---- release, set ---- */

/* What is written is not answered: whether it arrives is asked before. */
static int
check_cache(struct request *r, struct cache_item *items, size_t count)
{
	if (cache_get(r->conf->cache, items, count))
		return EX_OK;
	strbuf_adds(&r->answer->error, "the cache does not answer; nothing "
	    "was changed");
	return EX_TEMPFAIL;
}

static int
release(struct request *r)
{
	struct cache_item items[RATE_ITEMS], told;
	size_t i, parts;
	int status;

	status = find_identity(r, 0);
	if (status != EX_OK)
		return status;
	parts = rate_items(r->rule, &r->name, r->now, 0, items) - 1;
	status = check_cache(r, items, parts);
	if (status != EX_OK)
		return status;
	for (i = 0; i < parts; i++)
		cache_delete(r->conf->cache, &items[i].key, CACHE_COUNTER);
	rate_alert_item(r->rule, &r->name, &told);
	cache_delete(r->conf->cache, &told.key, CACHE_RECORD);
	strbuf_addf(&r->answer->output, "%.*s: %.*s starts anew\n",
	    SPAN_ARG(r->rule->name), SPAN_ARG(key_text(r)));
	return EX_OK;
}

static int
set(struct request *r)
{
	struct strbuf *out = &r->answer->output;
	struct cache_item item;
	struct span number;
	int64_t limit = 0;
	int status;

	status = find_identity(r, 1);
	if (status != EX_OK)
		return status;
	number = r->words[r->count - 1];
	if (!span_is(number, "default") && (!units_bytes(number, &limit) ||
	    limit > RATE_LIMIT_MAX))
		return control_refuse(r->answer, "write a number, or default: ",
		    number);
	rate_override(&r->name, limit, r->seconds, &item);
	status = check_cache(r, &item, 1);
	if (status != EX_OK)
		return status;
	if (span_is(number, "default")) {
		cache_delete(r->conf->cache, &item.key, CACHE_COUNTER);
		strbuf_addf(out, "%.*s: %.*s has the rule's limit\n",
		    SPAN_ARG(r->rule->name), SPAN_ARG(key_text(r)));
		return EX_OK;
	}
	rate_override(&r->name, limit, r->seconds, &item);
	cache_put(r->conf->cache, &item);
	strbuf_addf(out, "%.*s: %.*s has limit %" PRId64 " for %" PRId64
	    " seconds\n", SPAN_ARG(r->rule->name), SPAN_ARG(key_text(r)),
	    limit, r->seconds);
	if (r->rule->burst != 0 && limit > r->rule->burst)
		strbuf_addf(out, "burst=%" PRId64 " holds as before\n",
		    r->rule->burst);
	return EX_OK;
}

static const struct {
	const char *name;
	int (*run)(struct request *r);
} verbs[] = {
	{ "show", show },
	{ "release", release },
	{ "set", set },
};

int
control_limit(const struct policy_conf *conf, const struct span *words,
    size_t count, struct control_answer *answer)
{
	struct request r = {
		.conf = conf, .answer = answer, .now = clock_wall(),
		.seconds = CACHE_TTL_MAX,
	};
	int status = EX_USAGE;
	size_t i;

	for (i = 0; count >= 2 && i < ARRAY_LEN(verbs); i++)
		if (span_is(words[1], verbs[i].name))
			break;
	if (count < 2 || i == ARRAY_LEN(verbs)) {
		strbuf_adds(&answer->error, usage);
		return status;
	}
	status = read_words(&r, words + 2, count - 2);
	if (status == EX_OK)
		status = verbs[i].run(&r);
	arena_clear(&r.arena);
	return status;
}
