#include "tests/unit/docs.h"

#include "tests/unit/policytrial.h"

#include "milters/policy/rulerow.h"
#include "milters/policy/story.h"

#include "common/base/units.h"

/*
 * Besides the settings (docs.h) the rules: each option of each has an item of
 * its own below its setting in policy.conf(5), with its default, its words and
 * its bounds; each condition, each HostCheck and each kind of reputation has
 * one or stands there. What is known is what the loader says that it knows.
 * And each counter stands in postern-policy(8).
 */
static const struct docs docs = {
	.schema = &policy_schema,
	.settings_page = "man/policy.conf.5",
	.daemon_page = "man/postern-policy.8",
	.sample = "etc/policy.conf",
};

static const struct rule_schema *const rules[] = {
	&rate_schema, &warmup_schema, &greylist_schema, &dnslist_schema,
	&hostcheck_schema, &reputation_schema,
};

/* ---- what the page says of something ---- */

static bool
is_setting(const struct strbuf *item)
{
	size_t i;

	for (i = 0; i < policy_schema.count; i++)
		if (docs_has_word(item, policy_schema.settings[i].name))
			return true;
	return false;
}

/* From the setting's .It line to that of another one; empty: not there. */
static struct span
section_of(const struct strbuf *manual, const char *setting)
{
	struct span rest = strbuf_span(manual), line;
	struct strbuf item = STRBUF_INIT;
	const char *begin = NULL, *end = NULL;

	while (end == NULL && span_line(&rest, &line)) {
		if (!span_starts(line, SPAN_LIT(".It Cm ")) &&
		    !span_starts(line, SPAN_LIT(".Ss ")))
			continue;
		strbuf_reset(&item);
		strbuf_addspan(&item, line);
		if (begin == NULL && docs_has_word(&item, setting))
			begin = line.p;
		else if (begin != NULL && (is_setting(&item) ||
		    line.p[1] == 'S'))
			end = line.p;
	}
	strbuf_clear(&item);
	return begin == NULL ? span_of("") : span_make(begin,
	    (size_t)((end != NULL ? end : rest.p) - begin));
}

/* From the line ".It Cm name..." to the next item or the end of the list. */
static struct span
item_of(struct span section, const char *name)
{
	struct strbuf item = STRBUF_INIT;
	const char *begin = NULL, *end = NULL;
	struct span line;

	while (end == NULL && span_line(&section, &line)) {
		if (begin != NULL && (span_starts(line, SPAN_LIT(".It ")) ||
		    span_starts(line, SPAN_LIT(".El"))))
			end = line.p;
		strbuf_reset(&item);
		strbuf_addspan(&item, line);
		if (begin == NULL && span_starts(line, SPAN_LIT(".It Cm ")) &&
		    docs_has_word(&item, name))
			begin = line.p;
	}
	strbuf_clear(&item);
	return begin == NULL ? span_of("") : span_make(begin,
	    (size_t)((end != NULL ? end : section.p) - begin));
}

static bool
has_text(struct span text, const char *wanted)
{
	struct strbuf copy = STRBUF_INIT;
	bool found;

	strbuf_addspan(&copy, text);
	found = strstr(strbuf_str(&copy), wanted) != NULL;
	strbuf_clear(&copy);
	return found;
}

static bool
has_word(struct span text, const char *word)
{
	struct strbuf copy = STRBUF_INIT;
	bool found;

	strbuf_addspan(&copy, text);
	found = docs_has_word(&copy, word);
	strbuf_clear(&copy);
	return found;
}

/* What stands in the page from the line begin to the next line of end's kind. */
static struct span
part_of(const struct strbuf *manual, const char *begin, const char *end)
{
	const char *from = strstr(strbuf_str(manual), begin), *to;

	if (from == NULL)
		fail_msg("there is no \"%s\" in %s", begin,
		    docs.settings_page);
	to = strstr(from + 1, end);
	return span_make(from, to != NULL ? (size_t)(to - from) :
	    strlen(from));
}

/* ---- options ---- */

static void
fail_option(const struct rule_schema *schema, const char *option,
    const char *what)
{
	fail_msg("%s %s=: %s does not say \"%s\"", schema->setting, option,
	    docs.settings_page, what);
}

static void
add_bound(const struct rule_option *option, int64_t bound, struct strbuf *out)
{
	if (option->kind == RULE_SECONDS)
		units_add_seconds(out, bound);
	else
		strbuf_addf(out, "%lld", (long long)(option->kind ==
		    RULE_DECIMAL ? bound / 100 : bound));
}

/* Weights are alike everywhere: the page says once what they may be. */
static void
tell_bounds(const struct rule_schema *schema, const struct rule_option *option,
    struct span item)
{
	struct strbuf want = STRBUF_INIT;

	if ((option->min == 0 && option->max == 0) ||
	    option->kind == RULE_OWN || option->kind == RULE_TEXT ||
	    option->kind == RULE_DECIMAL)
		return;
	add_bound(option, option->min, &want);
	strbuf_adds(&want, " to ");
	add_bound(option, option->max, &want);
	if (!has_text(item, want.s))
		fail_option(schema, option->name, want.s);
	strbuf_clear(&want);
}

