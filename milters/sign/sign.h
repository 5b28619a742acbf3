/*
 * sign.h - postern-sign: which messages are signed, and by which keys.
 *
 * The filter table is the whole interface: the daemon's main() hands it to
 * daemon_main(), "postern message sign" to the file driver. The configuration
 * is open to read, for the table and key commands.
 */
#ifndef POSTERN_MILTERS_SIGN_SIGN_H
#define POSTERN_MILTERS_SIGN_SIGN_H

#include "common/milter/daemon_settings.h"
#include "common/tables/hostlist.h"
#include "common/tables/namelist.h"
#include "common/tables/signtable.h"

enum { SIGN_MODE_SIGN = 1, SIGN_MODE_VERIFY = 2 };	/* Mode's letters */

/* One item of MacroList: the macro's name and, where values are given, those
 * that count ("a|b"); without values any setting of it does. */
struct sign_macro {
	const char *name;
	struct span values;
};

/*
 * The settings as they were read, and what load() makes of them. Where the
 * single-domain settings are used, signtable is NULL and keytable has one row.
 */
struct sign_conf {
	struct daemon_settings daemon;
	/* as read */
	const char *key_table, *signing_table;
	const char *domain, *selector, *key_file;
	const char *internal_hosts, *external_ignore_list, *peer_list;
	const char *exempt_domains, *dont_sign_mail_to;
	const char *mta, *macro_list, *sender_headers;
	const char *canonicalization, *signature_algorithm;
	const char *sign_headers, *omit_headers, *oversign_headers;
	bool sub_domains, multiple_signatures, remove_old_signatures;
	bool keep_own_signatures, require_safe_keys, diagnostics;
	int mode;
	int64_t signature_ttl, minimum_key_bits;
	int on_bad_message, on_key_error, on_internal_error;
	/* made by load() */
	struct keytable *keytable;
	struct signtable *signtable;
	struct hostlist *internal, *external_ignore, *peers;
	struct namelist *domains, *exempt, *unsigned_recipients;
	struct dkim_signset *signset;
	enum canon header_canon, body_canon;
	struct span *sender_names;	/* SenderHeaders, in order */
	size_t sender_name_count;
	struct span *daemon_names;	/* MTA */
	size_t daemon_name_count;
	struct sign_macro *macros;	/* MacroList */
	size_t macro_count;
	const char *macro_names;	/* theirs, for the MTA; NULL: none */
};

extern const struct filter sign_filter;

/*
 * The schema and what the settings mean, for commands that read tables without
 * running the filter: how keys are to be read. Of load, all but check_all must
 * be set; texts are in its arena.
 */
extern const struct config_schema sign_schema;
struct keytable_options sign_key_options(const struct filter_load *load);

#endif
