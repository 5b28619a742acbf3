#include "milters/policy/score.h"

#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/mail/fold.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	FORGED_MAX = 1000,	/* fields of a name that are deleted */
	TAGS_MAX = 16,		/* fields */
	PARTS_MAX = 4000	/* octets of a list of parts, and a part more */
};

static const struct span score_field = { "X-Postern-Score", 15 };
static const struct span tag_field = { "X-Postern-Tag", 13 };

const struct policy_check score_check = { .name = "score" };

/* ---- settings ---- */

static int32_t
load_threshold(struct filter_load *load, const char *setting,
    const char *text)
{
	int64_t score = POLICY_SCORE_OFF;

	if (text != NULL && !span_is_nocase(span_of(text), "off") &&
	    (!units_hundredths(span_of(text), &score) ||
	    score > POLICY_WEIGHT_MAX || score < -POLICY_WEIGHT_MAX)) {
		filter_refuse(load, setting, arena_printf(load->arena, "%s: "
		    "write a number such as 8 or 4.5, from -1000 to 1000, or "
		    "off", diag_quote(load->diag, span_of(text))));
		score = POLICY_SCORE_OFF;
	}
	return (int32_t)score;
}

void
score_load(struct filter_load *load, struct policy_conf *conf)
{
	conf->score_reject = load_threshold(load, "ScoreReject",
	    conf->score_reject_text);
	conf->score_defer = load_threshold(load, "ScoreDefer",
	    conf->score_defer_text);
	conf->score_quarantine = load_threshold(load, "ScoreQuarantine",
	    conf->score_quarantine_text);
	conf->score_tag = load_threshold(load, "ScoreTag",
	    conf->score_tag_text);
}

/* ---- judging ---- */

void
score_add(struct strbuf *out, int32_t score)
{
	int32_t rest = abs(score % 100);

	strbuf_addf(out, "%s%d", score < 0 ? "-" : "", abs(score / 100));
	if (rest % 10 != 0)
		strbuf_addf(out, ".%02d", rest);
	else if (rest != 0)
		strbuf_addf(out, ".%d", rest / 10);
}

struct threshold {
	int32_t from;
	enum policy_action action;
	const char *name;
};

static void
add_parts(const struct policy_state *state, const char *between,
    struct strbuf *out)
{
	const struct policy_finding *finding;

	for (finding = state->findings; finding != NULL;
	    finding = finding->next) {
		if (finding->weight == 0 || finding->is_monitored)
			continue;
		if (out->len > PARTS_MAX) {
			strbuf_addf(out, "%s...", between);
			return;
		}
		strbuf_addf(out, "%s%s/%.*s=", out->len != 0 ? between : "",
		    finding->check->name, SPAN_ARG(finding->rule));
		score_add(out, finding->weight);
	}
}

/* What is said to a sender names what speaks against it, no more. */
static const char *
answer(struct policy_state *state)
{
	const struct policy_finding *finding;
	struct strbuf text = STRBUF_INIT;
	const char *copy;

	strbuf_adds(&text, "refused by local policy");
	for (finding = state->findings; finding != NULL &&
	    text.len <= PARTS_MAX; finding = finding->next)
		if (finding->weight > 0 && !finding->is_monitored)
			strbuf_addf(&text, "; %.*s",
			    SPAN_ARG(finding->reason));
	copy = arena_strdup(policy_arena(state), text.s);
	strbuf_clear(&text);
	return copy;
}

struct policy_finding *
score_judge(struct policy_state *state, bool refuses_only)
{
	const struct policy_conf *conf = state->conf;
	const struct threshold thresholds[] = {
		{ conf->score_reject, POLICY_REJECT, "ScoreReject" },
		{ conf->score_defer, POLICY_DEFER, "ScoreDefer" },
		{ conf->score_quarantine, POLICY_QUARANTINE,
		    "ScoreQuarantine" },
		{ conf->score_tag, POLICY_TAG, "ScoreTag" },
	};
	struct strbuf sum = STRBUF_INIT, parts = STRBUF_INIT;
	struct policy_finding *finding;
	size_t i;

	for (i = 0; i < ARRAY_LEN(thresholds); i++)
		if (thresholds[i].from != POLICY_SCORE_OFF &&
		    state->facts.score >= thresholds[i].from)
			break;
	if (i == ARRAY_LEN(thresholds) ||
	    (refuses_only && thresholds[i].action < POLICY_DEFER))
		return NULL;
	score_add(&sum, state->facts.score);
	add_parts(state, " ", &parts);
	finding = policy_find(state, &score_check, thresholds[i].action, 0,
	    span_of(thresholds[i].name), "score %s: %s", strbuf_str(&sum),
	    strbuf_str(&parts));
	if (thresholds[i].action >= POLICY_DEFER)
		finding->text = answer(state);
	strbuf_clear(&sum);
	strbuf_clear(&parts);
	return finding;
}

/* ---- the fields ---- */

static size_t
count_forged(const struct policy_state *state, struct span name)
{
	const struct message *message = state->ctx->message;

	return header_count(message->headers, message->header_count, name);
}

bool
score_is_crowded(const struct policy_state *state)
{
	return count_forged(state, score_field) > FORGED_MAX ||
	    count_forged(state, tag_field) > FORGED_MAX;
}

static void
delete_all(struct policy_state *state, struct span name)
{
	size_t n = count_forged(state, name);

	for (n = n < FORGED_MAX ? n : FORGED_MAX; n > 0; n--)
		edit_delete_header(state->ctx, name, (unsigned)n);
}

/* Words that may stand apart on lines of their own. */
static void
insert_field(struct policy_state *state, struct span name, struct span text)
{
	struct strbuf value = STRBUF_INIT;
	struct fold fold;
	struct span word;

	fold_start(&fold, &value, name.len + 1);
	while (text.len != 0) {
		span_cut(&text, ' ', &word);
		if (word.len != 0)
			fold_word(&fold, word);
	}
	edit_insert_header(state->ctx, 0, name, strbuf_span(&value));
	strbuf_clear(&value);
}

static void
insert_score(struct policy_state *state)
{
	struct strbuf text = STRBUF_INIT, parts = STRBUF_INIT;

	score_add(&text, state->facts.score);
	add_parts(state, " ", &parts);
	if (parts.len != 0)
		strbuf_addf(&text, " (%s)", parts.s);
	insert_field(state, score_field, strbuf_span(&text));
	strbuf_clear(&text);
	strbuf_clear(&parts);
}

static void
insert_tags(struct policy_state *state)
{
	const struct policy_finding *finding;
	struct strbuf text = STRBUF_INIT;
	size_t count = 0;

	for (finding = state->findings; finding != NULL && count < TAGS_MAX;
	    finding = finding->next) {
		if (finding->action != POLICY_TAG || finding->is_monitored)
			continue;
		count++;
		strbuf_reset(&text);
		strbuf_addf(&text, "%s/%.*s; %.*s", finding->check->name,
		    SPAN_ARG(finding->rule), SPAN_ARG(finding->reason));
		insert_field(state, tag_field, strbuf_span(&text));
	}
	strbuf_clear(&text);
}

void
score_edit(struct policy_state *state)
{
	delete_all(state, score_field);
	delete_all(state, tag_field);
	insert_tags(state);
	if (state->conf->score_header)
		insert_score(state);
}
