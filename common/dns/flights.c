#include "common/dns/flights.h"

#include "common/base/map.h"
#include "common/base/mem.h"

#include <stdlib.h>
#include <time.h>

/* ---- askers and their queries ---- */

void
asker_init(struct asker *asker)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&asker->changed, &attr);
	pthread_condattr_destroy(&attr);
	atomic_init(&asker->arrived, 0);
}

void
asker_clear(struct asker *asker)
{
	pthread_cond_destroy(&asker->changed);
}

void
query_answer(struct dns_query *query, const struct dns_answer *answer)
{
	query->answer = dns_answer_ref(answer);
	atomic_fetch_add(&query->asker->arrived, 1);
	pthread_cond_signal(&query->asker->changed);
}

void
flights_join(struct flights *flights, struct flight *flight,
    struct dns_query *query)
{
	if (flight->queries == NULL)
		flights->abandoned--;
	query->flight = flight;
	query->next = flight->queries;
	query->back = &flight->queries;
	if (query->next != NULL)
		query->next->back = &query->next;
	flight->queries = query;
	flights->waiting++;
}

void
flights_leave(struct flights *flights, struct dns_query *query)
{
	if (query->flight == NULL)
		return;
	*query->back = query->next;
	if (query->next != NULL)
		query->next->back = query->back;
	flights->waiting--;
	if (query->flight->queries == NULL)
		flights->abandoned++;
	query->flight = NULL;
}

/* ---- flights ---- */

static struct flight **
bucket_of(struct flights *flights, struct span name, enum dns_type type)
{
	return &flights->buckets[(map_hash(name) + type) % FLIGHTS_BUCKETS];
}

struct flight *
flights_find(struct flights *flights, struct span name, enum dns_type type)
{
	struct flight *flight = *bucket_of(flights, name, type);

	while (flight != NULL && (flight->type != type ||
	    !span_eq(span_make(flight->name, flight->len), name)))
		flight = flight->next;
	return flight;
}

static void
enqueue(struct flights *flights, struct flight *flight)
{
	flight->asked = 0;
	flight->queued = flights->queue;
	flights->queue = flight;
}

struct flight *
flights_add(struct flights *flights, struct span name, enum dns_type type)
{
	struct flight **bucket = bucket_of(flights, name, type);
	struct flight *flight = xmalloc(sizeof(*flight) + name.len);

	*flight = (struct flight){ .next = *bucket, .type = type,
	    .len = name.len };
	memcpy(flight->name, name.p, name.len);
	*bucket = flight;
	flights->count++;
	flights->abandoned++;	/* until somebody joins */
	enqueue(flights, flight);
	return flight;
}

/* Nobody waits for it any more. */
static void
drop(struct flights *flights, struct flight *flight)
{
	struct flight **at = bucket_of(flights,
	    span_make(flight->name, flight->len), flight->type);

	while (*at != flight)
		at = &(*at)->next;
	*at = flight->next;
	flights->count--;
	flights->abandoned--;
	free(flight);
}

void
flights_land(struct flights *flights, struct flight *flight,
    const struct dns_answer *answer)
{
	struct dns_query *query;

	while ((query = flight->queries) != NULL) {
		flights_leave(flights, query);
		query_answer(query, answer);
	}
	drop(flights, flight);
}

void
flights_land_all(struct flights *flights, const struct dns_answer *answer)
{
	size_t i;

	flights->queue = NULL;
	for (i = 0; i < FLIGHTS_BUCKETS; i++)
		while (flights->buckets[i] != NULL)
			flights_land(flights, flights->buckets[i], answer);
}

void
flights_requeue(struct flights *flights)
{
	struct flight *flight, *next;
	size_t i;

	flights->queue = NULL;
	for (i = 0; i < FLIGHTS_BUCKETS; i++)
		for (flight = flights->buckets[i]; flight != NULL;
		    flight = next) {
			next = flight->next;
			if (flight->queries == NULL)
				drop(flights, flight);
			else
				enqueue(flights, flight);
		}
}

int64_t
flights_oldest(const struct flights *flights)
{
	const struct flight *flight;
	int64_t oldest = INT64_MAX;
	size_t i;

	for (i = 0; i < FLIGHTS_BUCKETS; i++)
		for (flight = flights->buckets[i]; flight != NULL;
		    flight = flight->next)
			if (flight->asked != 0 && flight->asked < oldest)
				oldest = flight->asked;
	return oldest;
}

struct flight *
flights_take_queue(struct flights *flights)
{
	struct flight *first = flights->queue;

	flights->queue = NULL;
	return first;
}
