#include "common/spf/evaluation.h"

#include "common/base/escape.h"
#include "common/spf/ptr.h"

void
spf_stop(struct spf_evaluation *evaluation, enum spf_result result,
    const char *reason)
{
	if (evaluation->is_stopped)
		return;
	evaluation->is_stopped = true;
	evaluation->result = result;
	evaluation->reason = reason;
}

/* ---- questions ---- */

const struct dns_answer *
spf_ask(struct spf_evaluation *evaluation, struct span name,
    enum dns_type type)
{
	const struct dns_answer *answer;

	if (evaluation->is_stopped)
		return NULL;
	answer = lookups_get(evaluation->lookups, LOOKUP_SPF, name, type);
	if (answer == NULL) {
		evaluation->is_stopped = true;
		evaluation->is_pending = true;
		return NULL;
	}
	if (answer->result != DNS_REFUSED)
		return answer;
	spf_stop(evaluation, SPF_PERMERROR, answer->detail != NULL ?
	    answer->detail : dns_result_text(answer->result));
	return NULL;
}

/* The text goes; what it held is in the arena. */
static const char *
keep(struct spf_evaluation *evaluation, struct strbuf *text)
{
	const char *kept = arena_strdup(evaluation->arena, strbuf_str(text));

	strbuf_clear(text);
	return kept;
}

static const char *
describe_trouble(struct spf_evaluation *evaluation, struct span name,
    enum dns_type type, const struct dns_answer *answer)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s ", dns_type_name(type));
	escape_add(&text, name, ESCAPE_MAX, 0);
	strbuf_addf(&text, ": %s", answer->detail != NULL ? answer->detail :
	    dns_result_text(answer->result));
	return keep(evaluation, &text);
}

const struct dns_answer *
spf_ask_surely(struct spf_evaluation *evaluation, struct span name,
    enum dns_type type)
{
	const struct dns_answer *answer = spf_ask(evaluation, name, type);

	if (answer == NULL)
		return NULL;
	switch (answer->result) {
	case DNS_FOUND:
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		return answer;
	default:
		spf_stop(evaluation, SPF_TEMPERROR, describe_trouble(
		    evaluation, name, type, answer));
		return NULL;
	}
}

enum dns_type
spf_address_type(const struct spf_evaluation *evaluation)
{
	return evaluation->question->client.family == 4 ? DNS_A : DNS_AAAA;
}

/* ---- limits (4.6.4) ---- */

bool
spf_count_term(struct spf_evaluation *evaluation)
{
	if (evaluation->terms == SPF_TERMS_MAX) {
		spf_stop(evaluation, SPF_PERMERROR,
		    "more than 10 terms that need DNS");
		return false;
	}
	evaluation->terms++;
	return true;
}

bool
spf_count_void(struct spf_evaluation *evaluation)
{
	if (evaluation->voids == SPF_VOID_MAX) {
		spf_stop(evaluation, SPF_PERMERROR,
		    "more than 2 terms whose names have no records");
		return false;
	}
	evaluation->voids++;
	return true;
}

/* ---- names ---- */

bool
spf_target(struct spf_evaluation *evaluation, const struct spf_frame *frame,
    struct span spec, struct span *name)
{
	struct spf_macros *macros = &evaluation->macros;

	*name = frame->domain;
	if (spec.len == 0)
		return true;
	macros->domain = frame->domain;
	if (spf_macro_uses(spec, 'p') &&
	    !spf_client_name(evaluation, frame->domain, &macros->validated))
		return false;
	*name = spf_macro_name(spec, macros, evaluation->arena);
	return true;
}

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
	return keep(evaluation, &text);
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
