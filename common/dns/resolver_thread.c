#include "common/dns/resolver_thread.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	SERVERS_CHECK_MS = 1000,	/* between looks at resolv.conf */
	SILENCE_MS = 5000,		/* is told */
	/* libunbound goes on for long with what nobody waits for any more,
	 * and takes some 10 kB for each. */
	ABANDONED_MAX = 1000,
	MAKE_ROOM_MS = 200,
	LOST_MS = 200			/* an answer that takes longer may be */
};

/* ---- what both sides do ---- */

void
resolver_refused_text(const struct resolver *resolver, struct strbuf *out)
{
	strbuf_addf(out, "no name server answers at %s: connection refused, "
	    "or host unreachable", resolver->servers_text);
}

void
resolver_set_servers(struct resolver *resolver,
    const struct nameservers *servers)
{
	struct strbuf text = STRBUF_INIT;

	nameservers_add(&text, servers);
	pthread_mutex_lock(&resolver->lock);
	resolver->options.servers = *servers;
	free(resolver->servers_text);
	resolver->servers_text = strbuf_detach(&text);
	pthread_mutex_unlock(&resolver->lock);
}

void
resolver_wake(struct resolver *resolver)
{
	const uint64_t one = 1;

	if (write(resolver->wake, &one, sizeof(one)) != sizeof(one))
		abort();	/* an eventfd takes one 1 */
}

/* ---- libunbound ---- */

/* With the lock: whoever waits has this answer. libunbound must not know any
 * flight. */
static void
fail_all(struct resolver *resolver, const char *detail)
{
	const struct dns_answer *answer = dns_answer_failure(detail);

	flights_land_all(&resolver->flights, answer);
	dns_answer_unref(answer);
}

/* Tells the log once that the servers are away, once that they are not. */
static void
tell(struct resolver *resolver, const char *trouble)
{
	if (!resolver->options.is_logged ||
	    (trouble != NULL) == resolver->is_away)
		return;
	resolver->is_away = trouble != NULL;
	if (trouble != NULL)
		log_warning("%s", trouble);
	else
		log_notice("the name servers answer again: %s",
		    resolver->servers_text);
}

static void
on_answer(void *owner, void *arg, const struct dns_answer *answer)
{
	struct resolver *resolver = owner;
	struct flight *flight = arg;
	int64_t now = clock_monotonic_ms();

	if (answer->result != DNS_SERVFAIL) {
		if (health_heard(&resolver->health, flight->asked, now) ==
		    HEALTH_IS_BACK)
			resolver->is_back = true;
		tell(resolver, NULL);
	}
	/* First the cache: who comes after the flight has landed looks there. */
	dns_cache_put(resolver->cache, span_make(flight->name, flight->len),
	    flight->type, answer, now);
	pthread_mutex_lock(&resolver->lock);
	flights_land(&resolver->flights, flight, answer);
	pthread_mutex_unlock(&resolver->lock);
	dns_answer_unref(answer);
}

static struct nameservers
servers_in_use(const struct resolver *resolver)
{
	const struct nameservers *all = &resolver->options.servers;
	struct nameservers some = { .count = 0 };
	size_t i;

	for (i = 0; i < all->count; i++)
		if ((resolver->health.in_use & 1u << i) != 0)
			some.items[some.count++] = all->items[i];
	return some;
}

static void
open_upstream(struct resolver *resolver)
{
	struct nameservers servers = servers_in_use(resolver);
	struct strbuf err = STRBUF_INIT;

	resolver->upstream = upstream_new(&servers,
	    resolver->options.trust_anchor_file, on_answer, resolver, &err);
	if (resolver->upstream == NULL) {
		if (!resolver->is_broken && resolver->options.is_logged)
			log_error("%s", strbuf_str(&err));
		pthread_mutex_lock(&resolver->lock);
		fail_all(resolver, strbuf_str(&err));
		pthread_mutex_unlock(&resolver->lock);
	}
	resolver->is_broken = resolver->upstream == NULL;
	strbuf_clear(&err);
}

