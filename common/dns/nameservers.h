/*
 * nameservers.h - which name servers to ask.
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
 * The "nameserver" lines of a resolv.conf(5), added to servers, which is empty
 * before. None, or no such file, means this host. A line that is no address we
 * can use (one with a zone index, say) is passed over as long as there are
 * others.
 */
int nameservers_of_file(const char *path, struct nameservers *servers,
    struct strbuf *err);

bool nameservers_eq(const struct nameservers *a, const struct nameservers *b);

/* "192.0.2.1@53"; without with_port only where the port is another. */
void nameserver_add(struct strbuf *out, const struct nameserver *server,
    bool with_port);
/* All of them: "192.0.2.1, 127.0.0.1@5353". */
void nameservers_add(struct strbuf *out, const struct nameservers *servers);

#endif
