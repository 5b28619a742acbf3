#include "milters/verify/checks.h"

#include "common/base/mem.h"
#include "common/base/log.h"

static const struct spf_outcome bad_sender = {
	.result = SPF_NONE,
	.reason = "the sender is no valid address",
};

/* ---- at MAIL ---- */

static void
read_sender(const struct message *message, struct verify_state *state)
{
	struct message *m = (struct message *)message;
	enum address_result result = address_parse_path(message->sender_text,
	    &m->arena, &state->sender);

	if (result != ADDRESS_OK && result != ADDRESS_LITERAL) {
		state->sender = (struct address){ { "", 0 }, { "", 0 } };
		state->sender_is_bad = result != ADDRESS_EMPTY;
	}
}

static void
start_spf(struct filter_context *ctx, struct verify_state *state,
    enum spf_scope scope)
{
	const struct verify_conf *conf = ctx->conf;
	struct spf_question *question = &state->spf_question[scope];

	*question = (struct spf_question){
		.scope = scope,
		.client = ctx->session->client,
		.helo = arena_dup(&ctx->message->arena, ctx->session->helo),
		.sender = state->sender,
		.receiver = conf->host_name,
		.now = ctx->now,
	};
	state->spf[scope] = spf_check_new(question, state->lookups,
	    &ctx->message->arena);
}

static void
start_lookups(struct filter_context *ctx, struct verify_state *state)
{
	const struct verify_conf *conf = ctx->conf;
	struct lookups_options options = {
		.dns = conf->dns,
		.source = conf->source,
		.source_arg = conf->source_arg,
		.query_ms = conf->dns_timeout * 1000,
		.message_ms = conf->message_timeout * 1000,
	};

	state->lookups = lookups_new(&options);
	state->report.lookups = state->lookups;
}

static bool
advance_iprev(struct filter_context *ctx, struct verify_state *state)
{
	struct verify_report *report = &state->report;

	if (report->has_iprev && !state->iprev_done)
		state->iprev_done = iprev_check(&ctx->session->client,
		    state->lookups, &ctx->message->arena, &report->iprev);
	return !report->has_iprev || state->iprev_done;
}

static bool
advance_spf(struct verify_state *state)
{
	struct verify_report *report = &state->report;
	const struct spf_outcome **outcomes[] = {
		[SPF_SCOPE_HELO] = &report->helo,
		[SPF_SCOPE_MAILFROM] = &report->mailfrom,
	};
	bool is_done = true;
	size_t i;

	for (i = 0; i < ARRAY_LEN(outcomes); i++) {
		if (state->spf[i] != NULL && *outcomes[i] == NULL)
			*outcomes[i] = spf_check_advance(state->spf[i]);
		if (state->spf[i] != NULL && *outcomes[i] == NULL)
			is_done = false;
	}
	return is_done;
}

/* Everything as far as it goes now; true where nothing is missing. DMARC's
 * result waits for the others', its questions need not. */
static bool
advance(struct filter_context *ctx, struct verify_state *state)
{
	const struct verify_conf *conf = ctx->conf;
	bool is_done = advance_iprev(ctx, state);

	is_done &= advance_spf(state);
	if (state->dkim != NULL)
		is_done &= dkim_verify_advance(state->dkim);
	if (state->arc != NULL)
		is_done &= arc_validate_advance(state->arc);
	if ((conf->wanted & VERIFY_DMARC) != 0)
		dmarc_prefetch_next(&state->report.authors,
		    (enum dmarc_discovery)conf->discovery, state->lookups,
		    &ctx->message->arena);
	return is_done;
}

void
checks_start(struct filter_context *ctx, struct verify_state *state)
{
	const struct verify_conf *conf = ctx->conf;

	start_lookups(ctx, state);
	read_sender(ctx->message, state);
	state->report.has_iprev = (conf->wanted & VERIFY_IPREV) != 0 &&
	    ctx->session->client.family != 0;
	if (state->report.has_iprev)
		iprev_prefetch(&ctx->session->client,
		    ctx->session->client_name, state->lookups);
	if ((conf->wanted & VERIFY_SPF) != 0) {
		start_spf(ctx, state, SPF_SCOPE_HELO);
		if (state->sender_is_bad)
			state->report.mailfrom = &bad_sender;
		else
			start_spf(ctx, state, SPF_SCOPE_MAILFROM);
	}
	advance(ctx, state);
}

