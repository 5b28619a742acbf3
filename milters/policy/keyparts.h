/*
 * keyparts.h - key=: by what a rule tells apart whom it counts, such as
 * "sasl-user+rcpt-domain". Parts, joined by "+" or ",":
 *
 *	client			the client's address
 *	client-net		its network: /24, or /64 for IPv6
 *	sasl-user		who has authenticated
 *	mail-from		MAIL FROM; "<>" for the null sender
 *	mail-from-domain	its domain; "<>" for the null sender
 *	rcpt, rcpt-domain	each recipient, each recipient's domain
 *	dkim-domain		each domain with a passing signature
 *	helo, daemon		what the client and the MTA call themselves
 *
 * The values of all parts, in the order of the key, are an identity. A message
 * that lacks a part (nobody has authenticated, an address has no domain) has
 * none, and the rule is not about it.
 */
#ifndef POSTERN_MILTERS_POLICY_KEYPARTS_H
#define POSTERN_MILTERS_POLICY_KEYPARTS_H

#include "milters/policy/facts.h"

enum { KEYPARTS_MAX = 10 };

struct keyparts {
	unsigned char parts[KEYPARTS_MAX];
	size_t count;
};

/* False, a sentence without the text itself in err, where text is no key. */
bool keyparts_read(struct span text, struct keyparts *key, struct strbuf *err);

/* From which stage on every part is known: POLICY_RCPT or POLICY_HEADERS. */
enum policy_stage keyparts_stage(const struct keyparts *key);
/* Whether recipients differ by it. */
bool keyparts_has_recipient(const struct keyparts *key);
bool keyparts_has_dkim(const struct keyparts *key);

/* How many identities a message (for one recipient) may have: one for each
 * domain that signed. */
size_t keyparts_variants(const struct keyparts *key,
    const struct policy_facts *facts);
/*
 * The values of one of them, into count spans; false where it lacks a part or
 * another variant is the same. recipient is not NULL where
 * keyparts_has_recipient().
 */
bool keyparts_values(const struct keyparts *key,
    const struct policy_facts *facts, const struct policy_recipient *recipient,
    size_t variant, struct span *values);

/*
 * What an admin types for an identity: a word for each part, or one word of
 * values joined by "+"; in upper case or not, an address for a network. False,
 * a sentence in err, where it is none of key's.
 */
bool keyparts_parse(const struct keyparts *key, const struct span *words,
    size_t count, struct arena *arena, struct span *values,
    struct strbuf *err);

/* "sasl-user+rcpt-domain" */
void keyparts_add_names(const struct keyparts *key, struct strbuf *out);
/* "alice+example.com", as it is. */
void keyparts_add_values(const struct keyparts *key,
    const struct span *values, struct strbuf *out);

#endif
