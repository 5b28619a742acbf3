#include "common/milter/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 1024, LOCK_TRIES = 20 };

static const struct { const char *word; int family; } kinds[] = {
	{ "unix", AF_UNIX }, { "local", AF_UNIX },
	{ "inet", AF_INET }, { "inet6", AF_INET6 },
};

/* False where s does not fit or could not be a C string. */
static bool
copy_text(char *to, size_t size, struct span s)
{
	if (s.len >= size || span_has(s, '\0'))
		return false;
	memcpy(to, s.p, s.len);
	to[s.len] = '\0';
	return true;
}

static int
parse_path(struct span path, struct listen_spec *spec, struct strbuf *err)
{
	spec->family = AF_UNIX;
	if (path.len == 0 || path.p[0] != '/') {
		strbuf_adds(err, "the path of a Unix socket starts with \"/\", "
		    "such as unix:/var/spool/postfix/milter/socket");
		return -1;
	}
	if (!copy_text(spec->path, sizeof(spec->path), path)) {
		strbuf_addf(err, "the path of a Unix socket has at most %zu "
		    "characters", sizeof(spec->path) - 1);
		return -1;
	}
	return 0;
}

/* Postfix writes host:port where a milter writes port@host. */
static bool
is_postfix_notation(struct span s)
{
	size_t colon = span_rfind(s, ':');

	return colon < s.len && !span_has(s, '@');
}

static int
parse_port(struct span s, struct listen_spec *spec, struct strbuf *err)
{
	struct span port, rest = s;
	uint64_t number;
	size_t colon = span_rfind(s, ':');

	if (is_postfix_notation(s)) {
		strbuf_addf(err, "this is Postfix's notation; a milter's has "
		    "the port first: %s:%.*s@%.*s",
		    spec->family == AF_INET ? "inet" : "inet6",
		    SPAN_ARG(span_skip(s, colon + 1)),
		    SPAN_ARG(span_first(s, colon)));
		return -1;
	}
	span_cut(&rest, '@', &port);
	if (rest.len > 1 && rest.p[0] == '[' && rest.p[rest.len - 1] == ']')
		rest = span_make(rest.p + 1, rest.len - 2);
	if (port.len == 0 || !copy_text(spec->port, sizeof(spec->port), port) ||
	    (is_digit(port.p[0]) && !span_number(port, 65535, &number))) {
		strbuf_adds(err, "a TCP socket has a port (0 to 65535) and an "
		    "address, such as inet:8891@127.0.0.1");
		return -1;
	}
	if (!copy_text(spec->host, sizeof(spec->host), rest)) {
		strbuf_adds(err, "the address of the socket is too long");
		return -1;
	}
	return 0;
}

int
listen_parse(struct span text, struct listen_spec *spec, struct strbuf *err)
{
	struct span kind, rest = text;
	size_t i;

	*spec = (struct listen_spec){ .family = AF_UNIX };
	if (text.len > 0 && text.p[0] == '/')
		return parse_path(text, spec, err);
	if (span_cut(&rest, ':', &kind)) {
		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			if (!span_is_nocase(kind, kinds[i].word))
				continue;
			spec->family = kinds[i].family;
			if (spec->family == AF_UNIX)
				return parse_path(rest, spec, err);
			return parse_port(rest, spec, err);
		}
	}
	strbuf_adds(err, "a socket is unix:/path, inet:port@address or "
	    "inet6:port@address");
	return -1;
}

static int
fail(const char *what, const char *detail, int code, int *status,
    struct strbuf *err)
{
	strbuf_addf(err, "%s: %s", what, detail);
	*status = code;
	return -1;
}

static int
fail_errno(const char *what, int *status, struct strbuf *err)
{
	return fail(what, strerror(errno),
	    errno == EACCES || errno == EPERM ? EX_NOPERM : EX_CANTCREAT,
	    status, err);
}

/* ---- Unix ---- */

static int
say_no_directory(const char *directory, struct strbuf *err)
{
	strbuf_addf(err, "%s: the directory of the socket: %s; make it with: "
	    "install -d -m 2750 -o USER -g GROUP %s", directory,
	    strerror(errno), directory);
	return -1;
}

