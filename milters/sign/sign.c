#include "milters/sign/sign.h"

#include "milters/sign/decide.h"
#include "milters/sign/settings.h"

#include "common/base/log.h"
#include "common/base/mem.h"

enum sign_counter {
	COUNT_RSA = SIGN_REASONS,	/* one row for each reason first */
	COUNT_ED25519,
	COUNT_BYTES
};

#define MESSAGES	"postern_sign_messages_total"
#define SIGNATURES	"postern_sign_signatures_total"
#define UNSIGNED(reason, word) \
	[reason] = { MESSAGES, "result=\"unsigned\",reason=\"" word "\"", \
	    NULL, COUNTER }

static const struct counter_row counter_rows[] = {
	[SIGN_YES] = { MESSAGES, "result=\"signed\",reason=\"\"",
	    "Messages by what became of them.", COUNTER },
	UNSIGNED(SIGN_PEER, "peer"),
	UNSIGNED(SIGN_TOO_LARGE, "header-too-large"),
	UNSIGNED(SIGN_MALFORMED, "malformed-header"),
	UNSIGNED(SIGN_NO_FROM, "no-from"),
	UNSIGNED(SIGN_SEVERAL_FROM, "several-from"),
	UNSIGNED(SIGN_BAD_FROM, "bad-from"),
	UNSIGNED(SIGN_BAD_SENDER, "bad-sender"),
	UNSIGNED(SIGN_EXEMPT, "exempt"),
	UNSIGNED(SIGN_EXTERNAL, "external"),
	UNSIGNED(SIGN_NO_ROW, "no-row"),
	UNSIGNED(SIGN_NO_KEY, "no-key"),
	UNSIGNED(SIGN_RECIPIENT, "recipient"),
	UNSIGNED(SIGN_KEY_ERROR, "key-error"),
	UNSIGNED(SIGN_THERE, "already-signed"),
	UNSIGNED(SIGN_INTERNAL_ERROR, "internal-error"),
	[COUNT_RSA] = { SIGNATURES, "algorithm=\"rsa-sha256\"",
	    "Signatures made.", COUNTER },
	[COUNT_ED25519] = { SIGNATURES, "algorithm=\"ed25519-sha256\"", NULL,
	    COUNTER },
	[COUNT_BYTES] = { "postern_sign_body_bytes_total", NULL,
	    "Octets of bodies that were hashed.", COUNTER },
};

static const struct counter_schema counters = {
	counter_rows, ARRAY_LEN(counter_rows)
};

/* A message on its way to be signed; in its arena. */
struct sign_state {
	struct sign_decision decision;
	struct dkim_sign_options options;
	struct dkim_sign *sign;
};

/* What an admin's setting says about a message that is not signed. */
static struct verdict
unsigned_verdict(const struct sign_conf *conf, enum sign_reason reason)
{
	switch (reason) {
	case SIGN_TOO_LARGE:
	case SIGN_MALFORMED:
	case SIGN_NO_FROM:
	case SIGN_SEVERAL_FROM:
	case SIGN_BAD_FROM:
	case SIGN_BAD_SENDER:
		return failure_verdict(
		    (enum failure_action)conf->on_bad_message,
		    "the message's header is malformed");
	case SIGN_KEY_ERROR:
		return failure_verdict((enum failure_action)conf->on_key_error,
		    "the message cannot be signed now");
	case SIGN_INTERNAL_ERROR:
		return failure_verdict(
		    (enum failure_action)conf->on_internal_error,
		    "the message cannot be signed now");
	default:
		return VERDICT(ACCEPT);
	}
}

/* client=192.0.2.1 from=user@example.com: who and for whom, in every line. */
static void
add_common(struct filter_context *ctx, struct log_event *event,
    const struct sign_decision *decision)
{
	struct strbuf client = STRBUF_INIT;

	if (!event->wanted)
		return;
	ipaddr_add(&client, &ctx->session->client);
	log_event_add(event, "client", strbuf_span(&client));
	strbuf_clear(&client);
	if (decision->sender.domain.len != 0)
		log_event_add(event, "from", address_format(&decision->sender,
		    &ctx->message->arena));
}

