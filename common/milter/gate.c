#include "common/milter/gate.h"

#include "common/base/log.h"
#include "common/milter/readahead.h"
#include "common/milter/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 50, QUEUE_MS = 1000, QUIET_MS = 1000, KNOCKS_MAX = 32 };

/* The prototypes' names are ours, the symbols the C library's. */
int gate_accept(int fd, struct sockaddr *address, socklen_t *len)
    __asm__("accept");
int gate_poll(struct pollfd *fds, nfds_t count, int ms) __asm__("poll");
ssize_t gate_read(int fd, void *data, size_t len) __asm__("read");
int gate_close_fd(int fd) __asm__("close");
int gate_sigwait(const sigset_t *set, int *sig) __asm__("sigwait");

static struct {
	int fd;
	size_t max;
	int64_t timeout;
	_Atomic size_t inside;
	_Atomic uint64_t total;
	_Atomic uint64_t knocks;	/* our own */
	atomic_bool closed;
	bool full;		/* said so; only accept()'s thread looks */
} gate = { .fd = -1, .max = SIZE_MAX };

void
gate_open(int fd, size_t max_sessions, int64_t timeout)
{
	gate.fd = fd;
	gate.max = max_sessions;
	gate.timeout = timeout;
	watch_open();
	readahead_open();
}

static void
sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

void
gate_close(void)
{
	struct pollfd queue = { .fd = gate.fd, .events = POLLIN };
	int i;

	for (i = 0; i < QUEUE_MS && poll(&queue, 1, 0) > 0; i++)
		sleep_ms(1);
	gate.closed = true;
	shutdown(gate.fd, SHUT_RDWR);
}

/* A moment's connection to ourselves. */
static void
knock(const struct sockaddr *address, socklen_t len)
{
	int fd;

	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (connect(fd, address, len) == 0 || errno == EINPROGRESS)
		gate.knocks++;
	close(fd);
}

static void
help_starved(size_t n)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	if (n == 0 || gate.closed || gate.inside >= gate.max ||
	    getsockname(gate.fd, (struct sockaddr *)&address, &len) != 0)
		return;
	for (n = n < KNOCKS_MAX ? n : KNOCKS_MAX; n > 0; n--)
		knock((struct sockaddr *)&address, len);
}

void
gate_tick(void)
{
	if (gate.inside == 0)
		return;
	watch_expire(gate.timeout);
	help_starved(watch_starved());
}

void
gate_will_wait(void)
{
	help_starved(gate.inside > 1);
}

void
gate_left(void)
{
	size_t n = gate.inside;

	while (n > 0 && !atomic_compare_exchange_weak(&gate.inside, &n, n - 1))
		;
}

void
gate_entered(void)
{
	gate.inside++;
}

size_t
gate_inside(void)
{
	return gate.inside;
}

uint64_t
gate_total(void)
{
	uint64_t knocks = gate.knocks, total = gate.total;

	return total > knocks ? total - knocks : 0;
}

/* Says so once until somebody was let in again, and makes libmilter wait. */
static int
turn_away(const char *why)
{
	if (!gate.full && !gate.closed)
		log_warning("%zu sessions open, %s: new connections wait",
		    (size_t)gate.inside, why);
	gate.full = true;
	sleep_ms(PAUSE_MS);
	errno = EAGAIN;
	return -1;
}

/* Counted before it is there: the daemon must not find nobody inside while
 * one is on the way. */
static int
let_in(int fd, struct sockaddr *address, socklen_t *len)
{
	int conn, error;

	gate.inside++;
	conn = accept4(fd, address, len, SOCK_CLOEXEC);
	if (conn >= 0) {
		watch_start(conn);
		readahead_start(conn);
		gate.total++;
		gate.full = false;
		return conn;
	}
	error = errno;
	gate_left();
	errno = error;
	return -1;
}

int
gate_accept(int fd, struct sockaddr *address, socklen_t *len)
{
	int conn;

	if (fd != gate.fd)
		return accept4(fd, address, len, 0);
	if (gate.closed)
		return turn_away("stopping");
	if (gate.inside >= gate.max)
		return turn_away("which is the limit of open files");
	conn = let_in(fd, address, len);
	if (conn < 0 && (errno == EMFILE || errno == ENFILE ||
	    errno == ENOBUFS || errno == ENOMEM))
		return turn_away("out of descriptors or memory");
	return conn;
}

/* libmilter gives up when its socket is shut down: it gets to hear of no
 * more than that nobody comes. */
static int
nobody_comes(struct pollfd *fds)
{
	sleep_ms(QUIET_MS);
	fds->revents = 0;
	return 0;
}

/* How many of them have something that was fetched before. */
static int
offer_fetched(struct pollfd *fds, nfds_t count)
{
	int n = 0;

	for (; count > 0; fds++, count--) {
		fds->revents = 0;
		if ((fds->events & POLLIN) != 0 && readahead_has(fds->fd)) {
			fds->revents = POLLIN;
			n++;
		}
	}
	return n;
}

/* libmilter polls connections and its socket alone, the rest together. */
int
gate_poll(struct pollfd *fds, nfds_t count, int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
	int rc;

	rc = offer_fetched(fds, count);
	if (rc > 0)
		return rc;
	if (count == 1)
		watch_waits(fds->fd);
	rc = ppoll(fds, count, ms >= 0 ? &t : NULL, NULL);
	if (count != 1 || rc != 1)
		return rc;
	if (fds->fd == gate.fd && gate.closed)
		return nobody_comes(fds);
	watch_works(fds->fd);
	readahead_allow(fds->fd);
	return rc;
}

ssize_t
gate_read(int fd, void *data, size_t len)
{
	struct iovec whole = { data, len };
	ssize_t got;

	if (readahead_read(fd, data, len, &got))
		return got;
	return readv(fd, &whole, 1);
}

int
gate_close_fd(int fd)
{
	readahead_stop(fd);
	return (int)syscall(SYS_close, fd);
}

int
gate_sigwait(const sigset_t *set, int *sig)
{
	(void)set;
	(void)sig;
	for (;;)
		pause();
}
