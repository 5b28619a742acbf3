/*
 * ipaddr.h - IPv4 and IPv6 addresses and networks.
 *
 * An IPv4-mapped IPv6 address (::ffff:192.0.2.1) is the IPv4 address: an MTA
 * that listens on a dual-stack socket must not make a client look like two.
 */
#ifndef POSTERN_BASE_IPADDR_H
#define POSTERN_BASE_IPADDR_H

#include "common/base/strbuf.h"

#include <sys/socket.h>

enum { IPADDR_TEXT = 46 };	/* room for the longest text and its NUL */

struct ipaddr {
	unsigned char family;	/* 4 or 6; 0: none */
	unsigned char bits;	/* prefix length: 32 or 128 for one host */
	unsigned char octets[16];	/* network order; IPv4 in the first 4 */
};

/*
 * One address: "192.0.2.1", "2001:db8::1", "[2001:db8::1]",
 * "IPv6:2001:db8::1" (RFC 5321 4.1.3). False where s is none.
 */
bool ipaddr_parse(struct span s, struct ipaddr *address);

/*
 * An address or a network: "192.0.2.0/24", "192.0.2.0/255.255.255.0",
 * "[2001:db8::]/32", "[2001:db8::/32]". Host bits are cleared; *had_host_bits
 * says whether there were any. False where s is none.
 */
bool ipaddr_parse_network(struct span s, struct ipaddr *network,
    bool *had_host_bits);

/* False where sa is neither AF_INET nor AF_INET6. */
bool ipaddr_from_sockaddr(const struct sockaddr *sa, struct ipaddr *address);

/* address cut to its first bits bits; bits beyond its length change nothing. */
struct ipaddr ipaddr_mask(struct ipaddr address, unsigned bits);
bool ipaddr_eq(const struct ipaddr *a, const struct ipaddr *b);
bool ipaddr_in(const struct ipaddr *address, const struct ipaddr *network);

/* Canonical text (RFC 5952), "/bits" behind it where it is a network. */
void ipaddr_add(struct strbuf *out, const struct ipaddr *address);

#endif
