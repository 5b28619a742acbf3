#include "common/dns/dns.h"

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/ipaddr.h"
#include "common/base/mem.h"
#include "common/mail/domain.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unbound.h>
#include <unistd.h>

enum {
	DNS_CLASS_IN = 1,
	DNS_PORT = 53,
	RESOLV_CONF_MAX = 1 << 16,
	/* An answer that is not there after this long makes us look whether
	 * anybody listens at all: libunbound does not heed port unreachable. */
	PROBE_AFTER_MS = 200,
	PROBE_WAIT_MS = 100,
	PROBE_VALID_MS = 1000
};

struct nameserver {
	struct ipaddr address;
	unsigned port;
};

struct dns {
	struct ub_ctx *ub;
	struct nameserver servers[DNS_NAMESERVERS_MAX];
	size_t server_count;
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

static int
add_server(struct dns *dns, struct span item, struct strbuf *err)
{
	struct nameserver *server = &dns->servers[dns->server_count];
	struct strbuf text = STRBUF_INIT;
	struct span address;
	uint64_t port = DNS_PORT;
	int rc;

	if (dns->server_count == DNS_NAMESERVERS_MAX) {
		strbuf_addf(err, "more than %d name servers",
		    DNS_NAMESERVERS_MAX);
		return -1;
	}
	if ((span_cut(&item, '@', &address) &&
	    (!span_number(item, 65535, &port) || port == 0)) ||
	    !ipaddr_parse(address, &server->address)) {
		strbuf_adds(err, "a name server is written as an IP address, "
		    "with \"@port\" where the port is not 53: "
		    "\"192.0.2.1\", \"127.0.0.1@5353\", \"2001:db8::1@53\"");
		return -1;
	}
	server->port = (unsigned)port;
	ipaddr_add(&text, &server->address);
	strbuf_addf(&text, "@%u", server->port);
	rc = ub_ctx_set_fwd(dns->ub, text.s);
	if (rc != 0)
		strbuf_addf(err, "name server %s: %s", text.s, ub_strerror(rc));
	else
		dns->server_count++;
	strbuf_clear(&text);
	return rc != 0 ? -1 : 0;
}

static int
add_servers(struct dns *dns, const char *list, struct strbuf *err)
{
	struct span rest = span_of(list), item;

	while (span_item(&rest, &item))
		if (add_server(dns, item, err) != 0)
			return -1;
	if (dns->server_count == 0) {
		strbuf_adds(err, "the list of name servers is empty");
		return -1;
	}
	return 0;
}

/*
 * The "nameserver" lines of resolv.conf(5); none, or no such file, means this
 * host. A line that is no address we can use (a zone index, say) is passed
 * over as long as there are others.
 */
static int
add_system_servers(struct dns *dns, struct strbuf *err)
{
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	struct span rest, line;
	int rc = 0;

	if (file_read("/etc/resolv.conf", RESOLV_CONF_MAX, &text, NULL,
	    &why) != 0)
		strbuf_reset(&text);
	rest = strbuf_span(&text);
	strbuf_reset(&why);
	while (span_line(&rest, &line)) {
		if (!span_starts(line, SPAN_LIT("nameserver")) ||
		    line.len < 11 || !is_wsp(line.p[10]))
			continue;
		add_server(dns, span_trim(span_skip(line, 10)), &why);
	}
	if (dns->server_count == 0 && why.len > 0) {
		strbuf_addf(err, "/etc/resolv.conf: %s", why.s);
		rc = -1;
	} else if (dns->server_count == 0) {
		rc = add_server(dns, SPAN_LIT("127.0.0.1"), err);
	}
	strbuf_clear(&text);
	strbuf_clear(&why);
	return rc;
}

static char *
describe_servers(const struct dns *dns)
{
	struct strbuf text = STRBUF_INIT;
	size_t i;

	for (i = 0; i < dns->server_count; i++) {
		if (i > 0)
			strbuf_adds(&text, ", ");
		ipaddr_add(&text, &dns->servers[i].address);
		if (dns->servers[i].port != DNS_PORT)
			strbuf_addf(&text, "@%u", dns->servers[i].port);
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
	    add_servers(dns, options->nameservers, err) :
	    add_system_servers(dns, err);
	if (rc != 0)
		goto fail;
	dns->servers_text = describe_servers(dns);
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

static socklen_t
server_sockaddr(const struct nameserver *server, struct sockaddr_storage *to)
{
	struct sockaddr_in *in = (struct sockaddr_in *)to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (server->address.family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)server->port);
		memcpy(&in->sin_addr, server->address.octets, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)server->port);
	memcpy(&in6->sin6_addr, server->address.octets, 16);
	return sizeof(*in6);
}

/* A socket on which the server was asked for the root's name servers; -1
 * where it cannot be reached at all. */
static int
probe_send(const struct nameserver *server)
{
	static const unsigned char question[] = {
		0x50, 0x54, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1
	};
	struct sockaddr_storage to;
	socklen_t len = server_sockaddr(server, &to);
	int fd = socket(to.ss_family,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, len) == 0 &&
	    send(fd, question, sizeof(question), 0) >= 0)
		return fd;
	close(fd);
	return -1;
}