static size_t
directory_length(const char *path)
{
	size_t slash = span_rfind(span_of(path), '/');

	return slash != 0 ? slash : 1;
}

static void
unix_address(const struct listen_spec *spec, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, spec->path, sizeof(spec->path));
}

/*
 * Whoever looks at the path, removes a stale socket and binds a new one holds
 * the directory's lock: otherwise two instances that start together could
 * remove each other's socket. Somebody else's lock delays us, no more.
 */
static int
lock_directory(const char *directory)
{
	static const struct timespec pause = { 0, 100000000 };
	int i, fd;

	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			break;
		nanosleep(&pause, NULL);
	}
	return fd;
}

/* 0 where nobody answers, else the errno; EISCONN: somebody does. */
static int
probe(const struct sockaddr_un *address)
{
	int fd, rc;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	rc = rc == 0 || errno == EAGAIN ? EISCONN :
	    errno == ECONNREFUSED ? 0 : errno;
	close(fd);
	return rc;
}

static int
remove_stale(const struct sockaddr_un *address, int *status, struct strbuf *err)
{
	const char *path = address->sun_path;
	struct stat st;
	int answer;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : fail_errno(path, status, err);
	if (!S_ISSOCK(st.st_mode))
		return fail(path, "exists and is not a socket; remove it or "
		    "choose another path", EX_CANTCREAT, status, err);
	answer = probe(address);
	if (answer == EISCONN)
		return fail(path, "another program answers on this socket; "
		    "stop it or choose another path", EX_UNAVAILABLE, status,
		    err);
	if (answer != 0 && answer != ENOENT) {
		errno = answer;
		return fail_errno(path, status, err);
	}
	if (answer == 0 && unlink(path) != 0 && errno != ENOENT)
		return fail_errno(path, status, err);
	return 0;
}

/* A directory's set-group-id bit gives the group without a chown, which a
 * sandbox may forbid. */
static bool
is_given(const char *path, const struct listen_access *access)
{
	struct stat st;

	if (access->uid == (uid_t)-1 && access->gid == (gid_t)-1)
		return true;
	return lstat(path, &st) == 0 &&
	    (access->uid == (uid_t)-1 || access->uid == st.st_uid) &&
	    (access->gid == (gid_t)-1 || access->gid == st.st_gid);
}

static int
bind_unix(int fd, const struct sockaddr_un *address,
    const struct listen_access *access, int *status, struct strbuf *err)
{
	const char *path = address->sun_path;
	mode_t old;
	int rc;

	if (remove_stale(address, status, err) != 0)
		return -1;
	old = umask(0177);	/* nobody but us until all is set */
	rc = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	umask(old);
	if (rc != 0 && errno == EACCES)
		return fail(path, "Permission denied; who starts the daemon "
		    "must be able to write to the socket's directory",
		    EX_NOPERM, status, err);
	if (rc != 0)
		return fail_errno(path, status, err);
	if (!is_given(path, access) &&
	    chown(path, access->uid, access->gid) != 0) {
		fail(path, "cannot be given to the SocketGroup: only root or "
		    "a member of the group can do that", EX_NOPERM, status,
		    err);
		unlink(path);
		return -1;
	}
	if (chmod(path, access->mode) != 0 || listen(fd, BACKLOG) != 0) {
		fail_errno(path, status, err);
		unlink(path);
		return -1;
	}
	return 0;
}

