#include "milters/verify/verify.h"

#include "milters/verify/checks.h"
#include "milters/verify/compose.h"
#include "milters/verify/decide.h"
#include "milters/verify/explain.h"
#include "milters/verify/settings.h"
#include "milters/verify/story.h"

#include "common/milter/ownname.h"

const char *
verify_cause_word(enum verify_cause cause)
{
	static const char *const words[] = {
		[VERIFY_NOTHING] = "none",
		[VERIFY_EXEMPT] = "exempt",
		[VERIFY_BAD_MESSAGE] = "bad-message",
		[VERIFY_BAD_FROM] = "bad-from",
		[VERIFY_SPF_POLICY] = "spf-policy",
		[VERIFY_DMARC_POLICY] = "dmarc-policy",
		[VERIFY_DNS_ERROR] = "dns-error",
		[VERIFY_INTERNAL_ERROR] = "internal-error",
	};

	return words[cause];
}

static enum verify_exempt
find_exemption(const struct filter_context *ctx)
{
	const struct verify_conf *conf = ctx->conf;
	const struct session *session = ctx->session;

	if (hostlist_match(conf->ignored_hosts, session->client_name,
	    &session->client, NULL))
		return VERIFY_IGNORED_HOST;
	if (conf->ignore_authenticated &&
	    session_macro(session, "{auth_type}").len != 0)
		return VERIFY_AUTHENTICATED;
	return VERIFY_CHECKED;
}

static struct verdict
on_mail(struct filter_context *ctx)
{
	const struct verify_conf *conf = ctx->conf;
	struct verify_state *state;

	state = arena_zalloc(&ctx->message->arena, sizeof(*state));
	ctx->state = state;
	state->report.exempt = find_exemption(ctx);
	state->report.own_id = own_id_find(ctx, conf->own_id,
	    conf->host_name);
	if (state->report.exempt == VERIFY_CHECKED)
		checks_start(ctx, state);
	return VERDICT(CONTINUE);
}

static void
tell(struct filter_context *ctx, struct verify_state *state)
{
	state->is_done = true;
	story_log(ctx, &state->report);
	story_count(ctx, &state->report);
	explain_report(ctx, &state->report);
}

/* What a trusted host says stays; what an authenticated user says in our name
 * does not. */
static struct verdict
pass_exempt(struct filter_context *ctx, struct verify_state *state)
{
	struct verify_report *report = &state->report;

	report->decision = (struct verify_decision){
		.cause = VERIFY_EXEMPT,
		.verdict = VERDICT(ACCEPT),
		.override_comment = "",
		.reason = report->exempt == VERIFY_IGNORED_HOST ?
		    "the client is in IgnoreHosts" :
		    "the client is authenticated",
	};
	if (report->exempt == VERIFY_AUTHENTICATED)
		compose_removals(ctx, report);
	tell(ctx, state);
	/* Fields can be deleted at the end of the message only. */
	return report->removed == 0 ? VERDICT(ACCEPT) : VERDICT(CONTINUE);
}

static struct verdict
on_headers(struct filter_context *ctx)
{
	struct verify_state *state = ctx->state;

	if (state->report.exempt != VERIFY_CHECKED)
		return pass_exempt(ctx, state);
	checks_header(ctx, state);
	return VERDICT(CONTINUE);
}

static struct verdict
on_body(struct filter_context *ctx, struct span piece)
{
	struct verify_state *state = ctx->state;

	return checks_body(state, piece) ? VERDICT(CONTINUE) :
	    VERDICT(SKIP_BODY);
}

static struct verdict
on_end(struct filter_context *ctx)
{
	struct verify_state *state = ctx->state;
	struct verify_report *report = &state->report;

	if (report->exempt != VERIFY_CHECKED)
		return VERDICT(ACCEPT);
	checks_finish(ctx, state);
	verify_decide(ctx, report);
	compose_removals(ctx, report);
	compose_results(ctx, report);
	tell(ctx, state);
	return report->decision.is_monitored ? VERDICT(ACCEPT) :
	    report->decision.verdict;
}

static void
on_done(struct filter_context *ctx)
{
	if (ctx->state == NULL)
		return;
	checks_free(ctx->state);
	ctx->state = NULL;
}

const struct verify_report *
verify_report_of(const struct filter_context *ctx)
{
	const struct verify_state *state = ctx->state;

	return state != NULL && state->is_done ? &state->report : NULL;
}

static unsigned
wants(const void *arg)
{
	const struct verify_conf *conf = arg;
	unsigned steps = FILTER_WANTS_HELO | FILTER_WANTS_MAIL |
	    FILTER_WANTS_HEADERS;

	if ((conf->wanted & (VERIFY_DKIM | VERIFY_ARC)) != 0)
		steps |= FILTER_WANTS_BODY;
	return steps;
}

const struct filter verify_filter = {
	.name = "postern-verify",
	.default_config = "verify.conf",
	.schema = &verify_schema,
	.conf_size = sizeof(struct verify_conf),
	.daemon_offset = offsetof(struct verify_conf, daemon),
	.load = verify_load,
	.unload = verify_unload,
	.wants = wants,
	.actions = FILTER_ADDS_HEADERS | FILTER_CHANGES_HEADERS |
	    FILTER_QUARANTINES,
	/*
	 * None. An answer to each piece of a body, so that the MTA can be told
	 * to leave out the rest of one that nobody needs, costs both sides more
	 * than reading that rest: most mail is signed.
	 */
	.replies = 0,
	.connect_macros = "j",
	.mail_macros = "{auth_type}",
	.eoh_macros = "i",
	.mail = on_mail,
	.headers = on_headers,
	.body = on_body,
	.end = on_end,
	.message_done = on_done,
	.counters = &story_counters,
};