/* ---- at the end of the header ---- */

/* PartialSignatures' words begin with pass. */
static enum dkim_result
partial_result(const struct verify_conf *conf)
{
	return (enum dkim_result)(DKIM_PASS + conf->partial_signatures);
}

static void
start_dkim(struct filter_context *ctx, struct verify_state *state)
{
	const struct verify_conf *conf = ctx->conf;
	struct message *message = ctx->message;
	struct dkim_verify_options options = {
		.max_signatures = (unsigned)conf->maximum_signatures,
		.min_key_bits = (unsigned)conf->minimum_key_bits,
		.partial_body = partial_result(conf),
		.authors = state->report.authors.domains,
		.author_count = state->report.authors.count,
		.now = ctx->now,
		.keep_hashed = ctx->explain != NULL,
	};

	state->dkim = dkim_verify_start(&options, message->headers,
	    message->header_count, state->lookups, &state->hashes,
	    &message->arena);
}

static void
start_arc(struct filter_context *ctx, struct verify_state *state)
{
	const struct verify_conf *conf = ctx->conf;
	struct message *message = ctx->message;
	struct arc_options options = {
		.min_key_bits = (unsigned)conf->minimum_key_bits,
		.accept_partial_body = partial_result(conf) == DKIM_PASS,
		.now = ctx->now,
		.keep_hashed = ctx->explain != NULL,
	};

	state->arc = arc_validate_start(&options, message->headers,
	    message->header_count, state->lookups, &state->hashes,
	    &message->arena);
}

/* DMARC's questions for the author and for what might come to pass. */
static void
prefetch_dmarc(struct filter_context *ctx, struct verify_state *state)
{
	const struct verify_conf *conf = ctx->conf;
	const struct message *message = ctx->message;
	struct span domains[1 + DKIM_VERIFY_SIGNATURES];
	struct dkim_signature_peek peek;
	size_t i, count = 0;

	domains[count++] = state->sender.domain;
	for (i = 0; i < message->header_count && count < ARRAY_LEN(domains);
	    i++) {
		if (!span_is_nocase(message->headers[i].name,
		    "DKIM-Signature"))
			continue;
		dkim_signature_peek(message->headers[i].value, &peek);
		domains[count++] = peek.domain;
	}
	dmarc_prefetch(&state->report.authors, domains, count,
	    (enum dmarc_discovery)conf->discovery, state->lookups,
	    &ctx->message->arena);
}

void
checks_header(struct filter_context *ctx, struct verify_state *state)
{
	const struct verify_conf *conf = ctx->conf;
	struct verify_report *report = &state->report;
	struct message *message = ctx->message;

	dmarc_authors_find(message->headers, message->header_count,
	    &message->arena, &report->authors);
	if (message->headers_overflow) {
		report->too_large = true;
		return;
	}
	if ((conf->wanted & VERIFY_DKIM) != 0)
		start_dkim(ctx, state);
	if ((conf->wanted & VERIFY_ARC) != 0)
		start_arc(ctx, state);
	if ((conf->wanted & VERIFY_DMARC) != 0)
		prefetch_dmarc(ctx, state);
	advance(ctx, state);
}

/* ---- the body ---- */

bool
checks_body(struct verify_state *state, struct span piece)
{
	if (!bodyhashes_wanted(&state->hashes))
		return false;
	bodyhashes_add(&state->hashes, piece);
	if (lookups_arrived(state->lookups) && state->dkim != NULL)
		dkim_verify_advance(state->dkim);
	return true;
}

/* ---- the end ---- */

static void
fail(struct filter_context *ctx, struct verify_report *report,
    const char *text)
{
	if (report->internal_error == NULL)
		report->internal_error = arena_strdup(&ctx->message->arena,
		    text);
}

/* False where no question is open: a bug of ours. */
static bool
wait_for_answers(struct filter_context *ctx, struct verify_state *state)
{
	if (!state->has_waited)
		filter_will_wait(ctx);
	state->has_waited = true;
	return lookups_wait(state->lookups);
}

/* True once every check has its answers; false is a bug of ours, told. */
static bool
wait_for_checks(struct filter_context *ctx, struct verify_state *state)
{
	while (!advance(ctx, state)) {
		if (!wait_for_answers(ctx, state)) {
			fail(ctx, &state->report, "a check waits for no "
			    "question");
			return false;
		}
	}
	return true;
}

