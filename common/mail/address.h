/*
 * address.h - the one address parser: RFC 5322 3.4 with its obsolete syntax
 * (4.4), UTF-8 by RFC 6532, for header fields; RFC 5321 paths for envelopes.
 *
 * A local part comes without its quotes and quoted pairs, case kept, and may
 * hold any byte a quoted string can, NUL excepted. The domain comes as
 * lower-case A-labels (domain.h): whatever is not valid there makes the address
 * invalid. The split is at the last unquoted '@'; comments and folding white
 * space are passed over wherever the grammar has them.
 */
#ifndef POSTERN_MAIL_ADDRESS_H
#define POSTERN_MAIL_ADDRESS_H

#include "common/base/arena.h"

enum {
	ADDRESS_LOCAL_MAX = 255,	/* octets, without quotes */
	ADDRESS_LIST_MAX = 1000,	/* addresses in one field */
	ADDRESS_FIELD_MAX = 1 << 20	/* octets of one field that are read */
};

enum address_result {
	ADDRESS_OK,
	ADDRESS_EMPTY,		/* nothing there, or "<>" in an envelope */
	ADDRESS_SYNTAX,		/* not by the grammar, or a NUL, or 8-bit
				   that is not UTF-8 */
	ADDRESS_NO_DOMAIN,	/* a local part alone */
	ADDRESS_BAD_DOMAIN,	/* no LDH labels after IDNA */
	ADDRESS_LITERAL,	/* a domain literal, [192.0.2.1]: well-formed,
				   but nothing that has DNS; domain holds it */
	ADDRESS_TOO_LONG	/* one of the bounds above, or the lexer's of
				   comments in comments */
};

struct address {
	struct span local;	/* unquoted */
	struct span domain;	/* lower-case A-labels, or the literal */
};

struct address_list {
	struct address *items;
	size_t count;
	enum address_result result;	/* the first one that is not OK */
};

/* "syntax error", "no domain"...: for logs. */
const char *address_result_text(enum address_result result);

/*
 * Every mailbox of a header field's value (address-list: mailboxes and
 * groups; a group's members count, an empty group has none). list->result is
 * ADDRESS_OK where all are well-formed and there is at least one; otherwise
 * items holds those before the first bad one. Memory comes from the arena.
 */
void address_list_parse(struct span value, struct arena *arena,
    struct address_list *list);

/*
 * An envelope's path, with or without its angle brackets; a source route
 * (RFC 5321 C) is passed over. ADDRESS_EMPTY for "" and "<>".
 */
enum address_result address_parse_path(struct span s, struct arena *arena,
    struct address *address);

/*
 * "local@domain" as text, in the arena: the local part is quoted where it has
 * to be, so the outcome parses to the same address again.
 */
struct span address_format(const struct address *address, struct arena *arena);

#endif
