#include "milters/policy/rulerow.h"

#include "common/base/nearest.h"
#include "common/base/units.h"

#include <inttypes.h>

enum { OPTIONS_MAX = 32 };

static void __attribute__((format(printf, 3, 0)))
say(const struct rule_load *rl, bool is_error, const char *fmt, va_list ap)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_vaddf(&text, fmt, ap);
	(is_error ? diag_error : diag_warning)(rl->load->diag, rl->row->file,
	    rl->row->line, "%s: %s", rl->schema->setting, strbuf_str(&text));
	strbuf_clear(&text);
}

void
rule_refuse(const struct rule_load *rl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(rl, true, fmt, ap);
	va_end(ap);
}

void
rule_advise(const struct rule_load *rl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(rl, false, fmt, ap);
	va_end(ap);
}

/* ---- words ---- */

/*
 * The next word of a row; blanks divide, but not within double quotes, which
 * may stand around an option's value. 1, 0 at the end, -1 where a quote is not
 * closed.
 */
static int
next_word(struct span *rest, struct span *word)
{
	bool is_quoted = false;
	size_t n = 0;

	*rest = span_trim(*rest);
	while (n < rest->len && (is_quoted || !is_wsp(rest->p[n]))) {
		if (rest->p[n] == '"')
			is_quoted = !is_quoted;
		n++;
	}
	*word = span_first(*rest, n);
	*rest = span_skip(*rest, n);
	return is_quoted ? -1 : n != 0;
}

static struct span
unquote(struct span value)
{
	if (value.len >= 2 && value.p[0] == '"' &&
	    value.p[value.len - 1] == '"')
		return span_make(value.p + 1, value.len - 2);
	return value;
}

/* ---- values ---- */

static bool
is_within(const struct rule_option *option, int64_t number)
{
	return (option->min == 0 && option->max == 0) ||
	    (number >= option->min && number <= option->max);
}

static bool
read_number(const struct rule_option *option, struct span text,
    int64_t *number)
{
	uint64_t n;

	switch (option->kind) {
	case RULE_DECIMAL:
		if (!units_hundredths(text, number))
			return false;
		break;
	case RULE_SECONDS:
		if (!units_seconds(text, number))
			return false;
		break;
	case RULE_DATE:
		return units_date(text, number);
	default:
		if (!span_number(text, INT64_MAX, &n))
			return false;
		*number = (int64_t)n;
		break;
	}
	return is_within(option, *number);
}

/* At least min, at most max; with up to six digits behind the point. */
static bool
read_factor(const struct rule_option *option, struct span text,
    double *factor)
{
	double value, scale = 1;
	struct span whole;
	uint64_t n, part = 0;
	size_t i;

	if (span_cut(&text, '.', &whole) &&
	    (text.len > 6 || !span_number(text, 999999, &part)))
		return false;
	if (!span_number(whole, 1000000, &n))
		return false;
	for (i = 0; i < text.len; i++)
		scale *= 10;
	value = (double)n + (double)part / scale;
	if (value < (double)option->min || value > (double)option->max)
		return false;
	*factor = value;
	return true;
}

static bool
read_word(const struct rule_option *option, struct span text, int *word)
{
	int i;

	for (i = 0; option->words[i] != NULL; i++) {
		if (span_is_nocase(text, option->words[i])) {
			*word = i;
			return true;
		}
	}
	return false;
}

static void
add_bound(const struct rule_option *option, int64_t bound, struct strbuf *out)
{
	if (option->kind == RULE_SECONDS)
		units_add_seconds(out, bound);
	else
		strbuf_addf(out, "%" PRId64, option->kind == RULE_DECIMAL ?
		    bound / 100 : bound);
}

static void
expect_value(const struct rule_option *option, struct strbuf *out)
{
	static const char *const what[] = {
		[RULE_NUMBER] = "a number",
		[RULE_DECIMAL] = "a number such as 2, -1.5",
		[RULE_SECONDS] = "a time such as 30s, 5m, 2h, 7d",
		[RULE_FACTOR] = "a number such as 1.3",
		[RULE_DATE] = "a date such as 2026-11-25",
		[RULE_CONDITION] = "conditions such as in, out or "
		    "client=192.0.2.1, with commas between them",
	};

	strbuf_adds(out, what[option->kind]);
	if (option->min == 0 && option->max == 0)
		return;
	strbuf_adds(out, ", from ");
	add_bound(option, option->min, out);
	strbuf_adds(out, " to ");
	add_bound(option, option->max, out);
}

