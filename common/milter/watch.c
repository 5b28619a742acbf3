#include "common/milter/watch.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { LIMIT_MAX = 1 << 16 };

/* By descriptor. The number may be somebody else's by now: the inode tells. */
struct connection {
	_Atomic uint64_t inode;		/* 0: none */
	_Atomic int64_t waiting;	/* since when, ms; 0: not */
	int unread;			/* at the last look */
};

static struct {
	struct connection *rows;
	size_t limit;
	_Atomic size_t used;		/* rows from here on are untouched */
} watched;

void
watch_open(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 ||
	    files.rlim_cur > LIMIT_MAX)
		files.rlim_cur = LIMIT_MAX;
	watched.limit = (size_t)files.rlim_cur;
	watched.rows = xcalloc(watched.limit, sizeof(*watched.rows));
}

static uint64_t
inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_ino : 0;
}

void
watch_start(int fd)
{
	struct connection *c;

	if ((size_t)fd >= watched.limit)
		return;
	c = &watched.rows[fd];
	c->waiting = 0;
	c->inode = inode_of(fd);
	if ((size_t)fd >= watched.used)
		watched.used = (size_t)fd + 1;	/* one thread accepts */
}

static void
set_waiting(int fd, int64_t since)
{
	if (fd >= 0 && (size_t)fd < watched.used &&
	    watched.rows[fd].inode != 0)
		watched.rows[fd].waiting = since;
}

void
watch_waits(int fd)
{
	set_waiting(fd, clock_monotonic_ms());
}

void
watch_works(int fd)
{
	set_waiting(fd, 0);
}

/* Whether fd still is the connection that was accepted. */
static bool
is_open(int fd)
{
	struct connection *c = &watched.rows[fd];
	uint64_t inode = c->inode;

	if (inode == 0)
		return false;
	if (inode_of(fd) == inode)
		return true;
	/* unless another one has been accepted meanwhile */
	atomic_compare_exchange_strong(&c->inode, &inode, 0);
	return false;
}

size_t
watch_starved(void)
{
	struct connection *c;
	size_t i, used = watched.used, n = 0;
	int unread;

	for (i = 0; i < used; i++) {
		c = &watched.rows[i];
		unread = 0;
		if (is_open((int)i))
			ioctl((int)i, FIONREAD, &unread);
		n += unread > 0 && unread == c->unread;
		c->unread = unread;
	}
	return n;
}

void
watch_expire(int64_t ms)
{
	int64_t since, oldest = clock_monotonic_ms() - ms;
	size_t i, used = watched.used;

	for (i = 0; i < used; i++) {
		since = watched.rows[i].waiting;
		if (since != 0 && since < oldest && is_open((int)i))
			shutdown((int)i, SHUT_RDWR);
	}
}
