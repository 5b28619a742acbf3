#include "tests/bench/load_chain.h"

#include "tests/bench/bench.h"
#include "tests/bench/load_options.h"
#include "tests/bench/load_policy.h"

static struct wire_target *targets[LOAD_CHAIN_MAX];
static const struct load_protocol *protocol = &load_milter;

void
load_chain_init(void)
{
	size_t i;

	if (opt.sockets.count > LOAD_CHAIN_MAX)
		bench_die("milterload: at most %d sockets", LOAD_CHAIN_MAX);
	if (opt.policy)
		protocol = &load_policy;
	wire_set_timeout(opt.timeout);
	for (i = 0; i < opt.sockets.count; i++)
		if ((targets[i] = wire_target_new(opt.sockets.items[i])) ==
		    NULL)
			bench_die("milterload: bad socket: %s",
			    opt.sockets.items[i]);
}

void
load_chain_start(struct load_chain *chain)
{
	size_t i;

	for (i = 0; i < opt.sockets.count; i++)
		chain->sessions[i].wire.fd = -1;
}

bool
load_chain_open(struct load_chain *chain)
{
	size_t i;

	for (i = 0; i < opt.sockets.count; i++) {
		chain->broken = &chain->sessions[i];
		if (!wire_open(&chain->sessions[i].wire, targets[i]) ||
		    !protocol->open(&chain->sessions[i]))
			return false;
	}
	return true;
}

enum load_outcome
load_chain_greet(struct load_chain *chain, const struct load_transaction *t,
    enum load_verdict *verdict)
{
	enum load_outcome outcome;
	size_t i;

	for (i = 0; i < opt.sockets.count; i++) {
		chain->broken = &chain->sessions[i];
		outcome = protocol->greet(&chain->sessions[i], t, verdict);
		if (outcome != LOAD_GO_ON)
			return outcome;
	}
	return LOAD_GO_ON;
}

/* The message of t, which edits go into from now on. The body is shared until
 * a milter replaces it. */
static void
copy_message(struct load_message *to, const struct load_transaction *t)
{
	const struct load_message *from = t->message;
	char scratch[400];
	size_t i;

	load_message_clear(to);
	for (i = 0; i < from->field_count; i++)
		load_message_add(to, span_of(from->fields[i].name),
		    span_of(load_transaction_value(t, &from->fields[i],
		    scratch, sizeof(scratch))));
	strbuf_clear(&to->body);
	to->body = from->body;
	to->borrows_body = true;
}

static bool
goes_on(enum load_verdict verdict)
{
	return verdict == LOAD_CONTINUE || verdict == LOAD_ACCEPT;
}

enum load_outcome
load_chain_transact(struct load_chain *chain, struct load_transaction *t,
    enum load_verdict *verdict)
{
	bool edits = opt.sockets.count > 1 || opt.print;
	enum load_outcome outcome = LOAD_DONE;
	struct load_session *s;
	size_t i;

	if (edits)
		copy_message(&chain->edited, t);
	for (i = 0; i < opt.sockets.count; i++) {
		s = &chain->sessions[i];
		chain->broken = s;
		s->edited = edits ? &chain->edited : NULL;
		outcome = protocol->transact(s, t, verdict);
		if (outcome != LOAD_DONE || !goes_on(*verdict))
			return outcome;
		if (edits)
			t->message = &chain->edited;
	}
	return outcome;
}

double
load_chain_paused(const struct load_chain *chain)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < opt.sockets.count; i++)
		sum += chain->sessions[i].paused;
	return sum;
}

bool
load_chain_flush(struct load_chain *chain)
{
	size_t i;

	for (i = 0; i < opt.sockets.count; i++) {
		chain->broken = &chain->sessions[i];
		if (!wire_flush(&chain->sessions[i].wire))
			return false;
	}
	return true;
}

bool
load_chain_quit(struct load_chain *chain, bool reuse)
{
	bool again = reuse;
	size_t i;

	for (i = 0; i < opt.sockets.count; i++)
		again = protocol->quit(&chain->sessions[i], reuse) && again;
	return load_chain_flush(chain) && again;
}

void
load_chain_close(struct load_chain *chain)
{
	size_t i;

	for (i = 0; i < opt.sockets.count; i++)
		wire_close(&chain->sessions[i].wire);
}

void
load_chain_add_done(const struct load_chain *chain,
    uint64_t done[LOAD_ACTIONS], uint64_t *body_bytes)
{
	size_t i, j;

	for (i = 0; i < opt.sockets.count; i++) {
		for (j = 0; j < LOAD_ACTIONS; j++)
			done[j] += chain->sessions[i].done[j];
		*body_bytes += chain->sessions[i].body_bytes;
	}
}
