#include "milters/policy/hostname.h"

#include "milters/policy/check.h"
#include "milters/policy/heloname.h"
#include "milters/policy/rulerow.h"

#include "common/base/mem.h"
#include "common/base/nearest.h"
#include "common/dns/iprev.h"
#include "common/mail/domain.h"

enum { HELO_SHOWN = 100 };

/* What is known of a message's client, as far as somebody asked. */
struct host {
	bool is_read;
	enum heloname_kind kind;
	struct span helo;	/* without a last dot */
	struct ipaddr address;	/* HELO's, in brackets or not; else family 0 */
	bool has_iprev;
	bool is_prefetched;
	struct iprev iprev;
	bool is_done[];		/* the row has had its say */
};

static struct host *
host_of(struct policy_state *state)
{
	const struct policy_facts *facts = &state->facts;
	struct host *host = policy_own(state, &hostname_check, sizeof(*host) +
	    state->conf->hostcheck_count * sizeof(host->is_done[0]));

	if (host->is_read)
		return host;
	host->is_read = true;
	host->kind = heloname_kind(facts->helo);
	host->helo = heloname_without_dot(facts->helo);
	if (!ipaddr_parse(facts->helo, &host->address))
		host->address.family = 0;
	return host;
}

/* ---- DNS ---- */

/* A test is called again until it is not HOST_WAITS. What cannot be looked up
 * now speaks against nobody. */
enum host_answer { HOST_NO, HOST_YES, HOST_WAITS };

static const struct dns_answer *
look_up(struct policy_state *state, struct span name, enum dns_type type)
{
	return lookups_get(policy_lookups(state), LOOKUP_HOST, name, type);
}

static bool
is_absent(const struct dns_answer *answer)
{
	return answer->result == DNS_NODATA ||
	    answer->result == DNS_NXDOMAIN;
}

static bool
has_address(const struct dns_answer *answer, const struct ipaddr *client)
{
	struct ipaddr address;
	size_t i;

	for (i = 0; i < answer->count; i++)
		if (dns_record_address(answer->records[i].data, &address) &&
		    ipaddr_eq(&address, client))
			return true;
	return false;
}

/* HELO's addresses of the client's family. */
static const struct dns_answer *
helo_address(struct policy_state *state, const struct host *host)
{
	return look_up(state, host->helo,
	    state->facts.client.family == 6 ? DNS_AAAA : DNS_A);
}

static const struct dns_answer *
helo_other_address(struct policy_state *state, const struct host *host)
{
	return look_up(state, host->helo,
	    state->facts.client.family == 6 ? DNS_A : DNS_AAAA);
}

static const struct dns_answer *
reverse_names(struct policy_state *state)
{
	struct arena *arena = policy_arena(state);

	return look_up(state, iprev_reverse_name(&state->facts.client, arena),
	    DNS_PTR);
}

/* How many names of hosts there are in answer, and whether this is one. */
static size_t
find_name(struct policy_state *state, const struct dns_answer *answer,
    struct span wanted, bool *is_there)
{
	size_t i, count = 0;
	struct span name;

	*is_there = false;
	for (i = 0; i < answer->count; i++) {
		if (!dns_record_name(answer->records[i].data,
		    policy_arena(state), &name) ||
		    !domain_is_valid_owner(name))
			continue;
		count++;
		*is_there |= span_eq_nocase(name, wanted);
	}
	return count;
}

/* ---- tests ---- */

static enum host_answer
yes_if(bool holds)
{
	return holds ? HOST_YES : HOST_NO;
}

static enum host_answer
test_not_fqdn(struct policy_state *state, struct host *host)
{
	(void)state;
	return yes_if(host->kind == HELONAME_SHORT);
}

static enum host_answer
test_literal(struct policy_state *state, struct host *host)
{
	(void)state;
	return yes_if(host->kind == HELONAME_LITERAL);
}

static enum host_answer
test_wrong_literal(struct policy_state *state, struct host *host)
{
	const struct ipaddr *client = &state->facts.client;

	return yes_if(host->kind == HELONAME_LITERAL && client->family != 0 &&
	    !ipaddr_eq(&host->address, client));
}

static enum host_answer
test_own_name(struct policy_state *state, struct host *host)
{
	const struct session *session = state->ctx->session;
	struct span mta = session_macro(session, "j");
	struct ipaddr own;

	if (host->address.family != 0)
		return yes_if(ipaddr_parse(session_macro(session,
		    "{daemon_addr}"), &own) &&
		    ipaddr_eq(&own, &host->address));
	return yes_if(host->helo.len > 0 && (span_eq_nocase(host->helo, mta) ||
	    span_is_nocase(host->helo, state->conf->host_name)));
}

static enum host_answer
test_invalid(struct policy_state *state, struct host *host)
{
	(void)state;
	return yes_if(host->kind == HELONAME_INVALID);
}

