/*
 * mcexchange.h - one question to each of several servers at once, and their
 * answers, within one time: none waits for another. What a server does not
 * answer in time is lost, and the connection with it.
 */
#ifndef POSTERN_CACHE_MCEXCHANGE_H
#define POSTERN_CACHE_MCEXCHANGE_H

#include "common/cache/mcserver.h"
#include "common/cache/mcwire.h"

/* A zeroed one with a server and something to say. */
struct mcexchange {
	struct mcserver *server;
	bool is_probe;			/* asks though the breaker is open */
	struct strbuf out;		/* what to say, the caller's */
	unsigned awaited;		/* answers that are no VALUE */
	/* the outcome */
	bool is_well;			/* all was sent and answered */
	bool is_suspect;		/* may be set by reply: see below */
	/* its own */
	struct mclink *link;
	size_t sent;
	int64_t deadline;
};

/*
 * Called for every answer, whose spans last no longer than that. False: it is
 * no answer to what was asked, and no more is believed. is_suspect set: this
 * one is not believed, and the connection is closed after the last one.
 */
typedef bool mcexchange_reply(void *arg, struct mcexchange *exchange,
    const struct mcreply *reply);

/* count: MCNAME_MAX at most. Those with nothing to say are passed over. */
void mcexchange_run(struct mcexchange *exchanges, size_t count,
    mcexchange_reply *reply, void *arg);

#endif
