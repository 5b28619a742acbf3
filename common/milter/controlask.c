#include "common/milter/control.h"

#include "common/base/clock.h"
#include "common/milter/controlwire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_STEP = 65536 };

static int
fail(const char *path, const char *what, struct strbuf *err)
{
	strbuf_addf(err, "%s: %s", path, what);
	return -1;
}

static int
fail_to_connect(const char *path, struct strbuf *err)
{
	if (errno == ENOENT || errno == ECONNREFUSED)
		return fail(path, "no daemon answers there; is it running?",
		    err);
	if (errno == EAGAIN)
		return fail(path, "the daemon is too busy to answer", err);
	return fail(path, strerror(errno), err);
}

static int
open_connection(const char *path, struct strbuf *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(address.sun_path))
		return fail(path, "too long for a socket's path", err);
	memcpy(address.sun_path, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail("socket", strerror(errno), err);
	if (connect(fd, (const struct sockaddr *)&address,
	    sizeof(address)) == 0)
		return fd;
	fail_to_connect(path, err);
	close(fd);
	return -1;
}

/* False when the time is over. */
static bool
wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd poll_of = { .fd = fd, .events = events };
	int64_t left;

	for (;;) {
		left = deadline - clock_monotonic_ms();
		if (left <= 0)
			return false;
		if (poll(&poll_of, 1, (int)left) > 0)
			return true;
	}
}

/* What is left unsent the daemon did not want to read: it has answered. */
static void
send_all(int fd, struct span text, int64_t deadline)
{
	ssize_t n;

	while (text.len > 0 && wait_for(fd, POLLOUT, deadline)) {
		n = send(fd, text.p, text.len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return;
		if (n > 0)
			text = span_skip(text, (size_t)n);
	}
}

/* True where more came. */
static bool
receive(int fd, struct strbuf *text, int64_t deadline)
{
	char piece[READ_STEP];
	ssize_t n;

	while (wait_for(fd, POLLIN, deadline)) {
		n = recv(fd, piece, sizeof(piece), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return false;
		strbuf_add(text, piece, (size_t)n);
		return true;
	}
	return false;
}

static enum control_came
receive_answer(int fd, int64_t deadline, struct strbuf *text,
    struct control_reply *reply)
{
	enum control_came came = CONTROL_PART;

	while (came == CONTROL_PART && receive(fd, text, deadline))
		came = control_read_answer(strbuf_span(text), reply);
	return came;
}

static int
exchange(int fd, const char *path, struct span request,
    struct control_answer *answer, struct strbuf *err)
{
	int64_t deadline = clock_monotonic_ms() + CONTROL_ASK_SECONDS * 1000;
	struct strbuf text = STRBUF_INIT;
	struct control_reply reply;
	enum control_came came;

	send_all(fd, request, deadline);
	came = receive_answer(fd, deadline, &text, &reply);
	if (came == CONTROL_COMPLETE) {
		answer->status = reply.status;
		strbuf_addspan(&answer->output, reply.output);
		strbuf_addspan(&answer->error, reply.error);
	}
	strbuf_clear(&text);
	if (came == CONTROL_COMPLETE)
		return 0;
	if (came == CONTROL_MALFORMED)
		return fail(path, "what answers there is no daemon of this "
		    "version", err);
	return fail(path, clock_monotonic_ms() < deadline ? "the daemon ended "
	    "the connection without an answer" : "the daemon does not answer "
	    "in time", err);
}

int
control_ask(const char *path, const struct span *words, size_t count,
    struct control_answer *answer, struct strbuf *err)
{
	struct strbuf request = STRBUF_INIT;
	int fd = -1, rc = -1;

	if (!control_add_request(&request, words, count))
		strbuf_addf(err, "at most %d words of at most %d octets each "
		    "can be asked", CONTROL_WORDS_MAX, CONTROL_WORD_MAX);
	else
		fd = open_connection(path, err);
	if (fd >= 0) {
		rc = exchange(fd, path, strbuf_span(&request), answer, err);
		close(fd);
	}
	strbuf_clear(&request);
	return rc;
}
