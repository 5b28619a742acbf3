#include "milters/verify/overrides.h"

#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/mail/domain.h"

#include <stdlib.h>

enum { DAY = 86400 };

struct verify_overrides {
	struct map exact;	/* domain -> struct verify_override */
	struct map below;	/* of ".domain", without the dot */
	struct arena arena;
};


/* "2026-12-31": the first second after it. */
static bool
read_day(struct span text, int64_t *end)
{
	if (!units_date(text, end))
		return false;
	*end += DAY;
	return true;
}

static bool
read_action(struct span word, enum dmarc_policy *action)
{
	static const struct {
		const char *word;
		enum dmarc_policy action;
	} words[] = {
		{ "accept", DMARC_POLICY_NONE },
		{ "quarantine", DMARC_POLICY_QUARANTINE },
		{ "reject", DMARC_POLICY_REJECT },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		if (span_is_nocase(word, words[i].word)) {
			*action = words[i].action;
			return true;
		}
	}
	return false;
}

static struct span
next_word(struct span *rest)
{
	struct span word;
	size_t n = 0;

	*rest = span_trim(*rest);
	while (n < rest->len && !is_wsp(rest->p[n]))
		n++;
	word = span_first(*rest, n);
	*rest = span_trim(span_skip(*rest, n));
	return word;
}

static bool
read_domain(struct span key, struct arena *arena, struct span *domain,
    bool *is_below)
{
	*is_below = false;
	if (key.len > 1 && key.p[0] == '*' && key.p[1] == '.')
		key = span_skip(key, 1);
	if (key.len > 0 && key.p[0] == '.') {
		*is_below = true;
		key = span_skip(key, 1);
	}
	return domain_to_ascii(key, arena, domain);
}

static void
add_row(struct verify_overrides *overrides, const struct dataset *set,
    const struct dataset_row *row, int64_t now, struct diag *diag)
{
	struct span rest = row->value, action, until, domain, name;
	struct verify_override *made, *there;
	struct map *map;
	bool is_below;

	made = arena_zalloc(&overrides->arena, sizeof(*made));
	name = span_of(set->name);
	name = span_skip(name, span_rfind(name, '/') == name.len ? 0 :
	    span_rfind(name, '/') + 1);
	made->row = arena_printf(&overrides->arena, "%.*s:%u",
	    SPAN_ARG(name), row->line);
	if (!read_domain(row->key, &overrides->arena, &domain, &is_below)) {
		diag_error(diag, set->name, row->line, "%s: %s is no domain; "
		    "write example.com, or .example.com for all below it",
		    set->setting, diag_quote(diag, row->key));
		return;
	}
	action = next_word(&rest);
	if (!read_action(action, &made->action)) {
		diag_error(diag, set->name, row->line, "%s: the action is %s; "
		    "write accept, quarantine or reject", set->setting,
		    diag_quote(diag, action));
		return;
	}
	until = next_word(&rest);
	made->until = INT64_MAX;
	if (!span_is(until, "-") && !read_day(until, &made->until)) {
		diag_error(diag, set->name, row->line, "%s: the last day is "
		    "%s; write a date such as 2026-12-31, or - for ever",
		    set->setting, diag_quote(diag, until));
		return;
	}
	if (made->until <= now)
		diag_warning(diag, set->name, row->line, "%s: the row for %s "
		    "is past its last day and has no effect; remove it",
		    set->setting, diag_quote(diag, row->key));
	made->comment = arena_dup(&overrides->arena, rest).p;
	map = is_below ? &overrides->below : &overrides->exact;
	there = map_add(map, domain, made);
	if (there != made)
		diag_warning(diag, set->name, row->line, "%s: %s is there "
		    "already (%s); this row has no effect", set->setting,
		    diag_quote(diag, row->key), there->row);
}

struct verify_overrides *
verify_overrides_load(const char *spec, const struct dataset_place *place,
    int64_t now, struct diag *diag)
{
	struct verify_overrides *overrides = xcalloc(1, sizeof(*overrides));
	struct dataset_row row;
	struct dataset set;

	if (spec == NULL || *spec == '\0')
		return overrides;
	if (dataset_open(spec, place, &set, diag) != 0) {
		verify_overrides_free(overrides);
		return NULL;
	}
	while (dataset_next(&set, &row, diag))
		add_row(overrides, &set, &row, now, diag);
	dataset_close(&set);
	return overrides;
}

void
verify_overrides_free(struct verify_overrides *overrides)
{
	if (overrides == NULL)
		return;
	map_clear(&overrides->exact);
	map_clear(&overrides->below);
	arena_clear(&overrides->arena);
	free(overrides);
}

static const struct verify_override *
find_current(const struct map *map, struct span domain, int64_t now)
{
	const struct verify_override *override = map_get(map, domain);

	return override != NULL && now < override->until ? override : NULL;
}

const struct verify_override *
verify_overrides_find(const struct verify_overrides *overrides,
    struct span domain, int64_t now)
{
	const struct verify_override *override;

	override = find_current(&overrides->exact, domain, now);
	while (override == NULL && domain.len > 0) {
		domain = domain_parent(domain);
		override = find_current(&overrides->below, domain, now);
	}
	return override;
}
