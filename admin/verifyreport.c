#include "admin/verifyreport.h"

#include "admin/trial.h"
#include "common/dns/trace.h"

static void
add_field(struct json *json, const struct verify_report *report)
{
	struct strbuf value = STRBUF_INIT;

	if (report != NULL)
		trial_unfold(report->authres, &value);
	json_text(json, "authentication_results", strbuf_span(&value));
	strbuf_clear(&value);
}

static void
add_iprev(struct json *json, const struct verify_report *report)
{
	if (report == NULL || !report->has_iprev) {
		json_null(json, "iprev");
		return;
	}
	json_cstring(json, "iprev", iprev_result_name(report->iprev.result));
}

static void
add_spf(struct json *json, enum spf_scope scope,
    const struct spf_outcome *spf)
{
	if (spf == NULL)
		return;
	json_object(json, NULL);
	json_cstring(json, "scope", spf_scope_name(scope));
	json_cstring(json, "result", spf_result_name(spf->result));
	json_text(json, "domain", spf->domain);
	json_cstring(json, "reason", spf->reason);
	json_text(json, "term", spf->term);
	json_text(json, "term_domain", spf->term_domain);
	json_text(json, "explanation", spf->explanation);
	json_object_end(json);
}

static void
add_signatures(struct json *json, const struct verify_report *report)
{
	const struct dkim_outcome *dkim;
	size_t i;

	json_array(json, "dkim");
	for (i = 0; report != NULL && i < report->dkim_count; i++) {
		dkim = &report->dkim[i];
		json_object(json, NULL);
		json_text(json, "domain", dkim->domain);
		json_text(json, "selector", dkim->selector);
		json_text(json, "algorithm", dkim->algorithm);
		json_cstring(json, "result", dkim_result_name(dkim->result));
		json_cstring(json, "reason", dkim->reason);
		json_object_end(json);
	}
	json_array_end(json);
}

static void
add_arc(struct json *json, const struct verify_report *report)
{
	const struct arc_outcome *arc = report != NULL ? report->arc : NULL;
	size_t i;

	if (arc == NULL) {
		json_null(json, "arc");
		return;
	}
	json_object(json, "arc");
	json_cstring(json, "result", arc_result_name(arc->result));
	json_array(json, "sealers");
	for (i = 0; i < arc->sealer_count; i++)
		json_string(json, NULL, arc->sealers[i]);
	json_array_end(json);
	json_object_end(json);
}

static void
add_dmarc(struct json *json, const struct verify_report *report)
{
	const struct dmarc_outcome *dmarc;

	if (report == NULL || !report->has_dmarc) {
		json_null(json, "dmarc");
		return;
	}
	dmarc = &report->dmarc;
	json_object(json, "dmarc");
	json_cstring(json, "result", dmarc_result_name(dmarc->result));
	json_text(json, "from", dmarc->from);
	json_text(json, "policy", span_of(dmarc->walk.record != NULL ?
	    dmarc_policy_name(dmarc->walk.policy) : NULL));
	json_cstring(json, "disposition",
	    dmarc_policy_name(report->decision.disposition));
	json_text(json, "override", span_of(report->decision.override));
	json_object_end(json);
}

void
verifyreport_json(const struct verify_report *report,
    const struct verdict *verdict, struct json *json)
{
	add_field(json, report);
	trial_json_verdict(verdict, json);
	add_iprev(json, report);
	json_array(json, "spf");
	if (report != NULL) {
		add_spf(json, SPF_SCOPE_HELO, report->helo);
		add_spf(json, SPF_SCOPE_MAILFROM, report->mailfrom);
	}
	json_array_end(json);
	add_signatures(json, report);
	add_arc(json, report);
	add_dmarc(json, report);
	if (report != NULL && report->lookups != NULL) {
		lookups_add_json(json, "queries", report->lookups);
	} else {
		json_array(json, "queries");
		json_array_end(json);
	}
}