static void
tell_option(const struct rule_schema *schema, struct span section,
    const struct rule_option *option)
{
	struct strbuf name = STRBUF_INIT;
	struct span item;
	size_t i;

	strbuf_addf(&name, "%s=", option->name);
	item = item_of(span_skip(section, span_find(section, '\n') + 1),
	    name.s);
	if (item.len == 0)
		fail_msg("%s: %s has no item \"%s\"", schema->setting,
		    docs.settings_page, name.s);
	for (i = 0; option->words != NULL && option->words[i] != NULL; i++)
		if (!has_word(item, option->words[i]))
			fail_option(schema, option->name, option->words[i]);
	if (option->value != NULL && !docs_says_default(item, option->value))
		fail_option(schema, option->name, option->value);
	if ((option->flags & RULE_NEEDED) != 0 && !has_text(item, "Needed."))
		fail_option(schema, option->name, "Needed");
	tell_bounds(schema, option, item);
	strbuf_clear(&name);
}

static void
test_options(void **state)
{
	struct strbuf manual = docs_read(docs.settings_page);
	struct span section;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rules); i++) {
		section = section_of(&manual, rules[i]->setting);
		if (section.len == 0)
			fail_msg("%s: not in %s", rules[i]->setting,
			    docs.settings_page);
		for (k = 0; k < rules[i]->count; k++)
			tell_option(rules[i], section,
			    &rules[i]->options[k]);
	}
	strbuf_clear(&manual);
}

/* A setting whose lines are rules has a schema, and it is looked at here. */
static void
test_rules(void **state)
{
	const struct setting *setting;
	size_t i, k;

	(void)state;
	for (i = 0; i < policy_schema.count; i++) {
		setting = &policy_schema.settings[i];
		if (setting->type != SETTING_ROWS)
			continue;
		for (k = 0; k < ARRAY_LEN(rules); k++)
			if (strcmp(rules[k]->setting, setting->name) == 0)
				break;
		ROW_IS(setting->name, k < ARRAY_LEN(rules));
	}
}

/* ---- words that the loader lists where it knows no such one ---- */

static const struct listed {
	const char *config;
	const char *from, *to;		/* around the list, in what it says */
	const char *begin, *end;	/* of the part of the page; */
	bool are_items;			/* where each is an item */
} listed[] = {
	{ "Greylist when=qqqqqqqq\n", "there are ", "\n",
	    "\n.Sh CONDITIONS", "\n.Sh ", true },
	{ "HostCheck qqqqqqqq weight=1\n", "there are ", "\n",
	    "\n.It Cm HostCheck", "\n.It Cm Reputation", true },
	{ "RateLimit x limit=1/1h action=tempfail key=qqqqqqqq\n",
	    "one or more of ", ", joined by", "\n.It Cm key=", "\n.It ",
	    false },
	{ "Reputation qqqqqqqq weight=1\n", "write ", "\n",
	    "\n.It Cm Reputation", "\n.Bl ", false },
	{ "MonitorOnly qqqqqqqq\n", "a list of ", "\n",
	    "\n.It Cm MonitorOnly", "\n.It ", false },
};

/* What it lists, with commas or " or " between the words. */
static void
list(const struct listed *row, struct strbuf *words)
{
	struct diag diag = DIAG_INIT;
	const char *from = NULL, *to;
	size_t i;

	ROW_IS(row->config, policytrial_load(row->config, &diag) == NULL);
	for (i = 0; i < diag.count && from == NULL; i++)
		from = strstr(diag.items[i].text, row->from);
	if (from == NULL)
		fail_msg("%s: nothing is listed", row->config);
	from += strlen(row->from);
	to = strstr(from, row->to);
	strbuf_add(words, from, to != NULL ? (size_t)(to - from) :
	    strlen(from));
	diag_clear(&diag);
}

static void
test_words(void **state)
{
	struct strbuf manual = docs_read(docs.settings_page);
	struct strbuf words = STRBUF_INIT, word = STRBUF_INIT;
	struct span part, rest, item;
	size_t i, count;

	(void)state;
	for (i = 0; i < ARRAY_LEN(listed); i++) {
		part = part_of(&manual, listed[i].begin, listed[i].end);
		strbuf_reset(&words);
		list(&listed[i], &words);
		rest = strbuf_span(&words);
		for (count = 0; span_item(&rest, &item); count++) {
			if (span_is(item, "or"))
				continue;
			strbuf_reset(&word);
			strbuf_addspan(&word, item);
			if (listed[i].are_items ?
			    item_of(part, word.s).len == 0 :
			    !has_word(part, word.s))
				fail_msg("%s is not in %s", word.s,
				    docs.settings_page);
		}
		ROW_IS(listed[i].config, count > 3);
	}
	strbuf_clear(&word);
	strbuf_clear(&words);
	strbuf_clear(&manual);
}

static void
test_counters(void **state)
{
	struct strbuf manual = docs_read(docs.daemon_page);
	size_t i;

	(void)state;
	for (i = 0; i < policy_counters.count; i++)
		if (!docs_has_word(&manual, policy_counters.rows[i].metric))
			fail_msg("%s is not in %s",
			    policy_counters.rows[i].metric, docs.daemon_page);
	strbuf_clear(&manual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_words),
	};
	int failed = docs_run(&docs);

	return failed + cmocka_run_group_tests(tests, scratch_make,
	    scratch_remove);
}
