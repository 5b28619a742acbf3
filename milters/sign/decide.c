#include "milters/sign/decide.h"

#include "milters/sign/origin.h"

#include "common/base/escape.h"
#include "common/base/mem.h"
#include "common/mail/domain.h"

static const char *const reason_words[SIGN_REASONS] = {
	[SIGN_YES] = "signed",
	[SIGN_PEER] = "peer",
	[SIGN_TOO_LARGE] = "header-too-large",
	[SIGN_MALFORMED] = "malformed-header",
	[SIGN_NO_FROM] = "no-from",
	[SIGN_SEVERAL_FROM] = "several-from",
	[SIGN_BAD_FROM] = "bad-from",
	[SIGN_BAD_SENDER] = "bad-sender",
	[SIGN_EXEMPT] = "exempt",
	[SIGN_EXTERNAL] = "external",
	[SIGN_NO_ROW] = "no-row",
	[SIGN_NO_KEY] = "no-key",
	[SIGN_RECIPIENT] = "recipient",
	[SIGN_KEY_ERROR] = "key-error",
	[SIGN_THERE] = "already-signed",
	[SIGN_INTERNAL_ERROR] = "internal-error",
};

const char *
sign_reason_word(enum sign_reason reason)
{
	return reason_words[reason];
}

static bool
stop(struct sign_decision *decision, enum sign_reason reason,
    const char *detail)
{
	decision->reason = reason;
	decision->detail = detail;
	return false;
}

/* text escaped and quoted, in the arena: outside bytes in a detail. */
static const char *
quoted(struct filter_context *ctx, struct span text)
{
	struct strbuf out = STRBUF_INIT;
	const char *copy;

	escape_value(&out, text, 128);
	copy = arena_strdup(&ctx->message->arena, strbuf_str(&out));
	strbuf_clear(&out);
	return copy;
}

static bool
check_peer(struct filter_context *ctx, struct sign_decision *decision)
{
	const struct sign_conf *conf = ctx->conf;
	struct span entry;

	if (!hostlist_match(conf->peers, ctx->session->client_name,
	    &ctx->session->client, &entry)) {
		filter_explain(ctx, "PeerList: the client is not in it");
		return true;
	}
	return stop(decision, SIGN_PEER,
	    arena_printf(&ctx->message->arena, "PeerList entry %s",
	    quoted(ctx, entry)));
}

static bool
check_header(struct filter_context *ctx, struct sign_decision *decision)
{
	const struct message *message = ctx->message;
	size_t i;

	if (message->headers_overflow)
		return stop(decision, SIGN_TOO_LARGE, "MaximumHeaders");
	for (i = 0; i < message->header_count; i++)
		if (message->headers[i].is_malformed)
			return stop(decision, SIGN_MALFORMED,
			    arena_printf(&ctx->message->arena, "field %zu, %s",
			    i + 1, quoted(ctx, message->headers[i].name)));
	return true;
}

/* The one address, or the first of several authors of one domain. */
static const char *
read_author(struct filter_context *ctx, const struct header_field *field,
    struct address *author)
{
	struct address_list list;
	size_t i;

	address_list_parse(field->value, &ctx->message->arena, &list);
	if (list.result != ADDRESS_OK)
		return address_result_text(list.result);
	for (i = 1; i < list.count; i++)
		if (!span_eq(list.items[i].domain, list.items[0].domain))
			return "authors of different domains";
	*author = list.items[0];
	return NULL;
}

static bool
check_from(struct filter_context *ctx, struct sign_decision *decision)
{
	static const struct span name = { "From", 4 };
	const struct message *message = ctx->message;
	size_t count = header_count(message->headers, message->header_count,
	    name);
	const struct header_field *field;
	const char *why;

	if (count == 0)
		return stop(decision, SIGN_NO_FROM, NULL);
	if (count > 1)
		return stop(decision, SIGN_SEVERAL_FROM,
		    arena_printf(&ctx->message->arena, "%zu From fields",
		    count));
	field = &message->headers[header_find(message->headers,
	    message->header_count, name, 0)];
	why = read_author(ctx, field, &decision->sender);
	if (why != NULL)
		return stop(decision, SIGN_BAD_FROM,
		    arena_printf(&ctx->message->arena, "%s: %s", why,
		    quoted(ctx, span_trim(field->value))));
	return true;
}

