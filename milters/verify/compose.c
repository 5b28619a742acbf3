#include "milters/verify/compose.h"

#include "common/base/mem.h"
#include "common/mail/authres.h"
#include "common/mail/receivedspf.h"

#define FIELD_NAME	SPAN_LIT("Authentication-Results")

enum { COMPOSE_DKIM_MAX = 20 };	/* signatures that are listed */

/* ---- what goes ---- */

/* Our id, and those of RemoveARFrom; *count of them. */
static const struct span *
list_ids(struct filter_context *ctx, const struct verify_report *report,
    size_t *count)
{
	const struct verify_conf *conf = ctx->conf;
	struct span *ids;

	*count = 1 + conf->remove_count;
	if (conf->remove_count == 0)
		return &report->own_id;
	ids = arena_alloc(&ctx->message->arena, *count * sizeof(*ids));
	ids[0] = report->own_id;
	memcpy(ids + 1, conf->remove_ids, conf->remove_count * sizeof(*ids));
	return ids;
}

void
compose_removals(struct filter_context *ctx, struct verify_report *report)
{
	const struct header_field *fields = ctx->message->headers;
	size_t i = ctx->message->header_count, n, id_count;
	const struct span *ids = list_ids(ctx, report, &id_count);
	struct span name = FIELD_NAME;
	struct arena scratch = ARENA_INIT;

	n = header_count(fields, i, name);
	/* From the last one up: deleting shifts the numbers behind. */
	while (n > 0 && i-- > 0) {
		if (header_find(&fields[i], 1, name, 0) != 0)
			continue;
		if (authres_is_of(fields[i].value, ids, id_count, &scratch)) {
			edit_delete_header(ctx, name, (unsigned)n);
			report->removed++;
		}
		arena_reset(&scratch);
		n--;
	}
	arena_clear(&scratch);
}

/* ---- what comes ---- */

/* What DNS said in detail, with the addresses of our servers, is for the log
 * and not for every reader of the message. */
static void
reason(struct authres *field, bool is_temporary, const char *text)
{
	if (is_temporary)
		text = "temporary trouble, mostly of DNS; the log has more";
	if (text != NULL && *text != '\0')
		authres_reason(field, span_of(text));
}

static void
add_client(struct filter_context *ctx, const char *property,
    struct authres *field)
{
	struct strbuf client = STRBUF_INIT;

	if (ctx->session->client.family != 0)
		ipaddr_add(&client, &ctx->session->client);
	authres_property(field, property, strbuf_span(&client));
	strbuf_clear(&client);
}

static void
add_iprev(struct filter_context *ctx, const struct verify_report *report,
    struct authres *field)
{
	if (!report->has_iprev)
		return;
	authres_method(field, "iprev", iprev_result_name(report->iprev.result));
	if (report->iprev.name.len != 0)
		authres_comment(field, report->iprev.name);
	reason(field, report->iprev.result == IPREV_TEMPERROR,
	    report->iprev.reason);
	add_client(ctx, "policy.iprev", field);
}

static void
add_spf(struct filter_context *ctx, const struct verify_report *report,
    struct authres *field)
{
	const struct spf_outcome *mailfrom = report->mailfrom;

	if (report->helo != NULL) {
		authres_method(field, "spf",
		    spf_result_name(report->helo->result));
		reason(field, report->helo->result == SPF_TEMPERROR,
		    report->helo->reason);
		authres_property(field, "smtp.helo", ctx->session->helo);
	}
	if (mailfrom == NULL)
		return;
	authres_method(field, "spf", spf_result_name(mailfrom->result));
	reason(field, mailfrom->result == SPF_TEMPERROR, mailfrom->reason);
	if (mailfrom->sender.domain.len != 0)
		authres_address(field, "smtp.mailfrom", &mailfrom->sender);
	else if (mailfrom->domain.len != 0)
		authres_property(field, "smtp.mailfrom", mailfrom->domain);
}

