#include "common/dns/dns.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/dns/answer.h"
#include "common/dns/nameservers.h"
#include "common/mail/domain.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unbound.h>
#include <unistd.h>

enum {
	DNS_CLASS_IN = 1,
	/* An answer that is not there after this long makes us look whether
	 * anybody listens at all: libunbound does not heed port unreachable. */
	PROBE_AFTER_MS = 200,
	PROBE_WAIT_MS = 100,
	PROBE_VALID_MS = 1000
};

struct dns {
	struct ub_ctx *ub;
	struct nameservers servers;
	char *servers_text;
	pthread_t thread;
	bool has_thread;
	int wake;			/* eventfd: the thread shall end */
	pthread_mutex_t lock;		/* of all below, and of all queries */
	struct dns_query *pending;	/* libunbound may still call back */
	size_t pending_count;
	int64_t probed_at;		/* monotonic ms; 0: never */
	bool refused;			/* what the probe found */
};

struct dns_query {
	struct dns *dns;
	struct dns_query *next, **back;	/* in dns->pending */
	pthread_cond_t changed;
	int64_t asked, deadline;	/* monotonic ms */
	bool is_pending;
	bool is_abandoned;		/* nobody waits any more */
	int error;			/* enum ub_ctx_err */
	struct ub_result *result;
	enum dns_result early;		/* where it never got to libunbound */
	const char *early_detail;	/* NULL: it did */
	struct dns_group *group;
	struct dns_query *sibling;
	const struct dns_answer *_Atomic answer;	/* of a group's */
};

struct dns_group {
	struct dns *dns;
	pthread_cond_t changed;
	unsigned arrived;
	struct dns_query *queries;
};

/* ---- the open questions; the caller holds the lock ---- */

static void
query_link(struct dns_query *query)
{
	struct dns *dns = query->dns;

	query->next = dns->pending;
	query->back = &dns->pending;
	if (query->next != NULL)
		query->next->back = &query->next;
	dns->pending = query;
	dns->pending_count++;
	query->is_pending = true;
}

static void
query_unlink(struct dns_query *query)
{
	*query->back = query->next;
	if (query->next != NULL)
		query->next->back = query->back;
	query->dns->pending_count--;
	query->is_pending = false;
}

static void
query_free(struct dns_query *query)
{
	if (query->is_pending)
		query_unlink(query);
	ub_resolve_free(query->result);
	pthread_cond_destroy(&query->changed);
	free(query);
}

/* ---- the context ---- */

static const struct {
	const char *name, *value;
	bool is_needed;		/* else older libraries may lack it */
} ub_options[] = {
	/* The admin's resolver is often on this host. */
	{ "do-not-query-localhost:", "no", true },
	/* What the resolver we forward to says about private names counts. */
	{ "unblock-lan-zones:", "yes", true },
	{ "local-zone:", "test. transparent", true },
	/*
	 * A forwarder that has to find out answers after a second or two.
	 * The library drops what comes after its own, much shorter timeouts.
	 */
	{ "unknown-server-time-limit:", "1200", false },
	{ "infra-cache-min-rtt:", "1200", false },
	{ "infra-cache-max-rtt:", "5000", false },
	/* How long a server that was silent is taken for dead. */
	{ "infra-host-ttl:", "10", true },
	{ "infra-keep-probing:", "yes", false },
	/* What a mail server's questions need at a time. */
	{ "outgoing-range:", "256", true },
	{ "outgoing-num-tcp:", "16", true },
	{ "cache-max-negative-ttl:", "60", false },
};

static int
set_options(struct dns *dns, const char *anchors, struct strbuf *err)
{
	size_t i;
	int rc;

	ub_ctx_debugout(dns->ub, NULL);
	for (i = 0; i < ARRAY_LEN(ub_options); i++) {
		rc = ub_ctx_set_option(dns->ub, ub_options[i].name,
		    ub_options[i].value);
		if (rc != 0 && ub_options[i].is_needed) {
			strbuf_addf(err, "libunbound: %s %s: %s",
			    ub_options[i].name, ub_options[i].value,
			    ub_strerror(rc));
			return -1;
		}
	}
	if (anchors == NULL)
		rc = ub_ctx_set_option(dns->ub, "module-config:", "iterator");
	else
		rc = ub_ctx_add_ta_file(dns->ub, anchors);
	if (rc == 0)
		rc = ub_ctx_async(dns->ub, 1);
	if (rc != 0)
		strbuf_addf(err, "libunbound: %s%s%s",
		    anchors != NULL ? anchors : "",
		    anchors != NULL ? ": " : "", ub_strerror(rc));
	return rc != 0 ? -1 : 0;
}

