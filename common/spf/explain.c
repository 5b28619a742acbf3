#include "common/spf/explain.h"

#include "common/spf/ptr.h"

/* %{p} is "unknown" where DNS has trouble. False: it has to wait. */
static bool
fill_client_name(struct spf_evaluation *evaluation, struct span text,
    struct span domain)
{
	evaluation->macros.domain = domain;
	evaluation->macros.validated = SPAN_LIT("unknown");
	if (spf_macro_uses(text, 'p') && !spf_client_name(evaluation, domain,
	    &evaluation->macros.validated))
		evaluation->macros.validated = SPAN_LIT("unknown");
	return !evaluation->is_pending;
}

/* The one TXT record; false where there is none, or several, or it holds what
 * is no explain-string. */
static bool
read_text(const struct dns_answer *answer, struct arena *arena,
    struct span *text)
{
	return answer != NULL && answer->result == DNS_FOUND &&
	    answer->count == 1 &&
	    dns_txt_join(answer->records[0].data, arena, text) &&
	    spf_macro_check(*text, SPF_MACRO_IN_TEXT, true);
}

/* What macros stand for may be anything the client sent. */
static struct span
printable(struct strbuf *made, struct arena *arena)
{
	size_t i;

	for (i = 0; i < made->len; i++)
		if (made->s[i] < 0x20 || made->s[i] > 0x7e)
			made->s[i] = '?';
	return arena_dup(arena, span_first(strbuf_span(made),
	    SPF_EXPLANATION_MAX));
}

bool
spf_explain(const struct spf_evaluation *evaluation, struct span *explanation)
{
	struct spf_evaluation after = *evaluation;
	const struct spf_frame *frame = evaluation->main;
	struct span spec = frame->record->exp.spec, name, text;
	struct strbuf made = STRBUF_INIT;
	const struct dns_answer *answer;

	*explanation = SPAN_LIT("");
	after.is_stopped = false;
	if (frame->record->exp.text.len == 0)
		return true;
	if (!fill_client_name(&after, spec, frame->domain))
		return false;
	name = spf_macro_name(spec, &after.macros, after.arena);
	if (!spf_name_is_askable(name))
		return true;
	after.is_stopped = false;
	answer = spf_ask(&after, name, DNS_TXT);
	if (!read_text(answer, after.arena, &text))
		return !after.is_pending;
	if (!fill_client_name(&after, text, frame->domain))
		return false;
	spf_macro_expand(text, &after.macros, &made);
	*explanation = printable(&made, after.arena);
	strbuf_clear(&made);
	return true;
}