static void
end_signatures(struct filter_context *ctx, struct verify_state *state)
{
	struct verify_report *report = &state->report;
	struct strbuf err = STRBUF_INIT;

	if (bodyhashes_end(&state->hashes, &err) != 0)
		fail(ctx, report, strbuf_str(&err));
	strbuf_clear(&err);
	if (state->dkim != NULL) {
		report->dkim = dkim_verify_end(state->dkim,
		    &report->dkim_count);
		report->dkim_unlisted = dkim_verify_unlisted(state->dkim);
		report->has_dkim = true;
	}
	if (state->arc != NULL)
		report->arc = arc_validate_end(state->arc);
}

/* What SPF and DKIM found, in DMARC's words. */
static void
collect_identifiers(const struct verify_report *report, struct arena *arena,
    struct dmarc_question *question)
{
	size_t max = report->dkim_count + 1, i, failed = 0;
	struct dmarc_identifier *passed;
	struct span *domains;

	passed = arena_alloc(arena, max * sizeof(*passed));
	domains = arena_alloc(arena, max * sizeof(*domains));
	question->passed = passed;
	question->dkim_domains = domains;
	if (report->mailfrom != NULL &&
	    report->mailfrom->result == SPF_PASS)
		passed[question->passed_count++] = (struct dmarc_identifier){
		    DMARC_BY_SPF, report->mailfrom->domain };
	if (report->mailfrom != NULL &&
	    report->mailfrom->result == SPF_TEMPERROR) {
		question->spf_temperror = true;
		question->spf_domain = report->mailfrom->domain;
	}
	for (i = 0; i < report->dkim_count; i++) {
		if (report->dkim[i].result == DKIM_PASS)
			passed[question->passed_count++] =
			    (struct dmarc_identifier){ DMARC_BY_DKIM,
			    report->dkim[i].signature.domain };
		else if (report->dkim[i].result == DKIM_TEMPERROR)
			domains[failed++] = report->dkim[i].domain;
	}
	question->dkim_temperror = failed > 0;
	question->dkim_domain_count = failed;
}

static void
finish_dmarc(struct filter_context *ctx, struct verify_state *state)
{
	const struct verify_conf *conf = ctx->conf;
	struct verify_report *report = &state->report;
	struct dmarc_question question = {
		.authors = &report->authors,
		.discovery = (enum dmarc_discovery)conf->discovery,
	};
	const char *disagrees = NULL;

	collect_identifiers(report, &ctx->message->arena, &question);
	while (!dmarc_evaluate(&question, state->lookups, &ctx->message->arena,
	    &report->dmarc, &disagrees)) {
		if (!wait_for_answers(ctx, state)) {
			fail(ctx, report, "DMARC waits for no question");
			return;
		}
	}
	if (disagrees != NULL)
		fail(ctx, report, disagrees);
	report->has_dmarc = true;
}

static bool
is_author_signed(const struct verify_report *report, struct span author)
{
	size_t i;

	for (i = 0; i < report->dkim_count; i++)
		if (report->dkim[i].result == DKIM_PASS &&
		    span_eq(report->dkim[i].signature.domain, author))
			return true;
	return false;
}

static void
finish_adsp(struct filter_context *ctx, struct verify_state *state)
{
	struct verify_report *report = &state->report;
	struct span author = report->authors.domains[0];
	bool is_signed = is_author_signed(report, author);

	while (!adsp_check(author, is_signed, state->lookups,
	    &ctx->message->arena, &report->adsp)) {
		if (!wait_for_answers(ctx, state)) {
			fail(ctx, report, "ADSP waits for no question");
			return;
		}
	}
	report->has_adsp = true;
}

void
checks_finish(struct filter_context *ctx, struct verify_state *state)
{
	const struct verify_conf *conf = ctx->conf;
	struct verify_report *report = &state->report;

	if (!wait_for_checks(ctx, state))
		return;
	end_signatures(ctx, state);
	if (report->too_large || report->internal_error != NULL)
		return;
	if ((conf->wanted & VERIFY_DMARC) != 0)
		finish_dmarc(ctx, state);
	if (conf->adsp && report->has_dkim && report->authors.trouble == NULL)
		finish_adsp(ctx, state);
}

void
checks_free(struct verify_state *state)
{
	dkim_verify_free(state->dkim);
	arc_validate_free(state->arc);
	bodyhashes_clear(&state->hashes);
	lookups_free(state->lookups);
}
