#include "common/cache/mcserver.h"

#include "common/base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 8 };

struct place {
	struct sockaddr_storage address;
	socklen_t len;
};

struct mcserver {
	struct mcname name;
	int64_t (*clock)(void);
	pthread_mutex_t lock;		/* of all below */
	struct place places[ADDRESSES_MAX];
	size_t nplaces, place;		/* the one in use */
	struct breaker breaker;
	bool is_kept;
	struct mclink *idle;		/* the last used first */
	size_t links;			/* idle and in use */
	uint64_t failures, hangups;
	char why[64];
};

/* ---- where it is ---- */

static void
place_unix(struct place *place, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&place->address;

	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path) + 1);
	place->len = sizeof(*un);
}

static void
place_ip(struct place *place, const struct mcname *name)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&place->address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&place->address;

	if (name->address.family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)name->port);
		memcpy(&in->sin_addr, name->address.octets, 4);
		place->len = sizeof(*in);
	} else {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)name->port);
		memcpy(&in6->sin6_addr, name->address.octets, 16);
		place->len = sizeof(*in6);
	}
}

bool
mcserver_resolve(struct mcserver *server, struct strbuf *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *at;
	char port[16];
	int rc;

	if (server->name.port == 0 || server->name.address.family != 0)
		return true;
	snprintf(port, sizeof(port), "%u", server->name.port);
	if ((rc = getaddrinfo(server->name.host, port, &hints, &list)) != 0) {
		strbuf_addf(err, "%s: %s", server->name.host,
		    gai_strerror(rc));
		return false;
	}
	pthread_mutex_lock(&server->lock);
	server->nplaces = server->place = 0;
	for (at = list; at != NULL && server->nplaces < ADDRESSES_MAX;
	    at = at->ai_next) {
		struct place *place = &server->places[server->nplaces++];

		memcpy(&place->address, at->ai_addr, at->ai_addrlen);
		place->len = at->ai_addrlen;
	}
	pthread_mutex_unlock(&server->lock);
	freeaddrinfo(list);
	return true;
}

bool
mcserver_is_resolved(struct mcserver *server)
{
	bool is_resolved;

	pthread_mutex_lock(&server->lock);
	is_resolved = server->nplaces > 0;
	pthread_mutex_unlock(&server->lock);
	return is_resolved;
}

/* ---- connections ---- */

static void
close_link(struct mcserver *server, struct mclink *link)
{
	close(link->fd);
	free(link);
	server->links--;
}

static void
close_idle(struct mcserver *server)
{
	struct mclink *link;

	while ((link = server->idle) != NULL) {
		server->idle = link->next;
		close_link(server, link);
	}
}

