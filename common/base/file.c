#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static int
fail(struct strbuf *err, const char *path, const char *what)
{
	strbuf_addf(err, "%s: %s%s%s", path, what != NULL ? what : "",
	    what != NULL ? ": " : "", strerror(errno));
	return -1;
}

static int
read_all(int fd, const char *path, size_t max, struct strbuf *out,
    struct strbuf *err)
{
	size_t start = out->len;
	ssize_t n;

	for (;;) {
		strbuf_reserve(out, 4096);
		n = read(fd, out->s + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, path, NULL);
		if (n == 0)
			break;
		out->len += (size_t)n;
		out->s[out->len] = '\0';
		if (out->len - start > max) {
			strbuf_addf(err, "%s: larger than the %zu bytes that "
			    "are read of such a file", path, max);
			return -1;
		}
	}
	return 0;
}

int
file_read(const char *path, size_t max, struct strbuf *out, struct stat *st,
    struct strbuf *err)
{
	struct stat own;
	int fd, rc = -1;

	if (st == NULL)
		st = &own;
	/* O_NONBLOCK: a FIFO of that name must not hang us. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail(err, path, NULL);
	if (fstat(fd, st) != 0) {
		fail(err, path, NULL);
	} else if (!S_ISREG(st->st_mode)) {
		strbuf_addf(err, "%s: not a regular file", path);
	} else {
		if (st->st_size > 0 && (uint64_t)st->st_size <= max)
			strbuf_reserve(out, (size_t)st->st_size + 4097);
		rc = read_all(fd, path, max, out, err);
	}
	close(fd);
	return rc;
}

int
file_write(int fd, struct span content)
{
	ssize_t n;

	while (content.len > 0) {
		n = write(fd, content.p, content.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		content = span_skip(content, (size_t)n);
	}
	return 0;
}

static void
sync_directory(const char *path)
{
	struct strbuf dir = STRBUF_INIT;
	size_t slash = span_rfind(span_of(path), '/');
	int fd;

	if (path[slash] == '\0')
		strbuf_adds(&dir, ".");
	else
		strbuf_add(&dir, path, slash != 0 ? slash : 1);
	fd = open(dir.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	strbuf_clear(&dir);
}

enum { REPLACE = 0, EXCLUSIVE = 1, NO_SYNC = 2 };

static int
fill(int fd, struct span content, mode_t mode, uid_t uid, gid_t gid, int how)
{
	if (fchmod(fd, mode) != 0)
		return -1;
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && fchown(fd, uid, gid) != 0)
		return -1;
	if (file_write(fd, content) != 0)
		return -1;
	return (how & NO_SYNC) != 0 ? 0 : fsync(fd);
}

static int
put(const char *path, struct span content, mode_t mode, uid_t uid, gid_t gid,
    int how, struct strbuf *err)
{
	struct strbuf temp = STRBUF_INIT;
	int fd, saved, rc = -1;

	strbuf_addf(&temp, "%s.XXXXXX", path);
	fd = mkostemp(temp.s, O_CLOEXEC);
	if (fd < 0) {
		fail(err, path, "cannot be written");
		goto out;
	}
	rc = fill(fd, content, mode, uid, gid, how);
	saved = errno;
	if (close(fd) != 0 && rc == 0) {
		saved = errno;
		rc = -1;
	}
	if (rc == 0) {
		/* link, unlike rename, never replaces what is there */
		rc = (how & EXCLUSIVE) != 0 ? link(temp.s, path) :
		    rename(temp.s, path);
		saved = errno;
	}
	if (rc != 0 || (how & EXCLUSIVE) != 0)
		unlink(temp.s);
	if (rc == 0 && (how & NO_SYNC) == 0)
		sync_directory(path);
	errno = saved;
	if (rc != 0)
		fail(err, path, "cannot be written");
out:
	strbuf_clear(&temp);
	return rc;
}

int
file_replace(const char *path, struct span content, mode_t mode, uid_t uid,
    gid_t gid, struct strbuf *err)
{
	return put(path, content, mode, uid, gid, REPLACE, err);
}

int
file_create(const char *path, struct span content, mode_t mode, uid_t uid,
    gid_t gid, struct strbuf *err)
{
	return put(path, content, mode, uid, gid, EXCLUSIVE, err);
}

int
file_publish(const char *path, struct span content, mode_t mode,
    struct strbuf *err)
{
	return put(path, content, mode, (uid_t)-1, (gid_t)-1, NO_SYNC, err);
}

/*
 * A descriptor of the empty file at temp that nobody else writes; -1 with
 * errno. Who held the lock before may have renamed the file: then it is not
 * temp that we have open, but what it was written for.
 */
static int
open_stream(const char *temp)
{
	struct stat own, named;
	int fd, saved;

	fd = open(temp, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
	    0600);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &own) == 0 &&
	    lstat(temp, &named) == 0) {
		errno = EBUSY;
		if (own.st_ino == named.st_ino && own.st_dev == named.st_dev &&
		    ftruncate(fd, 0) == 0)
			return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
file_stream(const char *path, int (*fill_it)(int fd, void *arg), void *arg,
    struct strbuf *err)
{
	struct strbuf temp = STRBUF_INIT;
	int fd, rc = -1, saved;

	strbuf_addf(&temp, "%s.new", path);
	fd = open_stream(temp.s);
	if (fd >= 0) {
		/* renamed while the lock is held: see open_stream() */
		if (fchmod(fd, 0600) == 0 && fill_it(fd, arg) == 0 &&
		    fsync(fd) == 0)
			rc = rename(temp.s, path);
		saved = errno;
		if (rc != 0)
			unlink(temp.s);
		close(fd);
		errno = saved;
	}
	if (rc == 0)
		sync_directory(path);
	else
		fail(err, path, "cannot be written");
	strbuf_clear(&temp);
	return rc;
}
