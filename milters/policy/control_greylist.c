#include "milters/policy/control.h"

#include "milters/policy/greylist.h"
#include "milters/policy/reputation.h"

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/json.h"
#include "common/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

static const char usage[] =
    "usage: postern greylist why|release CLIENT SENDER RECIPIENT [--json]; "
    "CLIENT is an address, or name[address]";

/* Somebody who might come, and what the cache has of him. */
struct question {
	struct policy_facts facts;
	struct policy_recipient recipient;
	struct grey_case gc;
	struct cache_item items[4];	/* triplet, wrote, client's network,
					   its reputation */
	struct arena arena;
};

enum { TRIPLET, WROTE, CLIENT, REPUTED };

/* ---- reading it ---- */

/* "192.0.2.1", "mx.example[192.0.2.1]". */
static bool
read_client(struct question *q, struct span text)
{
	struct span name = span_of(""), address = text;
	struct ipaddr client;
	size_t bracket = span_find(text, '[');

	if (bracket != 0 && bracket < text.len) {
		name = span_first(text, bracket);
		address = span_skip(text, bracket);
	}
	if (!ipaddr_parse(address, &client))
		return false;
	facts_client(&client, &q->facts, &q->arena);
	q->facts.client_name = name.len != 0 ?
	    arena_duplower(&q->arena, name) : SPAN_LIT("unknown");
	return true;
}

static bool
read_address(struct question *q, struct span text, struct address *address)
{
	enum address_result result = address_parse_path(text, &q->arena,
	    address);

	if (result == ADDRESS_OK || result == ADDRESS_LITERAL)
		return true;
	*address = (struct address){ { "", 0 }, { "", 0 } };
	return result == ADDRESS_EMPTY;
}

static bool
complain(struct control_answer *answer, const char *what, struct span text)
{
	strbuf_addf(&answer->error, "%s: ", what);
	escape_add(&answer->error, text, 256, ESCAPE_QUOTE);
	strbuf_addf(&answer->error, "\n%s", usage);
	return false;
}

/* words: client, sender, recipient. */
static bool
read_question(const struct policy_conf *conf, const struct span *words,
    struct question *q, struct control_answer *answer)
{
	struct policy_facts *facts = &q->facts;

	facts->stage = conf->greylist->stage;
	facts->now = clock_wall();
	if (!read_client(q, words[0]))
		return complain(answer, "no client address", words[0]);
	if (!read_address(q, words[1], &facts->sender))
		return complain(answer, "no sender address", words[1]);
	if (!read_address(q, words[2], &q->recipient.address) ||
	    q->recipient.address.domain.len == 0)
		return complain(answer, "no recipient address", words[2]);
	facts->sender_is_null = facts->sender.domain.len == 0;
	facts->sender_text = facts->sender_is_null ? SPAN_LIT("<>") :
	    facts_address_text(&facts->sender, false, &q->arena);
	q->recipient.path = arena_dup(&q->arena, words[2]);
	q->recipient.text = facts_address_text(&q->recipient.address, true,
	    &q->arena);
	facts->recipients = &q->recipient;
	facts->recipient_count = 1;
	facts->is_internal = hostlist_match(conf->internal_hosts,
	    facts->client_name, &facts->client, NULL);
	facts->is_out = facts->is_internal;
	return true;
}

/* ---- asking ---- */

static bool
is_ok(bool found, const struct access_action *action)
{
	return found && action->verb == ACCESS_OK;
}

static bool
is_exempt(const struct policy_conf *conf, struct question *q)
{
	const struct policy_facts *facts = &q->facts;
	struct access_action action = { .verb = ACCESS_DUNNO };

	return is_ok(access_map_client(conf->access[ACCESS_CLIENT],
	    facts->client_name, &facts->client, &q->arena, NULL, &action),
	    &action) || is_ok(access_map_address(conf->access[ACCESS_SENDER],
	    &facts->sender, &q->arena, NULL, &action), &action) ||
	    is_ok(access_map_address(conf->access[ACCESS_RECIPIENT],
	    &q->recipient.address, &q->arena, NULL, &action), &action);
}

