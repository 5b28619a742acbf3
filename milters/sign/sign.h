/*
 * sign.h - postern-sign: which messages are signed, and by which keys.
 *
 * The filter table is the whole interface: the daemon's main() hands it to
 * daemon_main(), "postern message sign" to the file driver. The configuration
 * is open to read, for the table and key commands.
 */
#ifndef POSTERN_MILTERS_SIGN_SIGN_H
#define POSTERN_MILTERS_SIGN_SIGN_H

#include "common/milter/daemon.h"
#include "common/tables/hostlist.h"
#include "common/tables/namelist.h"
#include "common/tables/signtable.h"

/*
 * The settings as they were read, and what load() makes of them. Where the
 * single-domain settings are used, signtable is NULL and keytable has one row.
 */
struct sign_conf {
	struct daemon_settings daemon;
	/* as read */
	const char *key_table, *signing_table;
	const char *domain, *selector, *key_file;
	const char *internal_hosts, *external_ignore, *peers;
	const char *exempt_domains, *dont_sign_mail_to;
	const char *mta, *macro_list, *sender_headers;
	const char *canonicalization, *algorithm;
	const char *sign_headers, *omit_headers, *oversign_headers;
	bool sub_domains, multiple, remove_old, require_safe_keys;
	bool diagnostics, resign;
	int mode;
	int64_t ttl, minimum_bits;
	int on_bad_message, on_key_error, on_internal_error, on_too_many;
	/* made by load() */
	struct keytable *keytable;
	struct signtable *signtable;
	struct hostlist *internal, *external, *peer_list;
	struct namelist *domains, *exempt, *no_sign_recipients;
	struct dkim_signset *signset;
	enum canon header_canon, body_canon;
	struct span *sender_names;
	size_t sender_name_count;
	struct sign_macro *macros;
	size_t macro_count;
};

extern const struct filter sign_filter;

#endif
