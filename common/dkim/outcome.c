#include "common/dkim/outcome.h"

enum {
	B_SHOWN = 8,		/* RFC 6008 4 */
	B_COMPARED = 64
};

void
dkim_outcome_read(struct dkim_outcome *outcome, struct span value,
    struct arena *arena)
{
	struct dkim_signature_peek peek;
	struct strbuf b = STRBUF_INIT;

	dkim_signature_peek(value, &peek);
	outcome->domain = peek.domain;
	outcome->selector = peek.selector;
	outcome->identity = peek.identity;
	outcome->algorithm = peek.algorithm;
	tag_value_squeeze(span_first(peek.signature, 2 * B_COMPARED), &b);
	outcome->b = arena_dup(arena, span_first(strbuf_span(&b), B_COMPARED));
	strbuf_clear(&b);
}

void
dkim_outcome_parsed(struct dkim_outcome *outcome, struct arena *arena)
{
	const struct dkim_signature *s = &outcome->signature;

	outcome->is_readable = true;
	outcome->domain = s->domain;
	outcome->selector = s->selector;
	outcome->identity = s->identity;
	if (s->identity.len == 0)
		outcome->identity = span_of(arena_printf(arena, "@%.*s",
		    SPAN_ARG(s->domain)));
}

static size_t
common_length(struct span a, struct span b)
{
	size_t n = 0;

	while (n < a.len && n < b.len && a.p[n] == b.p[n])
		n++;
	return n;
}

/* RFC 6008 4: as many characters of b= as tell it from the others. */
static size_t
shown_length(const struct dkim_outcome *outcomes, size_t count, size_t i)
{
	struct span own = outcomes[i].b;
	size_t need = B_SHOWN, common, k;

	for (k = 0; k < count; k++) {
		common = common_length(own, outcomes[k].b);
		if (k != i && common < own.len && common >= need)
			need = common + 1;
	}
	return need;
}

void
dkim_outcomes_shorten(struct dkim_outcome *outcomes, size_t count)
{
	size_t lengths[DKIM_VERIFY_LISTED_MAX], i;

	for (i = 0; i < count; i++)
		lengths[i] = shown_length(outcomes, count, i);
	for (i = 0; i < count; i++)
		outcomes[i].b = span_first(outcomes[i].b, lengths[i]);
}

const char *
dkim_result_name(enum dkim_result result)
{
	static const char *const names[] = {
		[DKIM_NONE] = "none",
		[DKIM_PASS] = "pass",
		[DKIM_FAIL] = "fail",
		[DKIM_POLICY] = "policy",
		[DKIM_NEUTRAL] = "neutral",
		[DKIM_TEMPERROR] = "temperror",
		[DKIM_PERMERROR] = "permerror",
	};

	return names[result];
}
