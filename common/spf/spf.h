/*
 * spf.h - Sender Policy Framework (RFC 7208), evaluated by libspf2 behind our
 * own DNS, record selection, syntax check, macros and limits.
 *
 * The library sees no text from outside: what it evaluates is a record of ours,
 * made after the whole grammar of RFC 7208 12 was held against the published
 * one (layer.h).
 *
 * All names and octets of a question are taken as they come; what cannot be
 * checked is SPF_NONE with a reason (4.3). Limits hold for a check as a whole:
 * a term whose questions have no answer counts once, whether they are one or,
 * with mx, several. A local part with other octets than ASCII matches nothing
 * that it is looked up in (RFC 8616 4).
 *
 * Questions are put in the order of evaluation, with two exceptions, so that
 * waits do not add up: the addresses of all hosts of an mx, and the records of
 * includes in a row.
 */
#ifndef POSTERN_SPF_SPF_H
#define POSTERN_SPF_SPF_H

#include "common/base/ipaddr.h"
#include "common/dns/lookups.h"
#include "common/mail/address.h"

enum spf_result {
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR
};

enum spf_scope { SPF_SCOPE_HELO, SPF_SCOPE_MAILFROM };

enum {
	SPF_TERMS_MAX = 10,		/* that cause look-ups (4.6.4) */
	SPF_VOID_MAX = 2,
	SPF_MX_MAX = 10,		/* hosts of one mx: more is an error */
	SPF_PTR_MAX = 10,		/* names: more are not looked at */
	SPF_RECORD_MAX = 65535,		/* octets */
	SPF_EXPLANATION_MAX = 500	/* octets of the text, cut beyond */
};

struct spf_question {
	enum spf_scope scope;
	struct ipaddr client;		/* family 0: SPF_NONE */
	struct span helo;		/* as given: any octets */
	struct address sender;		/* MAIL FROM; an empty domain: the null
					   sender, postmaster@HELO */
	const char *receiver;		/* %{r}: our host name */
	int64_t now;			/* %{t} */
};

/* A term as it was evaluated. */
struct spf_step {
	struct span domain;		/* whose record */
	struct span term;		/* as written there; "" for the record's
					   own look-up */
	const char *outcome;		/* "match", "no match", "void" (no
					   match for want of records),
					   "followed" (redirect), or the
					   result that ended the check there;
					   a few words where term is "" */
	unsigned depth;			/* of include and redirect */
};

/* Spans and steps last as long as the lookups and the arena. */
struct spf_outcome {
	enum spf_result result;
	struct span domain;		/* what was checked */
	struct address sender;		/* <sender>: postmaster@ filled in */
	const char *reason;		/* in a few words where the result is no
					   plain match; else "" */
	struct span term;		/* that matched; "" none. With include
					   that term itself, with redirect the
					   term in the other record */
	struct span term_domain;	/* whose record it stands in */
	struct span explanation;	/* printable ASCII; SPF_FAIL only, and
					   "" where the domain has none */
	const struct spf_step *steps;
	size_t step_count;
	unsigned terms, voids;		/* spent of the limits */
};

struct spf_check;

/* Never NULL; in the arena. What question points at must last. */
struct spf_check *spf_check_new(const struct spf_question *question,
    struct lookups *lookups, struct arena *arena);

/* NULL: answers are missing, call again after a wait. */
const struct spf_outcome *spf_check_advance(struct spf_check *check);

const char *spf_result_name(enum spf_result result);
const char *spf_scope_name(enum spf_scope scope);	/* "helo", "mailfrom" */

#endif
