/*
 * accesstable.h - the kinds of tables an access map is made of.
 */
#ifndef POSTERN_TABLES_ACCESSTABLE_H
#define POSTERN_TABLES_ACCESSTABLE_H

#include "common/tables/accessrule.h"

/* Who or what is looked up. What a subject has not is empty. */
struct access_query {
	enum access_subject subject;
	struct span name;	/* of the client; or HELO's */
	const struct ipaddr *address;	/* client, HELO; family 0: none */
	struct span local, domain;	/* sender, recipient */
	bool is_null;			/* sender: <> */
	struct span wholes[2];	/* what patterns are held against, each by
				   each row in turn; empty: nothing */
	struct arena *arena;
	struct regex_budget *patterns;	/* NULL: no bound */
};

struct access_hit {
	const struct access_rule *rule;
	struct span text;	/* the rule's, with $1 filled in */
	unsigned line;
};

struct access_table {
	struct access_table *next;
	const struct access_kind *kind;
	const char *name;	/* "access-client" */
	void *rows;		/* the kind's own */
};

struct access_kind {
	unsigned subjects;	/* bit n: for subject n */
	/* All rows of the source; what is wrong goes to its diag. */
	void *(*load)(struct access_source *source);
	void (*free)(void *rows);	/* NULL is nothing */
	bool (*find)(const void *rows, const struct access_query *query,
	    struct access_hit *hit);
	size_t (*count)(const void *rows);
};

extern const struct access_kind access_text_kind, access_cidr_kind,
    access_regexp_kind, access_pcre_kind, access_postgrey_kind;

/* What text tables and postgrey's have in common: keys, looked up by the name
 * and address or the mail address of a query. */
struct access_keys;

struct access_keys *access_keys_new(void);
void access_keys_free(struct access_keys *keys);
/* False, the reason said to source, where key is none for its subject. */
bool access_keys_add(struct access_keys *keys, struct access_source *source,
    struct span key, const struct access_rule *rule);
bool access_keys_find(const struct access_keys *keys,
    const struct access_query *query, struct access_hit *hit);
size_t access_keys_count(const struct access_keys *keys);

/* One regular expression of a table, in the delimiters it has there. */
struct regex *access_regex_read(struct access_source *source,
    struct span pattern, unsigned flags, bool is_posix);

#endif
