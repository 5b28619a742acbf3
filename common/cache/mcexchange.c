#include "common/cache/mcexchange.h"

#include "common/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* ---- how it ends ---- */

static void
fail(struct mcexchange *x, const char *why)
{
	mcserver_fail(x->server, x->link, why);
	x->link = NULL;
}

static void
end_well(struct mcexchange *x)
{
	x->is_well = true;
	if (x->is_suspect || x->link->len > 0)
		mcserver_give_up(x->server, x->link);
	else
		mcserver_give(x->server, x->link);
	x->link = NULL;
}

/* ---- what can be done now ---- */

static void
finish_connect(struct mcexchange *x, int64_t now)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(x->link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error != 0) {
		fail(x, strerror(error));
		return;
	}
	x->link->is_connecting = false;
	x->deadline = now + MCSERVER_ANSWER_MS;
}

static void
send_some(struct mcexchange *x)
{
	ssize_t n;

	while (x->sent < x->out.len) {
		n = send(x->link->fd, x->out.s + x->sent, x->out.len - x->sent,
		    MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			fail(x, strerror(errno));
			return;
		}
		x->sent += (size_t)n;
	}
	if (x->awaited == 0)
		end_well(x);
}

/* Takes what is complete; false where it is not what was asked for. */
static bool
take_replies(struct mcexchange *x, mcexchange_reply *reply, void *arg)
{
	struct span rest = span_make(x->link->in, x->link->len);
	struct mcreply one;
	int rc;

	while (x->awaited > 0 && (rc = mcwire_next(&rest, &one)) != 0) {
		if (rc < 0 || !reply(arg, x, &one))
			return false;
		if (one.kind != MCREPLY_VALUE)
			x->awaited--;
	}
	memmove(x->link->in, rest.p, rest.len);
	x->link->len = rest.len;
	return true;
}

static void
receive_some(struct mcexchange *x, mcexchange_reply *reply, void *arg)
{
	struct mclink *link = x->link;
	ssize_t n = recv(link->fd, link->in + link->len,
	    sizeof(link->in) - link->len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fail(x, n < 0 ? strerror(errno) : "closed the connection");
		return;
	}
	link->len += (size_t)n;
	if (!take_replies(x, reply, arg))
		fail(x, "a wrong answer");
	else if (x->awaited == 0 && x->sent == x->out.len)
		end_well(x);
}

static void
step(struct mcexchange *x, short events, int64_t now, mcexchange_reply *reply,
    void *arg)
{
	if (x->link->is_connecting && (events & ~POLLIN) != 0)
		finish_connect(x, now);
	if (x->link != NULL && !x->link->is_connecting &&
	    x->sent < x->out.len)
		send_some(x);
	if (x->link != NULL && (events & ~POLLOUT) != 0)
		receive_some(x, reply, arg);
}

/* ---- all of them ---- */

static void
start(struct mcexchange *x, int64_t now)
{
	x->is_well = x->is_suspect = false;
	x->sent = 0;
	x->link = NULL;
	if (x->out.len == 0)
		return;
	x->link = x->is_probe ? mcserver_take_probe(x->server) :
	    mcserver_take(x->server);
	if (x->link == NULL)
		return;
	x->deadline = now + (x->link->is_connecting ? MCSERVER_CONNECT_MS :
	    MCSERVER_ANSWER_MS);
	if (!x->link->is_connecting)
		send_some(x);
}

static short
wanted_events(const struct mcexchange *x)
{
	if (x->link->is_connecting)
		return POLLOUT;
	return x->sent < x->out.len ? POLLIN | POLLOUT : POLLIN;
}

/* Lists those that are not finished; the first deadline in *until. */
static nfds_t
gather(struct mcexchange *exchanges, size_t count, struct pollfd *fds,
    struct mcexchange **of, int64_t *until)
{
	struct mcexchange *x;
	nfds_t n = 0;

	for (x = exchanges; x < exchanges + count; x++) {
		if (x->link == NULL)
			continue;
		if (n == 0 || x->deadline < *until)
			*until = x->deadline;
		fds[n] = (struct pollfd){ x->link->fd, wanted_events(x), 0 };
		of[n++] = x;
	}
	return n;
}

static int
left(int64_t until)
{
	int64_t now = clock_monotonic_ms();

	return until > now ? (int)(until - now) : 0;
}

void
mcexchange_run(struct mcexchange *exchanges, size_t count,
    mcexchange_reply *reply, void *arg)
{
	struct mcexchange *of[MCNAME_MAX];
	struct pollfd fds[MCNAME_MAX];
	int64_t now = clock_monotonic_ms(), until = now;
	nfds_t n, i;

	for (i = 0; i < count; i++)
		start(&exchanges[i], now);
	while ((n = gather(exchanges, count, fds, of, &until)) > 0) {
		if (poll(fds, n, left(until)) < 0)
			for (i = 0; i < n; i++)
				fds[i].revents = 0;
		now = clock_monotonic_ms();
		/* What is there is taken, be it late: we may have slept. */
		for (i = 0; i < n; i++) {
			if (fds[i].revents != 0)
				step(of[i], fds[i].revents, now, reply, arg);
			if (of[i]->link != NULL && now >= of[i]->deadline)
				fail(of[i], "timed out");
		}
	}
}