/* Hands what is queued to libunbound. */
static void
submit(struct resolver *resolver)
{
	struct flight *flight, *next;

	/* Where nobody listens the next probe decides. */
	if (resolver->health.state == HEALTH_REFUSED)
		return;
	if (resolver->upstream == NULL)
		open_upstream(resolver);
	pthread_mutex_lock(&resolver->lock);
	flight = flights_take_queue(&resolver->flights);
	pthread_mutex_unlock(&resolver->lock);
	for (; flight != NULL; flight = next) {
		next = flight->queued;
		flight->asked = clock_monotonic_ms();
		upstream_ask(resolver->upstream, span_make(flight->name,
		    flight->len), flight->type, flight);
	}
}

/* Begins anew: what libunbound has learnt of its servers and the attempts it
 * is in the middle of only delay what waits. */
static void
start_over(struct resolver *resolver)
{
	upstream_free(resolver->upstream);
	resolver->upstream = NULL;
	health_again(&resolver->health, clock_monotonic_ms());
	pthread_mutex_lock(&resolver->lock);
	resolver->refused_until = 0;
	flights_requeue(&resolver->flights);
	pthread_mutex_unlock(&resolver->lock);
}

/* The servers answer again: what got lost while they did not is asked anew. */
static void
come_back(struct resolver *resolver, int64_t now)
{
	int64_t oldest;

	resolver->is_back = false;
	pthread_mutex_lock(&resolver->lock);
	oldest = flights_oldest(&resolver->flights);
	pthread_mutex_unlock(&resolver->lock);
	if (resolver->upstream == NULL || oldest < now - LOST_MS)
		start_over(resolver);
}

/* ---- which servers, and whether they are there ---- */

static void
check_servers(struct resolver *resolver, int64_t now)
{
	struct nameservers servers = { .count = 0 };
	struct strbuf err = STRBUF_INIT;

	if (resolver->options.resolv_conf == NULL ||
	    now - resolver->servers_checked < SERVERS_CHECK_MS)
		return;
	resolver->servers_checked = now;
	if (!file_version_changed(&resolver->servers_file,
	    resolver->options.resolv_conf))
		return;
	if (nameservers_of_file(resolver->options.resolv_conf, &servers,
	    &err) != 0) {
		if (resolver->options.is_logged)
			log_warning("%s; going on with %s", err.s,
			    resolver->servers_text);
	} else if (!nameservers_eq(&servers, &resolver->options.servers)) {
		resolver_set_servers(resolver, &servers);
		health_reset(&resolver->health, &servers, now);
		if (resolver->options.is_logged)
			log_notice("%s has changed: asking %s",
			    resolver->options.resolv_conf,
			    resolver->servers_text);
		dns_cache_flush(resolver->cache);
		start_over(resolver);
	}
	strbuf_clear(&err);
}

static void
fail_refused(struct resolver *resolver, int64_t now)
{
	struct strbuf detail = STRBUF_INIT;

	upstream_free(resolver->upstream);
	resolver->upstream = NULL;
	pthread_mutex_lock(&resolver->lock);
	resolver_refused_text(resolver, &detail);
	fail_all(resolver, detail.s);
	resolver->refused_until = now + HEALTH_REFUSED_MS;
	pthread_mutex_unlock(&resolver->lock);
	tell(resolver, detail.s);
	strbuf_clear(&detail);
}

static void
tell_silence(struct resolver *resolver)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "no answer from the name servers %s for %d s",
	    resolver->servers_text, SILENCE_MS / 1000);
	tell(resolver, text.s);
	strbuf_clear(&text);
}

static void
tell_others(struct resolver *resolver)
{
	struct nameservers servers = servers_in_use(resolver);
	struct strbuf text = STRBUF_INIT;

	nameservers_add(&text, &servers);
	if (resolver->options.is_logged)
		log_warning("of the name servers %s only these answer now: %s",
		    resolver->servers_text, text.s);
	strbuf_clear(&text);
}

