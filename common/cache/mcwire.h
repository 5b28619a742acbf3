/*
 * mcwire.h - memcached's text protocol, as far as we use it: commands written
 * into a buffer, answers taken off what has arrived. Knows no socket.
 *
 * We read the answers ourselves. libmemcached 1.1.4 writes past the end of its
 * buffer where an answer names a key of more than 250 octets, and cannot tell a
 * broken answer from an empty one; and it sends each command by itself, where
 * all that a call has to say fits into one packet.
 */
#ifndef POSTERN_CACHE_MCWIRE_H
#define POSTERN_CACHE_MCWIRE_H

#include "common/base/strbuf.h"

enum mcreply_kind {
	MCREPLY_VALUE,
	MCREPLY_END,		/* of the values of a line of gets */
	MCREPLY_STORED,
	MCREPLY_NOT_STORED,	/* add: there is one */
	MCREPLY_EXISTS,		/* cas: it has changed */
	MCREPLY_NOT_FOUND	/* cas: it is gone */
};

struct mcreply {
	enum mcreply_kind kind;
	/* of a value; data is of at most CACHEVALUE_MAX octets */
	struct span key, data;
	uint32_t flags;
	uint64_t version;
};

/*
 * Takes the next answer off *rest: 1; 0 where it is not all there yet; -1
 * where what is there is no answer to what we ask: an error, or garbage. An
 * answer that is not complete after MCWIRE_REPLY_MAX octets is none.
 */
enum { MCWIRE_REPLY_MAX = 512 };

int mcwire_next(struct span *rest, struct mcreply *reply);

/* Keys are printable and without blanks: see cachekey.h. */
struct mcstore {
	const char *verb;	/* "add", "set" or "cas" */
	const char *key;
	uint32_t flags;
	int64_t expires;	/* as memcached takes it; 0: never */
	struct span data;
	uint64_t version;	/* for "cas" */
	bool is_silent;		/* no answer is wanted */
};

void mcwire_store(struct strbuf *out, const struct mcstore *store);
/* incr, or decr where add is below 0, without an answer. */
void mcwire_change(struct strbuf *out, const char *key, int64_t add);
/* Without an answer. */
void mcwire_delete(struct strbuf *out, const char *key);

/*
 * Asks for values with their versions. A command that does not fit into 2 kB
 * is refused by some, so it takes several, each of which is answered by an END
 * of its own.
 */
struct mcgets {
	unsigned lines;		/* begun so far */
	size_t len;		/* of the last one */
};

void mcwire_gets(struct strbuf *out, struct mcgets *gets, const char *key);
void mcwire_gets_end(struct strbuf *out, const struct mcgets *gets);

#endif