static enum host_answer
test_no_address(struct policy_state *state, struct host *host)
{
	const struct dns_answer *answer, *other, *mx;

	if (host->kind != HELONAME_FULL)
		return HOST_NO;
	answer = helo_address(state, host);
	if (answer == NULL)
		return HOST_WAITS;
	if (answer->result != DNS_NODATA)
		return yes_if(answer->result == DNS_NXDOMAIN);
	other = helo_other_address(state, host);
	mx = look_up(state, host->helo, DNS_MX);
	if (other == NULL || mx == NULL)
		return HOST_WAITS;
	return yes_if(is_absent(other) && is_absent(mx));
}

/* Whether HELO has addresses, but not the client's. */
static enum host_answer
leads_elsewhere(struct policy_state *state, struct host *host)
{
	const struct dns_answer *answer = helo_address(state, host);

	if (answer == NULL)
		return HOST_WAITS;
	if (answer->result == DNS_FOUND)
		return yes_if(!has_address(answer, &state->facts.client));
	if (answer->result != DNS_NODATA)
		return HOST_NO;
	answer = helo_other_address(state, host);
	return answer == NULL ? HOST_WAITS :
	    yes_if(answer->result == DNS_FOUND);
}

static enum host_answer
test_not_client(struct policy_state *state, struct host *host)
{
	enum host_answer elsewhere;
	const struct dns_answer *names;
	bool is_reverse_name;

	if (host->kind != HELONAME_FULL || state->facts.client.family == 0)
		return HOST_NO;
	elsewhere = leads_elsewhere(state, host);
	names = reverse_names(state);
	if (elsewhere != HOST_YES)
		return elsewhere;
	if (names == NULL)
		return HOST_WAITS;
	find_name(state, names, host->helo, &is_reverse_name);
	return yes_if((names->result == DNS_FOUND || is_absent(names)) &&
	    !is_reverse_name);
}

static enum host_answer
test_not_ptr(struct policy_state *state, struct host *host)
{
	const struct dns_answer *names;
	bool is_there;

	if ((host->kind != HELONAME_FULL && host->kind != HELONAME_SHORT) ||
	    state->facts.client.family == 0)
		return HOST_NO;
	names = reverse_names(state);
	if (names == NULL)
		return HOST_WAITS;
	return yes_if(find_name(state, names, host->helo, &is_there) > 0 &&
	    !is_there);
}

static enum host_answer
test_ptr_none(struct policy_state *state, struct host *host)
{
	const struct dns_answer *names;
	bool is_there;

	if (state->facts.client.family == 0)
		return HOST_NO;
	names = reverse_names(state);
	if (names == NULL)
		return HOST_WAITS;
	return yes_if(is_absent(names) || (names->result == DNS_FOUND &&
	    find_name(state, names, host->helo, &is_there) == 0));
}

static enum host_answer
test_iprev(struct policy_state *state, struct host *host)
{
	const struct policy_facts *facts = &state->facts;
	struct lookups *lookups = policy_lookups(state);

	if (!host->is_prefetched)
		iprev_prefetch(&facts->client, facts->client_name, lookups);
	host->is_prefetched = true;
	if (!host->has_iprev)
		host->has_iprev = iprev_check(&facts->client, lookups,
		    policy_arena(state), &host->iprev);
	if (!host->has_iprev)
		return HOST_WAITS;
	return yes_if(host->iprev.result == IPREV_FAIL);
}

static const struct hostname_test {
	const char *name;
	enum host_answer (*test)(struct policy_state *state,
	    struct host *host);
	bool asks;		/* DNS */
	bool is_of_client;	/* not of HELO */
	const char *reason;
} tests[] = {
	{ "helo-invalid", test_invalid, false, false,
	    "is no valid host name" },
	{ "helo-not-fqdn", test_not_fqdn, false, false,
	    "is no full host name" },
	{ "helo-literal", test_literal, false, false,
	    "is an address, not a name" },
	{ "helo-wrong-literal", test_wrong_literal, false, false,
	    "is not the client's address" },
	{ "helo-own-name", test_own_name, false, false,
	    "is this host's own name" },
	{ "helo-no-address", test_no_address, true, false,
	    "has no address in DNS" },
	{ "helo-not-client", test_not_client, true, false,
	    "does not lead to the client" },
	{ "helo-not-ptr", test_not_ptr, true, false,
	    "is not the client's reverse name" },
	{ "ptr-none", test_ptr_none, true, true, "has no reverse name" },
	{ "iprev-fail", test_iprev, true, true,
	    "has a reverse name that does not lead back" },
};

/* ---- rows ---- */

#define ROW(member)	offsetof(struct hostcheck, member)

static const struct rule_option options[] = {
	{ "weight", RULE_DECIMAL, ROW(weight), NULL, -POLICY_WEIGHT_MAX,
	    POLICY_WEIGHT_MAX, NULL, RULE_NEEDED },
	{ "when", RULE_CONDITION, ROW(condition), "in", 0, 0, NULL, 0 },
};

const struct rule_schema hostcheck_schema = {
	.setting = "HostCheck",
	.name = "the check, such as iprev-fail",
	.name_offset = ROW(name),
	.place_offset = ROW(place),
	.options = options,
	.count = ARRAY_LEN(options),
};

