#include "common/milter/starved.h"

#include "common/base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/ioctl.h>

enum { NOT_WATCHED = -1 };

/* Octets unread at the last look, by descriptor. */
static struct {
	pthread_mutex_t lock;
	int *unread;
	size_t cap;
} watched = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
make_room(size_t cap)
{
	size_t i;

	cap = (cap | 63) + 1;
	watched.unread = xreallocarray(watched.unread, cap,
	    sizeof(*watched.unread));
	for (i = watched.cap; i < cap; i++)
		watched.unread[i] = NOT_WATCHED;
	watched.cap = cap;
}

void
starved_watch(int fd)
{
	pthread_mutex_lock(&watched.lock);
	if ((size_t)fd >= watched.cap)
		make_room((size_t)fd);
	watched.unread[fd] = 0;
	pthread_mutex_unlock(&watched.lock);
}

/* A closed descriptor is forgotten here. Where it is something else by now,
 * the worst that follows is a look too many. */
static bool
is_starved(int fd)
{
	int before = watched.unread[fd], now;

	if (before == NOT_WATCHED)
		return false;
	if (ioctl(fd, FIONREAD, &now) != 0)
		now = NOT_WATCHED;
	watched.unread[fd] = now;
	return now > 0 && now == before;
}

size_t
starved_count(void)
{
	size_t i, n = 0;

	pthread_mutex_lock(&watched.lock);
	for (i = 0; i < watched.cap; i++)
		n += is_starved((int)i);
	pthread_mutex_unlock(&watched.lock);
	return n;
}
