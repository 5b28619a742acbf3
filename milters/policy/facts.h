/*
 * facts.h - what is known of a message, as far as it has come: the checks and
 * their conditions look at nothing else.
 */
#ifndef POSTERN_MILTERS_POLICY_FACTS_H
#define POSTERN_MILTERS_POLICY_FACTS_H

#include "common/base/ipaddr.h"
#include "common/mail/address.h"
#include "common/milter/filter.h"

struct policy_conf;

enum {
	FACTS_DOMAINS_MAX = 16,
	FACTS_NET4_BITS = 24,		/* of client_net */
	FACTS_NET6_BITS = 64
};

/* Stages, in their order; what a stage brings is known from it on. */
enum policy_stage {
	POLICY_MAIL,		/* client, HELO, sender, user */
	POLICY_RCPT,		/* one more recipient */
	POLICY_HEADERS,		/* author, results of our verifier */
	POLICY_END		/* size; everything */
};

enum { POLICY_STAGES = POLICY_END + 1 };

struct policy_recipient {
	struct span path;	/* as given, with < > */
	struct address address;	/* empty where it is none */
	struct span text;	/* for keys: lower case, without extension
				   and brackets; the path where it is none */
	bool is_exempt;		/* an access table says OK */
	bool is_refused;	/* it was at RCPT: it is none any more */
	bool is_discarded;	/* accepted, but it gets nothing */
};

/* Whether the recipient gets the message if nothing else happens. */
static inline bool
policy_recipient_is_live(const struct policy_recipient *recipient)
{
	return !recipient->is_refused && !recipient->is_discarded;
}

struct policy_facts {
	enum policy_stage stage;
	int64_t now;		/* wall clock */
	/* the session */
	struct ipaddr client;	/* family 0: none */
	struct span client_text;	/* "192.0.2.1"; empty: none */
	struct span client_net;	/* "192.0.2.0/24", "2001:db8::/64" */
	struct span client_name;	/* as the MTA has it, or "unknown" */
	struct span helo;
	struct span daemon;	/* {daemon_name}; may be empty */
	struct span user;	/* {auth_authen} in lower case; empty: not
				   authenticated */
	bool is_authenticated;
	bool is_local;		/* came by no SMTP session (non_smtpd_milters):
				   no recipient may be refused alone */
	bool is_internal;	/* client in InternalHosts */
	bool is_out;		/* authenticated, local or internal */
	/* the envelope */
	struct address sender;	/* empty: the null sender, or no address */
	bool sender_is_null;
	struct span sender_text;	/* for keys: lower case; "<>" */
	struct policy_recipient *recipients;
	size_t recipient_count, recipient_cap;
	/* the header; before POLICY_HEADERS all of it is empty */
	struct span from_domains[FACTS_DOMAINS_MAX];
	size_t from_count;
	/* Our verifier's results; has_results is false where there are none or
	 * they are not to be trusted. */
	bool has_results;
	struct span dkim_domains[FACTS_DOMAINS_MAX];	/* that passed */
	size_t dkim_count;
	struct span dkim_result;	/* the best: "pass", "fail", "none" */
	struct span spf_result;		/* of MAIL FROM */
	struct span spf_domain;		/* where it passed; else empty */
	struct span dmarc_result;
	/* the end */
	uint64_t size;		/* octets of header and body */
	int32_t score;		/* so far */
	int32_t reputation;	/* what of it is reputation's */
};

/* At MAIL; at RCPT, with the new recipient; at the end of the header. All text
 * is in the message's arena. */
void facts_start(struct filter_context *ctx, struct policy_facts *facts);
struct policy_recipient *facts_recipient(struct filter_context *ctx,
    struct policy_facts *facts, struct span path);
void facts_header(struct filter_context *ctx, struct policy_facts *facts);
void facts_end(struct filter_context *ctx, struct policy_facts *facts);

/* What there is of a client but its name: its address and texts of it. */
void facts_client(const struct ipaddr *client, struct policy_facts *facts,
    struct arena *arena);

/* The key text of an address: lower case; without "+extension" where extension
 * is '+'. In the arena. */
struct span facts_address_text(const struct address *address, bool extension,
    struct arena *arena);

#endif