static const struct hostname_test *
find_test(struct span name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(tests); i++)
		if (span_is_nocase(name, tests[i].name))
			return &tests[i];
	return NULL;
}

static void
refuse_name(struct rule_load *rl, struct span name)
{
	struct strbuf known = STRBUF_INIT;
	struct nearest nearest;
	size_t i;

	nearest_start(&nearest, name);
	for (i = 0; i < ARRAY_LEN(tests); i++) {
		strbuf_addf(&known, "%s%s", i > 0 ? ", " : "", tests[i].name);
		nearest_offer(&nearest, tests[i].name);
	}
	if (nearest.best != NULL)
		rule_refuse(rl, "%s is no check; did you mean %s?",
		    diag_quote(rl->load->diag, name), nearest.best);
	else
		rule_refuse(rl, "%s is no check; there are %s",
		    diag_quote(rl->load->diag, name), known.s);
	strbuf_clear(&known);
}

static void
load(struct filter_load *load, struct policy_conf *conf)
{
	const struct config_rows *rows = &conf->hostcheck_rows;
	struct rule_load rl = { .load = load, .schema = &hostcheck_schema };
	struct hostcheck *row;
	size_t i;

	if (rows->count == 0)
		return;
	conf->hostchecks = arena_zalloc(load->arena,
	    rows->count * sizeof(*conf->hostchecks));
	for (i = 0; i < rows->count; i++) {
		rl.row = &rows->rows[i];
		row = &conf->hostchecks[conf->hostcheck_count++];
		if (!rule_read(&rl, row))
			continue;
		if (condition_stage(row->condition) >= POLICY_HEADERS)
			conf->wants_header = true;
		row->test = find_test(row->name);
		if (row->test == NULL)
			refuse_name(&rl, row->name);
		else	/* for log lines to look for */
			row->name = span_of(row->test->name);
	}
}

static void
unload(struct policy_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->hostcheck_count; i++)
		condition_free(conf->hostchecks[i].condition);
}

/* ---- the check ---- */

/* Once a message, at the first stage at which its condition holds. */
static bool
is_due(const struct policy_state *state, size_t i, const struct host *host)
{
	return !host->is_done[i] &&
	    condition_holds(state->conf->hostchecks[i].condition,
	    &state->facts, state->recipient) == CONDITION_YES;
}

static void
say(struct policy_state *state, const struct hostcheck *row)
{
	const struct policy_facts *facts = &state->facts;
	struct span who = facts->client_text;

	if (!row->test->is_of_client)
		who = facts->helo.len > 0 ?
		    span_first(facts->helo, HELO_SHOWN) : SPAN_LIT("(none)");
	policy_find(state, &hostname_check, POLICY_NONE, row->weight,
	    row->name, "%s %.*s %s", row->test->is_of_client ? "client" :
	    "HELO", SPAN_ARG(who), row->test->reason);
}

static void
finish(struct policy_state *state, size_t i, struct host *host,
    enum host_answer answer)
{
	host->is_done[i] = true;
	if (answer == HOST_YES)
		say(state, &state->conf->hostchecks[i]);
}

static bool
is_idle(const struct policy_state *state)
{
	return state->conf->hostcheck_count == 0 || policy_is_exempt(state);
}

/* Puts the questions of all rows that are due. */
static void
prepare(struct policy_state *state)
{
	const struct hostcheck *rows = state->conf->hostchecks;
	struct host *host;
	size_t i;

	if (is_idle(state))
		return;
	host = host_of(state);
	for (i = 0; i < state->conf->hostcheck_count; i++)
		if (rows[i].test->asks && is_due(state, i, host))
			rows[i].test->test(state, host);
}

/* Those that need no DNS. */
static void
judge(struct policy_state *state)
{
	const struct hostcheck *rows = state->conf->hostchecks;
	struct host *host;
	size_t i;

	if (is_idle(state))
		return;
	host = host_of(state);
	for (i = 0; i < state->conf->hostcheck_count; i++)
		if (!rows[i].test->asks && is_due(state, i, host))
			finish(state, i, host, rows[i].test->test(state,
			    host));
}

/* The others, all together: a weight may be negative. */
static bool
resolve(struct policy_state *state)
{
	const struct hostcheck *rows = state->conf->hostchecks;
	size_t count = state->conf->hostcheck_count, i;
	enum host_answer answer;
	bool is_complete = true;
	struct host *host;

	if (is_idle(state))
		return true;
	host = host_of(state);
	for (i = 0; i < count; i++)
		if (is_due(state, i, host))
			is_complete &= rows[i].test->test(state, host) !=
			    HOST_WAITS;
	for (i = 0; i < count && is_complete; i++) {
		if (!is_due(state, i, host))
			continue;
		answer = rows[i].test->test(state, host);
		if (answer == HOST_WAITS)
			return false;
		finish(state, i, host, answer);
	}
	return is_complete;
}

const struct policy_check hostname_check = {
	.name = "hostname",
	.load = load,
	.unload = unload,
	.prepare = prepare,
	.judge = judge,
	.resolve = resolve,
};