static void
add_signature(const struct dkim_outcome *dkim, struct authres *field)
{
	char size[32];

	authres_method(field, "dkim", dkim_result_name(dkim->result));
	if (dkim->key_bits != 0) {
		snprintf(size, sizeof(size), "%u-bit key%s", dkim->key_bits,
		    dkim->is_testing ? ", testing" : "");
		authres_comment(field, span_of(size));
	}
	reason(field, dkim->result == DKIM_TEMPERROR, dkim->reason);
	authres_property(field, "header.d", dkim->domain);
	authres_property(field, "header.i", dkim->identity);
	authres_property(field, "header.s", dkim->selector);
	authres_property(field, "header.a", dkim->algorithm);
	authres_property(field, "header.b", dkim->b);
}

static void
add_dkim(const struct verify_report *report, struct authres *field)
{
	size_t i;

	if (report->has_dkim && report->dkim_count == 0)
		authres_method(field, "dkim", dkim_result_name(DKIM_NONE));
	for (i = 0; i < report->dkim_count && i < COMPOSE_DKIM_MAX; i++)
		add_signature(&report->dkim[i], field);
	if (report->dkim_count + report->dkim_unlisted > i) {
		char rest[64];

		snprintf(rest, sizeof(rest), "%zu more signatures not shown",
		    report->dkim_count + report->dkim_unlisted - i);
		authres_comment(field, span_of(rest));
	}
}

static void
add_adsp(const struct verify_report *report, struct authres *field)
{
	if (!report->has_adsp)
		return;
	authres_method(field, "dkim-adsp",
	    adsp_result_name(report->adsp.result));
	reason(field, report->adsp.result == ADSP_TEMPERROR,
	    report->adsp.reason);
	authres_property(field, "header.from", report->authors.domains[0]);
}

/* RFC 8617 6: who relayed a chain, for those who judge it later. */
static void
add_arc(struct filter_context *ctx, const struct verify_report *report,
    struct authres *field)
{
	const struct arc_outcome *arc = report->arc;
	struct strbuf text = STRBUF_INIT;
	size_t i;

	if (arc == NULL)
		return;
	authres_method(field, "arc", arc_result_name(arc->result));
	if (arc->count != 0) {
		strbuf_addf(&text, "i=%zu", arc->count);
		for (i = 0; i < arc->sealer_count; i++) {
			strbuf_adds(&text, i == 0 ? " sealers=" : ",");
			strbuf_addspan(&text, arc->sealers[i]);
		}
		authres_comment(field, strbuf_span(&text));
	}
	strbuf_clear(&text);
	reason(field, arc->result == ARC_TEMPERROR, arc->reason);
	if (arc->result != ARC_NONE)
		add_client(ctx, "smtp.remote-ip", field);
}

/* "p=reject sp=none source=sp dis=none override=local_policy RejectFailures
 * no". */
static void
describe_policy(const struct verify_report *report, struct strbuf *out)
{
	const struct dmarc_record *record = report->dmarc.walk.record;
	const struct verify_decision *decision = &report->decision;

	if (record == NULL)
		return;
	strbuf_addf(out, "p=%s", dmarc_policy_name(
	    record->p == DMARC_POLICY_UNSET ? DMARC_POLICY_NONE : record->p));
	if (record->sp != DMARC_POLICY_UNSET)
		strbuf_addf(out, " sp=%s", dmarc_policy_name(record->sp));
	if (record->np != DMARC_POLICY_UNSET)
		strbuf_addf(out, " np=%s", dmarc_policy_name(record->np));
	if (record->is_testing)
		strbuf_adds(out, " t=y");
	if (report->dmarc.walk.source != NULL)
		strbuf_addf(out, " source=%s", report->dmarc.walk.source);
	if (report->dmarc.result == DMARC_FAIL)
		strbuf_addf(out, " dis=%s",
		    dmarc_policy_name(decision->disposition));
	if (decision->override != NULL)
		strbuf_addf(out, " override=%s: %s", decision->override,
		    decision->override_comment);
}

