#include "common/dns/upstream.h"

#include "common/base/mem.h"
#include "common/mail/domain.h"

#include <errno.h>
#include <stdlib.h>
#include <unbound.h>
#include <unistd.h>

enum { CLASS_IN = 1, ESCAPED_MAX = DOMAIN_MAX * 4 + 1 };

struct upstream {
	struct ub_ctx *ub;
	upstream_answered *answered;
	void *owner;
	char *servers_text;
	struct question *questions;	/* open ones */
};

struct question {
	struct upstream *upstream;
	struct question *next, **back;
	void *arg;
};

static const struct {
	const char *name, *value;
	bool is_needed;		/* else older or newer libraries may lack it */
} options[] = {
	/* The admin's resolver is often on this host. */
	{ "do-not-query-localhost:", "no", true },
	{ "unblock-lan-zones:", "yes", true },
	{ "insecure-lan-zones:", "yes", false },
	{ "local-zone:", "localhost. transparent", true },
	{ "local-zone:", "127.in-addr.arpa. transparent", true },
	{ "local-zone:", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "0.0.0.0.0.0.ip6.arpa. transparent", true },
	{ "local-zone:", "test. transparent", true },
	{ "local-zone:", "invalid. transparent", true },
	{ "local-zone:", "onion. transparent", true },
	{ "local-zone:", "home.arpa. transparent", true },
	/*
	 * A forwarder that has to find out answers after a second or two.
	 * The library drops what comes after its own, much shorter timeouts.
	 * That a server is dead is found out elsewhere (health.h).
	 */
	{ "unknown-server-time-limit:", "2400", false },
	{ "infra-cache-min-rtt:", "2400", false },
	{ "infra-host-ttl:", "10", true },
	/* How often it asks a server that fails. */
	{ "outbound-msg-retry:", "3", false },
	/* What a mail server's questions need at a time. */
	{ "outgoing-range:", "512", true },
	{ "outgoing-num-tcp:", "32", true },
	{ "cache-max-negative-ttl:", "60", false },
	/* Answers are kept in our own cache. */
	{ "msg-cache-size:", "1m", false },
	{ "rrset-cache-size:", "2m", false },
	{ "key-cache-size:", "1m", false },
	{ "neg-cache-size:", "256k", false },
	/* What the forwarder is asked is the whole name. */
	{ "qname-minimisation:", "no", false },
	{ "rrset-roundrobin:", "no", false },
};

static int
fail(struct strbuf *err, const char *what, const char *value, int rc)
{
	strbuf_addf(err, "libunbound: %s%s%s: %s", what,
	    value[0] != '\0' ? " " : "", value, ub_strerror(rc));
	return -1;
}

static int
set_options(struct ub_ctx *ub, struct strbuf *err)
{
	size_t i;
	int rc;

	ub_ctx_debugout(ub, NULL);
	for (i = 0; i < ARRAY_LEN(options); i++) {
		rc = ub_ctx_set_option(ub, options[i].name, options[i].value);
		if (rc != 0 && options[i].is_needed)
			return fail(err, options[i].name, options[i].value,
			    rc);
	}
	rc = ub_ctx_async(ub, 1);
	return rc != 0 ? fail(err, "threads", "", rc) : 0;
}

static int
set_anchors(struct ub_ctx *ub, const char *path, struct strbuf *err)
{
	int rc;

	/* libunbound would only say that it cannot start. */
	if (path != NULL && access(path, R_OK) != 0) {
		strbuf_addf(err, "%s: %s", path, strerror(errno));
		return -1;
	}
	rc = path != NULL ? ub_ctx_add_ta_file(ub, path) :
	    ub_ctx_set_option(ub, "module-config:", "iterator");
	return rc != 0 ? fail(err, "trust anchors", path != NULL ? path : "",
	    rc) : 0;
}

/* Hands the servers to libunbound: all that is asked goes there. */
static int
set_servers(struct upstream *upstream, const struct nameservers *servers,
    struct strbuf *err)
{
	struct strbuf text = STRBUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < servers->count && rc == 0; i++) {
		strbuf_reset(&text);
		nameserver_add(&text, &servers->items[i], true);
		rc = ub_ctx_set_fwd(upstream->ub, text.s);
		if (rc != 0)
			fail(err, "name server", text.s, rc);
	}
	strbuf_reset(&text);
	nameservers_add(&text, servers);
	upstream->servers_text = strbuf_detach(&text);
	return rc != 0 ? -1 : 0;
}

struct upstream *
upstream_new(const struct nameservers *servers, const char *trust_anchor_file,
    upstream_answered *answered, void *owner, struct strbuf *err)
{
	struct upstream *upstream = xcalloc(1, sizeof(*upstream));

	upstream->answered = answered;
	upstream->owner = owner;
	upstream->ub = ub_ctx_create();
	if (upstream->ub == NULL)
		strbuf_addf(err, "libunbound: %s", strerror(errno));
	else if (set_options(upstream->ub, err) == 0 &&
	    set_anchors(upstream->ub, trust_anchor_file, err) == 0 &&
	    set_servers(upstream, servers, err) == 0)
		return upstream;
	upstream_free(upstream);
	return NULL;
}

