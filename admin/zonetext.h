/*
 * zonetext.h - a TXT record as text: written for the places an admin pastes it
 * into, and read from the files opendkim-genkey leaves beside its keys.
 */
#ifndef POSTERN_ADMIN_ZONETEXT_H
#define POSTERN_ADMIN_ZONETEXT_H

#include "common/base/arena.h"
#include "common/base/json.h"

enum {
	ZONETEXT_STRING_MAX = 255,	/* octets of one string (RFC 1035) */
	ZONETEXT_FILE_MAX = 65536,
	ZONETEXT_TTL = 3600
};

enum zonetext_format {
	ZONETEXT_BIND,		/* a line for a zone file */
	ZONETEXT_PLAIN,		/* the value, in one piece */
	ZONETEXT_SPLIT,		/* for web forms: the fields, strings quoted */
	ZONETEXT_NSUPDATE,	/* nsupdate(1)'s commands */
	ZONETEXT_JSON
};

/* "bind", "plain"...: NULL-terminated, in the order of the formats. */
extern const char *const zonetext_words[];

/* name is without a trailing dot, value printable ASCII. Ends without a line
 * end. */
void zonetext_format(enum zonetext_format format, struct span name,
    struct span value, struct strbuf *out);

/* The members "record", "type", "ttl", "value" and "strings". */
void zonetext_json(struct json *json, struct span name, struct span value);

struct zonetext {
	struct span owner;	/* as written */
	struct span value;	/* strings joined */
	struct span comment;	/* behind the record; empty: none */
};

/* The first TXT record of a zone file's text; false where there is none. All
 * is in the arena. */
bool zonetext_parse(struct span text, struct arena *arena,
    struct zonetext *record);

#endif
