/*
 * flights.h - questions under way, each asked once whoever waits for it. The
 * caller has a lock for all of it.
 */
#ifndef POSTERN_DNS_FLIGHTS_H
#define POSTERN_DNS_FLIGHTS_H

#include "common/dns/answer.h"

#include <pthread.h>
#include <stdatomic.h>

enum { FLIGHTS_BUCKETS = 1024 };

/* Who waits for answers, to one question or to several. */
struct asker {
	pthread_cond_t changed;
	atomic_uint arrived;		/* answers that came */
};

/* A question of one asker. The caller's memory, zeroed before. */
struct dns_query {
	struct asker *asker;
	struct flight *flight;		/* while it is open, else NULL */
	struct dns_query *next, **back;
	const struct dns_answer *_Atomic answer;	/* a reference, the
							   caller's to drop */
};

struct flight {
	struct flight *next;		/* in its bucket */
	struct flight *queued;		/* still to be asked */
	struct dns_query *queries;	/* who waits for it */
	int64_t asked;			/* monotonic ms; 0: not yet */
	enum dns_type type;
	size_t len;
	char name[];
};

struct flights {
	struct flight *buckets[FLIGHTS_BUCKETS];
	size_t count;
	struct flight *queue;
	size_t waiting;			/* queries without an answer */
	size_t abandoned;		/* flights nobody waits for */
};

void asker_init(struct asker *asker);
void asker_clear(struct asker *asker);

/* Hands over a reference to answer and wakes the asker. */
void query_answer(struct dns_query *query, const struct dns_answer *answer);

/* NULL: nobody asks that. */
struct flight *flights_find(struct flights *flights, struct span name,
    enum dns_type type);
/* A new one, queued. */
struct flight *flights_add(struct flights *flights, struct span name,
    enum dns_type type);
void flights_join(struct flights *flights, struct flight *flight,
    struct dns_query *query);
/* The query waits no more, if it did. */
void flights_leave(struct flights *flights, struct dns_query *query);

/* Whoever waits for flight gets the answer; flight is freed. */
void flights_land(struct flights *flights, struct flight *flight,
    const struct dns_answer *answer);
/* The same for all of them; nothing is queued any more. */
void flights_land_all(struct flights *flights,
    const struct dns_answer *answer);
/* What nobody waits for is freed, all else queued. */
void flights_requeue(struct flights *flights);

/* Since when the oldest of them has been asked; INT64_MAX: none was. */
int64_t flights_oldest(const struct flights *flights);

/* What is queued, linked by "queued"; nothing is, after that. */
struct flight *flights_take_queue(struct flights *flights);

#endif