/* True where every server's host says that nobody listens on that port. */
static bool
probe_servers(const struct dns *dns)
{
	struct pollfd fds[DNS_NAMESERVERS_MAX];
	int64_t until = clock_monotonic_ms() + PROBE_WAIT_MS, left;
	size_t i, silent = dns->server_count;
	bool refused = true;
	char answer[1];

	for (i = 0; i < dns->server_count; i++) {
		fds[i].fd = probe_send(&dns->servers[i]);
		fds[i].events = POLLIN;
		if (fds[i].fd < 0)
			silent--;
	}
	while (refused && silent > 0) {
		left = until - clock_monotonic_ms();
		if (left <= 0 ||
		    poll(fds, (nfds_t)dns->server_count, (int)left) <= 0)
			break;
		for (i = 0; i < dns->server_count; i++) {
			if (fds[i].fd < 0 || fds[i].revents == 0)
				continue;
			if (recv(fds[i].fd, answer, 1, 0) >= 0)
				refused = false;
			close(fds[i].fd);
			fds[i].fd = -1;
			silent--;
		}
	}
	for (i = 0; i < dns->server_count; i++)
		if (fds[i].fd >= 0)
			close(fds[i].fd);
	return refused && silent == 0;
}

static bool
probe_is_fresh(const struct dns *dns, int64_t now)
{
	return dns->probed_at != 0 && now - dns->probed_at <= PROBE_VALID_MS;
}

/* The same, asked once a second at most. Called with the lock held, which is
 * let go while the probe runs. */
static bool
all_refuse(struct dns *dns)
{
	int64_t now = clock_monotonic_ms();
	bool refused;

	if (!probe_is_fresh(dns, now)) {
		dns->probed_at = now;
		pthread_mutex_unlock(&dns->lock);
		refused = probe_servers(dns);
		pthread_mutex_lock(&dns->lock);
		dns->refused = refused;
	}
	return dns->refused;
}

/* ---- questions ---- */

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
	else
		pthread_cond_signal(&query->changed);
	pthread_mutex_unlock(&dns->lock);
}

static struct dns_query *
query_new(struct dns *dns, int64_t timeout_ms)
{
	struct dns_query *query = xcalloc(1, sizeof(*query));
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&query->changed, &attr);
	pthread_condattr_destroy(&attr);
	query->dns = dns;
	query->asked = clock_monotonic_ms();
	query->deadline = query->asked + timeout_ms;
	return query;
}

struct dns_query *
dns_ask(struct dns *dns, const char *name, enum dns_type type,
    int64_t timeout_ms)
{
	struct dns_query *query = query_new(dns, timeout_ms);
	int rc;

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

/* ---- what came ---- */

bool
dns_txt_join(struct span data, struct arena *arena, struct span *text)
{
	struct strbuf joined = STRBUF_INIT;
	size_t len;

	if (data.len == 0)
		return false;
	while (data.len > 0) {
		len = (unsigned char)data.p[0];
		if (len > data.len - 1) {
			strbuf_clear(&joined);
			return false;
		}
		strbuf_add(&joined, data.p + 1, len);
		data = span_skip(data, 1 + len);
	}
	*text = arena_dup(arena, strbuf_span(&joined));
	strbuf_clear(&joined);
	return true;
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
	};

	return texts[result];
}