static void
ask(const struct policy_conf *conf, struct question *q)
{
	struct grey_case *gc = &q->gc;
	struct decay decay;

	*gc = (struct grey_case){
		.conf = conf,
		.facts = &q->facts,
		.recipient = &q->recipient,
		.arena = &q->arena,
		.is_exempt = is_exempt(conf, q),
		.is_excluded = condition_holds(conf->greylist->when,
		    &q->facts, &q->recipient) == CONDITION_NO,
		.triplet = &q->items[TRIPLET],
		.wrote = q->facts.sender_is_null ? NULL : &q->items[WROTE],
	};
	grey_case_ask(gc);
	grey_ask_client(conf, q->facts.client_net, &q->items[CLIENT]);
	reputation_item(conf, REPUTATION_CLIENT_NET, q->facts.client_net,
	    &q->items[REPUTED]);
	if (gc->wrote == NULL)
		q->items[WROTE] = q->items[TRIPLET];
	cache_get(conf->cache, q->items, ARRAY_LEN(q->items));
	gc->client_successes = grey_successes(&q->items[CLIENT]);
	reputation_read(conf, REPUTATION_CLIENT_NET, &q->items[REPUTED],
	    q->facts.now, &decay);
	gc->client_is_good = reputation_is_good(conf, REPUTATION_CLIENT_NET,
	    &decay);
	grey_case_judge(gc);
}

/* ---- telling ---- */

static void
add_time(struct strbuf *out, int64_t when)
{
	time_t seconds = (time_t)when;
	struct tm tm;
	char text[32];

	if (gmtime_r(&seconds, &tm) != NULL && strftime(text, sizeof(text),
	    "%Y-%m-%dT%H:%M:%SZ", &tm) != 0)
		strbuf_adds(out, text);
}

static void
add_since(struct strbuf *out, const struct question *q)
{
	static const char *const what[] = {
		[GREY_NEW] = "never seen, or forgotten",
		[GREY_EARLY] = "first seen ",
		[GREY_RETRIED] = "first seen ",
		[GREY_KNOWN] = "known, use last noted ",
	};
	const struct grey_outcome *outcome = &q->gc.outcome;

	if (q->gc.triplet->state == CACHE_TROUBLE) {
		strbuf_adds(out, "not known: the cache does not answer");
		return;
	}
	strbuf_adds(out, what[outcome->answer]);
	if (outcome->answer == GREY_NEW)
		return;
	add_time(out, outcome->since);
	strbuf_addf(out, " (%" PRId64 " s ago)",
	    q->facts.now - outcome->since);
}

static bool
is_let_in(const struct question *q)
{
	return q->gc.ground != NULL || (grey_case_is_unknown(&q->gc) &&
	    q->gc.conf->greylist->on_error == GREYLIST_ACCEPT);
}

static const char *
word_of(const struct question *q)
{
	if (is_let_in(q))
		return "passes";
	if (grey_case_is_unknown(&q->gc))
		return "has to wait";
	return q->gc.conf->greylist->action == GREYLIST_TAG ? "is tagged" :
	    "has to wait";
}

