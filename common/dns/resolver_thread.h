/*
 * resolver_thread.h - the thread of a resolver, and what it shares with those
 * who ask.
 */
#ifndef POSTERN_DNS_RESOLVER_THREAD_H
#define POSTERN_DNS_RESOLVER_THREAD_H

#include "common/dns/fileversion.h"
#include "common/dns/health.h"
#include "common/dns/resolver.h"
#include "common/dns/upstream.h"

struct resolver {
	struct resolver_options options;
	struct dns_cache *cache;
	int wake;			/* eventfd: something is to be done */

	pthread_mutex_t lock;		/* of all below */
	struct flights flights;		/* only the thread frees one */
	int64_t refused_until;
	char *servers_text;
	bool is_full;			/* a question found no room */
	bool has_thread, is_stopping;
	pthread_t thread;

	/* The thread's own. */
	struct upstream *upstream;	/* NULL: to be made */
	struct health health;
	int64_t servers_checked;
	int64_t emptied;		/* when room was made */
	struct file_version servers_file;
	bool is_broken;			/* no upstream can be made */
	bool is_away;			/* what the log was told */
	bool is_back;			/* an answer showed it */
};

/* Starts the thread where it does not run yet. False, a sentence in err. With
 * the lock. */
bool resolver_start(struct resolver *resolver, struct strbuf *err);
/* There is something to do. */
void resolver_wake(struct resolver *resolver);
/* Without the lock. */
void resolver_set_servers(struct resolver *resolver,
    const struct nameservers *servers);
/* What is said of a question while nobody listens. With the lock. */
void resolver_refused_text(const struct resolver *resolver,
    struct strbuf *out);

#endif
