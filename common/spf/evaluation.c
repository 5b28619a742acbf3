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

const char *
spf_keep(struct spf_evaluation *evaluation, struct strbuf *text)
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
	return spf_keep(evaluation, &text);
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
