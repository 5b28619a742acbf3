#include "common/mail/receivedspf.h"

#include "common/mail/quote.h"

enum { NAME_COLUMNS = sizeof("Received-SPF:") - 1 };

struct pairs {
	struct fold fold;
	bool any;
};

/* key=value, the value a dot-atom or a quoted string. */
static void
add_pair(struct pairs *pairs, const char *key, struct span value)
{
	struct strbuf plain = STRBUF_INIT, word = STRBUF_INIT;

	quote_escape(value, &plain);
	strbuf_addf(&word, "%s=", key);
	if (quote_is_dot_atom(strbuf_span(&plain)))
		strbuf_addspan(&word, strbuf_span(&plain));
	else
		quote_string(strbuf_span(&plain), QUOTE_TEXT_MAX, &word);
	if (pairs->any)
		fold_glue(&pairs->fold, SPAN_LIT(";"));
	fold_word(&pairs->fold, strbuf_span(&word));
	pairs->any = true;
	strbuf_clear(&plain);
	strbuf_clear(&word);
}

static void
add_given(struct pairs *pairs, const char *key, struct span value)
{
	if (value.len != 0)
		add_pair(pairs, key, value);
}

static void
add_client(struct pairs *pairs, const struct ipaddr *client)
{
	struct strbuf text = STRBUF_INIT;

	if (client->family != 0)
		ipaddr_add(&text, client);
	add_given(pairs, "client-ip", strbuf_span(&text));
	strbuf_clear(&text);
}

/* The null sender is there, but empty. */
static void
add_sender(struct pairs *pairs, const struct address *sender)
{
	struct arena arena = ARENA_INIT;
	struct span text = SPAN_LIT("");

	if (sender->domain.len != 0)
		text = address_format(sender, &arena);
	add_pair(pairs, "envelope-from", text);
	arena_clear(&arena);
}

void
received_spf_format(const struct received_spf *spf, struct strbuf *out)
{
	struct pairs pairs = { .any = false };

	fold_start(&pairs.fold, out, NAME_COLUMNS);
	fold_word(&pairs.fold, span_of(spf->result));
	quote_comment(spf->comment, &pairs.fold);
	add_given(&pairs, "receiver", spf->receiver);
	add_given(&pairs, "identity", span_of(spf->identity));
	add_client(&pairs, &spf->client);
	add_sender(&pairs, &spf->sender);
	add_given(&pairs, "helo", spf->helo);
	add_given(&pairs, "mechanism", spf->mechanism);
	add_given(&pairs, "problem", spf->problem);
}
