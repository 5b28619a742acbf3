/*
 * Input: a byte of options, then a text: a row of Greylist or of Reputation, a
 * sender's address, a record of the cache. Rows that load keep their bounds;
 * names are one line; records never make anybody wait longer than the delay.
 */
#include "tests/fuzz/fuzz.h"

#include "milters/policy/greylist.h"
#include "milters/policy/reputation.h"

#include "common/base/mem.h"

enum { REPUTATION = 1, TRUST = 2, ROW_MAX = 4096, SETTINGS_MAX = 200 };

/* No lists from files of this machine: a slash only in front of a prefix
 * length. */
static bool
may_name_file(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] == '/' &&
		    (i + 1 == text.len || !is_digit(text.p[i + 1])))
			return true;
	return text.len >= 5 && memmem(text.p, text.len, "file", 4) != NULL;
}

static void
check_diag(struct diag *diag)
{
	const char *p;
	size_t i;

	for (i = 0; i < diag->count; i++)
		for (p = diag->items[i].text; *p != '\0'; p++)
			MUST((unsigned char)*p >= ' ' && *p != 0x7f);
}

static void
check_greylist(const struct greylist *rule)
{
	MUST(rule->times.delay >= 1 && rule->times.window > rule->times.delay);
	MUST(rule->times.lifetime >= 60 &&
	    rule->times.lifetime <= CACHE_TTL_MAX);
	MUST(rule->autowhitelist >= 0 && rule->share <= 100);
	MUST(rule->share_for >= 0 && rule->stage >= POLICY_RCPT);
	MUST(rule->text.len > 0 && rule->text.p[rule->text.len] == '\0');
}

static void
check_reputation(const struct reputation *row)
{
	const struct decay best = { 1e9, 0, 0 }, worst = { 0, 1e9, 0 };

	MUST((int)row->kind < (int)REPUTATION_KINDS && row->half_life >= 60);
	MUST(row->minimum >= 1);
	MUST(abs(reputation_weight(row, &best)) <= POLICY_WEIGHT_MAX);
	MUST(abs(reputation_weight(row, &worst)) <= POLICY_WEIGHT_MAX);
}

static void
try_row(struct span text, unsigned options)
{
	static struct config_origin origins[SETTINGS_MAX];
	const struct policy_check *check = (options & REPUTATION) != 0 ?
	    &reputation_check : &greylist_check;
	struct policy_conf conf = { .trust_results = options & TRUST };
	struct arena arena = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	struct config_row row = { NULL, "policy.conf", 1 };
	struct filter_load load = { .filter = &policy_filter, .conf = &conf,
	    .origins = origins, .arena = &arena, .diag = &diag };

	MUST(policy_schema.count <= SETTINGS_MAX);
	row.text = arena_dup(&arena, text).p;
	*((options & REPUTATION) != 0 ? &conf.reputation_rows :
	    &conf.greylist_rows) = (struct config_rows){ &row, 1 };
	check->load(&load, &conf);
	check_diag(&diag);
	if (!diag_failed(&diag) && (options & REPUTATION) != 0)
		check_reputation(conf.reputations);
	else if (!diag_failed(&diag))
		check_greylist(conf.greylist);
	check->unload(&conf);
	diag_clear(&diag);
	arena_clear(&arena);
}

static void
try_address(struct span text)
{
	struct arena arena = ARENA_INIT;
	struct address address;
	struct span loose, tight;
	enum address_result result = address_parse_path(text, &arena,
	    &address);

	if (result == ADDRESS_OK || result == ADDRESS_LITERAL) {
		loose = grey_address(&address, true, &arena);
		tight = grey_address(&address, false, &arena);
		MUST(loose.len <= tight.len);
		MUST(tight.len <= address.local.len + 1 + address.domain.len);
		MUST(span_ends_nocase(loose, address.domain));
		MUST(span_ends_nocase(tight, address.domain));
	}
	arena_clear(&arena);
}

static void
try_record(struct span text)
{
	static const struct grey_times times = { 300, 172800, 3024000 };
	struct cache_item item = { .state = CACHE_HIT };
	struct grey_outcome outcome;
	struct decay decay;

	item.len = text.len < CACHE_VALUE_MAX ? text.len : CACHE_VALUE_MAX;
	memcpy(item.value, text.p, item.len);
	decay_read(&item, &decay);
	decay_forward(&decay, 1798761600, 86400);
	MUST(decay.good >= 0 && decay.bad >= 0);
	MUST(reputation_ratio(&decay) > -1 && reputation_ratio(&decay) < 1);
	MUST(grey_successes(&item) <= UINT16_MAX);
	grey_judge(&item, &times, 1798761600, &outcome);
	MUST(outcome.wait >= 0 && outcome.wait <= times.delay);
	MUST(outcome.is_changed || outcome.answer == GREY_EARLY ||
	    outcome.answer == GREY_KNOWN);
	MUST(item.len <= CACHE_VALUE_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text;

	if (size == 0 || size > ROW_MAX)
		return 0;
	text = span_make(data + 1, size - 1);
	if (memchr(text.p, '\0', text.len) == NULL && !may_name_file(text))
		try_row(text, data[0]);
	try_address(text);
	try_record(text);
	return 0;
}
