/*
 * trace.h - questions and their answers as an admin reads them.
 */
#ifndef POSTERN_DNS_TRACE_H
#define POSTERN_DNS_TRACE_H

#include "common/base/json.h"
#include "common/dns/lookups.h"

/* "found", "nodata", "nxdomain", "servfail", "timeout", "bogus", "malformed",
 * "refused": one word, stable, for JSON and logs. */
const char *dns_result_word(enum dns_result result);

/*
 * What a record says, nearly as in a zone file: an address, "10
 * mail.example.com", the text of a TXT record in double quotes. Escaped; at
 * most ESCAPE_MAX octets of it are shown.
 */
void dns_record_add(struct strbuf *out, enum dns_type type, struct span data);

/* "TXT example.com: found: "v=spf1 -all" (12 ms, secure)". One line. */
void lookup_add(struct strbuf *out, const struct lookup *lookup);

/*
 * The array name with an object for each question, in the order of asking:
 * name, type, result (a word as above, or "open": it was not waited for),
 * records (as above, but TXT plain and whole), ttl, secure, ms, and detail
 * where there is one.
 */
void lookups_add_json(struct json *json, const char *name,
    const struct lookups *lookups);

#endif
