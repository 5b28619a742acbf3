#include "milters/policy/policy.h"

#include "milters/policy/alert.h"
#include "milters/policy/control.h"
#include "milters/policy/engine.h"
#include "milters/policy/score.h"
#include "milters/policy/settings.h"
#include "milters/policy/story.h"

#include "common/base/clock.h"
#include "common/base/log.h"

/* ---- the message ---- */

static struct verdict
on_mail(struct filter_context *ctx)
{
	ctx->state = engine_start(ctx);
	return VERDICT(CONTINUE);
}

static struct verdict
on_rcpt(struct filter_context *ctx, struct span path)
{
	struct policy_state *state = ctx->state;
	struct policy_finding *found = engine_recipient(state, path);

	if (found == NULL)
		return VERDICT(CONTINUE);
	if (found->action == POLICY_DISCARD) {
		engine_learn(state, false);
		story_tell(state, found);
	}
	return engine_verdict(found);
}

/* What does not pass is told at once: no handler is called any more. */
static struct verdict
give_verdict(struct policy_state *state, const struct policy_finding *decided)
{
	struct verdict verdict = engine_verdict(decided);

	if (verdict.action == VERDICT_ACCEPT ||
	    verdict.action == VERDICT_QUARANTINE)
		return verdict;
	engine_learn(state, false);
	story_tell(state, decided);
	return verdict;
}

static bool
is_final(const struct policy_finding *decided)
{
	return decided != NULL && decided->action >= POLICY_DEFER;
}

static struct verdict
refuse_bad_message(struct policy_state *state)
{
	static const enum policy_action actions[] = {
		[FAILURE_TEMPFAIL] = POLICY_DEFER,
		[FAILURE_REJECT] = POLICY_REJECT,
		[FAILURE_DISCARD] = POLICY_DISCARD,
		[FAILURE_QUARANTINE] = POLICY_QUARANTINE,
	};
	const struct policy_conf *conf = state->conf;
	bool is_bad = state->internal_error == NULL;
	int failure = is_bad ? conf->on_bad_message : conf->on_internal_error;
	struct policy_finding *finding;

	if (failure == FAILURE_ACCEPT)
		return VERDICT(CONTINUE);
	finding = policy_find(state, &score_check, actions[failure], 0,
	    span_of(is_bad ? "OnBadMessage" : "OnInternalError"), "%s",
	    is_bad ? "the message's header is too large, or forged" :
	    "the message cannot be judged now");
	if (finding->is_monitored)
		return VERDICT(CONTINUE);
	state->decided = finding;
	return is_final(finding) ? give_verdict(state, finding) :
	    VERDICT(CONTINUE);
}

static struct verdict
on_headers(struct filter_context *ctx)
{
	struct policy_state *state = ctx->state;

	engine_headers(state);
	if (is_final(state->decided))
		return give_verdict(state, state->decided);
	if (ctx->message->headers_overflow || score_is_crowded(state) ||
	    state->internal_error != NULL)
		return refuse_bad_message(state);
	return VERDICT(CONTINUE);
}

static struct verdict
on_body(struct filter_context *ctx, struct span piece)
{
	(void)ctx;	/* body_bytes counts it */
	(void)piece;
	return VERDICT(CONTINUE);
}

static void
discard_recipients(struct policy_state *state)
{
	const struct policy_facts *facts = &state->facts;
	size_t i;

	for (i = 0; i < facts->recipient_count; i++)
		if (facts->recipients[i].is_discarded &&
		    !facts->recipients[i].is_refused)
			edit_delete_recipient(state->ctx,
			    facts->recipients[i].path);
}

/* Whether anybody gets it. */
static bool
reaches_somebody(const struct policy_facts *facts)
{
	size_t i;

	for (i = 0; i < facts->recipient_count; i++)
		if (!facts->recipients[i].is_discarded &&
		    !facts->recipients[i].is_refused)
			return true;
	return facts->recipient_count == 0;
}

static struct verdict
on_end(struct filter_context *ctx)
{
	struct policy_state *state = ctx->state;

	engine_end(state);
	if (!is_final(state->decided) && state->internal_error != NULL)
		refuse_bad_message(state);
	if (is_final(state->decided))
		return give_verdict(state, state->decided);
	if (!reaches_somebody(&state->facts)) {
		engine_learn(state, false);
		story_tell(state, NULL);
		return VERDICT(DISCARD);
	}
	discard_recipients(state);
	if (state->conf->wants_header)
		score_edit(state);
	engine_learn(state, true);
	story_tell(state, state->decided);
	return engine_verdict(state->decided);
}

/* The last that a message which came to no end has had: all its recipients
 * were refused, or the client went away. */
static void
tell_refused(struct policy_state *state)
{
	struct policy_finding *finding, *last = NULL;

	if (state->is_told || state->refused == 0)
		return;
	for (finding = state->findings; finding != NULL;
	    finding = finding->next)
		if (finding->action >= POLICY_DEFER && !finding->is_monitored)
			last = finding;
	if (state->refused == state->facts.recipient_count)
		engine_learn(state, false);
	story_tell(state, last);
}

static void
on_done(struct filter_context *ctx)
{
	if (ctx->state == NULL)
		return;
	tell_refused(ctx->state);
	engine_free(ctx->state);
	ctx->state = NULL;
}

const struct policy_state *
policy_report_of(const struct filter_context *ctx)
{
	return ctx->state;
}

/* ---- the process ---- */

static void
on_serve(const void *arg)
{
	const struct policy_conf *conf = arg;

	cache_serve(conf->cache);
	policy_control_serve(conf);
}

static void
on_tick(const void *arg, struct counters *counters)
{
	story_cache(arg, counters);
	alert_tick(clock_monotonic_ms());
}

static void
on_stop(const void *arg)
{
	const struct policy_conf *conf = arg;
	struct strbuf err = STRBUF_INIT;

	policy_control_stop();
	if (cache_save(conf->cache, &err) != 0)
		log_error("%s", strbuf_str(&err));
	strbuf_clear(&err);
}

static unsigned
wants(const void *arg)
{
	const struct policy_conf *conf = arg;
	unsigned steps = FILTER_WANTS_HELO | FILTER_WANTS_MAIL |
	    FILTER_WANTS_RCPT;

	if (conf->wants_header)
		steps |= FILTER_WANTS_HEADERS;
	if (conf->wants_body)
		steps |= FILTER_WANTS_BODY;
	return steps;
}

const struct filter policy_filter = {
	.name = "postern-policy",
	.default_config = "policy.conf",
	.schema = &policy_schema,
	.conf_size = sizeof(struct policy_conf),
	.daemon_offset = offsetof(struct policy_conf, daemon),
	.load = policy_load,
	.unload = policy_unload,
	.serve = on_serve,
	.tick = on_tick,
	.stop = on_stop,
	.wants = wants,
	.actions = FILTER_ADDS_HEADERS | FILTER_CHANGES_HEADERS |
	    FILTER_ADDS_RECIPIENTS | FILTER_DELETES_RECIPIENTS |
	    FILTER_QUARANTINES,
	/* Recipients are refused one by one; all else waits for the end. */
	.replies = FILTER_REPLIES_RCPT,
	.connect_macros = "j v {client_port} {client_connections} "
	    "{daemon_name} {daemon_addr}",
	.mail_macros = "{auth_type} {auth_authen}",
	.eoh_macros = "i",
	.mail = on_mail,
	.rcpt = on_rcpt,
	.headers = on_headers,
	.body = on_body,
	.end = on_end,
	.message_done = on_done,
	.counters = &policy_counters,
};