/* The address of the first of SenderHeaders that is there. */
static bool
choose_sender(struct filter_context *ctx, struct sign_decision *decision)
{
	const struct sign_conf *conf = ctx->conf;
	const struct message *message = ctx->message;
	const char *why;
	size_t i, at = 0;

	for (i = 0; i < conf->sender_name_count; i++) {
		at = header_find(message->headers, message->header_count,
		    conf->sender_names[i], 0);
		if (at < message->header_count)
			break;
	}
	if (i == conf->sender_name_count ||
	    span_is_nocase(conf->sender_names[i], "From"))
		return true;
	why = read_author(ctx, &message->headers[at], &decision->sender);
	if (why != NULL)
		return stop(decision, SIGN_BAD_SENDER,
		    arena_printf(&ctx->message->arena, "%.*s: %s",
		    SPAN_ARG(conf->sender_names[i]), why));
	return true;
}

/* Building texts that nobody reads would cost every message. */
static void
explain_sender(struct filter_context *ctx, const struct address *sender)
{
	if (ctx->explain != NULL)
		filter_explain(ctx, "sender: %s", quoted(ctx,
		    address_format(sender, &ctx->message->arena)));
}

static void
explain_key(struct filter_context *ctx, const struct keytable_row *row,
    const struct dkim_sign_key *key)
{
	if (ctx->explain != NULL)
		filter_explain(ctx, "key %s: d=%.*s s=%.*s a=%s, %u bits",
		    quoted(ctx, row->name), SPAN_ARG(key->domain),
		    SPAN_ARG(key->selector),
		    dkim_algorithm_name(dkim_key_algorithm(key->key)),
		    dkim_key_bits(key->key));
}

static bool
check_exempt(struct filter_context *ctx, struct sign_decision *decision)
{
	const struct sign_conf *conf = ctx->conf;
	struct span entry;

	explain_sender(ctx, &decision->sender);
	if (!namelist_match(conf->exempt, &decision->sender, &entry)) {
		filter_explain(ctx, "ExemptDomains: the domain is not in it");
		return true;
	}
	return stop(decision, SIGN_EXEMPT, arena_printf(&ctx->message->arena,
	    "ExemptDomains entry %s", quoted(ctx, entry)));
}

static void
trace_lookup(void *arg, struct span tried, unsigned line)
{
	struct filter_context *ctx = arg;

	if (line != 0)
		filter_explain(ctx, "SigningTable: tried %s: line %u",
		    quoted(ctx, tried), line);
	else
		filter_explain(ctx, "SigningTable: tried %s: no row",
		    quoted(ctx, tried));
}

static size_t
find_rows(struct filter_context *ctx, const struct address *sender,
    struct signtable_match matches[DKIM_SIGN_KEYS_MAX])
{
	const struct sign_conf *conf = ctx->conf;

	return signtable_lookup(conf->signtable, sender, &ctx->message->arena,
	    matches, conf->multiple_signatures ? DKIM_SIGN_KEYS_MAX : 1,
	    ctx->explain != NULL ? trace_lookup : NULL, ctx);
}

/* Domain, Selector, KeyFile: the d= that goes with the sender's domain. */
static bool
find_domain(const struct sign_conf *conf, const struct address *sender,
    struct span *domain)
{
	struct span entry;

	*domain = sender->domain;
	if (namelist_match(conf->domains, sender, &entry))
		return true;
	return conf->sub_domains &&
	    namelist_match_parents(conf->domains, sender->domain, domain);
}

/* Whether the sender has a key, without reading any. */
static bool
is_ours(struct filter_context *ctx, const struct address *sender)
{
	const struct sign_conf *conf = ctx->conf;
	struct signtable_match matches[DKIM_SIGN_KEYS_MAX];
	struct span domain;

	if (conf->signtable == NULL)
		return find_domain(conf, sender, &domain);
	return find_rows(ctx, sender, matches) != 0 && matches[0].key != NULL;
}

static bool
check_origin(struct filter_context *ctx, struct sign_decision *decision)
{
	const struct sign_conf *conf = ctx->conf;
	struct strbuf client = STRBUF_INIT;
	const char *text;

	if (sign_origin_is_ours(ctx))
		return true;
	ipaddr_add(&client, &ctx->session->client);
	text = arena_strdup(&ctx->message->arena,
	    client.len != 0 ? strbuf_str(&client) : "unknown");
	strbuf_clear(&client);
	decision->is_spoofing = is_ours(ctx, &decision->sender) &&
	    !hostlist_match(conf->external_ignore, ctx->session->client_name,
	    &ctx->session->client, NULL);
	return stop(decision, SIGN_EXTERNAL,
	    arena_printf(&ctx->message->arena, "client %s is not in "
	    "InternalHosts, not authenticated, and no MTA or MacroList item "
	    "applies", text));
}

/*
 * i= only where it is d= or below (RFC 6376 3.5); an identity is
 * "[local]@domain".
 */
static struct span
fitting_identity(struct span identity, struct span domain)
{
	size_t at = span_rfind(identity, '@');

	if (at == identity.len ||
	    !domain_is_within(span_skip(identity, at + 1), domain))
		return span_of("");
	return identity;
}