/* Neither closed by the server nor with something to read. */
static bool
is_quiet(const struct mclink *link)
{
	char octet;

	return recv(link->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    (errno == EAGAIN || errno == EINTR);
}

static void
note(struct mcserver *server, const char *why)
{
	server->failures++;
	snprintf(server->why, sizeof(server->why), "%s", why);
}

static void
note_failure(struct mcserver *server, const char *why)
{
	note(server, why);
	if (server->nplaces > 0)
		server->place = (server->place + 1) % server->nplaces;
	/* Those of a machine that is gone would fail once each when it is
	 * back. */
	if (breaker_failed(&server->breaker, server->clock()))
		close_idle(server);
}

static struct mclink *
connect_link(struct mcserver *server)
{
	const struct place *place = &server->places[server->place];
	int fd, on = 1, error;
	struct mclink *link;

	fd = socket(place->address.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		note(server, strerror(errno));	/* ours, not the server's */
		return NULL;
	}
	if (place->address.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	error = connect(fd, (const struct sockaddr *)&place->address,
	    place->len) == 0 ? 0 : errno;
	if (error != 0 && error != EINPROGRESS) {
		close(fd);
		note_failure(server, strerror(error));
		return NULL;
	}
	link = xmalloc(sizeof(*link));
	link->next = NULL;
	link->fd = fd;
	link->is_connecting = error != 0;
	link->len = 0;
	server->links++;
	return link;
}

static struct mclink *
take(struct mcserver *server)
{
	struct mclink *link;

	while ((link = server->idle) != NULL) {
		server->idle = link->next;
		link->next = NULL;
		if (is_quiet(link))
			return link;
		close_link(server, link);
		server->hangups++;
	}
	if (server->links >= MCSERVER_LINKS_MAX || server->nplaces == 0)
		return NULL;
	return connect_link(server);
}

struct mclink *
mcserver_take(struct mcserver *server)
{
	struct mclink *link = NULL;

	pthread_mutex_lock(&server->lock);
	if (!server->breaker.is_open || (!server->is_kept &&
	    breaker_probe(&server->breaker, server->clock())))
		link = take(server);
	pthread_mutex_unlock(&server->lock);
	return link;
}

struct mclink *
mcserver_take_probe(struct mcserver *server)
{
	struct mclink *link;

	pthread_mutex_lock(&server->lock);
	link = take(server);
	pthread_mutex_unlock(&server->lock);
	return link;
}

void
mcserver_give(struct mcserver *server, struct mclink *link)
{
	pthread_mutex_lock(&server->lock);
	breaker_succeeded(&server->breaker);
	link->next = server->idle;
	server->idle = link;
	pthread_mutex_unlock(&server->lock);
}

void
mcserver_give_up(struct mcserver *server, struct mclink *link)
{
	pthread_mutex_lock(&server->lock);
	breaker_succeeded(&server->breaker);
	note(server, "a wrong answer");
	close_link(server, link);
	pthread_mutex_unlock(&server->lock);
}

void
mcserver_fail(struct mcserver *server, struct mclink *link, const char *why)
{
	pthread_mutex_lock(&server->lock);
	close_link(server, link);
	note_failure(server, why);
	pthread_mutex_unlock(&server->lock);
}

void
mcserver_note(struct mcserver *server, const char *why)
{
	pthread_mutex_lock(&server->lock);
	note(server, why);
	pthread_mutex_unlock(&server->lock);
}

/* ---- the server ---- */

struct mcserver *
mcserver_new(const struct mcname *name, int64_t (*clock)(void))
{
	struct mcserver *server = xcalloc(1, sizeof(*server));

	server->name = *name;
	server->clock = clock;
	pthread_mutex_init(&server->lock, NULL);
	if (name->port == 0)
		place_unix(&server->places[server->nplaces++], name->host);
	else if (name->address.family != 0)
		place_ip(&server->places[server->nplaces++], name);
	return server;
}

void
mcserver_free(struct mcserver *server)
{
	if (server == NULL)
		return;
	close_idle(server);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

const struct mcname *
mcserver_name(const struct mcserver *server)
{
	return &server->name;
}

void
mcserver_keep(struct mcserver *server)
{
	pthread_mutex_lock(&server->lock);
	server->is_kept = true;
	pthread_mutex_unlock(&server->lock);
}

void
mcserver_look(struct mcserver *server, struct mcserver_state *state)
{
	pthread_mutex_lock(&server->lock);
	state->is_away = server->breaker.is_open || server->nplaces == 0;
	state->failures = server->failures;
	state->hangups = server->hangups;
	memcpy(state->why, server->why, sizeof(state->why));
	pthread_mutex_unlock(&server->lock);
}

bool
mcserver_is_away(struct mcserver *server)
{
	struct mcserver_state state;

	mcserver_look(server, &state);
	return state.is_away;
}

bool
mcserver_probe_is_due(struct mcserver *server)
{
	bool is_due;

	pthread_mutex_lock(&server->lock);
	is_due = breaker_probe(&server->breaker, server->clock());
	pthread_mutex_unlock(&server->lock);
	return is_due;
}
