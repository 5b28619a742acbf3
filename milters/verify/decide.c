#include "milters/verify/decide.h"

#include "milters/verify/answer.h"
#include "milters/verify/overrides.h"


static void
settle(struct verify_report *report, enum verify_cause cause, int action,
    const char *text)
{
	report->decision.cause = cause;
	report->decision.verdict = failure_verdict(
	    (enum failure_action)action, text);
	report->decision.reason = text;
}

/* ---- DMARC ---- */

static bool
all_sealers_trusted(const struct verify_conf *conf,
    const struct arc_outcome *arc, enum arc_result result)
{
	struct address sealer = { { "", 0 }, { "", 0 } };
	size_t i;

	if (arc == NULL || arc->result != result || arc->sealer_count == 0)
		return false;
	for (i = 0; i < arc->sealer_count; i++) {
		sealer.domain = arc->sealers[i];
		if (!namelist_match(conf->sealers, &sealer, NULL))
			return false;
	}
	return true;
}

/*
 * Dead DNS must not refuse what trusted forwarders may have passed on: where it
 * alone keeps their chain from being believed, the sender is to try again.
 */
static bool
waits_for_sealers(struct filter_context *ctx, struct verify_report *report)
{
	const struct verify_conf *conf = ctx->conf;

	if (!all_sealers_trusted(conf, report->arc, ARC_TEMPERROR))
		return false;
	settle(report, VERIFY_DNS_ERROR, conf->on_dns_error,
	    arena_printf(&ctx->message->arena,
	    "cannot check the ARC chain of trusted sealers now: %s",
	    report->arc->reason));
	return true;
}

static void
override(struct verify_report *report, const char *word, const char *comment)
{
	report->decision.override = word;
	report->decision.override_comment = comment;
}

/*
 * What local rules make of a failure: the policy that is left to apply. The
 * most specific rule first: the admin's row for this domain, which is carried
 * out whatever the other settings say, then the lists.
 */
static enum dmarc_policy
apply_local_rules(struct filter_context *ctx, struct verify_report *report,
    bool *is_ordered)
{
	const struct verify_conf *conf = ctx->conf;
	const struct verify_override *row;
	struct address author = { { "", 0 }, report->dmarc.from };

	row = verify_overrides_find(conf->overrides, author.domain, ctx->now);
	*is_ordered = row != NULL;
	if (row != NULL) {
		override(report, "local_policy",
		    arena_printf(&ctx->message->arena, "%s%s%s", row->row,
		    *row->comment != '\0' ? " " : "", row->comment));
		return row->action;
	}
	if (report->decision.disposition == DMARC_POLICY_NONE)
		return DMARC_POLICY_NONE;
	if (namelist_match(conf->ignored_authors, &author, NULL)) {
		override(report, "local_policy", "IgnoreMailFrom");
		return DMARC_POLICY_NONE;
	}
	if (all_sealers_trusted(conf, report->arc, ARC_PASS)) {
		override(report, "trusted_forwarder", "TrustedSealers");
		return DMARC_POLICY_NONE;
	}
	return report->decision.disposition;
}

static void
refuse(struct filter_context *ctx, struct verify_report *report,
    enum dmarc_policy policy)
{
	report->decision.cause = VERIFY_DMARC_POLICY;
	report->decision.verdict = VERDICT(REJECT);
	report->decision.verdict.text = answer_reject(ctx, report, policy);
}

static void
hold(struct filter_context *ctx, struct verify_report *report)
{
	report->decision.cause = VERIFY_DMARC_POLICY;
	report->decision.verdict = VERDICT(QUARANTINE);
	report->decision.verdict.text = arena_printf(&ctx->message->arena,
	    "DMARC fail for %s: %s", answer_quote(ctx, report->dmarc.from),
	    report->decision.reason);
}

static bool
is_enforced(const struct verify_conf *conf, enum dmarc_policy policy)
{
	return policy == DMARC_POLICY_REJECT ? conf->reject_failures :
	    policy == DMARC_POLICY_QUARANTINE && conf->hold_quarantined;
}

