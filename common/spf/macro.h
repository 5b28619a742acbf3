/*
 * macro.h - the macros of SPF (RFC 7208 7): their grammar, and what they expand
 * to. The grammar is held against a record when it is read, so that what is
 * expanded later is known to be well-formed.
 */
#ifndef POSTERN_SPF_MACRO_H
#define POSTERN_SPF_MACRO_H

#include "common/base/ipaddr.h"
#include "common/mail/address.h"

enum {
	SPF_NAME_MAX = 253,		/* octets of a name to be asked for */
	SPF_EXPANSION_MAX = 8192	/* octets of one expanded text; what
					   is beyond is left out */
};

/* Which letters a text may use; the others are a syntax error. */
enum spf_macro_use {
	SPF_MACRO_IN_TERM,		/* not c, r, t (7.2) */
	SPF_MACRO_IN_TEXT		/* all; blanks stay outside of this */
};

/* What the letters stand for. */
struct spf_macros {
	struct address sender;		/* s, l, o; both parts filled in */
	struct span helo;		/* h */
	struct span domain;		/* d: the one under evaluation */
	struct span receiver;		/* r */
	struct span validated;		/* p: spf_macro_needs_name() tells
					   whether it is asked for */
	struct ipaddr client;		/* i, c, v */
	int64_t now;			/* t */
};

/* True where text is a macro-string; of_text adds the blanks of an
 * explain-string. */
bool spf_macro_check(struct span text, enum spf_macro_use use, bool of_text);

/*
 * True where spec is a domain-spec: a macro-string that ends in a macro or in
 * a dot and a toplabel, which is not all digits (7.1).
 */
bool spf_domain_spec_check(struct span spec);

/* Whether the text has the letter (given in lower case) as a macro. */
bool spf_macro_uses(struct span text, char letter);

/* What text expands to. It has been checked. */
void spf_macro_expand(struct span text, const struct spf_macros *macros,
    struct strbuf *out);

/*
 * The name a checked domain-spec stands for, in the arena: expanded, without
 * its last dot, and cut from the left, by labels, to SPF_NAME_MAX octets (7.3).
 * It may still be no name that can be asked for; spf_name_is_askable() tells.
 */
struct span spf_macro_name(struct span spec, const struct spf_macros *macros,
    struct arena *arena);

/* True where every label has 1 to 63 octets, all of them printable ASCII, and
 * the whole SPF_NAME_MAX at most. */
bool spf_name_is_askable(struct span name);

#endif