static int
open_unix(const struct listen_spec *spec, const struct listen_access *access,
    int *status, struct strbuf *err)
{
	struct strbuf directory = STRBUF_INIT;
	struct sockaddr_un address;
	int lock, fd = -1, rc = -1;

	unix_address(spec, &address);
	strbuf_add(&directory, spec->path, directory_length(spec->path));
	lock = lock_directory(directory.s);
	if (lock < 0 && errno != EACCES) {
		say_no_directory(directory.s, err);
		*status = EX_CANTCREAT;
		goto out;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail("socket", strerror(errno), EX_OSERR, status, err);
	else
		rc = bind_unix(fd, &address, access, status, err);
	if (lock >= 0)
		close(lock);
out:
	if (rc != 0 && fd >= 0)
		close(fd);
	strbuf_clear(&directory);
	return rc == 0 ? fd : -1;
}

/* ---- TCP ---- */

static int
bind_address(const struct addrinfo *ai, struct strbuf *err, int *status)
{
	static const int on = 1;
	int fd;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket", strerror(errno), EX_OSERR, status, err);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* inet6: is IPv6 alone, whatever the system's default is */
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	strbuf_adds(err, strerror(errno));
	*status = errno == EADDRINUSE ? EX_UNAVAILABLE :
	    errno == EACCES ? EX_NOPERM : EX_CANTCREAT;
	close(fd);
	return -1;
}

static int
open_tcp(const struct listen_spec *spec, int *status, struct strbuf *err)
{
	struct addrinfo hints = { .ai_family = spec->family,
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *list;
	int rc, fd;

	strbuf_addf(err, "%s:%s@%s: ",
	    spec->family == AF_INET ? "inet" : "inet6", spec->port, spec->host);
	rc = getaddrinfo(spec->host[0] != '\0' ? spec->host : NULL,
	    spec->port, &hints, &list);
	if (rc != 0) {
		strbuf_adds(err, gai_strerror(rc));
		*status = EX_CANTCREAT;
		return -1;
	}
	fd = bind_address(list, err, status);
	freeaddrinfo(list);
	if (fd >= 0)
		strbuf_reset(err);
	return fd;
}

int
listen_open(struct listener *listener, const struct listen_spec *spec,
    const struct listen_access *access, int *status, struct strbuf *err)
{
	struct stat st;

	*listener = (struct listener){ .spec = *spec };
	listener->fd = spec->family == AF_UNIX ?
	    open_unix(spec, access, status, err) : open_tcp(spec, status, err);
	if (listener->fd < 0)
		return -1;
	if (spec->family == AF_UNIX && lstat(spec->path, &st) == 0) {
		listener->device = st.st_dev;
		listener->inode = st.st_ino;
	}
	return 0;
}

void
listen_unlink(const struct listener *listener)
{
	const struct listen_spec *spec = &listener->spec;
	struct stat st;

	if (spec->family == AF_UNIX && lstat(spec->path, &st) == 0 &&
	    S_ISSOCK(st.st_mode) && st.st_dev == listener->device &&
	    st.st_ino == listener->inode)
		unlink(spec->path);
}

static bool
can_enter(const struct stat *st, gid_t group)
{
	if (st->st_gid == group)
		return (st->st_mode & S_IXGRP) != 0;
	return (st->st_mode & S_IXOTH) != 0;
}

bool
listen_has_directory(const struct listen_spec *spec, struct strbuf *err)
{
	struct strbuf directory = STRBUF_INIT;
	struct stat st;
	bool has = true;

	if (spec->family != AF_UNIX)
		return true;
	strbuf_add(&directory, spec->path, directory_length(spec->path));
	if (stat(directory.s, &st) != 0 && errno != EACCES)
		has = say_no_directory(directory.s, err) == 0;
	strbuf_clear(&directory);
	return has;
}

bool
listen_is_reachable(const struct listen_spec *spec, gid_t group,
    struct strbuf *err)
{
	char path[sizeof(spec->path)];
	struct stat st;
	size_t i;

	if (spec->family != AF_UNIX)
		return true;
	for (i = 1; spec->path[i] != '\0'; i++) {
		if (spec->path[i] != '/')
			continue;
		memcpy(path, spec->path, i);
		path[i] = '\0';
		if (stat(path, &st) != 0 || can_enter(&st, group))
			continue;
		strbuf_addf(err, "%s: the socket's group cannot enter this "
		    "directory (mode %04o): chgrp it to that group and chmod "
		    "g+x", path, (unsigned)(st.st_mode & 07777));
		return false;
	}
	return true;
}