void
upstream_free(struct upstream *upstream)
{
	struct question *question;

	if (upstream == NULL)
		return;
	/* From here on no callback comes any more. */
	if (upstream->ub != NULL)
		ub_ctx_delete(upstream->ub);
	while ((question = upstream->questions) != NULL) {
		upstream->questions = question->next;
		free(question);
	}
	free(upstream->servers_text);
	free(upstream);
}

int
upstream_fd(const struct upstream *upstream)
{
	return ub_fd(upstream->ub);
}

void
upstream_process(struct upstream *upstream)
{
	ub_process(upstream->ub);
}

/* ---- answers ---- */

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

static void
describe_failure(const struct upstream *upstream,
    const struct ub_result *result, struct strbuf *detail)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL",
	    "NXDOMAIN", "NOTIMP", "REFUSED" };

	if (result->bogus)
		strbuf_addf(detail, "DNSSEC: %s", result->why_bogus != NULL ?
		    result->why_bogus : "bogus");
	else if (result->rcode >= 0 &&
	    (size_t)result->rcode < ARRAY_LEN(names))
		strbuf_addf(detail, "%s (asked %s)", names[result->rcode],
		    upstream->servers_text);
	else
		strbuf_addf(detail, "answer code %d (asked %s)",
		    result->rcode, upstream->servers_text);
}

static struct span
without_dot(const char *name)
{
	struct span s = span_of(name);

	if (s.len > 0 && s.p[s.len - 1] == '.')
		s.len--;
	return s;
}

static void
fill(const struct ub_result *result, struct dns_answer *answer,
    struct dns_record *records)
{
	*answer = (struct dns_answer){ .result = classify(result),
	    .is_secure = result->secure != 0, .records = records,
	    .ttl = result->ttl > 0 ? (uint32_t)result->ttl : 0 };
	if (result->canonname != NULL &&
	    !span_eq_nocase(without_dot(result->canonname),
	    without_dot(result->qname)))
		answer->canonical_name = without_dot(result->canonname);
	if (answer->result != DNS_FOUND)
		return;
	while (answer->count < DNS_RECORDS_MAX &&
	    result->data[answer->count] != NULL) {
		records[answer->count].data = span_make(
		    result->data[answer->count],
		    (size_t)result->len[answer->count]);
		answer->count++;
	}
}

static const struct dns_answer *
convert(const struct upstream *upstream, const struct ub_result *result)
{
	struct dns_record records[DNS_RECORDS_MAX];
	struct strbuf detail = STRBUF_INIT;
	const struct dns_answer *copy;
	struct dns_answer answer;

	fill(result, &answer, records);
	if (answer.result == DNS_SERVFAIL || answer.result == DNS_BOGUS) {
		describe_failure(upstream, result, &detail);
		answer.detail = detail.s;
	}
	copy = dns_answer_copy(&answer);
	strbuf_clear(&detail);
	return copy;
}

static void
question_free(struct question *question)
{
	*question->back = question->next;
	if (question->next != NULL)
		question->next->back = question->back;
	free(question);
}

static void
on_result(void *arg, int error, struct ub_result *result)
{
	struct question *question = arg;
	struct upstream *upstream = question->upstream;
	void *asker = question->arg;

	question_free(question);
	upstream->answered(upstream->owner, asker,
	    error != 0 || result == NULL ? dns_answer_failure(ub_strerror(error)) :
	    convert(upstream, result));
	ub_resolve_free(result);
}

/* ---- questions ---- */

/* A name as libunbound reads it: RFC 1035 5.1. */
static void
escape_name(struct span name, char text[ESCAPED_MAX])
{
	size_t i, len = 0;
	unsigned char c;

	for (i = 0; i < name.len; i++) {
		c = (unsigned char)name.p[i];
		if (is_alpha((char)c) || is_digit((char)c) || c == '-' ||
		    c == '_' || c == '.') {
			text[len++] = (char)c;
			continue;
		}
		text[len++] = '\\';
		text[len++] = (char)('0' + c / 100);
		text[len++] = (char)('0' + c / 10 % 10);
		text[len++] = (char)('0' + c % 10);
	}
	text[len] = '\0';
}

static struct question *
question_new(struct upstream *upstream, void *arg)
{
	struct question *question = xmalloc(sizeof(*question));

	*question = (struct question){ .upstream = upstream, .arg = arg,
	    .next = upstream->questions, .back = &upstream->questions };
	if (question->next != NULL)
		question->next->back = &question->next;
	upstream->questions = question;
	return question;
}

/* libunbound's thread starts with the first question, and gets the signal mask
 * of ours: all are blocked. */
void
upstream_ask(struct upstream *upstream, struct span name, enum dns_type type,
    void *arg)
{
	struct question *question = question_new(upstream, arg);
	char text[ESCAPED_MAX];
	int rc;

	escape_name(name, text);
	rc = ub_resolve_async(upstream->ub, text, (int)type, CLASS_IN,
	    question, on_result, NULL);
	if (rc == 0)
		return;
	question_free(question);
	upstream->answered(upstream->owner, arg, dns_answer_failure(ub_strerror(rc)));
}
