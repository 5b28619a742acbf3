/*
 * A check as a whole, libspf2 included. The input is the client, the HELO
 * name, the sender's local part and domain, a line each, and a zone (zone.h).
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/zone.h"

#include "common/spf/spf.h"

#include <string.h>

static void
check_outcome(const struct spf_outcome *outcome)
{
	size_t i;

	MUST(spf_result_name(outcome->result) != NULL);
	MUST(outcome->reason != NULL);
	MUST((outcome->term.len > 0) == (outcome->reason[0] == '\0'));
	MUST(outcome->terms <= SPF_TERMS_MAX);
	MUST(outcome->voids <= SPF_VOID_MAX);
	MUST(outcome->explanation.len <= SPF_EXPLANATION_MAX);
	MUST(outcome->explanation.len == 0 || outcome->result == SPF_FAIL);
	for (i = 0; i < outcome->explanation.len; i++)
		MUST(outcome->explanation.p[i] >= 0x20 &&
		    outcome->explanation.p[i] <= 0x7e);
	for (i = 0; i < outcome->step_count; i++) {
		MUST(outcome->steps[i].outcome != NULL);
		MUST(outcome->steps[i].depth <= SPF_TERMS_MAX);
	}
	/* Whatever was wrong, the library did not find it. */
	MUST(strncmp(outcome->reason, "libspf2", 7) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make(data, size), lines[4] = { { "", 0 } };
	struct zone zone = { .lenient = true };
	struct lookups_options options = { .source = zone_source,
	    .source_arg = &zone, .query_ms = 20, .message_ms = 40 };
	struct spf_question question = { .receiver = "mx.example" };
	const struct spf_outcome *outcome;
	struct arena arena = ARENA_INIT;
	struct lookups *lookups;
	struct spf_check *check;
	size_t i;

	for (i = 0; i < 4; i++)
		if (!span_line(&rest, &lines[i]))
			return 0;
	if (!ipaddr_parse(lines[0], &question.client) || rest.len == 0)
		return 0;
	question.scope = lines[3].len > 0 ? SPF_SCOPE_MAILFROM :
	    SPF_SCOPE_HELO;
	question.helo = lines[1];
	question.sender.local = lines[2];
	question.sender.domain = lines[3];
	zone.text = rest.p;
	zone.len = rest.len;
	lookups = lookups_new(&options);
	check = spf_check_new(&question, lookups, &arena);
	while ((outcome = spf_check_advance(check)) == NULL)
		MUST(lookups_wait(lookups));
	check_outcome(outcome);
	MUST(lookups_count(lookups) <= LOOKUPS_MAX);
	lookups_free(lookups);
	arena_clear(&arena);
	return 0;
}
