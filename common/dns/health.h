/*
 * health.h - whether the name servers are there: asked only when questions
 * stay without an answer. Times are monotonic milliseconds. One thread.
 */
#ifndef POSTERN_DNS_HEALTH_H
#define POSTERN_DNS_HEALTH_H

#include "common/dns/probe.h"

enum health_state {
	HEALTH_UP,
	HEALTH_SILENT,		/* a probe got no answer in time */
	HEALTH_REFUSED		/* nobody listens */
};

enum health_event {
	HEALTH_NOTHING,
	HEALTH_IS_REFUSED,	/* as of now: what waits need not wait */
	HEALTH_OTHERS,		/* one of those in use does not answer, others
				   do: in_use has changed */
	HEALTH_IS_BACK		/* it was away and answers: whatever got lost
				   meanwhile is worth being asked again */
};

enum { HEALTH_REFUSED_MS = 200 };	/* a refusal is believed that long */

struct health {
	enum health_state state;
	struct probe probe;
	int64_t probed_at;	/* when the last probe began */
	int64_t quiet_since;	/* nothing was heard, or nobody asked */
	int64_t heard_at;
	int64_t every_ms;	/* between probes */
	unsigned in_use;	/* servers that are worth asking, by bit; all
				   where none answers */
};

/* Somebody begins to wait while nobody did. */
void health_asked(struct health *health, int64_t now);
/* A server answered a question that was put at that time. */
enum health_event health_heard(struct health *health, int64_t asked,
    int64_t now);

/* To be called while somebody waits, and when the probe's descriptors are
 * readable. */
enum health_event health_tick(struct health *health,
    const struct nameservers *servers, int64_t now);
/* When the next call is due. */
int64_t health_next(const struct health *health);

/* All questions are put anew. */
void health_again(struct health *health, int64_t now);
/* They go to these servers from now on. */
void health_reset(struct health *health, const struct nameservers *servers,
    int64_t now);

#endif
