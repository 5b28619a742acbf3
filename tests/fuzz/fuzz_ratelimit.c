/*
 * Any text as RateLimit and WarmUp rows: what loads keeps its bounds, counts
 * identities of a message, and ramps up without a step back. What comes behind
 * an empty line is what an admin types for a key.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/mem.h"
#include "common/config/value.h"
#include "milters/policy/condition.h"
#include "milters/policy/rate.h"
#include "milters/policy/warmup.h"

enum { ROWS_MAX = 64, NOW = 1798761600 };

struct loaded {
	struct policy_conf conf;
	struct arena arena;
	struct diag diag;
	struct config_row rows[2][ROWS_MAX];
	struct span typed;
};

static const struct policy_recipient recipient = {
	.text = SPAN_LIT("b@example.net"),
	.address = { SPAN_LIT("b"), SPAN_LIT("example.net") },
};

static const struct policy_facts facts = {
	.stage = POLICY_END,
	.now = NOW,
	.client_text = SPAN_LIT("192.0.2.1"),
	.client_net = SPAN_LIT("192.0.2.0/24"),
	.client_name = SPAN_LIT("unknown"),
	.user = SPAN_LIT("alice"),
	.helo = SPAN_LIT("client.example"),
	.daemon = SPAN_LIT("submission"),
	.sender = { SPAN_LIT("a"), SPAN_LIT("example.com") },
	.sender_text = SPAN_LIT("a@example.com"),
	.dkim_domains = { SPAN_LIT("d1.example"), SPAN_LIT("d2.example") },
	.dkim_count = 2,
};

static void
load(struct span text, struct loaded *l)
{
	static const struct config_schema none = { NULL, 0, NULL, 0 };
	static const struct filter filter = { .schema = &none,
		.daemon_offset = offsetof(struct policy_conf, daemon) };
	struct filter_load load = { .filter = &filter, .conf = &l->conf,
		.arena = &l->arena, .diag = &l->diag };
	struct config_rows *into[2];
	unsigned number = 0;
	struct span line;
	size_t kind;

	memset(l, 0, sizeof(*l));
	into[0] = &l->conf.rate_rows;
	into[1] = &l->conf.warmup_rows;
	into[0]->rows = l->rows[0];
	into[1]->rows = l->rows[1];
	while (span_line(&text, &line) && line.len != 0) {
		number++;
		/* The reader of settings lets none pass. */
		if (value_bad_byte(line) != line.len)
			continue;
		kind = span_starts(line, SPAN_LIT("WarmUp ")) ? 1 : 0;
		if (into[kind]->count == ROWS_MAX)
			break;
		l->rows[kind][into[kind]->count++] = (struct config_row){
			arena_dup(&l->arena, span_trim(span_skip(line,
			    span_find(line, ' ')))).p, "policy.conf", number };
	}
	l->typed = text;
	rate_load(&load, &l->conf);
	warmup_load(&load, &l->conf);
}

static void
check_window(const struct rate_rule *rule)
{
	struct cache_item items[RATE_ITEMS];
	struct cache_key name = { .slot = 0 };
	struct rate_use use;
	size_t count, i;
	int64_t wait;

	count = rate_items(rule, &name, NOW, 1, items);
	MUST(count >= 3 && count <= RATE_ITEMS);
	for (i = 0; i < count; i++)
		items[i].number = i == 0 ? rule->limit : 0;
	rate_read(rule, items, &use);
	MUST(use.count == rule->limit && use.limit == rule->limit);
	wait = rate_wait(rule, items, &use, NOW, 1, 1);
	MUST(wait >= rule->period && wait <= rule->period * 9 / 8 + 2);
}

static void
check_key(const struct keyparts *key, struct span typed)
{
	struct span values[KEYPARTS_MAX];
	struct strbuf err = STRBUF_INIT, names = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct keyparts again;
	size_t i;

	for (i = 0; i < keyparts_variants(key, &facts); i++)
		MUST(keyparts_values(key, &facts, &recipient, i, values));
	if (!keyparts_parse(key, &typed, 1, &arena, values, &err))
		MUST(err.len != 0);
	else
		for (i = 0; i < key->count; i++)
			MUST(values[i].len != 0);
	keyparts_add_names(key, &names);
	if (key->count != 0) {
		MUST(keyparts_read(strbuf_span(&names), &again, &err));
		MUST(again.count == key->count &&
		    memcmp(again.parts, key->parts, key->count) == 0);
	}
	strbuf_clear(&err);
	strbuf_clear(&names);
	arena_clear(&arena);
}

static void
check_rate(const struct policy_conf *conf, const struct rate_rule *rule,
    struct span typed)
{
	MUST(rate_name_is_valid(rule->name));
	MUST(rate_find(conf, rule->name) == rule);
	MUST(rule->limit >= 1 && rule->limit <= RATE_LIMIT_MAX);
	MUST(rule->period >= 1 && rule->period <= RATE_PERIOD_MAX);
	MUST(rule->burst >= 0);
	MUST(rule->key.count >= 1 && rule->key.count <= KEYPARTS_MAX);
	MUST(rule->proposal >= POLICY_TAG && rule->proposal <= POLICY_REJECT);
	condition_holds(rule->condition, &facts, &recipient);
	if (rule->burst == 0)
		check_window(rule);
	check_key(&rule->key, typed);
}

static void
check_warmup(const struct warmup_rule *rule, struct span typed)
{
	static const int64_t days[] = { -1000000, -1, 0, 1, 2, 3, 10, 100,
	    1000, 100000, 10000000 };
	int64_t last = rule->start, now;
	size_t i;

	MUST(rate_name_is_valid(rule->name));
	MUST(rule->start >= 1 && rule->start <= rule->max);
	for (i = 0; i < ARRAY_LEN(days); i++) {
		now = warmup_allowance(rule, rule->since + days[i] * 86400);
		MUST(now >= last && now <= rule->max);
		last = now;
	}
	namelist_match(rule->domains, &recipient.address, NULL);
	check_key(&rule->key, typed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct loaded l;
	size_t i;

	if (size > 8192)
		return 0;
	load(span_make(data, size), &l);
	if (!diag_failed(&l.diag)) {
		for (i = 0; i < l.conf.rate_count; i++)
			check_rate(&l.conf, &l.conf.rates[i], l.typed);
		for (i = 0; i < l.conf.warmup_count; i++)
			check_warmup(&l.conf.warmups[i], l.typed);
	}
	rate_unload(&l.conf);
	warmup_unload(&l.conf);
	arena_clear(&l.arena);
	diag_clear(&l.diag);
	return 0;
}