/* Hands the servers to libunbound: all that is asked goes there. */
static int
forward(struct dns *dns, struct strbuf *err)
{
	struct strbuf text = STRBUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < dns->servers.count && rc == 0; i++) {
		strbuf_reset(&text);
		nameserver_add(&text, &dns->servers.items[i], true);
		rc = ub_ctx_set_fwd(dns->ub, text.s);
		if (rc != 0)
			strbuf_addf(err, "name server %s: %s", text.s,
			    ub_strerror(rc));
	}
	strbuf_clear(&text);
	return rc != 0 ? -1 : 0;
}

static char *
describe_servers(const struct nameservers *servers)
{
	struct strbuf text = STRBUF_INIT;
	size_t i;

	for (i = 0; i < servers->count; i++) {
		strbuf_adds(&text, i > 0 ? ", " : "");
		nameserver_add(&text, &servers->items[i], false);
	}
	return strbuf_detach(&text);
}

/* The one thread in which libunbound's callbacks run. */
static void *
run(void *arg)
{
	struct dns *dns = arg;
	struct pollfd fds[2] = {
		{ .fd = ub_fd(dns->ub), .events = POLLIN },
		{ .fd = dns->wake, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents != 0)
			return NULL;
		if (fds[0].revents != 0)
			ub_process(dns->ub);
	}
}

static int
start_thread(struct dns *dns, struct strbuf *err)
{
	int rc;

	dns->wake = eventfd(0, EFD_CLOEXEC);
	if (dns->wake < 0) {
		strbuf_addf(err, "eventfd: %s", strerror(errno));
		return -1;
	}
	rc = pthread_create(&dns->thread, NULL, run, dns);
	if (rc != 0) {
		strbuf_addf(err, "resolver thread: %s", strerror(rc));
		return -1;
	}
	dns->has_thread = true;
	return 0;
}

struct dns *
dns_new(const struct dns_options *options, struct strbuf *err)
{
	struct dns *dns = xcalloc(1, sizeof(*dns));
	int rc;

	dns->wake = -1;
	pthread_mutex_init(&dns->lock, NULL);
	dns->ub = ub_ctx_create();
	if (dns->ub == NULL) {
		strbuf_addf(err, "libunbound: %s", strerror(errno));
		goto fail;
	}
	if (set_options(dns, options->trust_anchor_file, err) != 0)
		goto fail;
	rc = options->nameservers != NULL ?
	    nameservers_parse(options->nameservers, &dns->servers, err) :
	    nameservers_of_system(&dns->servers, err);
	if (rc != 0 || forward(dns, err) != 0)
		goto fail;
	dns->servers_text = describe_servers(&dns->servers);
	if (start_thread(dns, err) == 0)
		return dns;
fail:
	dns_free(dns);
	return NULL;
}

void
dns_free(struct dns *dns)
{
	uint64_t one = 1;

	if (dns == NULL)
		return;
	if (dns->has_thread) {
		if (write(dns->wake, &one, sizeof(one)) != sizeof(one))
			abort();	/* an eventfd takes one 1 */
		pthread_join(dns->thread, NULL);
	}
	if (dns->wake >= 0)
		close(dns->wake);
	/* From here on no callback comes any more. */
	if (dns->ub != NULL)
		ub_ctx_delete(dns->ub);
	while (dns->pending != NULL)
		query_free(dns->pending);
	pthread_mutex_destroy(&dns->lock);
	free(dns->servers_text);
	free(dns);
}

/* ---- is anybody there? ---- */

static bool
probe_is_fresh(const struct dns *dns, int64_t now)
{
	return dns->probed_at != 0 && now - dns->probed_at <= PROBE_VALID_MS;
}

/* Whether every server refuses, found out once a second at most. Called with
 * the lock held, which is let go meanwhile. */
static bool
all_refuse(struct dns *dns)
{
	int64_t now = clock_monotonic_ms();
	bool refused;

	if (!probe_is_fresh(dns, now)) {
		dns->probed_at = now;
		pthread_mutex_unlock(&dns->lock);
		refused = nameservers_refuse(&dns->servers,
		    PROBE_WAIT_MS);
		pthread_mutex_lock(&dns->lock);
		dns->refused = refused;
	}
	return dns->refused;
}

/* ---- questions ---- */

static enum dns_result
classify(const struct ub_result *result)
{
	if (result->bogus)
		return DNS_BOGUS;
	if (result->havedata)
		return DNS_FOUND;
	if (result->nxdomain)
		return DNS_NXDOMAIN;
	return result->rcode == 0 ? DNS_NODATA : DNS_SERVFAIL;
}

static const char *
describe_failure(const struct dns *dns, const struct ub_result *result,
    struct arena *arena)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL",
	    "NXDOMAIN", "NOTIMP", "REFUSED" };

	if (result->bogus)
		return arena_printf(arena, "DNSSEC: %s",
		    result->why_bogus != NULL ? result->why_bogus : "bogus");
	if (result->rcode >= 0 && (size_t)result->rcode < ARRAY_LEN(names))
		return arena_printf(arena, "%s (asked %s)",
		    names[result->rcode], dns->servers_text);
	return arena_printf(arena, "answer code %d (asked %s)", result->rcode,
	    dns->servers_text);
}

