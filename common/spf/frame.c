#include "common/spf/frame.h"

#include "common/base/escape.h"

/* ---- steps ---- */

/* Its number from 1; 0 where it is beyond the bound. */
static size_t
add_step(struct spf_evaluation *evaluation, const struct spf_frame *frame,
    struct span term, const char *outcome)
{
	struct spf_step *steps;
	size_t cap = evaluation->step_cap;

	if (evaluation->step_count == SPF_STEPS_MAX)
		return 0;
	if (evaluation->step_count == cap) {
		cap = cap == 0 ? 16 : 2 * cap;
		steps = arena_alloc(evaluation->arena, cap * sizeof(*steps));
		if (evaluation->step_count > 0)
			memcpy(steps, evaluation->steps,
			    evaluation->step_count * sizeof(*steps));
		evaluation->steps = steps;
		evaluation->step_cap = cap;
	}
	evaluation->steps[evaluation->step_count++] = (struct spf_step){
		frame->domain, term, outcome, frame->depth };
	return evaluation->step_count;
}

/* The outcome of the term the frame saw last, unless it has one. */
static void
settle(struct spf_evaluation *evaluation, struct spf_frame *frame,
    const char *outcome)
{
	struct spf_step *step;

	if (frame->step == 0)
		return;
	step = &evaluation->steps[frame->step - 1];
	if (step->outcome == NULL)
		step->outcome = outcome;
	frame->step = 0;
}

void
spf_step_outcome(struct spf_evaluation *evaluation,
    const struct spf_frame *frame, const char *outcome)
{
	if (frame->step > 0)
		evaluation->steps[frame->step - 1].outcome = outcome;
}

/* ---- frames ---- */

bool
spf_term_matches(const struct spf_evaluation *evaluation,
    const struct spf_term *term)
{
	const struct ipaddr *client = &evaluation->question->client;

	return term->mechanism == SPF_ALL ||
	    (term->network.family == client->family &&
	    ipaddr_in(client, &term->network));
}

static void
pass_over(struct spf_evaluation *evaluation, struct spf_frame *frame,
    size_t i)
{
	const struct spf_term *terms = frame->record->terms;

	for (; frame->seen < i; frame->seen++)
		add_step(evaluation, frame, terms[frame->seen].text,
		    "no match");
}

void
spf_frame_reach(struct spf_evaluation *evaluation, struct spf_frame *frame,
    size_t i)
{
	const struct spf_record *record = frame->record;
	struct spf_frame *inner;

	for (inner = evaluation->current; inner != frame; inner =
	    inner->parent)
		settle(evaluation, inner, "match");
	evaluation->current = frame;
	settle(evaluation, frame, "no match");
	pass_over(evaluation, frame, i);
	frame->seen = i + 1;
	if (i < record->count)
		frame->step = add_step(evaluation, frame,
		    record->terms[i].text, NULL);
	else if (record->redirect.text.len > 0)
		frame->step = add_step(evaluation, frame,
		    record->redirect.text, "followed");
	else
		add_step(evaluation, frame, SPAN_LIT(""),
		    "no term matches: neutral");
}

void
spf_frames_close(struct spf_evaluation *evaluation)
{
	const char *outcome = evaluation->reason[0] != '\0' ?
	    spf_result_name(evaluation->result) : "match";
	struct spf_frame *frame;

	for (frame = evaluation->current; frame != NULL;
	    frame = frame->parent)
		settle(evaluation, frame, outcome);
}

/* ---- records ---- */

/* What stands for a record that cannot be evaluated: where none is needed that
 * is a result, else an error (5.2, 6.1). */
static void
no_record(struct spf_evaluation *evaluation, const struct spf_frame *parent,
    bool is_included, const char *why)
{
	if (parent == NULL)
		spf_stop(evaluation, SPF_NONE, why);
	else
		spf_stop(evaluation, SPF_PERMERROR, arena_printf(
		    evaluation->arena, "%s: %s", is_included ? "include" :
		    "redirect", why));
}

static const char *
describe_bad(struct spf_evaluation *evaluation, struct span domain,
    const struct spf_published *published)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s: \"", published->reason);
	escape_add(&text, published->bad_term, 100, ESCAPE_QUOTE);
	strbuf_adds(&text, "\" in the record of ");
	escape_add(&text, domain, ESCAPE_MAX, 0);
	return spf_keep(evaluation, &text);
}

/* The answer to the question for the record, with what it says; NULL,
 * stopped. */
static const struct spf_record *
get_record(struct spf_evaluation *evaluation, struct span domain,
    const struct spf_frame *parent, bool is_included)
{
	const struct dns_answer *answer = spf_ask_surely(evaluation, domain,
	    DNS_TXT);
	const struct spf_published *published;

	if (answer == NULL)
		return NULL;
	if (answer->result != DNS_FOUND) {
		no_record(evaluation, parent, is_included,
		    answer->result == DNS_NXDOMAIN ? "no such domain" :
		    "no SPF record");
		return NULL;
	}
	published = dns_answer_derive(answer, &spf_derivation);
	switch (published->found) {
	case SPF_FOUND_ONE:
		return &published->record;
	case SPF_FOUND_NONE:
		no_record(evaluation, parent, is_included, "no SPF record");
		return NULL;
	case SPF_FOUND_SEVERAL:
		spf_stop(evaluation, SPF_PERMERROR,
		    "several SPF records at one name");
		return NULL;
	case SPF_FOUND_BAD:
		spf_stop(evaluation, SPF_PERMERROR, describe_bad(evaluation,
		    domain, published));
		return NULL;
	}
	return NULL;
}

struct spf_frame *
spf_frame_open(struct spf_evaluation *evaluation, struct span domain,
    struct spf_frame *parent, bool is_included)
{
	const struct spf_record *record;
	struct spf_frame *frame = arena_zalloc(evaluation->arena,
	    sizeof(*frame));

	*frame = (struct spf_frame){
		.index = evaluation->frame_count, .domain = domain,
		.depth = parent != NULL ? parent->depth + 1 : 0,
		.parent = parent, .is_included = is_included,
	};
	if (!spf_name_is_askable(domain)) {
		no_record(evaluation, parent, is_included,
		    "no name that can be asked for");
		return NULL;
	}
	record = get_record(evaluation, domain, parent, is_included);
	if (!evaluation->is_pending)
		add_step(evaluation, frame, SPAN_LIT(""), record != NULL ?
		    "record found" : evaluation->reason);
	if (record == NULL)
		return NULL;
	frame->record = record;
	evaluation->frames[evaluation->frame_count++] = frame;
	evaluation->current = frame;
	if (parent == evaluation->main && !is_included)
		evaluation->main = frame;
	return frame;
}