static enum log_level
log_level_of(const struct sign_decision *decision)
{
	if (decision->reason == SIGN_KEY_ERROR ||
	    decision->reason == SIGN_INTERNAL_ERROR)
		return LOG_LEVEL_ERROR;
	return decision->is_spoofing ? LOG_LEVEL_NOTICE : LOG_LEVEL_INFO;
}

static struct verdict
leave_unsigned(struct filter_context *ctx,
    const struct sign_decision *decision)
{
	struct verdict verdict = unsigned_verdict(ctx->conf, decision->reason);
	struct log_event event;

	log_event_start(&event, log_level_of(decision),
	    ctx->message->queue_id);
	log_event_adds(&event, "result", "unsigned");
	log_event_adds(&event, "reason", sign_reason_word(decision->reason));
	add_common(ctx, &event, decision);
	if (decision->is_spoofing)
		log_event_adds(&event, "note", "an external host sends as one "
		    "of our domains");
	if (decision->detail != NULL)
		log_event_adds(&event, "detail", decision->detail);
	log_event_adds(&event, "action", verdict_word(&verdict));
	log_event_end(&event);
	filter_explain(ctx, "not signed: %s%s%s; action: %s",
	    sign_reason_word(decision->reason),
	    decision->detail != NULL ? ": " : "",
	    decision->detail != NULL ? decision->detail : "",
	    verdict_word(&verdict));
	counters_add(ctx->counters, decision->reason, 1);
	return verdict;
}

static struct verdict
fail(struct filter_context *ctx, struct sign_decision *decision,
    struct strbuf *err)
{
	decision->reason = SIGN_INTERNAL_ERROR;
	decision->detail = arena_strdup(&ctx->message->arena,
	    strbuf_str(err));
	strbuf_clear(err);
	return leave_unsigned(ctx, decision);
}

static struct dkim_sign_options
options_of(const struct sign_conf *conf, int64_t now)
{
	return (struct dkim_sign_options){
		.header_canon = conf->header_canon,
		.body_canon = conf->body_canon,
		.signset = conf->signset,
		.now = now,
		.ttl = conf->signature_ttl,
		.diagnostics = conf->diagnostics,
		.keep_existing = conf->keep_own_signatures &&
		    !conf->remove_old_signatures,
	};
}

static struct verdict
on_headers(struct filter_context *ctx)
{
	const struct sign_conf *conf = ctx->conf;
	struct message *message = ctx->message;
	struct strbuf err = STRBUF_INIT;
	struct sign_state *state;

	state = arena_zalloc(&message->arena, sizeof(*state));
	ctx->state = state;
	state->options = options_of(conf, ctx->now);
	sign_decide(ctx, &state->decision);
	if (state->decision.reason != SIGN_YES)
		return leave_unsigned(ctx, &state->decision);
	state->sign = dkim_sign_start(&state->options, state->decision.keys,
	    state->decision.key_count, message->headers,
	    message->header_count, &message->arena, &err);
	if (state->sign == NULL)
		return fail(ctx, &state->decision, &err);
	return VERDICT(CONTINUE);
}

static struct verdict
on_body(struct filter_context *ctx, struct span piece)
{
	struct sign_state *state = ctx->state;

	dkim_sign_body(state->sign, piece);
	return VERDICT(CONTINUE);
}

static void
remove_signatures(struct filter_context *ctx)
{
	static const struct span name = { "DKIM-Signature", 14 };
	size_t n = header_count(ctx->message->headers,
	    ctx->message->header_count, name);

	for (; n > 0; n--)
		edit_delete_header(ctx, name, (unsigned)n);
}