static void
show_text(const struct question *q, struct strbuf *out)
{
	const struct grey_case *gc = &q->gc;
	size_t i;

	strbuf_adds(out, word_of(q));
	if (gc->ground != NULL)
		strbuf_addf(out, ": %s", gc->ground->text);
	else if (grey_case_is_unknown(gc))
		strbuf_addf(out, ": the cache does not answer (on-error=%s)",
		    is_let_in(q) ? "accept" : "tempfail");
	else
		strbuf_addf(out, ": %" PRId64 " seconds", gc->outcome.wait);
	strbuf_addf(out, "\n\nnetwork    %.*s, came through %u times\nsender"
	    "     ", SPAN_ARG(q->facts.client_net), gc->client_successes);
	escape_add(out, q->facts.sender_is_null ? q->facts.sender_text :
	    grey_address(&q->facts.sender, true, gc->arena), ESCAPE_MAX, 0);
	strbuf_adds(out, "\nrecipient  ");
	escape_add(out, q->recipient.text, ESCAPE_MAX, 0);
	strbuf_adds(out, "\ntriplet    ");
	add_since(out, q);
	strbuf_adds(out, "\n\n");
	for (i = 0; i < grey_ground_count; i++)
		strbuf_addf(out, "%-3s  %s: %s\n",
		    grey_grounds[i].holds(gc) ? "yes" : "no",
		    grey_grounds[i].word, grey_grounds[i].text);
}

static void
show_json(const struct question *q, struct strbuf *out)
{
	const struct grey_case *gc = &q->gc;
	struct json json;
	size_t i;

	json_start(&json, out);
	json_object(&json, NULL);
	json_string(&json, "network", q->facts.client_net);
	json_string(&json, "sender", q->facts.sender_is_null ?
	    q->facts.sender_text :
	    grey_address(&q->facts.sender, true, gc->arena));
	json_string(&json, "recipient", q->recipient.text);
	json_bool(&json, "waits", !is_let_in(q));
	json_cstring(&json, "ground", gc->ground != NULL ?
	    gc->ground->word : grey_case_is_unknown(gc) ? "unknown" :
	    grey_answer_word(gc->outcome.answer));
	json_number(&json, "wait", gc->outcome.wait);
	json_number(&json, "since", gc->outcome.since);
	json_number(&json, "successes", gc->client_successes);
	json_object(&json, "grounds");
	for (i = 0; i < grey_ground_count; i++)
		json_bool(&json, grey_grounds[i].word,
		    grey_grounds[i].holds(gc));
	json_object_end(&json);
	json_object_end(&json);
	strbuf_addc(out, '\n');
}

static int
release(const struct policy_conf *conf, struct question *q, bool as_json,
    struct control_answer *answer)
{
	struct json json;

	if (q->gc.triplet->state == CACHE_TROUBLE) {
		strbuf_adds(&answer->error, "the cache does not answer");
		return EX_TEMPFAIL;
	}
	grey_release(q->gc.triplet, &conf->greylist->times, q->facts.now);
	cache_put(conf->cache, q->gc.triplet);
	if (!as_json) {
		strbuf_adds(&answer->output, "known from now on\n");
		return EX_OK;
	}
	json_start(&json, &answer->output);
	json_object(&json, NULL);
	json_bool(&json, "released", true);
	json_object_end(&json);
	strbuf_addc(&answer->output, '\n');
	return EX_OK;
}

static int
run(const struct policy_conf *conf, const struct span *words, bool as_json,
    struct control_answer *answer)
{
	struct question *q = xcalloc(1, sizeof(*q));
	int status = EX_USAGE;

	if (read_question(conf, words + 1, q, answer)) {
		ask(conf, q);
		status = EX_OK;
		if (span_is(words[0], "release"))
			status = release(conf, q, as_json, answer);
		else
			(as_json ? show_json : show_text)(q, &answer->output);
	}
	arena_clear(&q->arena);
	free(q);
	return status;
}

int
control_greylist(const struct policy_conf *conf, const struct span *words,
    size_t count, struct control_answer *answer)
{
	bool as_json = count > 1 && span_is(words[count - 1], "--json");

	if (as_json)
		count--;
	if (count != 5 || (!span_is(words[1], "why") &&
	    !span_is(words[1], "release"))) {
		strbuf_adds(&answer->error, usage);
		return EX_USAGE;
	}
	if (conf->greylist == NULL) {
		strbuf_adds(&answer->error, "there is no Greylist row: "
		    "nobody has to wait");
		return EX_CONFIG;
	}
	return run(conf, words + 1, as_json, answer);
}
