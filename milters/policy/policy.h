/*
 * policy.h - postern-policy: who may send how much, and whose mail waits, is
 * refused, tagged or held.
 *
 * Every message is looked at by a list of checks (check.h), each in a file of
 * its own, the cheapest first. A check answers with findings: a weight that
 * goes into the score, or a proposal of what to do, each with a reason. The
 * first proposal that is final decides; the score decides where none is. What
 * they need of the cache is fetched in one round trip a stage, what they need
 * of DNS is asked for as early as it is known and waited for last.
 *
 * The filter table is the whole interface: the daemon's main() hands it to
 * daemon_main(), "postern message policy" to the file driver, where
 * policy_report_of() gives what was found.
 */
#ifndef POSTERN_MILTERS_POLICY_POLICY_H
#define POSTERN_MILTERS_POLICY_POLICY_H

#include "common/cache/cache.h"
#include "common/dns/lookups.h"
#include "common/milter/daemon_settings.h"
#include "common/tables/accessmap.h"
#include "common/tables/hostlist.h"

struct rate_rule;
struct warmup_rule;
struct greylist;
struct dnslist;
struct hostcheck;
struct reputation;

/* Weights and scores are in hundredths: "1.5" is 150. */
enum { POLICY_WEIGHT_MAX = 1000 * 100, POLICY_SCORE_OFF = INT32_MAX };

struct policy_conf {
	struct daemon_settings daemon;
	/* as read */
	const char *control_socket;
	int64_t control_mode;
	const char *cache_spec, *cache_file, *cache_secret_file;
	int64_t cache_size;
	const char *access_specs[ACCESS_SUBJECTS];
	const char *internal_hosts_spec;
	struct config_rows rate_rows, warmup_rows, greylist_rows, dnslist_rows,
	    hostcheck_rows, reputation_rows;
	const char *greylist_clients_spec, *greylist_recipients_spec;
	const char *nameservers;
	int64_t dns_timeout, message_timeout, dns_cache_size;
	const char *authserv_id;
	int results;			/* AuthResults: 1 trust */
	int score_at;			/* 1: end */
	const char *score_reject_text, *score_defer_text,
	    *score_quarantine_text, *score_tag_text;
	bool score_header;
	const char *monitor_text;	/* MonitorOnly */
	const char *alert_command;
	int64_t retry_memory;
	int on_internal_error, on_bad_message;
	/* made by load() */
	struct cache *cache;
	struct access_map *access[ACCESS_SUBJECTS];
	struct access_map *greylist_clients, *greylist_recipients;
	struct hostlist *internal_hosts;
	struct rate_rule *rates;	/* lists of the checks' own making, in */
	size_t rate_count;		/* the snapshot's arena */
	struct warmup_rule *warmups;
	size_t warmup_count;
	struct greylist *greylist;	/* NULL: off */
	struct dnslist *dnslists;
	size_t dnslist_count;
	struct hostcheck *hostchecks;
	size_t hostcheck_count;
	struct reputation *reputations;
	size_t reputation_count;
	int32_t score_reject, score_defer, score_quarantine, score_tag;
	unsigned monitored;		/* bit n: check n of policy_checks[] */
	bool trust_results, score_at_end;
	bool score_is_monitored, all_monitored;
	const char *host_name;
	struct span own_id;		/* authserv-id; empty: the MTA's */
	bool wants_header, wants_body;	/* some check does */
	struct dns *dns;
	/* Nothing is counted, learned or alerted: "postern message policy". */
	bool is_trial;
	lookup_source *source;		/* instead of dns; NULL but in tests */
	void *source_arg;
};

extern const struct filter policy_filter;
extern const struct config_schema policy_schema;

/* What is known of a message when its verdict stands (check.h has the struct);
 * NULL before. */
struct policy_state;
const struct policy_state *policy_report_of(const struct filter_context *ctx);

#endif
