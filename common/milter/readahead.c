#include "common/milter/readahead.h"

#include "common/milter/watch.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { AHEAD = 8192 };

static _Thread_local struct {
	int fd;
	uint64_t connection;	/* fd's number is used again and again */
	size_t pos, len;
	char data[AHEAD];
} ahead;

bool
readahead_has(int fd)
{
	return ahead.pos < ahead.len && ahead.fd == fd &&
	    ahead.connection == watch_connection(fd);
}

static ssize_t
take(void *to, size_t size)
{
	size_t n = ahead.len - ahead.pos;

	if (n > size)
		n = size;
	memcpy(to, ahead.data + ahead.pos, n);
	ahead.pos += n;
	return (ssize_t)n;
}

ssize_t
readahead_read(int fd, void *to, size_t size)
{
	struct iovec iov = { to, size };
	uint64_t connection = watch_connection(fd);
	ssize_t got;

	if (readahead_has(fd))
		return take(to, size);
	if (connection == 0 || size >= AHEAD || !watch_is_open(fd))
		return readv(fd, &iov, 1);
	got = recv(fd, ahead.data, sizeof(ahead.data), 0);
	if (got <= 0)
		return got;
	ahead.fd = fd;
	ahead.connection = connection;
	ahead.pos = 0;
	ahead.len = (size_t)got;
	return take(to, size);
}

void
readahead_forget(int fd)
{
	if (ahead.fd == fd)
		ahead.pos = ahead.len = 0;
}
