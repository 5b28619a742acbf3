#include "common/dns/nameservers.h"

#include "common/base/clock.h"
#include "common/base/file.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RESOLV_CONF_MAX = 1 << 16 };

static int
add_server(struct nameservers *servers, struct span item, struct strbuf *err)
{
	struct nameserver server;
	struct span address;
	uint64_t port = NAMESERVER_PORT;

	if (servers->count == NAMESERVERS_MAX) {
		strbuf_addf(err, "more than %d name servers",
		    NAMESERVERS_MAX);
		return -1;
	}
	if ((span_cut(&item, '@', &address) &&
	    (!span_number(item, 65535, &port) || port == 0)) ||
	    !ipaddr_parse(address, &server.address)) {
		strbuf_adds(err, "a name server is written as an IP address, "
		    "with \"@port\" where the port is not 53: "
		    "\"192.0.2.1\", \"127.0.0.1@5353\", \"2001:db8::1@53\"");
		return -1;
	}
	server.port = (unsigned)port;
	servers->items[servers->count++] = server;
	return 0;
}

int
nameservers_parse(const char *list, struct nameservers *servers,
    struct strbuf *err)
{
	struct span rest = span_of(list), item;

	while (span_item(&rest, &item))
		if (add_server(servers, item, err) != 0)
			return -1;
	if (servers->count > 0)
		return 0;
	strbuf_adds(err, "the list of name servers is empty");
	return -1;
}

int
nameservers_of_system(struct nameservers *servers, struct strbuf *err)
{
	static const struct span word = { "nameserver", 10 };
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	struct span rest, line;
	int rc = 0;

	if (file_read("/etc/resolv.conf", RESOLV_CONF_MAX, &text, NULL,
	    &why) != 0)
		strbuf_reset(&text);
	strbuf_reset(&why);
	rest = strbuf_span(&text);
	while (span_line(&rest, &line) && servers->count < NAMESERVERS_MAX)
		if (span_starts(line, word) && line.len > word.len &&
		    is_wsp(line.p[word.len]))
			add_server(servers, span_trim(span_skip(line,
			    word.len)), &why);
	if (servers->count == 0 && why.len > 0) {
		strbuf_addf(err, "/etc/resolv.conf: %s", why.s);
		rc = -1;
	} else if (servers->count == 0) {
		rc = add_server(servers, SPAN_LIT("127.0.0.1"), err);
	}
	strbuf_clear(&text);
	strbuf_clear(&why);
	return rc;
}

void
nameserver_add(struct strbuf *out, const struct nameserver *server,
    bool with_port)
{
	ipaddr_add(out, &server->address);
	if (with_port || server->port != NAMESERVER_PORT)
		strbuf_addf(out, "@%u", server->port);
}

static socklen_t
server_sockaddr(const struct nameserver *server, struct sockaddr_storage *to)
{
	struct sockaddr_in *in = (struct sockaddr_in *)to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (server->address.family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)server->port);
		memcpy(&in->sin_addr, server->address.octets, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)server->port);
	memcpy(&in6->sin6_addr, server->address.octets, 16);
	return sizeof(*in6);
}

struct probe {
	struct pollfd fds[NAMESERVERS_MAX];
	size_t count;
	size_t open;		/* neither answered nor refused yet */
	bool refused;		/* nothing else was heard so far */
};

static void
probe_end(struct probe *probe, size_t i)
{
	close(probe->fds[i].fd);
	probe->fds[i].fd = -1;
	probe->open--;
}

/* Asks the server for the root's name servers. */
static void
probe_send(struct probe *probe, const struct nameserver *server)
{
	static const unsigned char question[] = {
		0x50, 0x54, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1
	};
	struct sockaddr_storage to;
	socklen_t len = server_sockaddr(server, &to);
	size_t i = probe->count++;
	int fd = socket(to.ss_family,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	probe->fds[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	if (fd < 0) {
		probe->refused = false;	/* our trouble says nothing of them */
		return;
	}
	probe->open++;
	if (connect(fd, (struct sockaddr *)&to, len) != 0 ||
	    send(fd, question, sizeof(question), 0) < 0)
		probe_end(probe, i);
}

static void
probe_receive(struct probe *probe)
{
	char answer[1];
	size_t i;

	for (i = 0; i < probe->count; i++) {
		if (probe->fds[i].fd < 0 || probe->fds[i].revents == 0)
			continue;
		if (recv(probe->fds[i].fd, answer, 1, 0) >= 0)
			probe->refused = false;
		probe_end(probe, i);
	}
}

bool
nameservers_refuse(const struct nameservers *servers, int64_t wait_ms)
{
	struct probe probe = { .refused = true };
	int64_t until = clock_monotonic_ms() + wait_ms, left;
	size_t i;

	for (i = 0; i < servers->count; i++)
		probe_send(&probe, &servers->items[i]);
	while (probe.refused && probe.open > 0) {
		left = until - clock_monotonic_ms();
		if (left <= 0 ||
		    poll(probe.fds, (nfds_t)probe.count, (int)left) <= 0)
			break;
		probe_receive(&probe);
	}
	probe.refused = probe.refused && probe.open == 0;
	for (i = 0; i < probe.count; i++)
		if (probe.fds[i].fd >= 0)
			probe_end(&probe, i);
	return probe.refused;
}