static void
decide_failure(struct filter_context *ctx, struct verify_report *report)
{
	const struct verify_conf *conf = ctx->conf;
	struct verify_decision *decision = &report->decision;
	enum dmarc_policy policy;
	bool is_ordered;

	decision->disposition = report->dmarc.disposition;
	decision->reason = answer_failure(ctx, report);
	if (report->dmarc.is_softened)
		override(report, "policy_test_mode", "t=y");
	policy = apply_local_rules(ctx, report, &is_ordered);
	if (!is_ordered && !is_enforced(conf, policy)) {
		if (policy == DMARC_POLICY_REJECT)
			override(report, "local_policy",
			    "RejectFailures no");
		return;
	}
	if (!is_ordered && waits_for_sealers(ctx, report))
		return;
	if (policy == DMARC_POLICY_REJECT)
		refuse(ctx, report, policy);
	else if (policy == DMARC_POLICY_QUARANTINE)
		hold(ctx, report);
}

/*
 * The domain could not be shown to be without a policy, and nothing that is
 * known to be aligned passed. A policy that is known to be none must not hold
 * mail up (RFC 9989 5.4).
 */
static void
decide_temperror(struct filter_context *ctx, struct verify_report *report)
{
	const struct verify_conf *conf = ctx->conf;
	const struct dmarc_walk *walk = &report->dmarc.walk;
	enum dmarc_policy policy;
	bool is_ordered;

	report->decision.disposition = DMARC_POLICY_NONE;
	report->decision.reason = report->dmarc.reason;
	if (report->dmarc.by_spf || report->dmarc.by_dkim)
		return;
	if (walk->result == DMARC_WALK_DONE &&
	    walk->policy == DMARC_POLICY_NONE)
		return;
	report->decision.disposition = DMARC_POLICY_REJECT;
	policy = apply_local_rules(ctx, report, &is_ordered);
	report->decision.disposition = DMARC_POLICY_NONE;
	if (policy == DMARC_POLICY_NONE)
		return;
	report->decision.override = NULL;
	settle(report, VERIFY_DNS_ERROR, conf->on_dns_error,
	    arena_printf(&ctx->message->arena,
	    "cannot check the DMARC policy of %s now: %s",
	    answer_quote(ctx, report->dmarc.from), report->dmarc.reason));
}

static enum dmarc_policy
strictest(const struct dmarc_outcome *dmarc)
{
	enum dmarc_policy policy = DMARC_POLICY_NONE;
	size_t i;

	for (i = 0; i < dmarc->walk_count; i++)
		if (dmarc->walks[i].policy != DMARC_POLICY_UNSET &&
		    dmarc->walks[i].policy > policy)
			policy = dmarc->walks[i].policy;
	return policy;
}

static bool
has_unknown_policy(const struct dmarc_outcome *dmarc)
{
	size_t i;

	for (i = 0; i < dmarc->walk_count; i++)
		if (dmarc->walks[i].result == DMARC_WALK_TEMPERROR)
			return true;
	return false;
}

/*
 * No author domain or more than one: RFC 9989 11.5. A policy must not hide
 * behind more domains than are looked at.
 */
static void
decide_bad_from(struct filter_context *ctx, struct verify_report *report)
{
	const struct verify_conf *conf = ctx->conf;
	enum verify_cause cause = VERIFY_BAD_FROM;
	int action = conf->on_bad_from;
	const char *text = arena_printf(&ctx->message->arena,
	    "the From field names no single author domain: %s",
	    report->authors.trouble);

	if (action == VERIFY_BY_POLICY) {
		action = FAILURE_ACCEPT;
		if (report->authors.is_over ||
		    strictest(&report->dmarc) != DMARC_POLICY_NONE) {
			action = FAILURE_REJECT;
		} else if (has_unknown_policy(&report->dmarc)) {
			cause = VERIFY_DNS_ERROR;
			action = conf->on_dns_error;
		}
	}
	settle(report, cause, action, text);
}

