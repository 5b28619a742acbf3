#include "common/dmarc/dmarc.h"

#include "common/dmarc/align.h"
#include "common/dmarc/library.h"

struct evaluation {
	const struct dmarc_question *question;
	struct lookups *lookups;
	struct arena *arena;
	struct dmarc_outcome *out;
	bool is_missing;	/* answers are */
	const char *trouble;	/* what kept an alignment unknown */
};

const char *
dmarc_result_name(enum dmarc_result result)
{
	static const char *const names[] = {
		[DMARC_NONE] = "none",
		[DMARC_PASS] = "pass",
		[DMARC_FAIL] = "fail",
		[DMARC_TEMPERROR] = "temperror",
		[DMARC_PERMERROR] = "permerror",
	};

	return names[result];
}

/* ---- alignment ---- */

/* How an identifier stands to the author domain. A policy that is not known
 * leaves open whether it is strict. */
static bool
align(struct evaluation *ev, enum dmarc_method method, struct span domain,
    struct dmarc_aligned *aligned)
{
	const struct dmarc_record *record = ev->out->walk.record;
	struct dmarc_pair pair = { ev->out->from,
	    dmarc_normalize(domain, ev->arena), DMARC_STRICT,
	    ev->question->discovery };

	if (record != NULL)
		pair.mode = method == DMARC_BY_SPF ? record->aspf :
		    record->adkim;
	if (!dmarc_align(&pair, ev->lookups, aligned)) {
		ev->is_missing = true;
		return false;
	}
	if (record == NULL && aligned->match != DMARC_ALIGNED)
		aligned->how = "another name, and the policy is not known";
	return true;
}

static void
align_passed(struct evaluation *ev)
{
	const struct dmarc_question *question = ev->question;
	struct dmarc_outcome *out = ev->out;
	struct dmarc_alignment_step *step;
	struct dmarc_aligned aligned;
	size_t count = question->passed_count, i;

	if (count > DMARC_IDENTIFIERS_MAX)
		count = DMARC_IDENTIFIERS_MAX;
	out->steps = arena_alloc(ev->arena, count * sizeof(*out->steps));
	for (i = 0; i < count; i++) {
		step = &out->steps[i];
		step->identifier = question->passed[i];
		if (!align(ev, step->identifier.method,
		    step->identifier.domain, &aligned))
			continue;
		step->is_aligned = aligned.match == DMARC_ALIGNED;
		step->how = aligned.how;
		step->meeting = aligned.meeting;
		if (aligned.match == DMARC_MATCH_TROUBLE)
			ev->trouble = "DNS trouble at the organizational "
			    "domain of what passed";
		if (step->is_aligned && step->identifier.method ==
		    DMARC_BY_SPF)
			out->by_spf = true;
		else if (step->is_aligned)
			out->by_dkim = true;
	}
	out->step_count = count;
}

/* Whether what DNS kept from passing might be aligned. */
static bool
might_align(struct evaluation *ev, enum dmarc_method method,
    const struct span *domains, size_t count)
{
	struct dmarc_aligned aligned;
	bool might = count == 0;
	size_t i;

	for (i = 0; i < count && i < DMARC_IDENTIFIERS_MAX; i++)
		if (align(ev, method, domains[i], &aligned))
			might = might || aligned.match == DMARC_ALIGNED ||
			    aligned.match == DMARC_MATCH_TROUBLE;
	return might;
}

static void
look_at_temperrors(struct evaluation *ev)
{
	const struct dmarc_question *question = ev->question;

	if (question->spf_temperror && might_align(ev, DMARC_BY_SPF,
	    &question->spf_domain, question->spf_domain.len > 0))
		ev->trouble = "DNS trouble in SPF";
	if (question->dkim_temperror && might_align(ev, DMARC_BY_DKIM,
	    question->dkim_domains, question->dkim_domain_count))
		ev->trouble = "DNS trouble at the key of a signature";
}

/* ---- results ---- */

static bool
is_aligned(const struct evaluation *ev)
{
	return ev->out->by_spf || ev->out->by_dkim;
}

static bool
result(struct evaluation *ev, enum dmarc_result result, const char *reason)
{
	ev->out->result = result;
	ev->out->reason = reason;
	return true;
}

static void
set_disposition(struct dmarc_outcome *out)
{
	out->disposition = dmarc_policy_in_force(out->walk.policy,
	    out->walk.record->is_testing);
	out->is_softened = out->disposition != out->walk.policy;
}

static bool
fail(struct evaluation *ev)
{
	set_disposition(ev->out);
	return result(ev, DMARC_FAIL, ev->out->step_count == 0 ?
	    "neither SPF nor DKIM passed" :
	    "what passed belongs to other domains");
}

