#include "milters/policy/dnslist.h"

#include "milters/policy/check.h"
#include "milters/policy/heloname.h"
#include "milters/policy/listhealth.h"
#include "milters/policy/rulerow.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/dns/iprev.h"
#include "common/mail/domain.h"

/* ---- rows ---- */

static const char *const type_words[] = {
	[DNSLIST_CLIENT] = "client",
	[DNSLIST_HELO] = "helo",
	[DNSLIST_SENDER] = "sender",
	[DNSLIST_FROM] = "from",
	NULL
};

#define ROW(member)	offsetof(struct dnslist, member)

static const struct rule_option options[] = {
	{ "type", RULE_WORD, ROW(type), "client", 0, 0, type_words, 0 },
	{ "weight", RULE_DECIMAL, ROW(weight), NULL, -POLICY_WEIGHT_MAX,
	    POLICY_WEIGHT_MAX, NULL, RULE_NEEDED },
	{ "codes", RULE_OWN, ROW(codes_text), NULL, 0, 0, NULL, 0 },
	{ "when", RULE_CONDITION, ROW(condition), "in", 0, 0, NULL, 0 },
	{ "name", RULE_TEXT, ROW(label), NULL, 0, 0, NULL, 0 },
};

const struct rule_schema dnslist_schema = {
	.setting = "DnsList",
	.name = "the list's zone, such as bl.example.com",
	.name_offset = ROW(zone),
	.place_offset = ROW(place),
	.options = options,
	.count = ARRAY_LEN(options),
};

static bool
read_zone(struct rule_load *rl, struct dnslist *list)
{
	struct span zone = heloname_without_dot(list->zone);

	if (!domain_is_valid_owner(zone) || !span_has(zone, '.')) {
		rule_refuse(rl, "%s is no zone; write its name, such as "
		    "bl.example.com", diag_quote(rl->load->diag, zone));
		return false;
	}
	list->zone = arena_duplower(rl->load->arena, zone);
	if (list->label.len == 0)
		list->label = list->zone;
	return true;
}

static bool
read_codes(struct rule_load *rl, struct dnslist *list)
{
	struct span bad;

	if (list->codes_text.len == 0) {
		if (list->weight < 0)
			rule_advise(rl, "without codes= every answer of %.*s "
			    "speaks for a message, also one that says that you "
			    "ask too often", SPAN_ARG(list->label));
		return true;
	}
	if (listcodes_read(list->codes_text, &list->codes, &bad))
		return true;
	if (list->codes.count == LISTCODES_MAX)
		rule_refuse(rl, "codes= has more than %d items", LISTCODES_MAX);
	else
		rule_refuse(rl, "codes= has %s; write answers within 127/8 "
		    "below 127.255.255.0, such as 127.0.0.2, 127.0.0.4-7, "
		    "127.0.1.0/24", diag_quote(rl->load->diag, bad));
	return false;
}

/* The first row with the same questions; itself where there is none. */
static size_t
find_first(const struct policy_conf *conf, const struct dnslist *list)
{
	size_t i = 0;

	while (&conf->dnslists[i] != list &&
	    (conf->dnslists[i].type != list->type ||
	    !span_eq(conf->dnslists[i].zone, list->zone)))
		i++;
	return i;
}

static void
load_row(struct rule_load *rl, struct policy_conf *conf, size_t *questions)
{
	struct dnslist *list = &conf->dnslists[conf->dnslist_count++];

	if (!rule_read(rl, list) || !read_zone(rl, list) ||
	    !read_codes(rl, list))
		return;
	if (list->type == DNSLIST_FROM ||
	    condition_stage(list->condition) >= POLICY_HEADERS)
		conf->wants_header = true;
	list->first = find_first(conf, list);
	list->health = listhealth_of(list->zone, list->label);
	if (&conf->dnslists[list->first] == list &&
	    ++*questions == DNSLIST_QUESTIONS_MAX + 1)
		rule_refuse(rl, "more than %d different questions for a "
		    "message; leave out lists", DNSLIST_QUESTIONS_MAX);
}

static void
load(struct filter_load *load, struct policy_conf *conf)
{
	const struct config_rows *rows = &conf->dnslist_rows;
	struct rule_load rl = { .load = load, .schema = &dnslist_schema };
	size_t i, questions = 0;

	if (rows->count == 0)
		return;
	conf->dnslists = arena_zalloc(load->arena,
	    rows->count * sizeof(*conf->dnslists));
	for (i = 0; i < rows->count; i++) {
		rl.row = &rows->rows[i];
		load_row(&rl, conf, &questions);
	}
}

static void
unload(struct policy_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->dnslist_count; i++)
		condition_free(conf->dnslists[i].condition);
}

/* ---- a message's questions ---- */

