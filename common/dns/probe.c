#include "common/dns/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void
hang_up(struct probe *probe, size_t i)
{
	close(probe->fds[i].fd);
	probe->fds[i].fd = -1;
	probe->open--;
}

/* Asks the server for the root's name servers. */
static void
ask(struct probe *probe, const struct nameserver *server)
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
		probe->is_unsure = true;	/* our trouble, not theirs */
		return;
	}
	probe->open++;
	if (connect(fd, (struct sockaddr *)&to, len) != 0 ||
	    send(fd, question, sizeof(question), 0) < 0)
		hang_up(probe, i);
}

void
probe_start(struct probe *probe, const struct nameservers *servers)
{
	size_t i;

	*probe = (struct probe){ .count = 0 };
	for (i = 0; i < servers->count; i++)
		ask(probe, &servers->items[i]);
}

enum probe_result
probe_read(struct probe *probe)
{
	char answer[1];
	size_t i;

	for (i = 0; i < probe->count; i++) {
		if (probe->fds[i].fd < 0)
			continue;
		if (recv(probe->fds[i].fd, answer, 1, 0) >= 0)
			probe->answered |= 1u << i;
		else if (errno == EAGAIN || errno == EINTR)
			continue;
		hang_up(probe, i);
	}
	if (probe->open > 0)
		return PROBE_OPEN;
	if (probe->answered != 0)
		return PROBE_ANSWERED;
	return probe->is_unsure ? PROBE_OPEN : PROBE_REFUSED;
}

void
probe_end(struct probe *probe)
{
	size_t i;

	for (i = 0; i < probe->count; i++)
		if (probe->fds[i].fd >= 0)
			hang_up(probe, i);
	probe->count = 0;
}
