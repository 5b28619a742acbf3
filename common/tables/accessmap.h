/*
 * accessmap.h - Postfix's access(5) tables as text: what is found, and what is
 * to be done about it.
 *
 *	texthash:/path	hash: btree: lmdb: cdb: dbm: file:/path	/path
 *			rows "key action", read as text (not the .db that
 *			postmap made of them); '#' comments only at a line's
 *			start, a line that begins with blanks continues the one
 *			before, as in postfix-table(5)
 *	cidr:/path	rows "network action" (cidr_table(5)), in file order
 *	regexp:/path	rows "/pattern/flags action" (regexp_table(5))
 *	pcre:/path	the same by PCRE2 (pcre_table(5)); if/endif, "!", $1
 *	postgrey:/path	postgrey's whitelist_clients, whitelist_recipients:
 *			every row means OK; a ".local" may be missing
 *
 * Several, divided by commas, are asked in that order; the first that knows
 * decides. regexp: tables are matched by PCRE2 too, their patterns written for
 * it (regex.h). Every match has a limit of steps: what runs into it is no
 * match, and is counted. All matches of a message have a budget of time: behind
 * it patterns are asked no more, and match nothing. Text and cidr: rows are found in the same time however
 * many there are. What Postfix would warn of and pass over is an error here.
 */
#ifndef POSTERN_TABLES_ACCESSMAP_H
#define POSTERN_TABLES_ACCESSMAP_H

#include "common/base/ipaddr.h"
#include "common/mail/address.h"
#include "common/tables/dataset.h"
#include "common/tables/regex.h"

enum access_subject {		/* what keys of the map are about */
	ACCESS_CLIENT,		/* names, .parents, addresses, networks */
	ACCESS_HELO,		/* names, .parents; literals */
	ACCESS_SENDER,		/* user@domain, domain, .parents, user@, <> */
	ACCESS_RECIPIENT,	/* the same */
	ACCESS_HEADER		/* "Name: value" lines: regexp, pcre only */
};

enum { ACCESS_SUBJECTS = ACCESS_HEADER + 1, ACCESS_TEXT_MAX = 400 };

enum access_verb {
	ACCESS_OK,		/* OK, or a number */
	ACCESS_REJECT,		/* REJECT, 5xx */
	ACCESS_DEFER,		/* DEFER, DEFER_IF_PERMIT, 4xx */
	ACCESS_DUNNO,		/* nothing known; other tables are asked no
				   more, other checks are */
	ACCESS_HOLD,
	ACCESS_DISCARD,
	ACCESS_PREPEND,		/* text is "Name: value" */
	ACCESS_REDIRECT,	/* text is an address */
	ACCESS_WARN		/* text goes to the log; nothing else happens */
};

struct access_action {
	enum access_verb verb;
	unsigned code;		/* REJECT, DEFER: 0 or the code written */
	struct span enhanced;	/* "5.7.1", or empty */
	struct span text;	/* may be empty; at most ACCESS_TEXT_MAX;
				   printable ASCII */
	struct span row;	/* "access-client:12", for the log */
};

struct access_map;

/* spec NULL or "": an empty map. NULL only where diag got an error. */
struct access_map *access_map_load(const char *spec,
    enum access_subject subject, const struct dataset_place *place,
    struct diag *diag);
void access_map_free(struct access_map *map);

/* How many rows there are. */
size_t access_map_count(const struct access_map *map);

/*
 * Each fills action and returns true where a row was found. Texts point into
 * the map, or into the arena where $1 was filled in. patterns is the message's
 * budget; NULL: no bound.
 *
 * client: the name (which may be "", or "unknown", a key like others) and then
 * the address, each from the most special key to the most general, as
 * check_client_access does. "example.com" matches what is below it, too, unless
 * there is ".example.com".
 */
bool access_map_client(const struct access_map *map, struct span name,
    const struct ipaddr *address, struct arena *arena,
    struct regex_budget *patterns, struct access_action *action);
bool access_map_helo(const struct access_map *map, struct span helo,
    struct arena *arena, struct regex_budget *patterns,
    struct access_action *action);
/* address NULL or empty: the null sender, key "<>"; without a domain: "user@"
 * alone. Address extensions (user+folder@) are looked up with and without. */
bool access_map_address(const struct access_map *map,
    const struct address *address, struct arena *arena,
    struct regex_budget *patterns, struct access_action *action);
/* The field as it came; folds are taken out, and it is cut at 8 KB. */
bool access_map_header(const struct access_map *map, struct span name,
    struct span value, struct arena *arena, struct regex_budget *patterns,
    struct access_action *action);

/* How often a pattern ran into its limit since the process began. */
uint64_t access_map_limited(void);

#endif
