#include "common/mail/authres.h"

#include "common/mail/domain.h"
#include "common/mail/quote.h"

enum {
	NAME_COLUMNS = sizeof("Authentication-Results:") - 1,
	LOCAL_TEXT_MAX = 500	/* of a local part as it is written */
};

/* A token, or a quoted string (RFC 8601 2.2: value). */
static void
add_value(struct span text, struct strbuf *out)
{
	struct strbuf plain = STRBUF_INIT;

	quote_escape(text, &plain);
	if (quote_is_token(strbuf_span(&plain)))
		strbuf_addspan(out, strbuf_span(&plain));
	else
		quote_string(strbuf_span(&plain), QUOTE_TEXT_MAX, out);
	strbuf_clear(&plain);
}

/* [local-part] "@" domain-name (RFC 8601 2.2: pvalue). */
static void
add_address(struct span local, struct span domain, struct strbuf *out)
{
	struct strbuf plain = STRBUF_INIT;

	quote_escape(local, &plain);
	if (local.len == 0 || quote_is_dot_atom(strbuf_span(&plain)))
		strbuf_addspan(out, strbuf_span(&plain));
	else
		quote_string(strbuf_span(&plain), LOCAL_TEXT_MAX, out);
	strbuf_addc(out, '@');
	strbuf_addspan(out, domain);
	strbuf_clear(&plain);
}

static void
add_id(struct span id, struct strbuf *out)
{
	struct arena arena = ARENA_INIT;
	struct span ascii;

	while (id.len > 1 && id.p[id.len - 1] == '.')
		id.len--;
	if (!domain_is_valid(id) && domain_to_ascii(id, &arena, &ascii))
		id = ascii;
	add_value(id, out);
	arena_clear(&arena);
}

void
authres_start(struct authres *authres, struct span id, struct strbuf *out)
{
	struct strbuf word = STRBUF_INIT;

	authres->out = out;
	authres->methods = 0;
	fold_start(&authres->fold, out, NAME_COLUMNS);
	add_id(id, &word);
	fold_word(&authres->fold, strbuf_span(&word));
	strbuf_clear(&word);
}

/* name=value in one piece. */
static void
add_pair(struct authres *authres, const char *name, const struct strbuf *value)
{
	struct strbuf word = STRBUF_INIT;

	strbuf_addf(&word, "%s=%s", name, strbuf_str(value));
	fold_word(&authres->fold, strbuf_span(&word));
	strbuf_clear(&word);
}

/* Each on a line of its own, for those who read headers. */
void
authres_method(struct authres *authres, const char *method, const char *result)
{
	struct strbuf word = STRBUF_INIT;

	fold_glue(&authres->fold, SPAN_LIT(";"));
	fold_break(&authres->fold);
	strbuf_addf(&word, "%s=%s", method, result);
	fold_glue(&authres->fold, strbuf_span(&word));
	strbuf_clear(&word);
	authres->methods++;
}

void
authres_comment(struct authres *authres, struct span text)
{
	quote_comment(text, &authres->fold);
}

void
authres_reason(struct authres *authres, struct span text)
{
	struct strbuf value = STRBUF_INIT;

	if (text.len == 0)
		return;
	add_value(text, &value);
	add_pair(authres, "reason", &value);
	strbuf_clear(&value);
}

void
authres_property(struct authres *authres, const char *property,
    struct span value)
{
	struct strbuf text = STRBUF_INIT;
	size_t at = span_rfind(value, '@');

	if (value.len == 0)
		return;
	if (at < value.len && domain_is_valid(span_skip(value, at + 1)))
		add_address(span_first(value, at), span_skip(value, at + 1),
		    &text);
	else
		add_value(value, &text);
	add_pair(authres, property, &text);
	strbuf_clear(&text);
}

void
authres_address(struct authres *authres, const char *property,
    const struct address *address)
{
	struct strbuf text = STRBUF_INIT, literal = STRBUF_INIT;

	if (address->domain.len == 0)
		return;
	if (domain_is_valid(address->domain)) {
		add_address(address->local, address->domain, &text);
	} else {
		strbuf_addspan(&literal, address->local);
		strbuf_addc(&literal, '@');
		strbuf_addspan(&literal, address->domain);
		add_value(strbuf_span(&literal), &text);
	}
	add_pair(authres, property, &text);
	strbuf_clear(&text);
	strbuf_clear(&literal);
}

void
authres_end(struct authres *authres)
{
	if (authres->methods != 0)
		return;
	fold_glue(&authres->fold, SPAN_LIT(";"));
	fold_word(&authres->fold, SPAN_LIT("none"));
}
