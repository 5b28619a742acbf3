#include "common/spf/spf.h"

#include "common/base/mem.h"
#include "common/mail/domain.h"
#include "common/spf/explain.h"
#include "common/spf/layer.h"

struct spf_check {
	const struct spf_question *question;
	struct lookups *lookups;
	struct arena *arena;
	struct address sender;
	struct span domain;
	unsigned ahead;
	struct spf_evaluation evaluation;	/* the last pass */
	struct spf_outcome outcome;
	bool has_result;
	bool is_done;
};

const char *
spf_result_name(enum spf_result result)
{
	static const char *const names[] = {
		[SPF_NONE] = "none",
		[SPF_NEUTRAL] = "neutral",
		[SPF_PASS] = "pass",
		[SPF_FAIL] = "fail",
		[SPF_SOFTFAIL] = "softfail",
		[SPF_TEMPERROR] = "temperror",
		[SPF_PERMERROR] = "permerror",
	};

	return names[result];
}

const char *
spf_scope_name(enum spf_scope scope)
{
	return scope == SPF_SCOPE_HELO ? "helo" : "mailfrom";
}

/* ---- what is checked (2.3, 2.4, 4.3) ---- */

static struct span
without_last_dot(struct span name)
{
	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	return name;
}

/* A name in A-labels where it is one in U-labels. */
static struct span
in_ascii(struct span name, struct arena *arena)
{
	struct span ascii;
	size_t i;

	name = without_last_dot(name);
	for (i = 0; i < name.len; i++)
		if ((unsigned char)name.p[i] >= 0x80)
			return domain_to_ascii(name, arena, &ascii) ? ascii :
			    name;
	return name;
}

static bool
has_host_octets(struct span name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (!is_alpha(name.p[i]) && !is_digit(name.p[i]) &&
		    name.p[i] != '-' && name.p[i] != '_' && name.p[i] != '.')
			return false;
	return true;
}

/* Why the domain is none to be checked; NULL where it is one. */
static const char *
refusal(struct span domain)
{
	struct ipaddr address;

	if (domain.len == 0)
		return "no domain";
	if (domain.p[0] == '[' || ipaddr_parse(domain, &address))
		return "an address, not a domain";
	if (!has_host_octets(domain) || !spf_name_is_askable(domain))
		return "no valid domain name";
	return span_has(domain, '.') ? NULL : "not a fully qualified name";
}

/* The null sender stands for postmaster at the HELO name (2.4). */
static void
choose_identity(struct spf_check *check)
{
	const struct spf_question *question = check->question;

	check->sender = question->sender;
	if (question->scope == SPF_SCOPE_HELO ||
	    (question->sender.domain.len == 0 &&
	    question->sender.local.len == 0))
		check->sender = (struct address){ SPAN_LIT(""),
		    question->helo };
	check->sender.domain = in_ascii(check->sender.domain, check->arena);
	if (check->sender.local.len == 0)
		check->sender.local = SPAN_LIT("postmaster");
	check->domain = check->sender.domain;
}

struct spf_check *
spf_check_new(const struct spf_question *question, struct lookups *lookups,
    struct arena *arena)
{
	struct spf_check *check = arena_zalloc(arena, sizeof(*check));
	const char *reason;

	check->question = question;
	check->lookups = lookups;
	check->arena = arena;
	choose_identity(check);
	check->outcome = (struct spf_outcome){
		.result = SPF_NONE, .domain = check->domain,
		.sender = check->sender, .reason = "", .term = SPAN_LIT(""),
		.term_domain = SPAN_LIT(""), .explanation = SPAN_LIT(""),
	};
	reason = question->client.family == 0 ?
	    "the client's address is not known" : refusal(check->domain);
	if (reason != NULL) {
		check->outcome.reason = reason;
		check->has_result = check->is_done = true;
	}
	return check;
}

/* ---- the evaluation ---- */

/* False: it is pending. */
static bool
evaluate(struct spf_check *check)
{
	const struct spf_question *question = check->question;

	check->evaluation = (struct spf_evaluation){
		.question = question,
		.lookups = check->lookups,
		.arena = check->arena,
		.ahead = &check->ahead,
		.macros = {
			.sender = check->sender,
			.helo = question->helo,
			.receiver = question->receiver != NULL ?
			    span_of(question->receiver) : SPAN_LIT("unknown"),
			.client = question->client,
			.now = question->now,
		},
	};
	spf_layer_run(&check->evaluation, check->domain);
	return !check->evaluation.is_pending;
}

/* The last term that was reached in the record that decides. */
static void
take_term(struct spf_outcome *outcome, const struct spf_frame *frame)
{
	size_t i = frame->seen - 1;

	if (i >= frame->record->count) {
		outcome->reason = "no term matches";
		return;
	}
	outcome->term = frame->record->terms[i].text;
	outcome->term_domain = frame->domain;
}

static void
take_outcome(struct spf_check *check)
{
	const struct spf_evaluation *evaluation = &check->evaluation;
	struct spf_outcome *outcome = &check->outcome;

	outcome->result = evaluation->result;
	outcome->reason = evaluation->reason;
	outcome->steps = evaluation->steps;
	outcome->step_count = evaluation->step_count;
	outcome->terms = evaluation->terms;
	outcome->voids = evaluation->voids;
	if (evaluation->reason[0] == '\0')
		take_term(outcome, evaluation->main);
	check->has_result = true;
}

const struct spf_outcome *
spf_check_advance(struct spf_check *check)
{
	if (check->is_done)
		return &check->outcome;
	if (!check->has_result) {
		if (!evaluate(check))
			return NULL;
		take_outcome(check);
	}
	if (check->outcome.result == SPF_FAIL && !spf_explain(
	    &check->evaluation, &check->outcome.explanation))
		return NULL;
	check->is_done = true;
	return &check->outcome;
}