/*
 * No policy is known. A pass by the author domain itself is a pass under any
 * policy, so it is enough that there is one.
 */
static bool
conclude_trouble(struct evaluation *ev)
{
	struct dmarc_outcome *out = ev->out;
	struct dmarc_walk *walk = &out->walk;
	struct dmarc_walk was = *walk;

	align_passed(ev);
	if (is_aligned(ev)) {
		if (!dmarc_walk_settle(walk, ev->question->discovery,
		    ev->lookups, ev->arena))
			return false;
		if (walk->record != NULL)
			return result(ev, DMARC_PASS, "");
		*walk = was;
	}
	return result(ev, walk->result == DMARC_WALK_TEMPERROR ?
	    DMARC_TEMPERROR : DMARC_PERMERROR, walk->reason);
}

static bool
conclude(struct evaluation *ev)
{
	struct dmarc_walk *walk = &ev->out->walk;

	if (walk->result != DMARC_WALK_DONE)
		return conclude_trouble(ev);
	if (walk->record == NULL)
		return result(ev, DMARC_NONE, walk->reason);
	align_passed(ev);
	if (!ev->is_missing && !is_aligned(ev))
		look_at_temperrors(ev);
	if (ev->is_missing)
		return false;
	if (is_aligned(ev))
		return result(ev, DMARC_PASS, "");
	if (ev->trouble != NULL)
		return result(ev, DMARC_TEMPERROR, ev->trouble);
	if (walk->is_uncertain)
		return result(ev, DMARC_TEMPERROR, walk->reason);
	return fail(ev);
}

/* ---- From ---- */

static bool
walk(struct evaluation *ev, struct span domain, struct dmarc_walk *walk)
{
	if (dmarc_walk(domain, ev->question->discovery, DMARC_WALK_POLICY,
	    ev->lookups, ev->arena, walk))
		return true;
	dmarc_walk_ask(domain, ev->question->discovery, ev->lookups);
	return false;
}

static bool
is_stricter(const struct dmarc_walk *a, const struct dmarc_walk *b)
{
	if (a->policy == DMARC_POLICY_UNSET)
		return false;
	return b->policy == DMARC_POLICY_UNSET || a->policy > b->policy;
}

/* No single author domain: what each of those there would ask for (11.5). */
static bool
evaluate_all(struct evaluation *ev)
{
	const struct dmarc_authors *authors = ev->question->authors;
	struct dmarc_outcome *out = ev->out;
	const struct dmarc_walk *strictest = out->walks;
	size_t i;

	for (i = 0; i < authors->count; i++)
		if (!walk(ev, authors->domains[i], &out->walks[i]))
			ev->is_missing = true;
	if (ev->is_missing)
		return false;
	out->walk_count = authors->count;
	for (i = 1; i < authors->count; i++)
		if (is_stricter(&out->walks[i], strictest))
			strictest = &out->walks[i];
	if (authors->count > 0) {
		out->walk = *strictest;
		out->from = strictest->domain;
	}
	return result(ev, DMARC_PERMERROR, authors->trouble);
}

/* libopendmarc's verdict, where there is one to compare. */
static const char *
compare(const struct evaluation *ev)
{
	const struct dmarc_outcome *out = ev->out;
	const char *ours, *theirs;

	if (out->result != DMARC_PASS && out->result != DMARC_FAIL)
		return NULL;
	ours = out->result == DMARC_PASS ? "pass" :
	    dmarc_policy_name(out->walk.policy);
	theirs = dmarc_library_verdict(out->from,
	    dmarc_policy_name(out->walk.policy), out->by_spf, out->by_dkim);
	if (strcmp(ours, theirs) == 0)
		return NULL;
	return arena_printf(ev->arena, "DMARC verdict for %.*s: ours is %s, "
	    "libopendmarc's %s", SPAN_ARG(out->from), ours, theirs);
}

bool
dmarc_evaluate(const struct dmarc_question *question,
    struct lookups *lookups, struct arena *arena,
    struct dmarc_outcome *outcome, const char **disagrees)
{
	struct evaluation ev = { .question = question, .lookups = lookups,
	    .arena = arena, .out = outcome };
	const struct dmarc_authors *authors = question->authors;

	*disagrees = NULL;
	*outcome = (struct dmarc_outcome){ .reason = "",
	    .walk = { .policy = DMARC_POLICY_UNSET, .reason = "" } };
	if (authors->trouble != NULL)
		return evaluate_all(&ev);
	outcome->from = authors->domains[0];
	if (!walk(&ev, outcome->from, &outcome->walk) || !conclude(&ev))
		return false;
	*disagrees = compare(&ev);
	return true;
}