static void
copy_records(const struct ub_result *result, struct arena *arena,
    struct dns_answer *answer)
{
	size_t i, count = 0;

	while (count < DNS_RECORDS_MAX && result->data[count] != NULL)
		count++;
	answer->records = arena_alloc(arena, count * sizeof(*answer->records));
	answer->count = count;
	for (i = 0; i < count; i++)
		answer->records[i].data = arena_dup(arena,
		    span_make(result->data[i], (size_t)result->len[i]));
}

static void
fill(struct dns_answer *answer, const struct dns_query *query,
    struct arena *arena)
{
	const struct ub_result *result = query->result;

	if (query->error != 0 || result == NULL) {
		answer->result = DNS_SERVFAIL;
		answer->detail = arena_strdup(arena,
		    ub_strerror(query->error));
		return;
	}
	answer->result = classify(result);
	answer->is_secure = result->secure != 0;
	answer->ttl = result->ttl > 0 ? (uint32_t)result->ttl : 0;
	if (result->canonname != NULL &&
	    !span_eq_nocase(span_of(result->canonname),
	    span_of(result->qname)))
		answer->canonical_name = arena_dup(arena,
		    span_of(result->canonname));
	if (answer->result == DNS_FOUND)
		copy_records(result, arena, answer);
	else if (answer->result == DNS_SERVFAIL || answer->result == DNS_BOGUS)
		answer->detail = describe_failure(query->dns, result, arena);
}

static void
deliver(struct dns_query *query)
{
	struct arena arena = ARENA_INIT;
	struct dns_answer answer = { .result = query->early };

	if (query->early_detail != NULL)
		answer.detail = query->early_detail;
	else
		fill(&answer, query, &arena);
	query->answer = dns_answer_copy(&answer);
	query->group->arrived++;
	pthread_cond_signal(&query->group->changed);
	arena_clear(&arena);
}

/* libunbound's callback, in our thread. */
static void
on_result(void *arg, int error, struct ub_result *result)
{
	struct dns_query *query = arg;
	struct dns *dns = query->dns;

	pthread_mutex_lock(&dns->lock);
	query->result = result;
	query->error = error;
	query_unlink(query);
	if (query->is_abandoned)
		query_free(query);
	else if (query->group != NULL)
		deliver(query);
	else
		pthread_cond_signal(&query->changed);
	pthread_mutex_unlock(&dns->lock);
}

static void
init_condition(pthread_cond_t *changed)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(changed, &attr);
	pthread_condattr_destroy(&attr);
}

static struct dns_query *
query_new(struct dns *dns, int64_t timeout_ms)
{
	struct dns_query *query = xcalloc(1, sizeof(*query));

	init_condition(&query->changed);
	query->dns = dns;
	query->asked = clock_monotonic_ms();
	query->deadline = query->asked + timeout_ms;
	return query;
}

static void
join(struct dns_query *query, struct dns_group *group)
{
	query->group = group;
	query->sibling = group->queries;
	group->queries = query;
}

static struct dns_query *
ask(struct dns *dns, const char *name, enum dns_type type,
    int64_t timeout_ms, struct dns_group *group)
{
	struct dns_query *query = query_new(dns, timeout_ms);
	int rc;

	if (group != NULL)
		join(query, group);
	if (!domain_is_valid_owner(span_of(name))) {
		query->early = DNS_MALFORMED;
		query->early_detail = "no valid domain name";
		return query;
	}
	pthread_mutex_lock(&dns->lock);
	if (dns->pending_count >= DNS_PENDING_MAX) {
		query->early = DNS_SERVFAIL;
		query->early_detail = "too many open DNS questions";
	} else {
		query_link(query);
	}
	pthread_mutex_unlock(&dns->lock);
	if (query->early_detail != NULL)
		return query;
	rc = ub_resolve_async(dns->ub, name, (int)type, DNS_CLASS_IN, query,
	    on_result, NULL);
	if (rc != 0) {
		pthread_mutex_lock(&dns->lock);
		query_unlink(query);
		pthread_mutex_unlock(&dns->lock);
		query->early = DNS_SERVFAIL;
		query->early_detail = ub_strerror(rc);
	}
	return query;
}

struct dns_query *
dns_ask(struct dns *dns, const char *name, enum dns_type type,
    int64_t timeout_ms)
{
	return ask(dns, name, type, timeout_ms, NULL);
}

/* Returns when the answer is there, at the deadline, or, *refused set, when
 * there cannot be one. With the lock held. */
