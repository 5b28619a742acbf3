/*
 * A zone, a From field and what passed, "--" lines between them. The outcome
 * holds together, and alignment is what two whole walks say.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/zone.h"

#include "common/base/mem.h"
#include "common/dmarc/align.h"
#include "common/dmarc/dmarc.h"

enum { IDENTIFIERS_MAX = 12 };

struct input {
	struct dmarc_identifier passed[IDENTIFIERS_MAX];
	struct span failed[IDENTIFIERS_MAX];
	struct dmarc_authors authors;
	struct dmarc_question question;
};

/* Up to a line "--". */
static struct span
take_part(struct span *rest)
{
	struct span start = *rest, line;

	while (span_line(rest, &line))
		if (span_is(line, "--"))
			return span_make(start.p, (size_t)(line.p - start.p));
	return start;
}

/* "s:domain", "d:domain"; "S:" and "D:" for such as DNS failed for. */
static void
read_identifiers(struct span text, struct input *input)
{
	struct dmarc_question *question = &input->question;
	struct span word, kind;

	while (span_item(&text, &word) &&
	    question->passed_count < IDENTIFIERS_MAX &&
	    question->dkim_domain_count < IDENTIFIERS_MAX) {
		span_cut(&word, ':', &kind);
		if (span_is(kind, "S")) {
			question->spf_temperror = true;
			question->spf_domain = word;
		} else if (span_is(kind, "D")) {
			question->dkim_temperror = true;
			input->failed[question->dkim_domain_count++] = word;
		} else {
			input->passed[question->passed_count++] =
			    (struct dmarc_identifier){ span_is(kind, "s") ?
			    DMARC_BY_SPF : DMARC_BY_DKIM, word };
		}
	}
	question->passed = input->passed;
	question->dkim_domains = input->failed;
	question->authors = &input->authors;
}

static void
check_outcome(const struct dmarc_question *question,
    const struct dmarc_outcome *outcome)
{
	const struct dmarc_walk *walk = &outcome->walk;
	bool aligned = outcome->by_spf || outcome->by_dkim;

	MUST((walk->record != NULL) == (walk->source != NULL));
	MUST((walk->record != NULL) == (walk->policy != DMARC_POLICY_UNSET));
	MUST(walk->step_count <= DMARC_WALK_MAX);
	MUST(outcome->reason != NULL);
	switch (outcome->result) {
	case DMARC_PASS:
		MUST(aligned && walk->record != NULL);
		break;
	case DMARC_FAIL:
		MUST(!aligned && walk->record != NULL);
		MUST(outcome->disposition <= walk->policy);
		return;
	case DMARC_NONE:
		MUST(walk->record == NULL &&
		    walk->result == DMARC_WALK_DONE);
		break;
	case DMARC_TEMPERROR:
	case DMARC_PERMERROR:
		MUST(outcome->reason[0] != '\0');
		break;
	}
	MUST(outcome->disposition == DMARC_POLICY_NONE);
	MUST((question->authors->trouble == NULL) ||
	    outcome->result == DMARC_PERMERROR);
}

static void
evaluate(struct input *input, struct lookups *lookups, struct arena *arena)
{
	struct dmarc_outcome outcome;
	const char *disagrees;

	dmarc_prefetch(&input->authors, input->failed,
	    input->question.dkim_domain_count, input->question.discovery,
	    lookups, arena);
	while (!dmarc_evaluate(&input->question, lookups, arena, &outcome,
	    &disagrees))
		MUST(lookups_wait(lookups));
	MUST(disagrees == NULL);
	MUST(lookups_count(lookups) <= LOOKUPS_MAX);
	check_outcome(&input->question, &outcome);
}

static void
walk_all(struct span domain, struct lookups *lookups, struct arena *arena,
    struct dmarc_walk *walk)
{
	while (!dmarc_walk(domain, DMARC_TREEWALK, DMARC_WALK_ALL, lookups,
	    arena, walk))
		MUST(lookups_wait(lookups));
}

/* Where both walks know the organizational domain, so does alignment. */
static void
compare(struct span author, struct span identifier, struct lookups *lookups,
    struct arena *arena)
{
	const struct dmarc_pair pair = { author, identifier, DMARC_RELAXED,
	    DMARC_TREEWALK };
	struct dmarc_walk first, second;
	struct dmarc_aligned aligned;

	while (!dmarc_align(&pair, lookups, &aligned))
		MUST(lookups_wait(lookups));
	walk_all(author, lookups, arena, &first);
	walk_all(identifier, lookups, arena, &second);
	if (first.organizational_domain.len > 0 &&
	    second.organizational_domain.len > 0)
		MUST((aligned.match == DMARC_ALIGNED) ==
		    span_eq(first.organizational_domain,
		    second.organizational_domain));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make(data, size), text = take_part(&rest);
	struct zone zone = { .text = text.p, .len = text.len,
	    .lenient = true };
	struct lookups_options options = { .source = zone_source,
	    .source_arg = &zone, .message_ms = 50 };
	struct header_field from = { SPAN_LIT("From"), take_part(&rest),
	    false };
	struct lookups *lookups = lookups_new(&options);
	struct input input = { .question = { .passed_count = 0 } };
	struct arena arena = ARENA_INIT;
	size_t i;

	read_identifiers(rest, &input);
	dmarc_authors_find(&from, 1, &arena, &input.authors);
	MUST(input.authors.trouble != NULL || input.authors.count == 1);
	if (size > 0 && zone.len > 0) {
		input.question.discovery = size % 4 == 0 ? DMARC_PSL :
		    DMARC_TREEWALK;
		evaluate(&input, lookups, &arena);
		for (i = 0; i < input.question.passed_count &&
		    input.authors.count > 0; i++)
			if (input.passed[i].domain.len > 0)
				compare(input.authors.domains[0],
				    input.passed[i].domain, lookups, &arena);
	}
	lookups_free(lookups);
	arena_clear(&arena);
	return 0;
}
