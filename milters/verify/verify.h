/*
 * verify.h - postern-verify: SPF, DKIM, ARC, DMARC and reverse DNS of what
 * arrives, one Authentication-Results field, and the configured action.
 *
 * The filter table is the whole interface: the daemon's main() hands it to
 * daemon_main(), "postern message verify" to the file driver, where
 * verify_report_of() gives what the checks came to.
 */
#ifndef POSTERN_MILTERS_VERIFY_VERIFY_H
#define POSTERN_MILTERS_VERIFY_VERIFY_H

#include "common/arc/arc.h"
#include "common/dkim/adsp.h"
#include "common/dkim/verify.h"
#include "common/dmarc/dmarc.h"
#include "common/dns/iprev.h"
#include "common/milter/daemon_settings.h"
#include "common/spf/spf.h"
#include "common/tables/hostlist.h"
#include "common/tables/namelist.h"

enum verify_checks {		/* Checks: bits */
	VERIFY_IPREV = 1,
	VERIFY_SPF = 2,
	VERIFY_DKIM = 4,
	VERIFY_ARC = 8,
	VERIFY_DMARC = 16
};

/* Words of OnBadFrom: the failure actions, and first of all "policy": reject
 * where one of the domains asks for more than none, else accept. */
enum { VERIFY_BY_POLICY = FAILURE_QUARANTINE + 1 };

enum verify_spf_reject { VERIFY_SPF_NEVER, VERIFY_SPF_FAIL,
    VERIFY_SPF_SOFTFAIL };

struct verify_overrides;

struct verify_conf {
	struct daemon_settings daemon;
	/* as read */
	const char *authserv_id, *remove_from, *checks;
	const char *nameservers, *trust_anchor_file;
	int64_t dns_timeout, message_timeout, dns_cache_size;
	int64_t maximum_signatures, minimum_key_bits;
	int partial_signatures;
	bool reject_failures, hold_quarantined;
	const char *reject_text;
	const char *ignore_hosts, *ignore_mail_from, *overrides_spec;
	bool ignore_authenticated;
	int discovery;			/* enum dmarc_discovery */
	const char *trusted_sealers;
	bool adsp, received_spf, monitor_only;
	int spf_reject;			/* enum verify_spf_reject */
	int on_bad_from, on_dns_error, on_internal_error, on_bad_message;
	/* made by load() */
	unsigned wanted;		/* enum verify_checks bits */
	const char *host_name;		/* of this machine */
	struct span own_id;		/* as authres_id(); empty: the MTA's */
	struct span *remove_ids;	/* RemoveARFrom, the same */
	size_t remove_count;
	struct hostlist *ignored_hosts;
	struct namelist *ignored_authors, *sealers;
	struct verify_overrides *overrides;
	struct dns *dns;
	lookup_source *source;		/* instead of dns; NULL but in tests */
	void *source_arg;
};

/* Why a message is not checked at all. */
enum verify_exempt {
	VERIFY_CHECKED,
	VERIFY_IGNORED_HOST,		/* IgnoreHosts: its fields stay */
	VERIFY_AUTHENTICATED		/* IgnoreAuthenticatedClients */
};

/* What decided about the message; a word each in log and explanation. */
enum verify_cause {
	VERIFY_NOTHING,			/* nothing speaks against it */
	VERIFY_EXEMPT,
	VERIFY_BAD_MESSAGE,
	VERIFY_BAD_FROM,
	VERIFY_SPF_POLICY,		/* SPFReject */
	VERIFY_DMARC_POLICY,
	VERIFY_DNS_ERROR,
	VERIFY_INTERNAL_ERROR
};

enum { VERIFY_CAUSES = VERIFY_INTERNAL_ERROR + 1 };

struct verify_decision {
	enum verify_cause cause;
	struct verdict verdict;		/* what the settings do with it; before
					   MonitorOnly */
	bool is_monitored;		/* MonitorOnly kept it from happening */
	enum dmarc_policy disposition;	/* what the policy asks for */
	const char *override;		/* RFC 9990's word where we do less or
					   other than that: "trusted_forwarder",
					   "local_policy", "policy_test_mode";
					   NULL: nothing */
	const char *override_comment;	/* which rule; "" */
	const char *reason;		/* for the SMTP answer and the log, in
					   words; "" */
};

/* All that is known of one message. */
struct verify_report {
	enum verify_exempt exempt;
	bool too_large;			/* MaximumHeaders */
	struct span own_id;		/* authserv-id used */
	bool has_iprev;
	struct iprev iprev;
	const struct spf_outcome *helo, *mailfrom;	/* NULL: not checked */
	bool has_dkim;
	const struct dkim_outcome *dkim;
	size_t dkim_count, dkim_unlisted;
	const struct arc_outcome *arc;	/* NULL: not checked */
	bool has_dmarc;
	struct dmarc_authors authors;
	struct dmarc_outcome dmarc;
	bool has_adsp;
	struct adsp adsp;
	const char *internal_error;	/* NULL: none */
	struct verify_decision decision;
	struct span authres;		/* the field's value; empty: none */
	size_t removed;			/* forged fields deleted */
	const struct lookups *lookups;	/* all questions; NULL: none */
};

extern const struct filter verify_filter;
extern const struct config_schema verify_schema;

/* The report of a message that reached its verdict; NULL before. */
const struct verify_report *verify_report_of(const struct filter_context *ctx);

/* "none", "dmarc-policy", ...: in log and counters. */
const char *verify_cause_word(enum verify_cause cause);

#endif
