/*
 * mcserver.h - one memcached server: where it is, whether it is worth asking
 * (its own breaker, so a dead server costs only those whose keys it has), and
 * the connections to it that nobody uses just now. Any thread.
 *
 * A connection is used by one thread at a time and given back only when every
 * answer on it was read; otherwise it is closed. One on which something came
 * without being asked for is never used again. So an answer cannot be taken for
 * another question's.
 */
#ifndef POSTERN_CACHE_MCSERVER_H
#define POSTERN_CACHE_MCSERVER_H

#include "common/cache/breaker.h"
#include "common/cache/mcname.h"

enum {
	MCSERVER_CONNECT_MS = 50,
	MCSERVER_ANSWER_MS = 50,	/* once connected, for all of a call */
	MCSERVER_LINKS_MAX = 512	/* connections to a server at once */
};

struct mcserver;

struct mclink {
	struct mclink *next;
	int fd;
	bool is_connecting;
	size_t len;		/* of in */
	char in[4096];		/* came, and is not taken yet */
};

/* clock: monotonic milliseconds, for the breaker. */
struct mcserver *mcserver_new(const struct mcname *name,
    int64_t (*clock)(void));
void mcserver_free(struct mcserver *server);

const struct mcname *mcserver_name(const struct mcserver *server);

/* From now on only mcserver_take_probe() probes it. Before that, whoever comes
 * when a probe is due. */
void mcserver_keep(struct mcserver *server);

/*
 * Looks up a name's addresses, which may take as long as the system's resolver
 * likes; nothing to do for an address or a path. False, a sentence in err.
 */
bool mcserver_resolve(struct mcserver *server, struct strbuf *err);
bool mcserver_is_resolved(struct mcserver *server);

/*
 * A connection, perhaps one that is still being made; NULL at once where the
 * server is away or too many are in use. mcserver_take_probe() gives one of an
 * open breaker, too.
 */
struct mclink *mcserver_take(struct mcserver *server);
struct mclink *mcserver_take_probe(struct mcserver *server);

/* All is well, every answer was read. */
void mcserver_give(struct mcserver *server, struct mclink *link);
/* All is well, but the connection has seen something that it should not. */
void mcserver_give_up(struct mcserver *server, struct mclink *link);
/* It failed: a word or two in why. */
void mcserver_fail(struct mcserver *server, struct mclink *link,
    const char *why);

/* Something else went wrong that its log should tell. */
void mcserver_note(struct mcserver *server, const char *why);

/* What a server's keeper logs and mcserver's owner counts. */
struct mcserver_state {
	bool is_away;		/* open, or its name is not resolved */
	uint64_t failures;	/* since the start */
	uint64_t hangups;	/* connections it closed while nobody used
				   them: it may have been restarted */
	char why[64];		/* the last one */
};

void mcserver_look(struct mcserver *server, struct mcserver_state *state);
bool mcserver_is_away(struct mcserver *server);
/* Whether a probe is due, which is the caller's then. */
bool mcserver_probe_is_due(struct mcserver *server);

#endif
