/*
 * key.h - the commands "postern key ...", a file each, and what they share.
 */
#ifndef POSTERN_ADMIN_KEY_H
#define POSTERN_ADMIN_KEY_H

#include "admin/keyset.h"

extern const struct cli_group key_group;

extern const struct cli_command key_generate_command;
extern const struct cli_command key_list_command;
extern const struct cli_command key_show_command;
extern const struct cli_command key_remove_command;
extern const struct cli_command key_dns_command;
extern const struct cli_command key_test_command;

/* --domain and --selector: what a row or a file leaves open. */
#define KEY_HINTS(type, member)						\
	{ .name = "domain", .kind = CLI_TEXT,				\
	    .offset = offsetof(type, member) +				\
	    offsetof(struct keyset_hints, domain), .argument = "DOMAIN", \
	    .help = "the domain, where the key's row is for any (%)\n"	\
	    "or a file does not tell" },				\
	{ .name = "selector", .kind = CLI_TEXT,				\
	    .offset = offsetof(type, member) +				\
	    offsetof(struct keyset_hints, selector), .argument = "SELECTOR", \
	    .help = "the selector, where a file does not tell" }

/* A row of the SigningTable that names a key. */
struct key_use {
	struct span pattern;
	unsigned line;
};

/* The SigningTable's rows that name that key, in file order; in the arena.
 * Without a SigningTable there are none. -1 where it cannot be read, said. */
int key_uses(struct setup *setup, struct span name, struct arena *arena,
    struct key_use **uses, size_t *count);

/* "RSA, 2048 bits", "Ed25519". */
void key_describe(const struct dkim_key *key, struct strbuf *out);

/* What a key turns out to be. */
struct key_facts {
	struct dkim_key *key;	/* NULL: trouble says why */
	struct strbuf trouble;	/* empty: the signer can use it */
	struct strbuf what;	/* as key_describe() has it */
};

void key_facts_find(struct key_facts *facts, const struct keyset *set,
    const struct keyset_key *key);
void key_facts_clear(struct key_facts *facts);

/* Members of the object that is open: the row or file, and the facts. */
void key_json(struct json *json, const struct keyset *set,
    const struct keyset_key *key, const struct key_facts *facts);

#endif
