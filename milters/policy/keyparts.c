#include "milters/policy/keyparts.h"

#include "common/base/mem.h"
#include "common/base/nearest.h"
#include "common/mail/domain.h"

typedef struct span part_value(const struct policy_facts *facts,
    const struct policy_recipient *recipient);
typedef bool part_typed(struct span text, struct arena *arena,
    struct span *value);

/* ---- values of a message; empty: it has none ---- */

static struct span
value_client(const struct policy_facts *facts,
    const struct policy_recipient *recipient)
{
	(void)recipient;
	return facts->client_text;
}

static struct span
value_client_net(const struct policy_facts *facts,
    const struct policy_recipient *recipient)
{
	(void)recipient;
	return facts->client_net;
}

static struct span
value_user(const struct policy_facts *facts,
    const struct policy_recipient *recipient)
{
	(void)recipient;
	return facts->user;
}

static struct span
value_sender(const struct policy_facts *facts,
    const struct policy_recipient *recipient)
{
	(void)recipient;
	return facts->sender_text;
}

static struct span
value_sender_domain(const struct policy_facts *facts,
    const struct policy_recipient *recipient)
{
	(void)recipient;
	return facts->sender_is_null ? SPAN_LIT("<>") : facts->sender.domain;
}

static struct span
value_rcpt(const struct policy_facts *facts,
    const struct policy_recipient *recipient)
{
	(void)facts;
	return recipient->text;
}

static struct span
value_rcpt_domain(const struct policy_facts *facts,
    const struct policy_recipient *recipient)
{
	(void)facts;
	return recipient->address.domain;
}

static struct span
value_helo(const struct policy_facts *facts,
    const struct policy_recipient *recipient)
{
	(void)recipient;
	return facts->helo;
}

static struct span
value_daemon(const struct policy_facts *facts,
    const struct policy_recipient *recipient)
{
	(void)recipient;
	return facts->daemon;
}

/* ---- values that an admin types ---- */

static bool
typed_address(struct span text, unsigned bits4, unsigned bits6,
    struct arena *arena, struct span *value)
{
	struct strbuf out = STRBUF_INIT;
	struct ipaddr address;
	bool host_bits;

	if (!ipaddr_parse_network(text, &address, &host_bits))
		return false;
	if (address.bits < (address.family == 4 ? bits4 : bits6))
		return false;
	address = ipaddr_mask(address, address.family == 4 ? bits4 : bits6);
	ipaddr_add(&out, &address);
	*value = arena_dup(arena, strbuf_span(&out));
	strbuf_clear(&out);
	return true;
}

static bool
typed_client(struct span text, struct arena *arena, struct span *value)
{
	return typed_address(text, 32, 128, arena, value);
}

static bool
typed_net(struct span text, struct arena *arena, struct span *value)
{
	return typed_address(text, FACTS_NET4_BITS, FACTS_NET6_BITS, arena,
	    value);
}

static bool
typed_lower(struct span text, struct arena *arena, struct span *value)
{
	*value = arena_duplower(arena, text);
	return text.len != 0;
}

static bool
typed_as_is(struct span text, struct arena *arena, struct span *value)
{
	*value = arena_dup(arena, text);
	return text.len != 0;
}

static bool
typed_path(struct span text, bool extension, struct arena *arena,
    struct span *value)
{
	struct address address;
	enum address_result result = address_parse_path(text, arena, &address);

	if (result == ADDRESS_OK || result == ADDRESS_LITERAL)
		*value = facts_address_text(&address, extension, arena);
	else
		*value = result == ADDRESS_EMPTY ? SPAN_LIT("<>") :
		    arena_duplower(arena, text);
	return text.len != 0;
}

static bool
typed_sender(struct span text, struct arena *arena, struct span *value)
{
	return typed_path(text, false, arena, value);
}

static bool
typed_rcpt(struct span text, struct arena *arena, struct span *value)
{
	return typed_path(text, true, arena, value);
}

static bool
typed_domain(struct span text, struct arena *arena, struct span *value)
{
	if (domain_to_ascii(text, arena, value))
		return true;
	return (span_is(text, "<>") || span_starts(text, SPAN_LIT("["))) &&
	    typed_lower(text, arena, value);
}

static const struct part {
	const char *name;
	part_value *value;	/* NULL: it may have many */
	part_typed *typed;
	enum policy_stage stage;
	bool is_of_recipient;
} parts[] = {
	{ "client", value_client, typed_client, POLICY_RCPT, false },
	{ "client-net", value_client_net, typed_net, POLICY_RCPT, false },
	{ "sasl-user", value_user, typed_lower, POLICY_RCPT, false },
	{ "mail-from", value_sender, typed_sender, POLICY_RCPT, false },
	{ "mail-from-domain", value_sender_domain, typed_domain, POLICY_RCPT,
	    false },
	{ "rcpt", value_rcpt, typed_rcpt, POLICY_RCPT, true },
	{ "rcpt-domain", value_rcpt_domain, typed_domain, POLICY_RCPT, true },
	{ "dkim-domain", NULL, typed_domain, POLICY_HEADERS, false },
	{ "helo", value_helo, typed_lower, POLICY_RCPT, false },
	{ "daemon", value_daemon, typed_as_is, POLICY_RCPT, false },
};