static void
expect_text(const struct rule_option *option, struct strbuf *out)
{
	if (option->max != 0)
		strbuf_addf(out, "text of 1 to %" PRId64 " printable ASCII "
		    "characters", option->max);
	else
		strbuf_adds(out, "printable ASCII characters, at least one");
}

static void
complain(const struct rule_load *rl, const struct rule_option *option,
    struct span text)
{
	struct strbuf out = STRBUF_INIT;
	size_t i;

	if (option->kind == RULE_WORD) {
		strbuf_adds(&out, "one of ");
		for (i = 0; option->words[i] != NULL; i++)
			strbuf_addf(&out, "%s%s", i != 0 ? ", " : "",
			    option->words[i]);
	} else if (option->kind == RULE_TEXT || option->kind == RULE_OWN) {
		expect_text(option, &out);
	} else {
		expect_value(option, &out);
	}
	rule_refuse(rl, "%s=%s: write %s", option->name,
	    diag_quote(rl->load->diag, text), out.s);
	strbuf_clear(&out);
}

static bool
is_text(const struct rule_option *option, struct span text)
{
	size_t i;

	if (text.len == 0 ||
	    (option->max != 0 && text.len > (size_t)option->max))
		return false;
	for (i = 0; i < text.len; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			return false;
	return true;
}

static struct dataset_place
place_of(const struct rule_load *rl)
{
	struct dataset_place place = filter_place(rl->load,
	    rl->schema->setting);

	place.file = rl->row->file;
	place.line = rl->row->line;
	return place;
}

static bool
read_condition(const struct rule_load *rl, struct span text,
    struct condition **condition)
{
	const struct policy_conf *conf = rl->load->conf;
	struct dataset_place place = place_of(rl);

	if (!condition_load(text, &place, rl->load->arena, rl->load->diag,
	    condition))
		return false;
	if (!conf->trust_results && condition_needs_results(*condition))
		rule_advise(rl, "when= asks for results of postern-verify, "
		    "which are not looked at without \"AuthResults trust\"");
	return true;
}

/* False where text is not what the option takes; *is_told: diag knows. */
static bool
read_value(const struct rule_load *rl, const struct rule_option *option,
    struct span text, void *slot, bool *is_told)
{
	int64_t number = 0;

	switch (option->kind) {
	case RULE_TEXT:
	case RULE_OWN:
		if (!is_text(option, text))
			return false;
		*(struct span *)slot = arena_dup(rl->load->arena, text);
		return true;
	case RULE_FACTOR:
		return read_factor(option, text, slot);
	case RULE_WORD:
		return read_word(option, text, slot);
	case RULE_CONDITION:
		if (text.len == 0)
			return false;
		*is_told = true;
		return read_condition(rl, text, slot);
	case RULE_DECIMAL:
		if (!read_number(option, text, &number))
			return false;
		*(int32_t *)slot = (int32_t)number;
		return true;
	case RULE_NUMBER:
	case RULE_SECONDS:
	case RULE_DATE:
		if (!read_number(option, text, &number))
			return false;
		*(int64_t *)slot = number;
		return true;
	}
	return false;
}

static bool
set_value(const struct rule_load *rl, const struct rule_option *option,
    struct span text, void *rule)
{
	bool is_told = false;

	if (read_value(rl, option, text, (char *)rule + option->offset,
	    &is_told))
		return true;
	if (!is_told)
		complain(rl, option, text);
	return false;
}

/* ---- rows ---- */

static void
list_options(const struct rule_load *rl, struct span name)
{
	const struct rule_schema *schema = rl->schema;
	struct strbuf known = STRBUF_INIT;
	size_t i;

	for (i = 0; i < schema->count; i++)
		strbuf_addf(&known, "%s%s=", i > 0 ? ", " : "",
		    schema->options[i].name);
	rule_refuse(rl, "there is no option %s; there are %s",
	    diag_quote(rl->load->diag, name), known.s);
	strbuf_clear(&known);
}

static const struct rule_option *
find_option(const struct rule_load *rl, struct span name)
{
	const struct rule_schema *schema = rl->schema;
	struct nearest nearest;
	size_t i;

	for (i = 0; i < schema->count; i++)
		if (span_is_nocase(name, schema->options[i].name))
			return &schema->options[i];
	nearest_start(&nearest, name);
	for (i = 0; i < schema->count; i++)
		nearest_offer(&nearest, schema->options[i].name);
	if (nearest.best != NULL)
		rule_refuse(rl, "there is no option %s; did you mean %s=?",
		    diag_quote(rl->load->diag, name), nearest.best);
	else
		list_options(rl, name);
	return NULL;
}

static bool
read_option(const struct rule_load *rl, struct span word, void *rule,
    bool *seen)
{
	struct span value = word, name;
	const struct rule_option *option;

	if (!span_cut(&value, '=', &name)) {
		rule_refuse(rl, "%s is no option: write name=value, lists "
		    "without blanks, and text with blanks in double quotes",
		    diag_quote(rl->load->diag, word));
		return false;
	}
	option = find_option(rl, name);
	if (option == NULL)
		return false;
	if (seen[option - rl->schema->options]) {
		rule_refuse(rl, "%s= comes twice", option->name);
		return false;
	}
	seen[option - rl->schema->options] = true;
	return set_value(rl, option, unquote(value), rule);
}

/* Defaults of what was not said; false where something is needed. */
static bool
fill_in(const struct rule_load *rl, void *rule, const bool *seen)
{
	const struct rule_option *option;
	bool ok = true;
	size_t i;

	for (i = 0; i < rl->schema->count; i++) {
		option = &rl->schema->options[i];
		if (seen[i])
			continue;
		if ((option->flags & RULE_NEEDED) != 0) {
			rule_refuse(rl, "%s= is missing", option->name);
			ok = false;
		} else if (option->value != NULL) {
			ok &= set_value(rl, option, span_of(option->value),
			    rule);
		}
	}
	return ok;
}

static const char *
row_name(const struct rule_load *rl)
{
	struct span file = span_of(rl->row->file != NULL ? rl->row->file :
	    "default");
	size_t slash = span_rfind(file, '/');

	if (slash != file.len)
		file = span_skip(file, slash + 1);
	return arena_printf(rl->load->arena, "%.*s:%u", SPAN_ARG(file),
	    rl->row->line);
}

static const struct rule_option name_option = { .max = 1024 };

bool
rule_read(struct rule_load *rl, void *rule)
{
	const struct rule_schema *schema = rl->schema;
	struct span rest = span_of(rl->row->text), word;
	bool seen[OPTIONS_MAX] = { false };
	bool ok = true;
	int rc;

	*(const char **)(void *)((char *)rule + schema->place_offset) =
	    row_name(rl);
	if (schema->name != NULL) {
		if (next_word(&rest, &word) != 1 || span_has(word, '=') ||
		    !is_text(&name_option, word)) {
			rule_refuse(rl, "the first word has to be %s; options "
			    "come after it", schema->name);
			return false;
		}
		*(struct span *)(void *)((char *)rule + schema->name_offset) =
		    arena_dup(rl->load->arena, word);
	}
	while ((rc = next_word(&rest, &word)) == 1)
		ok &= read_option(rl, word, rule, seen);
	if (rc < 0) {
		rule_refuse(rl, "a quote (\") is not closed; \"#\" begins a "
		    "comment within quotes, too");
		return false;
	}
	return fill_in(rl, rule, seen) && ok;
}

bool
rule_rate(struct span text, int64_t *count, int64_t *period)
{
	struct span unit = text, number;
	int64_t seconds, bytes;

	if (!span_cut(&unit, '/', &number) || unit.len == 0 ||
	    !units_bytes(number, &bytes) || bytes < 1)
		return false;
	/* "d" alone is "1d"; units_seconds() wants the number. */
	if (is_alpha(unit.p[0])) {
		char one[16] = "1";

		if (span_is_nocase(unit, "day"))
			unit = SPAN_LIT("d");
		else if (span_is_nocase(unit, "hour"))
			unit = SPAN_LIT("h");
		else if (span_is_nocase(unit, "minute"))
			unit = SPAN_LIT("m");
		if (unit.len + 1 >= sizeof(one))
			return false;
		memcpy(one + 1, unit.p, unit.len);
		if (!units_seconds(span_make(one, unit.len + 1), &seconds))
			return false;
	} else if (!units_seconds(unit, &seconds)) {
		return false;
	}
	if (seconds < 1 || seconds > CACHE_TTL_MAX)
		return false;
	*count = bytes;
	*period = seconds;
	return true;
}
