/*
 * listen.h - the socket an MTA connects to.
 */
#ifndef POSTERN_MILTER_LISTEN_H
#define POSTERN_MILTER_LISTEN_H

#include "common/base/strbuf.h"

#include <sys/socket.h>
#include <sys/types.h>

/*
 * What a Socket setting says, in milter notation: "unix:/path",
 * "local:/path", "/path", "inet:port@host", "inet6:port@host", "inet:port".
 */
struct listen_spec {
	int family;		/* AF_UNIX, AF_INET, AF_INET6 */
	char path[108];		/* AF_UNIX: as long as sun_path */
	char port[32];		/* digits or a service name */
	char host[256];		/* "": every address */
};

/* -1, a sentence in err that says what it should look like. */
int listen_parse(struct span text, struct listen_spec *spec,
    struct strbuf *err);

/* Who may connect to a Unix socket; (uid_t)-1 and (gid_t)-1: unchanged. */
struct listen_access {
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

struct listener {
	struct listen_spec spec;
	int fd;
	dev_t device;		/* of the socket file, so that nobody else's */
	ino_t inode;		/* is ever removed */
};

/*
 * Listens on spec. -1, a sentence in err and *status the exit status
 * (sysexits) that fits. A Unix socket that nobody answers on is removed first;
 * where somebody does, *status is 69. Two processes that do this at the same
 * time do not both succeed.
 */
int listen_open(struct listener *listener, const struct listen_spec *spec,
    const struct listen_access *access, int *status, struct strbuf *err);

/* Removes the socket file where it still is ours, so that nobody can connect
 * any more and another instance may start. */
void listen_unlink(const struct listener *listener);

/* True where the socket's directory is there: otherwise a sentence in err. */
bool listen_has_directory(const struct listen_spec *spec, struct strbuf *err);

/*
 * True where group can get to the socket file: otherwise a sentence in err
 * names the first directory in the way.
 */
bool listen_is_reachable(const struct listen_spec *spec, gid_t group,
    struct strbuf *err);

#endif
