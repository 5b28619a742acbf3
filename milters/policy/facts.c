#include "milters/policy/facts.h"

#include "milters/policy/policy.h"

#include "common/dmarc/authors.h"
#include "common/mail/authread.h"
#include "common/mail/authres.h"
#include "common/mail/domain.h"
#include "common/milter/ownname.h"

enum { TEXT_MAX = 512 };

/* ---- the session and the sender ---- */

static struct span
address_text(const struct ipaddr *address, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT;
	struct span copy;

	if (address->family == 0)
		return span_of("");
	ipaddr_add(&text, address);
	copy = arena_dup(arena, strbuf_span(&text));
	strbuf_clear(&text);
	return copy;
}

/*
 * Mail that no SMTP client brought gets a made-up session from Postfix: port
 * 0, or, where it is mail put into the queue anew (postsuper -r), the client
 * that once was; {client_connections} is only there for a real one.
 */
static bool
is_local(const struct session *session)
{
	if (span_is(session_macro(session, "{client_port}"), "0"))
		return true;
	return session_macro(session, "{client_connections}").len == 0 &&
	    span_starts(session_macro(session, "v"), SPAN_LIT("Postfix"));
}

void
facts_client(const struct ipaddr *client, struct policy_facts *facts,
    struct arena *arena)
{
	struct ipaddr net = ipaddr_mask(*client, client->family == 4 ?
	    FACTS_NET4_BITS : FACTS_NET6_BITS);

	facts->client = *client;
	facts->client_text = address_text(client, arena);
	facts->client_net = address_text(&net, arena);
}

static void
read_session(struct filter_context *ctx, struct policy_facts *facts)
{
	const struct policy_conf *conf = ctx->conf;
	const struct session *session = ctx->session;
	struct arena *arena = &ctx->message->arena;

	facts_client(&session->client, facts, arena);
	facts->client_name = arena_duplower(arena,
	    span_first(session->client_name, TEXT_MAX));
	facts->helo = arena_duplower(arena, span_first(session->helo,
	    TEXT_MAX));
	facts->daemon = arena_dup(arena, span_first(session_macro(session,
	    "{daemon_name}"), TEXT_MAX));
	facts->user = arena_duplower(arena, span_first(session_macro(session,
	    "{auth_authen}"), TEXT_MAX));
	facts->is_authenticated = session_macro(session,
	    "{auth_type}").len != 0;
	facts->is_local = is_local(session);
	facts->is_internal = hostlist_match(conf->internal_hosts,
	    session->client_name, &session->client, NULL);
	facts->is_out = facts->is_authenticated || facts->is_local ||
	    facts->is_internal;
}

struct span
facts_address_text(const struct address *address, bool extension,
    struct arena *arena)
{
	struct address copy = *address;
	size_t plus = extension ? span_find(copy.local, '+') : copy.local.len;

	if (plus != 0)
		copy.local = span_first(copy.local, plus);
	copy.local = arena_duplower(arena, copy.local);
	return address_format(&copy, arena);
}

/* False where path is no address; text is for keys in every case. */
static bool
read_path(struct span path, bool extension, struct arena *arena,
    struct address *address, struct span *text)
{
	enum address_result result = address_parse_path(path, arena, address);

	if (result == ADDRESS_OK || result == ADDRESS_LITERAL) {
		*text = facts_address_text(address, extension, arena);
		return true;
	}
	*address = (struct address){ { "", 0 }, { "", 0 } };
	*text = result == ADDRESS_EMPTY ? SPAN_LIT("<>") :
	    arena_duplower(arena, span_first(path, TEXT_MAX));
	return false;
}

void
facts_start(struct filter_context *ctx, struct policy_facts *facts)
{
	facts->stage = POLICY_MAIL;
	facts->now = ctx->now;
	read_session(ctx, facts);
	read_path(ctx->message->sender_text, false, &ctx->message->arena,
	    &facts->sender, &facts->sender_text);
	facts->sender_is_null = span_is(facts->sender_text, "<>");
}

struct policy_recipient *
facts_recipient(struct filter_context *ctx, struct policy_facts *facts,
    struct span path)
{
	struct arena *arena = &ctx->message->arena;
	struct policy_recipient *more;