static size_t
insert_signatures(struct filter_context *ctx,
    const struct dkim_signed *results, size_t count)
{
	enum dkim_algorithm algorithm;
	size_t i, made = 0;

	for (i = 0; i < count; i++) {
		if (results[i].was_there)
			continue;
		edit_insert_header(ctx, 0, SPAN_LIT("DKIM-Signature"),
		    results[i].value);
		algorithm = dkim_key_algorithm(results[i].by->key);
		counters_add(ctx->counters, algorithm == DKIM_RSA_SHA256 ?
		    COUNT_RSA : COUNT_ED25519, 1);
		made++;
	}
	return made;
}

static void
log_signed(struct filter_context *ctx, const struct sign_decision *decision,
    const struct dkim_signed *results)
{
	const struct dkim_sign_key *key;
	struct log_event event;
	size_t i;

	log_event_start(&event, LOG_LEVEL_INFO, ctx->message->queue_id);
	log_event_adds(&event, "result", "signed");
	add_common(ctx, &event, decision);
	for (i = 0; i < decision->key_count; i++) {
		key = results[i].by;
		log_event_add(&event, "d", key->domain);
		log_event_add(&event, "s", key->selector);
		log_event_adds(&event, "a",
		    dkim_algorithm_name(dkim_key_algorithm(key->key)));
		if (results[i].was_there)
			log_event_adds(&event, "kept", "yes");
	}
	log_event_number(&event, "size", (int64_t)(ctx->message->header_bytes +
	    2 + ctx->message->body_bytes));
	log_event_end(&event);
	filter_explain(ctx, "signed");
}

static struct verdict
on_end(struct filter_context *ctx)
{
	const struct sign_conf *conf = ctx->conf;
	struct sign_state *state = ctx->state;
	struct sign_decision *decision = &state->decision;
	struct dkim_signed results[DKIM_SIGN_KEYS_MAX];
	struct strbuf err = STRBUF_INIT;

	if (dkim_sign_end(state->sign, results, &err) != 0)
		return fail(ctx, decision, &err);
	counters_add(ctx->counters, COUNT_BYTES,
	    (int64_t)ctx->message->body_bytes);
	if (conf->remove_old_signatures)
		remove_signatures(ctx);
	if (insert_signatures(ctx, results, decision->key_count) == 0) {
		decision->reason = SIGN_THERE;
		return leave_unsigned(ctx, decision);
	}
	log_signed(ctx, decision, results);
	counters_add(ctx->counters, SIGN_YES, 1);
	return VERDICT(ACCEPT);
}

static void
on_done(struct filter_context *ctx)
{
	struct sign_state *state = ctx->state;

	if (state == NULL)
		return;
	dkim_sign_free(state->sign);
	sign_decision_clear(&state->decision);
	ctx->state = NULL;
}

/* Recipients are asked for only where a list of them is to be looked at. */
static unsigned
wants(const void *arg)
{
	const struct sign_conf *conf = arg;
	unsigned steps = FILTER_WANTS_MAIL | FILTER_WANTS_HEADERS |
	    FILTER_WANTS_BODY;

	if (namelist_count(conf->unsigned_recipients) != 0)
		steps |= FILTER_WANTS_RCPT;
	return steps;
}

static const char *
extra_macros(const void *arg)
{
	const struct sign_conf *conf = arg;

	return conf->macro_names;
}

const struct filter sign_filter = {
	.name = "postern-sign",
	.default_config = "sign.conf",
	.schema = &sign_schema,
	.conf_size = sizeof(struct sign_conf),
	.daemon_offset = offsetof(struct sign_conf, daemon),
	.load = sign_load,
	.unload = sign_unload,
	.wants = wants,
	.actions = FILTER_ADDS_HEADERS | FILTER_CHANGES_HEADERS |
	    FILTER_QUARANTINES,
	.extra_macros = extra_macros,
	.connect_macros = "{daemon_name}",
	.mail_macros = "{auth_type}",
	.eoh_macros = "i",
	.headers = on_headers,
	.body = on_body,
	.end = on_end,
	.message_done = on_done,
	.counters = &counters,
};
