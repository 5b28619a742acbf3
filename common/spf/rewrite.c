#include "common/spf/rewrite.h"

#include "common/spf/terms.h"

static void
add_term(struct strbuf *out, const struct spf_evaluation *evaluation,
    const struct spf_frame *frame, size_t i)
{
	const struct spf_term *term = &frame->record->terms[i];
	bool is_ipv4 = evaluation->question->client.family == 4;
	unsigned bits = spf_term_bits(evaluation, term);
	const char *name = "exists";

	if (term->mechanism == SPF_INCLUDE)
		name = "include";
	else if (term->mechanism == SPF_MX)
		name = "mx";
	else if (term->mechanism == SPF_A)
		name = "a";
	strbuf_addf(out, " %c%s:", term->qualifier, name);
	strbuf_addf(out, "%u.%zu.x", frame->index, i);
	/* The library takes "/0" for an error; there is nothing to compare
	 * then (terms.c). */
	if ((term->mechanism == SPF_A || term->mechanism == SPF_MX) &&
	    bits > 0)
		strbuf_addf(out, "%s%u", is_ipv4 ? "/" : "//", bits);
}

void
spf_rewrite(const struct spf_evaluation *evaluation,
    const struct spf_frame *frame, struct strbuf *out)
{
	const struct spf_record *record = frame->record;
	unsigned terms = evaluation->terms;
	size_t i;

	strbuf_adds(out, "v=spf1");
	for (i = 0; i < record->count && terms <= SPF_TERMS_MAX; i++) {
		if (spf_mechanism_is_counted(record->terms[i].mechanism)) {
			add_term(out, evaluation, frame, i);
			terms++;
		} else if (spf_term_matches(evaluation, &record->terms[i])) {
			add_term(out, evaluation, frame, i);
			return;
		}
	}
	if (i < record->count)
		return;
	strbuf_adds(out, record->redirect.text.len > 0 ? " redirect=" :
	    " ?exists:");
	strbuf_addf(out, "%u.%zu.x", frame->index, i);
}

static bool
cut_number(struct span *rest, uint64_t max, uint64_t *number)
{
	struct span digits;

	return span_cut(rest, '.', &digits) &&
	    span_number(digits, max, number);
}

bool
spf_rewrite_read(const struct spf_evaluation *evaluation, const char *name,
    struct spf_asked *asked)
{
	struct span rest = span_of(name);
	uint64_t frame, term, host;

	if (evaluation->frame_count == 0 ||
	    !cut_number(&rest, evaluation->frame_count - 1, &frame))
		return false;
	*asked = (struct spf_asked){ .frame = evaluation->frames[frame] };
	if (!cut_number(&rest, asked->frame->record->count, &term))
		return false;
	asked->term = (size_t)term;
	if (span_is(rest, "x"))
		return true;
	asked->is_host = true;
	if (asked->frame->host_count == 0 ||
	    !cut_number(&rest, asked->frame->host_count - 1, &host))
		return false;
	asked->host = (size_t)host;
	return span_is(rest, "x");
}

void
spf_rewrite_host(const struct spf_asked *asked, size_t host,
    struct strbuf *out)
{
	strbuf_addf(out, "%u.%zu.%zu.x", asked->frame->index, asked->term,
	    host);
}
