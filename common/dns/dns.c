#include "common/dns/dns.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/dns/anchors.h"
#include "common/dns/cache.h"
#include "common/dns/fileversion.h"
#include "common/dns/nameservers.h"
#include "common/dns/resolver.h"

#include <stdlib.h>

struct dns {
	struct dns *next;		/* in instances */
	size_t users;
	char *nameservers, *trust_anchor_file, *resolv_conf;
	size_t cache_bytes;
	bool is_logged;
	struct file_version anchors;
	struct dns_cache *cache;
	struct resolver *resolver;
};

static pthread_mutex_t instances_lock = PTHREAD_MUTEX_INITIALIZER;
static struct dns *instances;

/* ---- instances ---- */

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_equal(const struct dns *a, const struct dns *b)
{
	return is_same_text(a->nameservers, b->nameservers) &&
	    is_same_text(a->trust_anchor_file, b->trust_anchor_file) &&
	    is_same_text(a->resolv_conf, b->resolv_conf) &&
	    file_version_eq(&a->anchors, &b->anchors) &&
	    a->cache_bytes == b->cache_bytes && a->is_logged == b->is_logged;
}

static char *
copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static struct dns *
instance_new(const struct dns_options *options)
{
	struct dns *dns = xcalloc(1, sizeof(*dns));

	dns->nameservers = copy(options->nameservers);
	dns->trust_anchor_file = copy(options->trust_anchor_file);
	if (options->nameservers == NULL)
		dns->resolv_conf = xstrdup(options->resolv_conf != NULL ?
		    options->resolv_conf : "/etc/resolv.conf");
	dns->cache_bytes = options->cache_bytes;
	dns->is_logged = options->is_logged;
	if (dns->trust_anchor_file != NULL)
		file_version_read(&dns->anchors, dns->trust_anchor_file);
	return dns;
}

static void
instance_free(struct dns *dns)
{
	resolver_free(dns->resolver);
	dns_cache_free(dns->cache);
	free(dns->nameservers);
	free(dns->trust_anchor_file);
	free(dns->resolv_conf);
	free(dns);
}

static int
instance_open(struct dns *dns, struct strbuf *err)
{
	struct resolver_options options = {
		.resolv_conf = dns->resolv_conf,
		.trust_anchor_file = dns->trust_anchor_file,
		.is_logged = dns->is_logged,
	};
	int rc;

	rc = dns->nameservers != NULL ?
	    nameservers_parse(dns->nameservers, &options.servers, err) :
	    nameservers_of_file(dns->resolv_conf, &options.servers, err);
	if (rc != 0 || (dns->trust_anchor_file != NULL &&
	    anchors_check(dns->trust_anchor_file, err) != 0))
		return -1;
	dns->cache = dns_cache_new(dns->cache_bytes);
	dns->resolver = resolver_new(&options, dns->cache, err);
	return dns->resolver != NULL ? 0 : -1;
}

/* The instance in use that equals this one, with one user more. */
static struct dns *
instance_find(const struct dns *dns)
{
	struct dns *other = instances;

	while (other != NULL && !is_equal(other, dns))
		other = other->next;
	if (other != NULL)
		other->users++;
	return other;
}

struct dns *
dns_new(const struct dns_options *options, struct strbuf *err)
{
	struct dns *dns = instance_new(options), *known;

	pthread_mutex_lock(&instances_lock);
	known = instance_find(dns);
	if (known == NULL && instance_open(dns, err) == 0) {
		known = dns;
		dns->users = 1;
		dns->next = instances;
		instances = dns;
	}
	pthread_mutex_unlock(&instances_lock);
	if (known != dns)
		instance_free(dns);
	return known;
}

void
dns_free(struct dns *dns)
{
	struct dns **at = &instances;
	bool is_last;

	if (dns == NULL)
		return;
	pthread_mutex_lock(&instances_lock);
	is_last = --dns->users == 0;
	if (is_last) {
		while (*at != dns)
			at = &(*at)->next;
		*at = dns->next;
	}
	pthread_mutex_unlock(&instances_lock);
	if (is_last)
		instance_free(dns);
}

void
dns_describe(struct dns *dns, struct strbuf *out)
{
	resolver_describe(dns->resolver, out);
}

/* ---- groups ---- */

struct group_query {
	struct dns_query query;		/* first: this is what callers hold */
	struct group_query *next;
};

struct dns_group {
	struct dns *dns;
	struct asker asker;
	struct group_query *queries;
	const struct dns_answer **held;	/* that came from the cache */
	size_t held_count, held_cap;
};

struct dns_group *
dns_group_new(struct dns *dns)
{
	struct dns_group *group = xcalloc(1, sizeof(*group));

	group->dns = dns;
	asker_init(&group->asker);
	return group;
}

void
dns_group_free(struct dns_group *group)
{
	struct group_query *query, *next;
	size_t i;

	if (group == NULL)
		return;
	for (query = group->queries; query != NULL; query = next) {
		next = query->next;
		resolver_give_up(group->dns->resolver, &query->query);
		dns_answer_unref(query->query.answer);
		free(query);
	}
	for (i = 0; i < group->held_count; i++)
		dns_answer_unref(group->held[i]);
	free(group->held);
	asker_clear(&group->asker);
	free(group);
}

static const struct dns_answer *
hold(struct dns_group *group, const struct dns_answer *answer)
{
	enum { FIRST_HELD = 16 };

	if (group->held_count == group->held_cap) {
		group->held_cap = group->held_cap > 0 ?
		    group->held_cap * 2 : FIRST_HELD;
		group->held = xreallocarray(group->held, group->held_cap,
		    sizeof(*group->held));
	}
	group->held[group->held_count++] = answer;
	return answer;
}

const struct dns_answer *
dns_group_ask(struct dns_group *group, struct span name, enum dns_type type,
    struct dns_query **query)
{
	struct dns *dns = group->dns;
	const struct dns_answer *answer;
	struct group_query *item;

	answer = dns_cache_get(dns->cache, name, type, clock_monotonic_ms());
	if (answer != NULL)
		return hold(group, answer);
	item = xcalloc(1, sizeof(*item));
	item->query.asker = &group->asker;
	item->next = group->queries;
	group->queries = item;
	resolver_ask(dns->resolver, &item->query, name, type);
	*query = &item->query;
	return item->query.answer;
}

const struct dns_answer *
dns_query_answer(const struct dns_query *query)
{
	return query->answer;
}

unsigned
dns_group_arrived(struct dns_group *group)
{
	return group->asker.arrived;
}

void
dns_group_wait(struct dns_group *group, unsigned arrived, int64_t until)
{
	resolver_wait(group->dns->resolver, &group->asker, arrived, until);
}

/* ---- words ---- */

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
