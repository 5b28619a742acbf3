#include "tests/bench/load_wire.h"

#include "common/base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { PACKET_MAX = 64 << 20, LINE_LENGTH_MAX = 65536, OUT_ENOUGH = 16384 };

const char *const wire_trouble_names[WIRE_TROUBLES] = {
	"connect", "dropped", "timeout", "protocol"
};

struct wire_target {
	struct sockaddr_storage address;
	socklen_t len;
};

static struct timeval io_timeout;

static bool
unix_target(struct wire_target *target, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&target->address;
	size_t len = strlen(path);

	if (len >= sizeof(un->sun_path))
		return false;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len + 1);
	target->len = sizeof(*un);
	return true;
}

static bool
inet_target(struct wire_target *target, const char *text, int family)
{
	struct addrinfo hints = { .ai_family = family,
	    .ai_socktype = SOCK_STREAM }, *found;
	char *port = xstrdup(text), *host = strchr(port, '@');
	int rc;

	if (host != NULL)
		*host++ = '\0';
	rc = getaddrinfo(host != NULL ? host : "127.0.0.1", port, &hints,
	    &found);
	free(port);
	if (rc != 0)
		return false;
	memcpy(&target->address, found->ai_addr, found->ai_addrlen);
	target->len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

static bool
read_target(struct wire_target *target, const char *spec)
{
	const char *colon = strchr(spec, ':');
	struct span type = span_make(spec, 0);

	if (*spec == '/')
		return unix_target(target, spec);
	if (colon == NULL)
		return false;
	type.len = (size_t)(colon - spec);
	if (span_is(type, "unix") || span_is(type, "local"))
		return unix_target(target, colon + 1);
	if (span_is(type, "inet"))
		return inet_target(target, colon + 1, AF_UNSPEC);
	return span_is(type, "inet6") &&
	    inet_target(target, colon + 1, AF_INET6);
}

struct wire_target *
wire_target_new(const char *spec)
{
	struct wire_target *target = xcalloc(1, sizeof(*target));

	if (read_target(target, spec))
		return target;
	free(target);
	return NULL;
}

void
wire_set_timeout(double seconds)
{
	io_timeout.tv_sec = (time_t)seconds;
	io_timeout.tv_usec = (suseconds_t)
	    ((seconds - (double)io_timeout.tv_sec) * 1e6);
}

bool
wire_fail(struct wire *w, enum wire_trouble trouble, const char *problem)
{
	w->trouble = trouble;
	snprintf(w->problem, sizeof(w->problem), "%s", problem);
	return false;
}

static bool
fail_errno(struct wire *w, enum wire_trouble trouble, const char *what)
{
	char text[120];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		trouble = WIRE_TIMEOUT;
	return wire_fail(w, trouble, text);
}

static void
set_options(int fd, sa_family_t family)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &io_timeout,
	    sizeof(io_timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &io_timeout,
	    sizeof(io_timeout));
	if (family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

bool
wire_open(struct wire *w, const struct wire_target *target)
{
	sa_family_t family = target->address.ss_family;

	strbuf_reset(&w->out);
	strbuf_reset(&w->in);
	w->in_pos = 0;
	w->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return fail_errno(w, WIRE_CONNECT, "socket");
	set_options(w->fd, family);
	if (connect(w->fd, (const struct sockaddr *)&target->address,
	    target->len) == 0)
		return true;
	fail_errno(w, WIRE_CONNECT, "connect");
	w->trouble = WIRE_CONNECT;
	wire_close(w);
	return false;
}

/* Moves the pieces past what was sent. */
static void
advance(struct iovec **iov, size_t *count, size_t sent)
{
	while (*count > 0 && sent >= (*iov)->iov_len) {
		sent -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + sent;
		(*iov)->iov_len -= sent;
	}
}

static bool
send_all(struct wire *w, struct iovec *iov, size_t count)
{
	struct msghdr msg = { 0 };
	ssize_t sent;

	while (count > 0) {
		msg.msg_iov = iov;
		msg.msg_iovlen = count;
		sent = sendmsg(w->fd, &msg, MSG_NOSIGNAL);
		if (sent >= 0)
			advance(&iov, &count, (size_t)sent);
		else if (errno != EINTR)
			return fail_errno(w, WIRE_DROPPED, "write");
	}
	return true;
}

bool
wire_flush(struct wire *w)
{
	struct iovec iov = { w->out.s, w->out.len };

	if (w->out.len == 0)
		return true;
	w->out.len = 0;
	return send_all(w, &iov, 1);
}

static bool
fill(struct wire *w, size_t need)
{
	ssize_t got;

	if (w->in_pos > 0) {
		w->in.len -= w->in_pos;
		memmove(w->in.s, w->in.s + w->in_pos, w->in.len);
		w->in_pos = 0;
	}
	strbuf_reserve(&w->in, need < 4096 ? 4096 : need);
	while (w->in.len < need) {
		got = recv(w->fd, w->in.s + w->in.len,
		    w->in.cap - w->in.len, 0);
		if (got > 0)
			w->in.len += (size_t)got;
		else if (got == 0)
			return wire_fail(w, WIRE_DROPPED,
			    "the milter closed the connection");
		else if (errno != EINTR)
			return fail_errno(w, WIRE_DROPPED, "read");
	}
	return true;
}

static bool
have(struct wire *w, size_t need)
{
	return w->in.len - w->in_pos >= need || fill(w, need);
}

bool
wire_read(struct wire *w, struct wire_packet *packet)
{
	uint32_t len;

	if (!have(w, 5))
		return false;
	len = wire_u32(w->in.s + w->in_pos);
	if (len < 1 || len > PACKET_MAX)
		return wire_fail(w, WIRE_PROTOCOL, "bad packet length");
	if (!have(w, 4 + (size_t)len))
		return false;
	packet->code = w->in.s[w->in_pos + 4];
	packet->data = w->in.s + w->in_pos + 5;
	packet->len = len - 1;
	w->in_pos += 4 + (size_t)len;
	return true;
}

bool
wire_read_line(struct wire *w, struct span *line)
{
	struct span rest;

	if (!have(w, 1))
		return false;
	rest = span_make(w->in.s + w->in_pos, w->in.len - w->in_pos);
	while (!span_cut(&rest, '\n', line)) {
		if (line->len > LINE_LENGTH_MAX)
			return wire_fail(w, WIRE_PROTOCOL, "an endless line");
		if (!fill(w, line->len + 1))
			return false;
		rest = span_make(w->in.s, w->in.len);
	}
	w->in_pos = w->in.len - rest.len;
	return true;
}

void
wire_unread(struct wire *w, const struct wire_packet *packet)
{
	w->in_pos -= 5 + packet->len;
}

void
wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

size_t
wire_begin(struct wire *w, char command)
{
	size_t start = w->out.len;

	wire_add_u32(w, 0);
	strbuf_addc(&w->out, command);
	return start;
}

static void
set_length(struct wire *w, size_t start, size_t len)
{
	uint32_t value = htonl((uint32_t)len);

	memcpy(w->out.s + start, &value, sizeof(value));
}

bool
wire_end(struct wire *w, size_t start)
{
	set_length(w, start, w->out.len - start - 4);
	return w->out.len < OUT_ENOUGH || wire_flush(w);
}

bool
wire_send(struct wire *w, char command)
{
	return wire_end(w, wire_begin(w, command));
}

bool
wire_send_chunk(struct wire *w, char command, struct span data)
{
	size_t start = wire_begin(w, command);
	struct iovec iov[2];

	if (w->out.len + data.len <= OUT_ENOUGH) {
		strbuf_addspan(&w->out, data);
		return wire_end(w, start);
	}
	set_length(w, start, data.len + 1);
	iov[0] = (struct iovec){ w->out.s, w->out.len };
	iov[1] = (struct iovec){ (void *)(uintptr_t)data.p, data.len };
	w->out.len = 0;
	return send_all(w, iov, 2);
}

void
wire_add_u32(struct wire *w, uint32_t value)
{
	value = htonl(value);
	strbuf_add(&w->out, &value, sizeof(value));
}

void
wire_add_text(struct wire *w, const char *s)
{
	strbuf_add(&w->out, s, strlen(s) + 1);
}

uint32_t
wire_u32(const char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return ntohl(value);
}
