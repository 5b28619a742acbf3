#include "milters/verify/explain.h"

#include "common/base/base64.h"
#include "common/base/escape.h"
#include "common/base/mem.h"
#include "common/dns/trace.h"

/* s escaped, for "%s". */
static const char *
quote(struct filter_context *ctx, struct span s)
{
	struct strbuf out = STRBUF_INIT;
	const char *copy;

	escape_add(&out, s, ESCAPE_MAX, 0);
	copy = arena_strdup(&ctx->message->arena, strbuf_str(&out));
	strbuf_clear(&out);
	return copy;
}

static void
explain_spf(struct filter_context *ctx, const struct spf_outcome *spf,
    const char *scope)
{
	const struct spf_step *step;
	size_t i;

	if (spf == NULL)
		return;
	filter_explain(ctx, "spf %s %s: %s%s%s%s", scope,
	    quote(ctx, spf->domain), spf_result_name(spf->result),
	    *spf->reason != '\0' ? " (" : "", spf->reason,
	    *spf->reason != '\0' ? ")" : "");
	for (i = 0; i < spf->step_count; i++) {
		step = &spf->steps[i];
		filter_explain(ctx, "  %*s%s: %s: %s", (int)step->depth * 2,
		    "", quote(ctx, step->domain),
		    step->term.len != 0 ? quote(ctx, step->term) : "record",
		    step->outcome);
	}
	if (spf->term.len != 0)
		filter_explain(ctx, "  decided by %s of %s",
		    quote(ctx, spf->term), quote(ctx, spf->term_domain));
	if (spf->explanation.len != 0)
		filter_explain(ctx, "  it says: %s",
		    quote(ctx, spf->explanation));
}

/* A hash that differs: what was hashed, so that an admin can compare. */
static void
explain_body(struct filter_context *ctx, const struct dkim_signature *signature,
    const unsigned char hash[BODYHASH_SIZE], uint64_t octets)
{
	struct strbuf text = STRBUF_INIT;

	base64_encode(span_make(hash, BODYHASH_SIZE), &text);
	strbuf_adds(&text, ", bh= says ");
	base64_encode(signature->body_hash, &text);
	filter_explain(ctx, "  body hash %s (%s, %llu octets)",
	    strbuf_str(&text), canon_name(signature->body_canon),
	    (unsigned long long)octets);
	strbuf_clear(&text);
}

static void
explain_header(struct filter_context *ctx, struct span rest)
{
	struct span line;

	while (span_line(&rest, &line))
		filter_explain(ctx, "  hashed: %s", quote(ctx, line));
}

static void
explain_hashes(struct filter_context *ctx, const struct dkim_outcome *dkim)
{
	if (dkim->has_body_hash && dkim->is_readable)
		explain_body(ctx, &dkim->signature, dkim->body_hash,
		    dkim->body_octets);
	explain_header(ctx, dkim->header_text);
}

static void
explain_dkim(struct filter_context *ctx, const struct verify_report *report)
{
	const struct dkim_outcome *dkim;
	size_t i;

	if (report->has_dkim && report->dkim_count == 0)
		filter_explain(ctx, "dkim: no signature");
	for (i = 0; i < report->dkim_count; i++) {
		dkim = &report->dkim[i];
		filter_explain(ctx, "dkim d=%s s=%s a=%s: %s%s%s%s",
		    quote(ctx, dkim->domain), quote(ctx, dkim->selector),
		    quote(ctx, dkim->algorithm),
		    dkim_result_name(dkim->result),
		    *dkim->reason != '\0' ? " (" : "", dkim->reason,
		    *dkim->reason != '\0' ? ")" : "");
		if (dkim->result != DKIM_PASS && !dkim->is_skipped)
			explain_hashes(ctx, dkim);
	}
}

static void
explain_arc(struct filter_context *ctx, const struct verify_report *report)
{
	const struct arc_outcome *arc = report->arc;
	size_t i;

	if (arc == NULL)
		return;
	filter_explain(ctx, "arc: %s%s%s%s (%zu sets)",
	    arc_result_name(arc->result), *arc->reason != '\0' ? ": " : "",
	    arc->reason, arc->failed_instance != 0 ? arena_printf(
	    &ctx->message->arena, " at i=%u", arc->failed_instance) : "",
	    arc->count);
	for (i = 0; i < arc->sealer_count; i++)
		filter_explain(ctx, "  i=%zu sealed by %s", i + 1,
		    quote(ctx, arc->sealers[i]));
	if (arc->message_signature != NULL)
		explain_body(ctx, arc->message_signature, arc->body_hash,
		    arc->body_octets);
	explain_header(ctx, arc->header_text);
}