static bool
add_key(struct filter_context *ctx, struct sign_decision *decision,
    const struct keytable_row *row, struct span identity)
{
	const struct sign_conf *conf = ctx->conf;
	struct dkim_sign_key *key = &decision->keys[decision->key_count];
	struct strbuf err = STRBUF_INIT;
	const char *text;

	if (keytable_resolve(conf->keytable, row, decision->sender.domain,
	    &ctx->message->arena, key, &err) != 0) {
		text = arena_strdup(&ctx->message->arena, strbuf_str(&err));
		strbuf_clear(&err);
		return stop(decision, SIGN_KEY_ERROR, text);
	}
	strbuf_clear(&err);
	key->identity = fitting_identity(identity, key->domain);
	decision->key_count++;
	explain_key(ctx, row, key);
	return true;
}

/* Two rows may lead to one key: one signature is enough. */
static bool
has_row(const struct signtable_match *matches, size_t count,
    const struct signtable_match *match)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (matches[i].key == match->key &&
		    span_eq(matches[i].identity, match->identity))
			return true;
	return false;
}

static bool
choose_table_keys(struct filter_context *ctx, struct sign_decision *decision)
{
	struct signtable_match matches[DKIM_SIGN_KEYS_MAX];
	size_t i, count = find_rows(ctx, &decision->sender, matches);

	if (count == 0)
		return stop(decision, SIGN_NO_ROW, "SigningTable");
	for (i = 0; i < count; i++) {
		if (matches[i].key == NULL) {
			decision->detail = arena_printf(&ctx->message->arena,
			    "SigningTable line %u: KeyTable has no key %s",
			    matches[i].line, quoted(ctx, matches[i].key_name));
			continue;
		}
		if (!has_row(matches, i, &matches[i]) &&
		    !add_key(ctx, decision, matches[i].key,
		    matches[i].identity))
			return false;
	}
	if (decision->key_count == 0)
		return stop(decision, SIGN_NO_KEY, decision->detail);
	return true;
}

static bool
choose_single_key(struct filter_context *ctx, struct sign_decision *decision)
{
	const struct sign_conf *conf = ctx->conf;
	const struct keytable_row *row;
	struct span domain, identity = span_of("");
	size_t i = 0;

	if (!find_domain(conf, &decision->sender, &domain))
		return stop(decision, SIGN_NO_ROW, "Domain");
	if (!span_eq(domain, decision->sender.domain))
		identity = span_of(arena_printf(&ctx->message->arena, "@%.*s",
		    SPAN_ARG(decision->sender.domain)));
	row = keytable_next(conf->keytable, &i);
	if (row == NULL)
		return stop(decision, SIGN_NO_KEY, "KeyFile");
	if (!add_key(ctx, decision, row, span_of("")))
		return false;
	decision->keys[0].domain = domain;
	decision->keys[0].identity = identity;
	return true;
}

static bool
check_recipients(struct filter_context *ctx, struct sign_decision *decision)
{
	const struct sign_conf *conf = ctx->conf;
	const struct message *message = ctx->message;
	struct address recipient;
	struct span entry;
	size_t i;

	for (i = 0; i < message->recipient_count; i++) {
		if (address_parse_path(message->recipients[i],
		    &ctx->message->arena, &recipient) != ADDRESS_OK)
			continue;
		if (namelist_match(conf->unsigned_recipients, &recipient,
		    &entry))
			return stop(decision, SIGN_RECIPIENT,
			    arena_printf(&ctx->message->arena,
			    "DontSignMailTo entry %s", quoted(ctx, entry)));
	}
	return true;
}

static bool
choose_keys(struct filter_context *ctx, struct sign_decision *decision)
{
	const struct sign_conf *conf = ctx->conf;

	if (conf->signtable != NULL)
		return choose_table_keys(ctx, decision);
	return choose_single_key(ctx, decision);
}

void
sign_decide(struct filter_context *ctx, struct sign_decision *decision)
{
	static bool (*const steps[])(struct filter_context *,
	    struct sign_decision *) = {
		check_peer, check_header, check_from, choose_sender,
		check_exempt, check_origin, choose_keys, check_recipients,
	};
	size_t i;

	*decision = (struct sign_decision){ .reason = SIGN_YES };
	for (i = 0; i < ARRAY_LEN(steps); i++)
		if (!steps[i](ctx, decision))
			break;
	if (decision->reason != SIGN_YES)
		sign_decision_clear(decision);
}

void
sign_decision_clear(struct sign_decision *decision)
{
	size_t i;

	for (i = 0; i < decision->key_count; i++)
		dkim_key_free(decision->keys[i].key);
	decision->key_count = 0;
}