struct ask {
	struct span subject;	/* whom it is about, as one writes it */
	struct span name;	/* what is asked; empty: it is too long */
	int64_t asked;		/* monotonic ms */
	bool is_old;		/* the cache had it: says nothing of the list
				   as it is now */
	bool is_done;
	/* of those: NULL where nothing is listed, or there is no answer */
	const struct dns_answer *answer;
};

/* By the first row that puts it. */
struct question {
	bool is_put;
	struct ask *asks;
	size_t count;		/* 0: nobody to ask about, or the list is
				   left alone */
};

struct row_state {
	struct question question;
	bool is_done;		/* the row has had its say */
};

static struct row_state *
own(struct policy_state *state)
{
	return policy_own(state, &dnslist_check,
	    state->conf->dnslist_count * sizeof(struct row_state));
}

/* Addresses and names without a dot are no domains that a list could have. */
static bool
read_domain(struct span text, struct arena *arena, struct span *domain)
{
	if (heloname_kind(text) != HELONAME_FULL)
		return false;
	*domain = arena_duplower(arena, heloname_without_dot(text));
	return true;
}

static struct ask
ask_client(struct policy_state *state)
{
	static const char *const ends[] = { ".in-addr.arpa", ".ip6.arpa" };
	const struct ipaddr *client = &state->facts.client;
	struct span name = iprev_reverse_name(client, policy_arena(state));

	return (struct ask){ .subject = state->facts.client_text,
	    .name = span_first(name, name.len -
	    strlen(ends[client->family == 6])) };
}

/* Whom a list of that type is asked about; without the zone. */
static size_t
find_subjects(struct policy_state *state, int type,
    struct ask asks[DNSLIST_AUTHORS_MAX])
{
	const struct policy_facts *facts = &state->facts;
	const struct span *texts = facts->from_domains;
	size_t count = facts->from_count, i, found = 0;
	struct span name;

	if (type == DNSLIST_CLIENT) {
		if (facts->client.family == 0)
			return 0;
		asks[0] = ask_client(state);
		return 1;
	}
	if (type == DNSLIST_HELO || type == DNSLIST_SENDER) {
		texts = type == DNSLIST_HELO ? &facts->helo :
		    &facts->sender.domain;
		count = 1;
	}
	for (i = 0; i < count && found < DNSLIST_AUTHORS_MAX; i++)
		if (read_domain(texts[i], policy_arena(state), &name))
			asks[found++] = (struct ask){ .subject = name,
			    .name = name };
	return found;
}

static void
put_ask(struct policy_state *state, const struct dnslist *list,
    struct ask *ask, int64_t now)
{
	struct arena *arena = policy_arena(state);

	ask->asked = now;
	ask->name = span_of(arena_printf(arena, "%.*s.%.*s",
	    SPAN_ARG(ask->name), SPAN_ARG(list->zone)));
	ask->is_done = ask->name.len > DOMAIN_MAX;
	if (!ask->is_done)
		ask->is_old = lookups_get(policy_lookups(state),
		    LOOKUP_DNSLIST, ask->name, DNS_A) != NULL;
}

static void
put(struct policy_state *state, const struct dnslist *list,
    struct question *question)
{
	struct ask asks[DNSLIST_AUTHORS_MAX];
	size_t count = find_subjects(state, list->type, asks), i;
	int64_t now = clock_monotonic_ms();

	question->is_put = true;
	if (count == 0)
		return;
	if (!listhealth_may_ask(list->health, now)) {
		filter_explain(state->ctx, "DnsList %.*s: left alone, it gave "
		    "no answers", SPAN_ARG(list->label));
		return;
	}
	question->count = count;
	question->asks = arena_alloc(policy_arena(state),
	    count * sizeof(*question->asks));
	memcpy(question->asks, asks, count * sizeof(*asks));
	for (i = 0; i < count; i++)
		put_ask(state, list, &question->asks[i], now);
}

/* ---- answers ---- */

/* Whether there is a record that is no answer of a list; it goes to odd. */
static bool
find_odd(const struct dns_answer *answer, struct strbuf *odd)
{
	struct ipaddr address;
	size_t i;

	for (i = 0; i < answer->count; i++) {
		if (!dns_record_address(answer->records[i].data, &address))
			strbuf_adds(odd, "what is no address");
		else if (!listcodes_is_answer(&address))
			ipaddr_add(odd, &address);
		if (odd->len != 0)
			return true;
	}
	return false;
}

/* Tells how the list did, and keeps what may be used. */
static void
take_answer(struct policy_state *state, const struct dnslist *list,
    struct ask *ask, const struct dns_answer *answer)
{
	struct strbuf odd = STRBUF_INIT;
	int64_t now = clock_monotonic_ms();
	const char *why = NULL;