static void
explain_step(struct filter_context *ctx, const struct dmarc_step *step)
{
	const char *note = step->found.note;
	const struct dmarc_record *record = step->found.record;

	filter_explain(ctx, "  asked _dmarc.%s: %s%s%s",
	    quote(ctx, step->domain), record != NULL ?
	    quote(ctx, record->text) : note,
	    record != NULL && *note != '\0' ? "; " : "",
	    record != NULL ? note : "");
}

static void
explain_walk(struct filter_context *ctx, const struct dmarc_walk *walk)
{
	size_t i;

	for (i = 0; i < walk->step_count; i++)
		explain_step(ctx, &walk->steps[i]);
	if (walk->record != NULL)
		filter_explain(ctx, "  policy of %s applies: %s=%s",
		    quote(ctx, walk->policy_domain), walk->source,
		    dmarc_policy_name(walk->policy));
	if (walk->organizational_domain.len > 0)
		filter_explain(ctx, "  organizational domain: %s",
		    quote(ctx, walk->organizational_domain));
}

static void
explain_dmarc(struct filter_context *ctx, const struct verify_report *report)
{
	const struct dmarc_outcome *dmarc = &report->dmarc;
	const struct dmarc_alignment_step *step;
	size_t i;

	if (!report->has_dmarc)
		return;
	filter_explain(ctx, "dmarc From %s: %s%s%s", quote(ctx, dmarc->from),
	    dmarc_result_name(dmarc->result),
	    *dmarc->reason != '\0' ? ": " : "", dmarc->reason);
	if (report->authors.trouble != NULL)
		filter_explain(ctx, "  From: %s", report->authors.trouble);
	for (i = 0; i < dmarc->walk_count && dmarc->walk_count > 1; i++)
		explain_walk(ctx, &dmarc->walks[i]);
	if (dmarc->walk_count <= 1)
		explain_walk(ctx, &dmarc->walk);
	for (i = 0; i < dmarc->step_count; i++) {
		step = &dmarc->steps[i];
		filter_explain(ctx, "  %s %s: %s (%s%s%s)",
		    step->identifier.method == DMARC_BY_SPF ? "spf" : "dkim",
		    quote(ctx, step->identifier.domain),
		    step->is_aligned ? "aligned" : "not aligned", step->how,
		    step->meeting.len != 0 ? ": " : "",
		    quote(ctx, step->meeting));
	}
}

static void
explain_dns(struct filter_context *ctx, const struct lookups *lookups)
{
	struct strbuf line = STRBUF_INIT;
	size_t i;

	for (i = 0; lookups != NULL && i < lookups_count(lookups); i++) {
		strbuf_reset(&line);
		lookup_add(&line, lookups_at(lookups, i));
		filter_explain(ctx, "dns %s", strbuf_str(&line));
	}
	strbuf_clear(&line);
}

void
explain_report(struct filter_context *ctx, const struct verify_report *report)
{
	const struct verify_decision *decision = &report->decision;

	if (ctx->explain == NULL)
		return;
	explain_dns(ctx, report->lookups);
	if (report->has_iprev)
		filter_explain(ctx, "iprev: %s%s%s%s",
		    iprev_result_name(report->iprev.result),
		    *report->iprev.reason != '\0' ? ": " : "",
		    report->iprev.reason, report->iprev.name.len != 0 ?
		    quote(ctx, report->iprev.name) : "");
	explain_spf(ctx, report->helo, "helo");
	explain_spf(ctx, report->mailfrom, "mailfrom");
	explain_dkim(ctx, report);
	explain_arc(ctx, report);
	if (report->has_adsp)
		filter_explain(ctx, "dkim-adsp: %s%s%s",
		    adsp_result_name(report->adsp.result),
		    *report->adsp.reason != '\0' ? ": " : "",
		    report->adsp.reason);
	explain_dmarc(ctx, report);
	if (report->removed != 0)
		filter_explain(ctx, "%zu forged Authentication-Results fields "
		    "deleted", report->removed);
	if (decision->override != NULL)
		filter_explain(ctx, "override: %s (%s)", decision->override,
		    quote(ctx, span_of(decision->override_comment)));
	filter_explain(ctx, "action: %s%s%s%s%s",
	    verdict_word(&decision->verdict),
	    decision->is_monitored ? ", not carried out: MonitorOnly" : "",
	    *decision->reason != '\0' ? " (" : "", decision->reason,
	    *decision->reason != '\0' ? ")" : "");
}