static void
add_dmarc(const struct verify_report *report, struct authres *field)
{
	const struct dmarc_outcome *dmarc = &report->dmarc;
	struct strbuf text = STRBUF_INIT;

	if (!report->has_dmarc)
		return;
	authres_method(field, "dmarc", dmarc_result_name(dmarc->result));
	describe_policy(report, &text);
	if (text.len != 0)
		authres_comment(field, strbuf_span(&text));
	strbuf_clear(&text);
	reason(field, false, dmarc->result == DMARC_NONE ? NULL :
	    dmarc->reason);
	authres_property(field, "header.from", dmarc->from);
	if (dmarc->walk.policy != DMARC_POLICY_UNSET &&
	    dmarc->walk.record != NULL)
		authres_property(field, "policy.dmarc",
		    span_of(dmarc_policy_name(
		    dmarc_policy_in_force(dmarc->walk.policy,
		    dmarc->walk.record->is_testing))));
}

/* A header that was not read to its end can pass nothing. */
static void
add_unreadable(struct filter_context *ctx, const struct verify_report *report,
    struct authres *field)
{
	static const struct { unsigned check; const char *method; } rows[] = {
		{ VERIFY_DKIM, "dkim" }, { VERIFY_DMARC, "dmarc" },
	};
	const struct verify_conf *conf = ctx->conf;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (!report->too_large || (conf->wanted & rows[i].check) == 0)
			continue;
		authres_method(field, rows[i].method, "permerror");
		reason(field, false, "the header is larger than MaximumHeaders");
	}
}

static void
insert_received_spf(struct filter_context *ctx,
    const struct verify_report *report)
{
	const struct spf_outcome *spf = report->mailfrom;
	struct strbuf value = STRBUF_INIT, comment = STRBUF_INIT;
	struct received_spf field = {
		.result = spf_result_name(spf->result),
		.identity = spf_scope_name(SPF_SCOPE_MAILFROM),
		.client = ctx->session->client,
		.sender = spf->sender,
		.helo = ctx->session->helo,
		.receiver = report->own_id,
		.mechanism = spf->term,
	};

	strbuf_addspan(&comment, report->own_id);
	strbuf_adds(&comment, ": ");
	strbuf_adds(&comment, spf->result == SPF_TEMPERROR ? "DNS trouble" :
	    *spf->reason != '\0' ? spf->reason :
	    "by the record of the domain");
	field.comment = strbuf_span(&comment);
	if (spf->result == SPF_TEMPERROR || spf->result == SPF_PERMERROR)
		field.problem = spf->result == SPF_TEMPERROR ?
		    SPAN_LIT("DNS trouble") : span_of(spf->reason);
	received_spf_format(&field, &value);
	edit_insert_header(ctx, 0, SPAN_LIT("Received-SPF"),
	    strbuf_span(&value));
	strbuf_clear(&comment);
	strbuf_clear(&value);
}

void
compose_results(struct filter_context *ctx, struct verify_report *report)
{
	const struct verify_conf *conf = ctx->conf;
	struct strbuf value = STRBUF_INIT;
	struct authres field;

	authres_start(&field, report->own_id, &value);
	add_iprev(ctx, report, &field);
	add_spf(ctx, report, &field);
	add_dkim(report, &field);
	add_adsp(report, &field);
	add_arc(ctx, report, &field);
	add_dmarc(report, &field);
	add_unreadable(ctx, report, &field);
	authres_end(&field);
	report->authres = arena_dup(&ctx->message->arena, strbuf_span(&value));
	strbuf_clear(&value);
	if (conf->received_spf && report->mailfrom != NULL)
		insert_received_spf(ctx, report);
	edit_insert_header(ctx, 0, FIELD_NAME, report->authres);
}