static void
wait_for_result(struct dns_query *query, bool *refused)
{
	int64_t now, probe_at = query->asked + PROBE_AFTER_MS, until;
	bool probed = false;
	struct timespec ts;

	*refused = false;
	while (query->is_pending) {
		now = clock_monotonic_ms();
		if (now >= query->deadline)
			return;
		if (!probed && (now >= probe_at || (query->dns->refused &&
		    probe_is_fresh(query->dns, now)))) {
			probed = true;
			*refused = all_refuse(query->dns);
			if (*refused)
				return;
			continue;
		}
		until = probed || probe_at > query->deadline ?
		    query->deadline : probe_at;
		ts.tv_sec = (time_t)(until / 1000);
		ts.tv_nsec = (long)(until % 1000) * 1000000;
		pthread_cond_timedwait(&query->changed, &query->dns->lock,
		    &ts);
	}
}

void
dns_wait(struct dns_query *query, struct arena *arena,
    struct dns_answer *answer)
{
	struct dns *dns = query->dns;
	bool refused;

	*answer = (struct dns_answer){ .result = query->early };
	if (query->early_detail != NULL) {
		answer->detail = arena_strdup(arena, query->early_detail);
		query_free(query);
		return;
	}
	pthread_mutex_lock(&dns->lock);
	wait_for_result(query, &refused);
	if (query->is_pending) {
		answer->result = refused ? DNS_SERVFAIL : DNS_TIMEOUT;
		answer->detail = arena_printf(arena, refused ?
		    "no name server answers at %s: connection refused" :
		    "no answer in time from %s", dns->servers_text);
		query->is_abandoned = true;	/* on_result() frees it */
		pthread_mutex_unlock(&dns->lock);
		return;
	}
	pthread_mutex_unlock(&dns->lock);
	fill(answer, query, arena);
	query_free(query);
}

void
dns_lookup(struct dns *dns, const char *name, enum dns_type type,
    int64_t timeout_ms, struct arena *arena, struct dns_answer *answer)
{
	dns_wait(dns_ask(dns, name, type, timeout_ms), arena, answer);
}

/* ---- groups ---- */

struct dns_group *
dns_group_new(struct dns *dns)
{
	struct dns_group *group = xcalloc(1, sizeof(*group));

	group->dns = dns;
	init_condition(&group->changed);
	return group;
}

void
dns_group_free(struct dns_group *group)
{
	struct dns_query *query, *next;

	if (group == NULL)
		return;
	pthread_mutex_lock(&group->dns->lock);
	for (query = group->queries; query != NULL; query = next) {
		next = query->sibling;
		dns_answer_unref(query->answer);
		query->group = NULL;
		query->is_abandoned = true;
		if (!query->is_pending)
			query_free(query);
	}
	pthread_mutex_unlock(&group->dns->lock);
	pthread_cond_destroy(&group->changed);
	free(group);
}

const struct dns_answer *
dns_group_ask(struct dns_group *group, struct span name, enum dns_type type,
    struct dns_query **query)
{
	char text[DOMAIN_MAX + 1];

	memcpy(text, name.p, name.len);
	text[name.len] = '\0';
	*query = ask(group->dns, text, type, INT32_MAX, group);
	if ((*query)->early_detail != NULL)
		deliver(*query);
	return (*query)->answer;
}

const struct dns_answer *
dns_query_answer(const struct dns_query *query)
{
	return query->answer;
}

unsigned
dns_group_arrived(struct dns_group *group)
{
	unsigned arrived;

	pthread_mutex_lock(&group->dns->lock);
	arrived = group->arrived;
	pthread_mutex_unlock(&group->dns->lock);
	return arrived;
}

void
dns_group_wait(struct dns_group *group, unsigned arrived, int64_t until)
{
	struct timespec ts = { .tv_sec = (time_t)(until / 1000),
		.tv_nsec = (long)(until % 1000) * 1000000 };

	pthread_mutex_lock(&group->dns->lock);
	while (group->arrived == arrived)
		if (pthread_cond_timedwait(&group->changed,
		    &group->dns->lock, &ts) != 0)
			break;
	pthread_mutex_unlock(&group->dns->lock);
}

void
dns_describe(struct dns *dns, struct strbuf *out)
{
	strbuf_adds(out, dns->servers_text);
}

const char *
dns_result_text(enum dns_result result)
{
	static const char *const texts[] = {
		[DNS_FOUND] = "found",
		[DNS_NODATA] = "no such record",
		[DNS_NXDOMAIN] = "no such name",
		[DNS_SERVFAIL] = "the DNS servers failed",
		[DNS_TIMEOUT] = "no answer in time",
		[DNS_BOGUS] = "DNSSEC validation failed",
		[DNS_MALFORMED] = "not a name that can be asked for",
		[DNS_REFUSED] = "too many DNS questions for one message",
	};

	return texts[result];
}