static void
decide_dmarc(struct filter_context *ctx, struct verify_report *report)
{
	switch (report->dmarc.result) {
	case DMARC_FAIL:
		decide_failure(ctx, report);
		break;
	case DMARC_TEMPERROR:
		decide_temperror(ctx, report);
		break;
	case DMARC_PERMERROR:
		if (report->authors.trouble != NULL)
			decide_bad_from(ctx, report);
		break;
	case DMARC_NONE:
	case DMARC_PASS:
		break;
	}
}

/* ---- SPF ---- */

static bool
spf_is_refused(const struct verify_conf *conf,
    const struct verify_report *report)
{
	if (report->mailfrom == NULL)
		return false;
	switch (conf->spf_reject) {
	case VERIFY_SPF_FAIL:
		return report->mailfrom->result == SPF_FAIL;
	case VERIFY_SPF_SOFTFAIL:
		return report->mailfrom->result == SPF_FAIL ||
		    report->mailfrom->result == SPF_SOFTFAIL;
	default:
		return false;
	}
}

/*
 * Forwarding breaks SPF but not a signature: mail whose author passed DMARC, or
 * that came by forwarders we trust, is not refused (RFC 9989 7.1), and neither
 * is what the admin lets in.
 */
static bool
is_excused(const struct filter_context *ctx,
    const struct verify_report *report)
{
	const struct verify_conf *conf = ctx->conf;
	const struct verify_override *row;

	if (all_sealers_trusted(conf, report->arc, ARC_PASS))
		return true;
	if (!report->has_dmarc)
		return false;
	row = verify_overrides_find(conf->overrides, report->dmarc.from,
	    ctx->now);
	return report->dmarc.result == DMARC_PASS ||
	    (row != NULL && row->action == DMARC_POLICY_NONE);
}

static void
decide_spf(struct filter_context *ctx, struct verify_report *report)
{
	const struct verify_conf *conf = ctx->conf;
	const struct spf_outcome *spf = report->mailfrom;
	struct strbuf client = STRBUF_INIT;
	const char *text;

	if (!spf_is_refused(conf, report) || is_excused(ctx, report) ||
	    waits_for_sealers(ctx, report))
		return;
	ipaddr_add(&client, &ctx->session->client);
	text = arena_printf(&ctx->message->arena,
	    "SPF %s: %s does not allow %s to send its mail%s%s",
	    spf_result_name(spf->result), answer_quote(ctx, spf->domain),
	    strbuf_str(&client), spf->explanation.len != 0 ?
	    "; it says: " : "", spf->explanation.len != 0 ?
	    answer_quote(ctx, spf->explanation) : "");
	strbuf_clear(&client);
	settle(report, VERIFY_SPF_POLICY, FAILURE_REJECT, text);
	report->decision.verdict.enhanced = "5.7.23";	/* RFC 7372 3.2 */
}

void
verify_decide(struct filter_context *ctx, struct verify_report *report)
{
	const struct verify_conf *conf = ctx->conf;
	struct verify_decision *decision = &report->decision;

	*decision = (struct verify_decision){
		.verdict = VERDICT(ACCEPT),
		.disposition = DMARC_POLICY_NONE,
		.override_comment = "",
		.reason = "",
	};
	if (report->internal_error != NULL)
		settle(report, VERIFY_INTERNAL_ERROR, conf->on_internal_error,
		    "the message cannot be checked now");
	else if (report->too_large)
		settle(report, VERIFY_BAD_MESSAGE, conf->on_bad_message,
		    "the message's header is too large to be checked");
	else if (report->has_dmarc)
		decide_dmarc(ctx, report);
	/* What DMARC lets pass with a broken From or dead DNS, SPF may not. */
	if (decision->verdict.action == VERDICT_ACCEPT &&
	    report->internal_error == NULL && !report->too_large)
		decide_spf(ctx, report);
	if (conf->monitor_only &&
	    decision->verdict.action != VERDICT_ACCEPT) {
		decision->is_monitored = true;
		if (decision->cause == VERIFY_DMARC_POLICY)
			override(report, "local_policy", "MonitorOnly yes");
	}
}
