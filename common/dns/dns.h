/*
 * dns.h - DNS questions and their answers, told apart, within a deadline.
 * libunbound does the work, an answer cache of ours stands before it, and all
 * who want the same from DNS share both. Any thread may ask. The first question
 * starts two threads, which fork() does not take along: fork before.
 *
 * What checks messages uses lookups.h, which is built on this.
 */
#ifndef POSTERN_DNS_DNS_H
#define POSTERN_DNS_DNS_H

#include "common/base/arena.h"
#include "common/base/strbuf.h"
#include "common/dns/rdata.h"

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16,
    DNS_AAAA = 28 };

enum {
	DNS_PENDING_MAX = 10000,	/* questions open at a time */
	DNS_RECORDS_MAX = 1000		/* of one answer, the rest is dropped */
};

enum dns_result {
	DNS_FOUND,
	DNS_NODATA,	/* the name exists, not with this type */
	DNS_NXDOMAIN,
	DNS_SERVFAIL,	/* any other answer than the above */
	DNS_TIMEOUT,
	DNS_BOGUS,	/* DNSSEC says forged */
	DNS_MALFORMED,	/* the question cannot be asked: a bad name; or the
			   answer cannot be read */
	DNS_REFUSED	/* the message has used up its questions (lookups.h) */
};

struct dns;
struct dns_query;
struct dns_derived;

struct dns_options {
	const char *nameservers;	/* "addr[@port], ..."; NULL: those of
					   resolv_conf */
	const char *trust_anchor_file;	/* NULL: no validation */
	size_t cache_bytes;		/* for answers; 0: none are kept */
	const char *resolv_conf;	/* NULL: /etc/resolv.conf. It is read
					   anew when it has changed */
	bool is_logged;			/* the log hears when the servers go
					   away, come back, or change */
};

struct dns_record {
	struct span data;	/* RDATA in wire form */
};

struct dns_answer {
	enum dns_result result;
	bool is_secure;		/* validated by DNSSEC */
	uint32_t ttl;		/* seconds */
	struct span canonical_name;	/* after CNAMEs; empty: as asked */
	struct dns_record *records;	/* in the arena given */
	size_t count;
	const char *detail;	/* neither found nor known to be absent: why,
				   in the arena; else NULL */
	struct dns_derived *_Atomic derived;	/* lookups.h */
};

/*
 * NULL, a sentence in err. While an object with equal options is in use, it is
 * that one: a reload keeps a warm cache. A trust anchor file is equal only as
 * long as it was not changed.
 */
struct dns *dns_new(const struct dns_options *options, struct strbuf *err);
/* No group may be left. */
void dns_free(struct dns *dns);

/*
 * Several questions of one asker, put one by one and waited for together. One
 * thread at a time uses a group. It holds a reference to each answer it gave.
 */
struct dns_group;

/* Never NULL. dns must outlive it. */
struct dns_group *dns_group_new(struct dns *dns);
/* Questions that are still open are given up. */
void dns_group_free(struct dns_group *group);

/*
 * Puts a question. name is in lower case without a last dot and keeps to the
 * sizes of DNS; beyond that it may hold any octets. The answer where the cache
 * has it, which lasts as long as group; else NULL, *query set.
 */
const struct dns_answer *dns_group_ask(struct dns_group *group,
    struct span name, enum dns_type type, struct dns_query **query);
/* NULL: not there yet. */
const struct dns_answer *dns_query_answer(const struct dns_query *query);

/* How many answers came so far to what had to be waited for. */
unsigned dns_group_arrived(struct dns_group *group);
/* Waits until more than that many came, at most until then (monotonic ms). */
void dns_group_wait(struct dns_group *group, unsigned arrived, int64_t until);

/* Whom it asks: "192.0.2.1, 127.0.0.1@5353". */
void dns_describe(struct dns *dns, struct strbuf *out);

const char *dns_result_text(enum dns_result result);

#endif
