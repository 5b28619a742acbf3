/*
 * nameservers.h - which name servers to ask, and whether anybody listens there.
 */
#ifndef POSTERN_DNS_NAMESERVERS_H
#define POSTERN_DNS_NAMESERVERS_H

#include "common/base/ipaddr.h"

enum { NAMESERVERS_MAX = 16, NAMESERVER_PORT = 53 };

struct nameserver {
	struct ipaddr address;
	unsigned port;
};

struct nameservers {
	struct nameserver items[NAMESERVERS_MAX];
	size_t count;
};

/* "addr[@port], ..."; -1, a sentence in err. servers is empty before. */
int nameservers_parse(const char *list, struct nameservers *servers,
    struct strbuf *err);

/*
 * The "nameserver" lines of resolv.conf(5); none, or no such file, means this
 * host. A line that is no address we can use (one with a zone index, say) is
 * passed over as long as there are others.
 */
int nameservers_of_system(struct nameservers *servers, struct strbuf *err);

/* "192.0.2.1@53"; without with_port only where the port is another. */
void nameserver_add(struct strbuf *out, const struct nameserver *server,
    bool with_port);

/*
 * True where every server's host says within wait_ms that nobody listens on
 * that port, or cannot be reached at all. Each is sent a question, since a
 * refusal comes only in answer to something.
 */
bool nameservers_refuse(const struct nameservers *servers, int64_t wait_ms);

#endif
