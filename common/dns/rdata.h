/*
 * rdata.h - reads the data of DNS records, as it is on the wire but for names,
 * which come uncompressed. It is a stranger's: each function says false where
 * the data is not what its type promises, octets too many included.
 */
#ifndef POSTERN_DNS_RDATA_H
#define POSTERN_DNS_RDATA_H

#include "common/base/arena.h"
#include "common/base/ipaddr.h"

/*
 * The strings of a TXT record joined, in the arena. False too where a string
 * holds a NUL: no text that we look for has one, and what stands behind it
 * would be hidden from whoever reads C strings.
 */
bool dns_txt_join(struct span data, struct arena *arena, struct span *text);

/*
 * The name a PTR record holds, without the last dot, in the arena; the root is
 * the empty name. A label with a dot or a NUL in it makes it false: it is no
 * host's name and would be read as another name than it is.
 */
bool dns_record_name(struct span data, struct arena *arena, struct span *name);

/* The same of an MX record; the empty name is a null MX (RFC 7505). */
bool dns_record_mx(struct span data, struct arena *arena,
    unsigned *preference, struct span *name);

/* The address of an A (4 octets) or AAAA record (16). An IPv4-mapped one stays
 * an IPv6 address here: it was published as one. */
bool dns_record_address(struct span data, struct ipaddr *address);

#endif
