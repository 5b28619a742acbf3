#include "common/dns/resolver.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/dns/resolver_thread.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* ---- askers ---- */

void
resolver_give_up(struct resolver *resolver, struct dns_query *query)
{
	pthread_mutex_lock(&resolver->lock);
	flights_leave(&resolver->flights, query);
	pthread_mutex_unlock(&resolver->lock);
}

void
resolver_wait(struct resolver *resolver, struct asker *asker,
    unsigned arrived, int64_t until)
{
	struct timespec ts = { .tv_sec = (time_t)(until / 1000),
		.tv_nsec = (long)(until % 1000) * 1000000 };

	pthread_mutex_lock(&resolver->lock);
	while (asker->arrived == arrived)
		if (pthread_cond_timedwait(&asker->changed, &resolver->lock,
		    &ts) != 0)
			break;
	pthread_mutex_unlock(&resolver->lock);
}

void
resolver_describe(struct resolver *resolver, struct strbuf *out)
{
	pthread_mutex_lock(&resolver->lock);
	strbuf_adds(out, resolver->servers_text);
	pthread_mutex_unlock(&resolver->lock);
}

/* ---- asking ---- */

/* With the lock. False, *detail set, where it cannot be asked. */
static bool
take_off(struct resolver *resolver, struct dns_query *query, struct span name,
    enum dns_type type, struct strbuf *detail)
{
	int64_t now = clock_monotonic_ms();
	struct flight *flight;

	if (now < resolver->refused_until) {
		resolver_refused_text(resolver, detail);
		return false;
	}
	flight = flights_find(&resolver->flights, name, type);
	if (flight == NULL && resolver->flights.count >= DNS_PENDING_MAX) {
		strbuf_adds(detail, "too many open DNS questions");
		resolver->is_full = true;
		resolver_wake(resolver);
		return false;
	}
	if (!resolver_start(resolver, detail))
		return false;
	if (flight == NULL)
		flight = flights_add(&resolver->flights, name, type);
	flights_join(&resolver->flights, flight, query);
	resolver_wake(resolver);
	return true;
}

void
resolver_ask(struct resolver *resolver, struct dns_query *query,
    struct span name, enum dns_type type)
{
	const struct dns_answer *answer;
	struct strbuf detail = STRBUF_INIT;

	pthread_mutex_lock(&resolver->lock);
	if (!take_off(resolver, query, name, type, &detail)) {
		answer = dns_answer_failure(detail.s);
		query_answer(query, answer);
		dns_answer_unref(answer);
	}
	pthread_mutex_unlock(&resolver->lock);
	strbuf_clear(&detail);
}

/* ---- life ---- */

struct resolver *
resolver_new(const struct resolver_options *options, struct dns_cache *cache,
    struct strbuf *err)
{
	struct resolver *resolver = xcalloc(1, sizeof(*resolver));

	pthread_mutex_init(&resolver->lock, NULL);
	resolver->options = *options;
	resolver->cache = cache;
	health_reset(&resolver->health, &options->servers,
	    clock_monotonic_ms());
	resolver_set_servers(resolver, &options->servers);
	resolver->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (resolver->wake >= 0)
		return resolver;
	strbuf_addf(err, "eventfd: %s", strerror(errno));
	resolver_free(resolver);
	return NULL;
}

void
resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	pthread_mutex_lock(&resolver->lock);
	resolver->is_stopping = true;
	pthread_mutex_unlock(&resolver->lock);
	if (resolver->has_thread) {
		resolver_wake(resolver);
		pthread_join(resolver->thread, NULL);
	}
	upstream_free(resolver->upstream);
	flights_requeue(&resolver->flights);	/* nobody waits: frees all */
	if (resolver->wake >= 0)
		close(resolver->wake);
	pthread_mutex_destroy(&resolver->lock);
	free(resolver->servers_text);
	free(resolver);
}
