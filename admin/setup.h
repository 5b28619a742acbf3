/*
 * setup.h - the signer's configuration as the commands see it: sign.conf, or
 * what the command line says instead.
 */
#ifndef POSTERN_ADMIN_SETUP_H
#define POSTERN_ADMIN_SETUP_H

#include "admin/cli.h"
#include "common/milter/privilege.h"
#include "common/milter/snapshot.h"
#include "milters/sign/sign.h"

/* The options of every command that reads the configuration. */
struct setup_options {
	const char *config;
	const char *key_table;
	const char *signing_table;
	const char *user;
	bool json;
};

#define SETUP_ROW(type, member, field, nm, let, kd, arg, text)		\
	{ .name = nm, .letter = let, .kind = kd,			\
	    .offset = offsetof(type, member) +				\
	    offsetof(struct setup_options, field),			\
	    .argument = arg, .help = text }
#define SETUP_TABLES(type, member)					\
	SETUP_ROW(type, member, config, "config", 'c', CLI_TEXT, "FILE", \
	    "the signer's configuration (default:\n"			\
	    SYSCONFDIR "/postern/sign.conf)"),				\
	SETUP_ROW(type, member, key_table, "key-table", 0, CLI_TEXT,	\
	    "TABLE", "instead of KeyTable in the configuration"),	\
	SETUP_ROW(type, member, signing_table, "signing-table", 0,	\
	    CLI_TEXT, "TABLE", "instead of SigningTable in the configuration")
#define SETUP_USER(type, member)					\
	SETUP_ROW(type, member, user, "user", 0, CLI_TEXT, "USER[:GROUP]", \
	    "whom the signer runs as (default: UserID, else\n"		\
	    "postern-sign where root asks, else yourself)")
#define SETUP_JSON(type, member)					\
	SETUP_ROW(type, member, json, "json", 0, CLI_FLAG, NULL,	\
	    "print JSON")

struct setup {
	struct sign_conf conf;		/* settings only: nothing is loaded */
	struct config_origin *origins;
	struct filter_load load;	/* for filter_place() and its like */
	struct identity identity;	/* the signer's */
	struct arena arena;
	struct diag diag;
	struct snapshot_override overrides[3];
	size_t override_count;
	const char *file;		/* NULL: there is none */
};

/*
 * Reads the settings, not the tables. The exit status, EX_OK where all is
 * well; setup_read() has said what is wrong else. setup_clear() in every case.
 */
int setup_load(struct setup *setup, const struct setup_options *options);
int setup_read(struct setup *setup, const struct setup_options *options);
void setup_clear(struct setup *setup);

/*
 * All of it, tables and keys too, as the daemon would load it; NULL where
 * setup->diag has errors. Nothing is printed.
 */
struct snapshot *setup_snapshot(struct setup *setup, bool check_all);

/* The KeyTable, or the single-domain settings as one: with the keys not read
 * yet, so that a bad one does not hide the others. NULL, said why. */
struct keytable *setup_keytable(struct setup *setup);

#endif