	ask->is_done = true;
	switch (answer->result) {
	case DNS_FOUND:
		if (!find_odd(answer, &odd)) {
			ask->answer = answer;
			break;
		}
		listhealth_odd(list->health, odd.s, now);
		why = odd.s;
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
	case DNS_REFUSED:	/* our bound */
		break;
	default:
		why = dns_result_text(answer->result);
	}
	if (why != NULL)
		filter_explain(state->ctx, "DnsList %.*s: no answer for %.*s "
		    "(%s)", SPAN_ARG(list->label), SPAN_ARG(ask->subject), why);
	if (!ask->is_old && why != NULL)
		listhealth_failed(list->health, ask->asked, why, now);
	else if (!ask->is_old && answer->result != DNS_REFUSED)
		listhealth_answered(list->health, now);
	strbuf_clear(&odd);
}

/* Whether all answers are there. */
static bool
is_answered(struct policy_state *state, const struct dnslist *list,
    struct question *question)
{
	const struct dns_answer *answer;
	bool is_complete = true;
	struct ask *ask;
	size_t i;

	if (!question->is_put)
		put(state, list, question);
	for (i = 0; i < question->count; i++) {
		ask = &question->asks[i];
		if (ask->is_done)
			continue;
		answer = lookups_get(policy_lookups(state), LOOKUP_DNSLIST,
		    ask->name, DNS_A);
		if (answer == NULL)
			is_complete = false;
		else
			take_answer(state, list, ask, answer);
	}
	return is_complete;
}

/* The answer that has one of the row's codes; NULL: not listed. */
static const struct ask *
find_listed(const struct dnslist *list, const struct question *question,
    struct ipaddr *code)
{
	const struct dns_answer *answer;
	size_t i, j;

	for (i = 0; i < question->count; i++) {
		answer = question->asks[i].answer;
		for (j = 0; answer != NULL && j < answer->count; j++)
			if (dns_record_address(answer->records[j].data, code) &&
			    listcodes_has(&list->codes, code))
				return &question->asks[i];
	}
	return NULL;
}

static void
say(struct policy_state *state, const struct dnslist *list,
    const struct question *question)
{
	const struct ask *ask;
	struct ipaddr code;

	ask = find_listed(list, question, &code);
	if (ask == NULL)
		return;
	policy_find(state, &dnslist_check, POLICY_NONE, list->weight,
	    list->label, "%.*s is in %.*s (%u.%u.%u.%u)",
	    SPAN_ARG(ask->subject), SPAN_ARG(list->label), code.octets[0],
	    code.octets[1], code.octets[2], code.octets[3]);
}

/* ---- the check ---- */

/* Whether this stage is one at which the row is asked for, once a message: the
 * first at which its subject is known and its condition holds. */
static bool
is_due(const struct policy_state *state, const struct dnslist *list,
    const struct row_state *row)
{
	return !row->is_done &&
	    (list->type != DNSLIST_FROM || state->stage >= POLICY_HEADERS) &&
	    condition_holds(list->condition, &state->facts,
	    state->recipient) == CONDITION_YES;
}

static void
prepare(struct policy_state *state)
{
	const struct policy_conf *conf = state->conf;
	struct row_state *rows;
	size_t i, first;

	if (conf->dnslist_count == 0 || policy_is_exempt(state))
		return;
	rows = own(state);
	for (i = 0; i < conf->dnslist_count; i++) {
		first = conf->dnslists[i].first;
		if (!rows[first].question.is_put &&
		    is_due(state, &conf->dnslists[i], &rows[i]))
			put(state, &conf->dnslists[i], &rows[first].question);
	}
}

/* All are waited for before one counts: a list of good hosts may be the
 * last to answer. */
static bool
resolve(struct policy_state *state)
{
	const struct policy_conf *conf = state->conf;
	struct question *question;
	bool is_complete = true;
	struct row_state *rows;
	size_t i;

	if (conf->dnslist_count == 0 || policy_is_exempt(state))
		return true;
	rows = own(state);
	for (i = 0; i < conf->dnslist_count; i++)
		if (is_due(state, &conf->dnslists[i], &rows[i]))
			is_complete &= is_answered(state, &conf->dnslists[i],
			    &rows[conf->dnslists[i].first].question);
	for (i = 0; i < conf->dnslist_count && is_complete; i++) {
		if (!is_due(state, &conf->dnslists[i], &rows[i]))
			continue;
		/* It may have become due by what the last one found. */
		question = &rows[conf->dnslists[i].first].question;
		if (!is_answered(state, &conf->dnslists[i], question))
			return false;
		rows[i].is_done = true;
		say(state, &conf->dnslists[i], question);
	}
	return is_complete;
}

const struct policy_check dnslist_check = {
	.name = "dnslist",
	.load = load,
	.unload = unload,
	.prepare = prepare,
	.resolve = resolve,
};
