/*
 * mcname.h - the list of memcached servers in a setting: "HOST[:PORT]",
 * "[IPv6]:PORT" or "/path/of/socket", separated by commas or blanks.
 */
#ifndef POSTERN_CACHE_MCNAME_H
#define POSTERN_CACHE_MCNAME_H

#include "common/base/ipaddr.h"

enum {
	MCNAME_MAX = 32,	/* servers of a list */
	MCNAME_TEXT = 255,	/* octets of a host's name */
	MCNAME_PORT = 11211
};

struct mcname {
	char host[MCNAME_TEXT + 1];	/* lower case; or the socket's path */
	unsigned port;			/* 0: a Unix socket */
	struct ipaddr address;		/* family 0: a name to be looked up */
};

struct mcnames {
	struct mcname items[MCNAME_MAX];
	size_t count;
};

/* -1, a sentence in err, where list is no good. */
int mcnames_parse(struct span list, struct mcnames *names,
    struct strbuf *err);

/* A Unix socket, a loopback address, or "localhost". */
bool mcname_is_local(const struct mcname *name);

/* "a.example:11211", "[2001:db8::1]:11211", "/run/memcached.sock". */
void mcname_add(struct strbuf *out, const struct mcname *name);

#endif