	facts->stage = POLICY_RCPT;
	facts->now = ctx->now;
	if (facts->recipient_count == facts->recipient_cap) {
		facts->recipient_cap = facts->recipient_cap == 0 ? 4 :
		    facts->recipient_cap * 2;
		more = arena_alloc(arena, facts->recipient_cap *
		    sizeof(*more));
		if (facts->recipient_count != 0)
			memcpy(more, facts->recipients,
			    facts->recipient_count * sizeof(*more));
		facts->recipients = more;
	}
	more = &facts->recipients[facts->recipient_count++];
	*more = (struct policy_recipient){ .path = path };
	read_path(path, true, arena, &more->address, &more->text);
	return more;
}

/* ---- the header ---- */

static void
read_authors(struct filter_context *ctx, struct policy_facts *facts)
{
	struct message *message = ctx->message;
	struct dmarc_authors authors = { 0 };
	size_t i;

	dmarc_authors_find(message->headers, message->header_count,
	    &message->arena, &authors);
	for (i = 0; i < authors.count && i < FACTS_DOMAINS_MAX; i++)
		facts->from_domains[facts->from_count++] = authors.domains[i];
}

static void
take_dkim(struct policy_facts *facts, const struct auth_result *result,
    struct arena *arena)
{
	struct span domain;

	if (facts->dkim_result.len == 0 || span_is(result->result, "pass"))
		facts->dkim_result = result->result;
	if (!span_is(result->result, "pass") ||
	    facts->dkim_count == FACTS_DOMAINS_MAX ||
	    !domain_to_ascii(auth_result_property(result, "header.d"), arena,
	    &domain))
		return;
	facts->dkim_domains[facts->dkim_count++] = domain;
}

static void
take_spf(struct policy_facts *facts, const struct auth_result *result,
    struct arena *arena)
{
	struct span value = auth_result_property(result, "smtp.mailfrom");
	struct span domain;

	if (value.len == 0)
		return;		/* of HELO */
	facts->spf_result = result->result;
	if (!span_is(result->result, "pass"))
		return;
	if (span_has(value, '@'))
		value = span_skip(value, span_rfind(value, '@') + 1);
	if (domain_to_ascii(value, arena, &domain))
		facts->spf_domain = domain;
}

static void
take_results(struct policy_facts *facts, const struct auth_result *results,
    size_t count, struct arena *arena)
{
	size_t i;

	facts->has_results = true;
	for (i = 0; i < count; i++) {
		if (span_is(results[i].method, "dkim"))
			take_dkim(facts, &results[i], arena);
		else if (span_is(results[i].method, "spf"))
			take_spf(facts, &results[i], arena);
		else if (span_is(results[i].method, "dmarc"))
			facts->dmarc_result = results[i].result;
	}
}

/* The topmost field that bears our name is our verifier's. */
static void
read_results(struct filter_context *ctx, struct policy_facts *facts)
{
	const struct policy_conf *conf = ctx->conf;
	struct message *message = ctx->message;
	struct arena *arena = &message->arena;
	struct span id = own_id_find(ctx, conf->own_id, conf->host_name);
	struct auth_result *results;
	size_t i, count;

	for (i = 0; i < message->header_count; i++) {
		if (!span_is_nocase(message->headers[i].name,
		    "Authentication-Results") ||
		    !span_eq(authres_id(message->headers[i].value, arena), id))
			continue;
		if (authread_parse(message->headers[i].value, arena, &results,
		    &count))
			take_results(facts, results, count, arena);
		return;
	}
}

void
facts_header(struct filter_context *ctx, struct policy_facts *facts)
{
	const struct policy_conf *conf = ctx->conf;

	facts->stage = POLICY_HEADERS;
	facts->now = ctx->now;
	read_authors(ctx, facts);
	if (conf->trust_results)
		read_results(ctx, facts);
}

void
facts_end(struct filter_context *ctx, struct policy_facts *facts)
{
	facts->stage = POLICY_END;
	facts->now = ctx->now;
	facts->size = ctx->message->header_bytes + ctx->message->body_bytes;
}
