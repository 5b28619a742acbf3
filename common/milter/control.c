#include "common/milter/control.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/milter/controlwire.h"
#include "common/milter/listen.h"
#include "common/milter/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	READ_STEP = 16384,
	STOP_MS = 1000,		/* for answers that are under way */
	PAUSE_MS = 100		/* where accept() fails */
};

struct client {
	int fd;			/* -1: none */
	int64_t deadline;
	struct strbuf request;
	struct strbuf answer;	/* empty: it has not asked yet */
	size_t sent;
};

/* Of the process. */
static struct {
	bool is_running;
	struct listener listener;
	control_handler *handler;
	int stop_fd;		/* becomes readable */
	pthread_t thread;
	struct client clients[CONTROL_CLIENTS_MAX];
	int64_t accept_after;	/* not before, ms */
} state;

static void
drop(struct client *client)
{
	close(client->fd);
	strbuf_clear(&client->request);
	strbuf_clear(&client->answer);
	*client = (struct client){ .fd = -1 };
}

static void
set_deadline(struct client *client)
{
	client->deadline = clock_monotonic_ms() + CONTROL_SECONDS * 1000;
}

static struct client *
free_client(void)
{
	size_t i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (state.clients[i].fd < 0)
			return &state.clients[i];
	return NULL;
}

/* ---- one client ---- */

static void
send_answer(struct client *client)
{
	struct span rest = span_skip(strbuf_span(&client->answer),
	    client->sent);
	ssize_t n;

	n = send(client->fd, rest.p, rest.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		drop(client);
		return;
	}
	if (n > 0)
		client->sent += (size_t)n;
	if (client->sent == client->answer.len)
		drop(client);
}

static void
handle(const struct span *words, size_t count, struct control_answer *answer)
{
	struct snapshot *snapshot = snapshot_current();

	state.handler(snapshot != NULL ? snapshot->conf : NULL, words, count,
	    answer);
	snapshot_unref(snapshot);
}

static void
read_request(struct client *client)
{
	struct span words[CONTROL_WORDS_MAX];
	struct control_answer answer = { .status = EX_OK };
	enum control_came came;
	size_t count;

	came = control_read_request(strbuf_span(&client->request), words,
	    &count);
	if (came == CONTROL_PART)
		return;
	if (came == CONTROL_COMPLETE) {
		handle(words, count, &answer);
	} else {
		answer.status = EX_PROTOCOL;
		strbuf_adds(&answer.error, "the request is malformed: the "
		    "daemon is of another version");
	}
	control_add_answer(&client->answer, &answer);
	strbuf_clear(&answer.output);
	strbuf_clear(&answer.error);
	set_deadline(client);
	send_answer(client);
}

static void
receive(struct client *client)
{
	char piece[READ_STEP];
	ssize_t n;

	n = recv(client->fd, piece, sizeof(piece), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(client);
		return;
	}
	strbuf_add(&client->request, piece, (size_t)n);
	read_request(client);
}

static void
take_client(void)
{
	struct client *client = free_client();
	int fd;

	fd = accept4(state.listener.fd, NULL, NULL,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		/* Without descriptors it would fail again at once. */
		state.accept_after = clock_monotonic_ms() + PAUSE_MS;
		return;
	}
	client->fd = fd;
	set_deadline(client);
}

/* ---- all of them ---- */

enum { POLL_STOP, POLL_LISTENER, POLL_CLIENTS,
    POLLS = POLL_CLIENTS + CONTROL_CLIENTS_MAX };

static int64_t
fill_polls(struct pollfd *polls, bool is_stopping)
{
	int64_t next = INT64_MAX, now = clock_monotonic_ms();
	const struct client *client;
	size_t i;

	for (i = 0; i < POLLS; i++)
		polls[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (!is_stopping)
		polls[POLL_STOP].fd = state.stop_fd;
	if (!is_stopping && now < state.accept_after)
		next = state.accept_after;
	else if (!is_stopping && free_client() != NULL)
		polls[POLL_LISTENER].fd = state.listener.fd;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		client = &state.clients[i];
		polls[POLL_CLIENTS + i].fd = client->fd;
		if (client->answer.len != 0)
			polls[POLL_CLIENTS + i].events = POLLOUT;
		if (client->fd >= 0 && client->deadline < next)
			next = client->deadline;
	}
	return next;
}

