/*
 * domain.h - domain names as mail uses them.
 */
#ifndef POSTERN_MAIL_DOMAIN_H
#define POSTERN_MAIL_DOMAIN_H

#include "common/base/arena.h"

enum {
	DOMAIN_MAX = 253,	/* octets of a name without the root's dot */
	LABEL_MAX = 63
};

/*
 * True where s is one or more LDH labels joined by single dots (RFC 5890
 * 2.3.1): letters, digits, hyphens not at either end, 63 octets a label, 253
 * in all. No trailing dot. A single label is enough.
 */
bool domain_is_valid(struct span s);

/* The same, '_' allowed too: owner names such as "s1._domainkey". */
bool domain_is_valid_owner(struct span s);

/*
 * The A-label form of s in lower case, in the arena: UTF-8 labels go through
 * IDNA 2008 (UTS 46, non-transitional), ASCII ones are only lowered; one that
 * begins with "xn--" must be well-formed Punycode. False, *ascii undefined,
 * where the outcome is not domain_is_valid(), or s is not UTF-8 or over 1000
 * octets.
 */
bool domain_to_ascii(struct span s, struct arena *arena, struct span *ascii);

/* True where name is parent or below it; both lower-case A-labels. */
bool domain_is_within(struct span name, struct span parent);

/* What follows the first dot; empty where there is none. */
struct span domain_parent(struct span name);

#endif