static void
check_health(struct resolver *resolver, int64_t now)
{
	switch (health_tick(&resolver->health, &resolver->options.servers,
	    now)) {
	case HEALTH_NOTHING:
		if (resolver->health.state == HEALTH_SILENT &&
		    now - resolver->health.quiet_since >= SILENCE_MS)
			tell_silence(resolver);
		break;
	case HEALTH_IS_REFUSED:
		fail_refused(resolver, now);
		break;
	case HEALTH_OTHERS:
		tell(resolver, NULL);
		tell_others(resolver);
		start_over(resolver);
		break;
	case HEALTH_IS_BACK:
		tell(resolver, NULL);
		come_back(resolver, now);
		break;
	}
}

/* ---- the thread ---- */

static size_t
waiting_now(struct resolver *resolver, bool *is_stopping, bool *is_full)
{
	size_t waiting;

	pthread_mutex_lock(&resolver->lock);
	waiting = resolver->flights.waiting;
	*is_stopping = resolver->is_stopping;
	*is_full = resolver->is_full ||
	    resolver->flights.abandoned > ABANDONED_MAX;
	resolver->is_full = false;
	pthread_mutex_unlock(&resolver->lock);
	return waiting;
}

/* What nobody waits for any more goes, five times a second at most. */
static void
make_room(struct resolver *resolver, int64_t now)
{
	if (now - resolver->emptied < MAKE_ROOM_MS)
		return;
	resolver->emptied = now;
	start_over(resolver);
}

static int
time_left(const struct resolver *resolver, size_t waiting)
{
	int64_t left;

	if (waiting == 0)
		return -1;
	left = health_next(&resolver->health) - clock_monotonic_ms();
	if (left < 0)
		return 0;
	return left < SERVERS_CHECK_MS ? (int)left : SERVERS_CHECK_MS;
}

/* Waits until somebody asks, an answer comes, or a time is there. */
static void
wait_for_work(struct resolver *resolver, size_t waiting)
{
	struct pollfd fds[2 + NAMESERVERS_MAX] = {
		{ .fd = resolver->wake, .events = POLLIN },
		{ .fd = resolver->upstream != NULL ?
		    upstream_fd(resolver->upstream) : -1, .events = POLLIN },
	};
	size_t count = resolver->health.probe.count;
	uint64_t times;

	memcpy(&fds[2], resolver->health.probe.fds, count * sizeof(fds[0]));
	if (poll(fds, (nfds_t)(2 + count), time_left(resolver, waiting)) <= 0)
		return;
	if (fds[0].revents != 0 &&
	    read(resolver->wake, &times, sizeof(times)) < 0)
		return;		/* nothing was there after all */
	if (fds[1].revents != 0)
		upstream_process(resolver->upstream);
}

static void *
run(void *arg)
{
	struct resolver *resolver = arg;
	size_t waiting, waited = 0;
	bool is_stopping, is_full;
	int64_t now;

	while (waiting = waiting_now(resolver, &is_stopping, &is_full),
	    !is_stopping) {
		now = clock_monotonic_ms();
		if (is_full)
			make_room(resolver, now);
		if (waiting > 0 && waited == 0)
			health_asked(&resolver->health, now);
		waited = waiting;
		if (waiting > 0)
			check_servers(resolver, now);
		if (resolver->is_back)
			come_back(resolver, now);
		if (waiting > 0 || resolver->health.probe.count > 0)
			check_health(resolver, now);
		submit(resolver);
		wait_for_work(resolver, waiting);
	}
	probe_end(&resolver->health.probe);
	return NULL;
}

bool
resolver_start(struct resolver *resolver, struct strbuf *err)
{
	sigset_t all, old;
	int rc;

	if (resolver->has_thread)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&resolver->thread, NULL, run, resolver);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		strbuf_addf(err, "resolver thread: %s", strerror(rc));
	resolver->has_thread = rc == 0;
	return rc == 0;
}
