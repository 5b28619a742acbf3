#include "common/milter/readahead.h"

#include "common/base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { LIMIT_MAX = 1 << 16, AHEAD = 4096 };

struct piece {
	size_t len, pos;
	unsigned char octets[AHEAD];
};

enum state { NO_CONNECTION, CONNECTION, MAY_READ_AHEAD };

/* By descriptor. piece is there only while something in it is unread, or where
 * the connection has ended before it was. */
struct row {
	_Atomic int state;	/* enum state */
	struct piece *piece;
};

static struct {
	struct row *rows;
	size_t limit;
} ahead;

void
readahead_open(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 ||
	    files.rlim_cur > LIMIT_MAX)
		files.rlim_cur = LIMIT_MAX;
	ahead.rows = xcalloc((size_t)files.rlim_cur, sizeof(*ahead.rows));
	ahead.limit = (size_t)files.rlim_cur;
}

/* NULL: none that is told of. */
static struct row *
row_of(int fd)
{
	return fd >= 0 && (size_t)fd < ahead.limit ? &ahead.rows[fd] : NULL;
}

static void
drop_piece(struct row *row)
{
	free(row->piece);
	row->piece = NULL;
}

void
readahead_start(int fd)
{
	struct row *row = row_of(fd);

	if (row == NULL)
		return;
	drop_piece(row);
	row->state = CONNECTION;
}

void
readahead_stop(int fd)
{
	struct row *row = row_of(fd);

	if (row != NULL && row->state != NO_CONNECTION)
		row->state = NO_CONNECTION;
}

void
readahead_allow(int fd)
{
	struct row *row = row_of(fd);

	if (row != NULL && row->state == CONNECTION)
		row->state = MAY_READ_AHEAD;
}

bool
readahead_has(int fd)
{
	struct row *row = row_of(fd);

	return row != NULL && row->state == MAY_READ_AHEAD &&
	    row->piece != NULL;
}

static size_t
take(struct row *row, void *data, size_t len)
{
	struct piece *piece = row->piece;
	size_t left = piece->len - piece->pos;

	if (len > left)
		len = left;
	memcpy(data, piece->octets + piece->pos, len);
	piece->pos += len;
	if (piece->pos == piece->len)
		drop_piece(row);
	return len;
}

/* What was got beyond len octets is kept for the next time. */
static ssize_t
fetch(struct row *row, int fd, void *data, size_t len)
{
	unsigned char octets[AHEAD];
	ssize_t got = recv(fd, octets, sizeof(octets), 0);

	if (got <= 0)
		return got;
	if ((size_t)got <= len)
		len = (size_t)got;
	memcpy(data, octets, len);
	if ((size_t)got == len)
		return got;
	row->piece = xmalloc(sizeof(*row->piece));
	row->piece->pos = 0;
	row->piece->len = (size_t)got - len;
	memcpy(row->piece->octets, octets + len, row->piece->len);
	return (ssize_t)len;
}

bool
readahead_read(int fd, void *data, size_t len, ssize_t *got)
{
	struct row *row = row_of(fd);

	if (row == NULL || row->state != MAY_READ_AHEAD || len == 0)
		return false;
	if (row->piece != NULL)
		*got = (ssize_t)take(row, data, len);
	else if (len < AHEAD)
		*got = fetch(row, fd, data, len);
	else
		*got = recv(fd, data, len, 0);
	return true;
}