_Static_assert(ARRAY_LEN(parts) == KEYPARTS_MAX, "a part may come once");

/* ---- reading ---- */

static bool
find_part(struct span name, size_t *found, struct strbuf *err)
{
	struct nearest nearest;
	size_t i;

	nearest_start(&nearest, name);
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		if (span_is_nocase(name, parts[i].name)) {
			*found = i;
			return true;
		}
		nearest_offer(&nearest, parts[i].name);
	}
	if (nearest.best != NULL) {
		strbuf_addf(err, "did you mean %s?", nearest.best);
		return false;
	}
	strbuf_adds(err, "write one or more of");
	for (i = 0; i < ARRAY_LEN(parts); i++)
		strbuf_addf(err, "%s %s", i != 0 ? "," : "", parts[i].name);
	strbuf_adds(err, ", joined by +");
	return false;
}

static bool
add_part(struct keyparts *key, size_t part, struct strbuf *err)
{
	size_t i;

	for (i = 0; i < key->count; i++) {
		if (key->parts[i] == part) {
			strbuf_addf(err, "%s is there twice",
			    parts[part].name);
			return false;
		}
	}
	key->parts[key->count++] = (unsigned char)part;
	return true;
}

bool
keyparts_read(struct span text, struct keyparts *key, struct strbuf *err)
{
	size_t n, part;
	bool is_more;

	key->count = 0;
	do {
		for (n = 0; n < text.len && text.p[n] != '+' &&
		    text.p[n] != ','; n++)
			;
		is_more = n < text.len;
		if (!find_part(span_first(text, n), &part, err) ||
		    !add_part(key, part, err))
			return false;
		text = span_skip(text, n + 1);
	} while (is_more);
	return true;
}

enum policy_stage
keyparts_stage(const struct keyparts *key)
{
	enum policy_stage stage = POLICY_RCPT;
	size_t i;

	for (i = 0; i < key->count; i++)
		if (parts[key->parts[i]].stage > stage)
			stage = parts[key->parts[i]].stage;
	return stage;
}

bool
keyparts_has_recipient(const struct keyparts *key)
{
	size_t i;

	for (i = 0; i < key->count; i++)
		if (parts[key->parts[i]].is_of_recipient)
			return true;
	return false;
}

bool
keyparts_has_dkim(const struct keyparts *key)
{
	size_t i;

	for (i = 0; i < key->count; i++)
		if (parts[key->parts[i]].value == NULL)
			return true;
	return false;
}

/* ---- a message's ---- */

size_t
keyparts_variants(const struct keyparts *key, const struct policy_facts *facts)
{
	return keyparts_has_dkim(key) ? facts->dkim_count : 1;
}

/* Empty where it is there already. */
static struct span
dkim_domain(const struct policy_facts *facts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (span_eq(facts->dkim_domains[i], facts->dkim_domains[n]))
			return span_of("");
	return facts->dkim_domains[n];
}

bool
keyparts_values(const struct keyparts *key, const struct policy_facts *facts,
    const struct policy_recipient *recipient, size_t variant,
    struct span *values)
{
	const struct part *part;
	size_t i;

	for (i = 0; i < key->count; i++) {
		part = &parts[key->parts[i]];
		values[i] = part->value != NULL ?
		    part->value(facts, recipient) :
		    dkim_domain(facts, variant);
		if (values[i].len == 0)
			return false;
	}
	return true;
}

/* ---- the admin's ---- */

static size_t
split(struct span text, struct span *words, size_t max)
{
	size_t count = 0;
	bool is_more;

	do {
		if (count == max)
			return max + 1;
		is_more = span_cut(&text, '+', &words[count++]);
	} while (is_more);
	return count;
}

bool
keyparts_parse(const struct keyparts *key, const struct span *words,
    size_t count, struct arena *arena, struct span *values, struct strbuf *err)
{
	struct span cut[KEYPARTS_MAX];
	const struct part *part;
	size_t i;

	if (count == 1 && key->count > 1) {
		count = split(words[0], cut, key->count);
		words = cut;
	}
	if (count != key->count) {
		strbuf_adds(err, "write the key as ");
		keyparts_add_names(key, err);
		strbuf_adds(err, ", or each part as a word of its own");
		return false;
	}
	for (i = 0; i < count; i++) {
		part = &parts[key->parts[i]];
		if (!part->typed(words[i], arena, &values[i])) {
			strbuf_addf(err, "the key's part %s makes no sense",
			    part->name);
			return false;
		}
	}
	return true;
}

void
keyparts_add_names(const struct keyparts *key, struct strbuf *out)
{
	size_t i;

	for (i = 0; i < key->count; i++)
		strbuf_addf(out, "%s%s", i != 0 ? "+" : "",
		    parts[key->parts[i]].name);
}

void
keyparts_add_values(const struct keyparts *key, const struct span *values,
    struct strbuf *out)
{
	size_t i;

	for (i = 0; i < key->count; i++) {
		if (i != 0)
			strbuf_addc(out, '+');
		strbuf_addspan(out, values[i]);
	}
}
