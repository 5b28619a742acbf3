/*
 * hostlist.h - lists of hosts: InternalHosts, PeerList and their like.
 *
 * An entry is a host name, ".domain" or "*.domain" (any name below it), an
 * IPv4 or IPv6 address, in brackets or not, or a network in CIDR or netmask
 * notation; "!" in front excludes. The most specific entry decides: a host
 * name, then its parent domains from the longest, then the address, then the
 * networks from the longest prefix, as OpenDKIM orders them. Names ignore case.
 * Look-ups cost the same for any number of entries.
 */
#ifndef POSTERN_TABLES_HOSTLIST_H
#define POSTERN_TABLES_HOSTLIST_H

#include "common/base/ipaddr.h"
#include "common/tables/dataset.h"

struct hostlist;

/* spec NULL or "": an empty list. NULL only where diag got an error. Host
 * bits, a value behind an entry and entries that come twice are warnings. */
struct hostlist *hostlist_load(const char *spec,
    const struct dataset_place *place, struct diag *diag);
void hostlist_free(struct hostlist *list);

/*
 * Whether the host is in the list. name may be empty or "unknown" or in
 * brackets (no name then); address may have family 0 (none). *entry (may be
 * NULL) gets the entry that decided, as it was written, from the list's own
 * memory; empty where none did.
 */
bool hostlist_match(const struct hostlist *list, struct span name,
    const struct ipaddr *address, struct span *entry);

size_t hostlist_count(const struct hostlist *list);

#endif
