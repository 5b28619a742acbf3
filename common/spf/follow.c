#include "common/spf/follow.h"

/* RFC 8616 4: no domain name has such octets, so the term cannot match. */
static bool
never_matches(const struct spf_evaluation *evaluation, struct span spec)
{
	struct span local = evaluation->macros.sender.local;
	size_t i;

	if (!spf_macro_uses(spec, 'l') && !spf_macro_uses(spec, 's'))
		return false;
	for (i = 0; i < local.len; i++)
		if ((unsigned char)local.p[i] >= 0x80)
			return true;
	return false;
}

/* Whether the question for its record can be put before its turn. */
static bool
can_ask_ahead(const struct spf_evaluation *evaluation,
    const struct spf_term *term)
{
	return term->mechanism == SPF_INCLUDE &&
	    !spf_macro_uses(term->spec, 'p') &&
	    !never_matches(evaluation, term->spec);
}

static void
ask_ahead(struct spf_evaluation *evaluation, const struct spf_frame *frame,
    const struct spf_term *term)
{
	size_t before = lookups_count(evaluation->lookups);
	struct span name;

	evaluation->macros.domain = frame->domain;
	name = spf_macro_name(term->spec, &evaluation->macros,
	    evaluation->arena);
	if (spf_name_is_askable(name))
		lookups_get(evaluation->lookups, LOOKUP_SPF, name, DNS_TXT);
	*evaluation->ahead += lookups_count(evaluation->lookups) > before;
}

/*
 * We have to wait for the record of include number i. Those that come right
 * after it are needed too unless it matches: their waits shall overlap. Terms
 * beyond the limit are never reached.
 */
static void
ask_includes_ahead(struct spf_evaluation *evaluation,
    const struct spf_frame *frame, size_t i)
{
	const struct spf_record *record = frame->record;
	const struct spf_term *term;
	unsigned terms = evaluation->terms;

	while (++i < record->count && terms < SPF_TERMS_MAX &&
	    *evaluation->ahead < SPF_AHEAD_MAX) {
		term = &record->terms[i];
		if (can_ask_ahead(evaluation, term)) {
			ask_ahead(evaluation, frame, term);
			terms++;
		} else if (spf_mechanism_is_counted(term->mechanism) ||
		    spf_term_matches(evaluation, term)) {
			return;
		}
	}
}

struct spf_frame *
spf_term_follow(struct spf_evaluation *evaluation, struct spf_frame *frame,
    size_t i)
{
	bool is_included = i < frame->record->count;
	struct span spec = is_included ? frame->record->terms[i].spec :
	    frame->record->redirect.spec;
	struct spf_frame *opened;
	struct span name;

	if (!spf_count_term(evaluation) ||
	    !spf_target(evaluation, frame, spec, &name))
		return NULL;
	if (is_included && never_matches(evaluation, spec))
		return NULL;
	opened = spf_frame_open(evaluation, name, frame, is_included);
	if (evaluation->is_pending && is_included)
		ask_includes_ahead(evaluation, frame, i);
	return opened;
}