static void
serve_clients(const struct pollfd *polls)
{
	struct client *client;
	size_t i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		client = &state.clients[i];
		if (client->fd < 0)
			continue;
		if (polls[i].revents != 0 && client->answer.len != 0)
			send_answer(client);
		else if (polls[i].revents != 0)
			receive(client);
		else if (clock_monotonic_ms() >= client->deadline)
			drop(client);
	}
}

/* Waits for what comes next and does it. True when it is to stop. */
static bool
turn(bool is_stopping)
{
	struct pollfd polls[POLLS];
	int64_t next = fill_polls(polls, is_stopping);
	int64_t left = next - clock_monotonic_ms();

	/* A millisecond more, so that it is over by then. */
	if (poll(polls, POLLS, next == INT64_MAX ? -1 : left < 0 ? 0 :
	    (int)left + 1) < 0)
		return false;
	serve_clients(polls + POLL_CLIENTS);
	if (polls[POLL_LISTENER].revents != 0)
		take_client();
	return polls[POLL_STOP].revents != 0;
}

/* Who has an answer coming gets it, if it is quick. */
static bool
finish(int64_t deadline)
{
	struct client *client;
	bool is_busy = false;
	size_t i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		client = &state.clients[i];
		if (client->fd < 0)
			continue;
		if (client->answer.len == 0 || clock_monotonic_ms() > deadline)
			drop(client);
		else if (client->deadline > deadline)
			client->deadline = deadline;
		is_busy = is_busy || client->fd >= 0;
	}
	return is_busy;
}

static void *
control_thread(void *unused)
{
	int64_t deadline;

	while (!turn(false))
		;
	deadline = clock_monotonic_ms() + STOP_MS;
	while (finish(deadline))
		turn(true);
	return unused;
}

/* ---- start and stop ---- */

static int
open_listener(const char *path, mode_t mode, gid_t gid, struct strbuf *err)
{
	struct listen_access access = { .mode = mode, .uid = (uid_t)-1,
	    .gid = gid };
	struct listen_spec spec;
	int status;

	if (path[0] != '/') {
		strbuf_addf(err, "%s: a control socket is a path that starts "
		    "with \"/\"", path);
		return -1;
	}
	if (listen_parse(span_of(path), &spec, err) != 0 ||
	    listen_open(&state.listener, &spec, &access, &status, err) != 0)
		return -1;
	/* A client that is gone by then must not make accept() wait. */
	fcntl(state.listener.fd, F_SETFL, O_NONBLOCK);
	return 0;
}

static void
close_listener(void)
{
	listen_unlink(&state.listener);
	close(state.listener.fd);
}

static int
start_thread(struct strbuf *err)
{
	size_t i;
	int rc;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		state.clients[i] = (struct client){ .fd = -1 };
	state.stop_fd = eventfd(0, EFD_CLOEXEC);
	rc = state.stop_fd < 0 ? errno : pthread_create(&state.thread, NULL,
	    control_thread, NULL);
	if (rc == 0)
		return 0;
	strbuf_addf(err, "cannot start the control socket's thread: %s",
	    strerror(rc));
	if (state.stop_fd >= 0)
		close(state.stop_fd);
	return -1;
}

int
control_start(const char *path, mode_t mode, gid_t gid,
    control_handler *handler, struct strbuf *err)
{
	assert(!state.is_running);
	if (open_listener(path, mode, gid, err) != 0)
		return -1;
	state.handler = handler;
	state.accept_after = 0;
	if (start_thread(err) != 0) {
		close_listener();
		return -1;
	}
	state.is_running = true;
	return 0;
}

void
control_stop(void)
{
	static const uint64_t one = 1;

	if (!state.is_running)
		return;
	listen_unlink(&state.listener);
	if (write(state.stop_fd, &one, sizeof(one)) != sizeof(one))
		log_error("cannot stop the control socket: %s",
		    strerror(errno));
	else
		pthread_join(state.thread, NULL);
	close(state.listener.fd);
	close(state.stop_fd);
	state.is_running = false;
}
