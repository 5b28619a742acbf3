#include "milters/policy/control.h"

#include "milters/policy/reputation.h"

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/json.h"
#include "common/base/mem.h"
#include "common/mail/domain.h"

#include <inttypes.h>
#include <sysexits.h>

enum { COUNT_MAX = 1000000, NAME_MAX_OCTETS = 512 };

static const char usage[] =
    "usage: postern reputation show KIND NAME, learn KIND NAME good|bad "
    "[COUNT], forget KIND NAME [--json]; KIND is dkim-domain, spf-domain, "
    "client-net or sasl-user";

struct request {
	const struct policy_conf *conf;
	enum reputation_kind kind;
	struct span name;	/* as messages have it */
	const struct span *words;	/* behind NAME */
	size_t count;
	bool as_json;
	int64_t now;
	struct arena arena;
};

/* ---- reading it ---- */

/* As messages have it: a network of the client's size, A-labels, lower case. */
static bool
read_name(struct request *request, struct span text)
{
	struct policy_facts facts = { 0 };
	struct ipaddr address;
	bool had_host_bits;

	switch (request->kind) {
	case REPUTATION_CLIENT_NET:
		if (!ipaddr_parse_network(text, &address, &had_host_bits))
			return false;
		facts_client(&address, &facts, &request->arena);
		request->name = facts.client_net;
		return true;
	case REPUTATION_SASL_USER:
		request->name = arena_duplower(&request->arena, text);
		return text.len != 0 && text.len <= NAME_MAX_OCTETS;
	default:
		return domain_to_ascii(text, &request->arena, &request->name);
	}
}

static bool
complain(struct control_answer *answer, const char *what, struct span text)
{
	strbuf_addf(&answer->error, "%s: ", what);
	escape_add(&answer->error, text, 256, ESCAPE_QUOTE);
	return false;
}

/* words: KIND NAME and what follows. */
static bool
read_request(struct request *request, const struct span *words, size_t count,
    struct control_answer *answer)
{
	if (!reputation_kind_of(words[0], &request->kind))
		return complain(answer, "no kind of names", words[0]);
	if (!read_name(request, words[1]))
		return complain(answer, "no name of that kind", words[1]);
	request->words = words + 2;
	request->count = count - 2;
	if (reputation_half_life(request->conf, request->kind) != 0)
		return true;
	return complain(answer, "no Reputation row has this kind", words[0]);
}

/* ---- commands ---- */

static void
add_text(const struct request *request, const struct decay *decay,
    struct strbuf *out)
{
	const struct policy_conf *conf = request->conf;
	size_t i;

	strbuf_addf(out, "%s ", reputation_kind_word(request->kind));
	escape_add(out, request->name, ESCAPE_MAX, 0);
	strbuf_addf(out, ": %.2f good, %.2f bad, ratio %.3f%s\n", decay->good,
	    decay->bad, reputation_ratio(decay), reputation_is_good(conf,
	    request->kind, decay) ? ", good" : "");
	for (i = 0; i < conf->reputation_count; i++)
		if (conf->reputations[i].kind == request->kind)
			strbuf_addf(out, "%s adds %.2f to the score\n",
			    conf->reputations[i].place, reputation_weight(
			    &conf->reputations[i], decay) / 100.0);
}

/* Numbers in thousandths and hundredths: JSON's are whole here. */
static void
add_json(const struct request *request, const struct decay *decay,
    struct strbuf *out)
{
	const struct policy_conf *conf = request->conf;
	struct json json;
	size_t i;

	json_start(&json, out);
	json_object(&json, NULL);
	json_cstring(&json, "kind", reputation_kind_word(request->kind));
	json_string(&json, "name", request->name);
	json_number(&json, "good_thousandths", (int64_t)(decay->good * 1000));
	json_number(&json, "bad_thousandths", (int64_t)(decay->bad * 1000));
	json_number(&json, "ratio_thousandths",
	    (int64_t)(reputation_ratio(decay) * 1000));
	json_bool(&json, "is_good", reputation_is_good(conf, request->kind,
	    decay));
	json_array(&json, "score_hundredths");
	for (i = 0; i < conf->reputation_count; i++)
		if (conf->reputations[i].kind == request->kind)
			json_number(&json, NULL, reputation_weight(
			    &conf->reputations[i], decay));
	json_array_end(&json);
	json_object_end(&json);
	strbuf_addc(out, '\n');
}

static int
no_answer(struct control_answer *answer)
{
	strbuf_adds(&answer->error, "the cache does not answer");
	return EX_TEMPFAIL;
}

static int
show(const struct request *request, struct control_answer *answer)
{
	struct cache_item item;
	struct decay decay;

	reputation_item(request->conf, request->kind, request->name, &item);
	if (!cache_get(request->conf->cache, &item, 1))
		return no_answer(answer);
	reputation_read(request->conf, request->kind, &item, request->now,
	    &decay);
	(request->as_json ? add_json : add_text)(request, &decay,
	    &answer->output);
	return EX_OK;
}

static int
learn(const struct request *request, struct control_answer *answer)
{
	const struct policy_conf *conf = request->conf;
	int64_t half_life = reputation_half_life(conf, request->kind);
	struct cache_item item;
	uint64_t count = 1;
	bool is_good;

	if (request->count < 1 || request->count > 2 ||
	    (!span_is(request->words[0], "good") &&
	    !span_is(request->words[0], "bad")) || (request->count == 2 &&
	    !span_number(request->words[1], COUNT_MAX, &count))) {
		strbuf_adds(&answer->error, usage);
		return EX_USAGE;
	}
	is_good = span_is(request->words[0], "good");
	reputation_item(conf, request->kind, request->name, &item);
	if (decay_add(conf->cache, &item.key, is_good ? (double)count : 0,
	    is_good ? 0 : (double)count, request->now, half_life,
	    REPUTATION_TTL * half_life) != CACHE_DONE)
		return no_answer(answer);
	return show(request, answer);
}

static int
forget(const struct request *request, struct control_answer *answer)
{
	struct cache_item item;

	reputation_item(request->conf, request->kind, request->name, &item);
	if (!cache_get(request->conf->cache, &item, 1))
		return no_answer(answer);
	cache_delete(request->conf->cache, &item.key, CACHE_RECORD);
	(request->as_json ? add_json : add_text)(request,
	    &(struct decay){ 0, 0, request->now }, &answer->output);
	return EX_OK;
}

static const struct {
	const char *name;
	int (*run)(const struct request *request,
	    struct control_answer *answer);
} commands[] = {
	{ "show", show },
	{ "learn", learn },
	{ "forget", forget },
};

int
control_reputation(const struct policy_conf *conf, const struct span *words,
    size_t count, struct control_answer *answer)
{
	struct request request = { .conf = conf, .now = clock_wall() };
	int status = EX_USAGE;
	size_t i;

	request.as_json = count > 1 && span_is(words[count - 1], "--json");
	if (request.as_json)
		count--;
	for (i = 0; i < ARRAY_LEN(commands); i++)
		if (count >= 4 && span_is(words[1], commands[i].name))
			break;
	if (i == ARRAY_LEN(commands))
		strbuf_adds(&answer->error, usage);
	else if (read_request(&request, words + 2, count - 2, answer))
		status = commands[i].run(&request, answer);
	arena_clear(&request.arena);
	return status;
}
