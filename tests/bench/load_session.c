#include "tests/bench/load_step.h"

#include "common/base/escape.h"
#include "common/base/mem.h"
#include "tests/bench/load_macros.h"
#include "tests/bench/load_options.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

const char *const load_verdict_names[LOAD_VERDICTS] = {
	"accept", "continue", "reject", "tempfail", "discard", "reply4xx",
	"reply5xx", "connfail", "shutdown", "aborted"
};

/* Spreads consecutive numbers over the whole range. */
static unsigned long
scatter(long number, long range)
{
	return (unsigned long)((uint64_t)number * 2654435761U %
	    (uint64_t)range);
}

static void
describe_client(struct load_transaction *t)
{
	unsigned char raw[16], *low = raw;
	int family = strchr(opt.client, ':') != NULL ? AF_INET6 : AF_INET;
	uint32_t value;

	snprintf(t->client, sizeof(t->client), "%s", opt.client);
	if (opt.clients == 0 || inet_pton(family, opt.client, raw) != 1)
		return;
	if (family == AF_INET6)
		low += 12;
	value = wire_u32((const char *)low) +
	    (uint32_t)scatter(t->number, opt.clients);
	value = htonl(value);
	memcpy(low, &value, sizeof(value));
	inet_ntop(family, raw, t->client, sizeof(t->client));
}

void
load_transaction_describe(struct load_transaction *t, long number,
    const struct load_messages *messages)
{
	t->number = number;
	t->message = &messages->list[(size_t)number % messages->count];
	t->rcpt = "";
	snprintf(t->queue_id, sizeof(t->queue_id), "4M%010lX",
	    (unsigned long)number & 0xffffffffffUL);
	if (opt.domains != 0)
		snprintf(t->from, sizeof(t->from), "sender@d%07lu.example",
		    scatter(number, opt.domains));
	else
		snprintf(t->from, sizeof(t->from), "%s", opt.from);
	snprintf(t->message_id, sizeof(t->message_id),
	    " <%lx.%lx@client.example>", (unsigned long)number,
	    (unsigned long)getpid());
	describe_client(t);
}

const char *
load_transaction_value(const struct load_transaction *t,
    const struct load_field *field, char *scratch, size_t size)
{
	if (opt.domains != 0 && strcasecmp(field->name, "From") == 0) {
		snprintf(scratch, size, " Sender Name <%s>", t->from);
		return scratch;
	}
	if (opt.inputs.count == 0 &&
	    strcmp(field->value, load_message_id) == 0)
		return t->message_id;
	return field->value;
}

/* ---- macros ---- */

static bool
macro_is_wanted(const struct load_session *s, char stage, const char *name)
{
	static const char stages[] = "CHMRTEN";	/* by number in a symlist */
	const char *p = strchr(stages, stage);
	char bare[64], word[72];

	if (p == NULL || s->wanted[p - stages] == NULL)
		return true;
	snprintf(bare, sizeof(bare), "%s", *name == '{' ? name + 1 : name);
	bare[strcspn(bare, "}")] = '\0';
	snprintf(word, sizeof(word), " %s ", bare);
	return strstr(s->wanted[p - stages], word) != NULL;
}

static const char *
macro_value(const struct load_macro *macro, const struct load_transaction *t)
{
	if (macro->value[0] != '%' || strlen(macro->value) != 2)
		return macro->value;
	switch (macro->value[1]) {
	case 'q':
		return t->queue_id;
	case 'f':
		return t->from;
	case 'r':
		return t->rcpt;
	case 'c':
		return t->client;
	default:
		return macro->value;
	}
}

bool
load_send_macros(struct load_session *s, char stage,
    const struct load_transaction *t)
{
	struct wire *w = &s->wire;
	const struct load_macro *macro;
	size_t i = 0, start = wire_begin(w, 'D'), empty;

	strbuf_addc(&w->out, stage);
	empty = w->out.len;
	while ((macro = load_macros_next(stage, &i)) != NULL) {
		if (!macro_is_wanted(s, stage, macro->name))
			continue;
		wire_add_text(w, macro->name);
		wire_add_text(w, macro_value(macro, t));
	}
	if (w->out.len > empty)
		return wire_end(w, start);
	w->out.len = start;
	return true;
}

/* ---- replies ---- */

void
load_trace(const char *stage, const struct wire_packet *packet)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_addf(&out, "%-8s reply '", stage);
	escape_add(&out, span_make(&packet->code, 1), 1, 0);
	strbuf_adds(&out, packet->len > 0 ? "' " : "'");
	escape_add(&out, span_make(packet->data, packet->len), 1000, 0);
	fprintf(stderr, "%s\n", out.s);
	strbuf_clear(&out);
}

enum load_outcome
load_broken(struct load_session *s, const char *problem)
{
	wire_fail(&s->wire, WIRE_PROTOCOL, problem);
	return LOAD_BROKEN;
}

static enum load_outcome
read_reply_code(struct load_session *s, const struct wire_packet *packet,
    enum load_verdict *verdict)
{
	if (packet->len < 5 || packet->data[packet->len - 1] != '\0' ||
	    (packet->data[0] != '4' && packet->data[0] != '5'))
		return load_broken(s, "malformed reply code");
	*verdict = packet->data[0] == '4' ? LOAD_REPLY4XX : LOAD_REPLY5XX;
	return LOAD_DONE;
}

static enum load_outcome
take_reply(struct load_session *s, const char *stage,
    const struct wire_packet *packet, enum load_verdict *verdict)
{
	static const char codes[] = "artdf4";
	static const enum load_verdict meanings[] = { LOAD_ACCEPT, LOAD_REJECT,
	    LOAD_TEMPFAIL, LOAD_DISCARD, LOAD_CONNFAIL, LOAD_SHUTDOWN };
	const char *p;
	char text[64];

	if (packet->code == 'c')
		return LOAD_GO_ON;
	if (packet->code == 's') {
		s->done[LOAD_SKIP]++;
		return LOAD_SKIPPED;
	}
	if (packet->code == 'y')
		return read_reply_code(s, packet, verdict);
	p = packet->code != '\0' ? strchr(codes, packet->code) : NULL;
	if (p != NULL) {
		*verdict = meanings[p - codes];
		return LOAD_DONE;
	}
	snprintf(text, sizeof(text), "unexpected reply 0x%02x at %s",
	    (unsigned char)packet->code, stage);
	return load_broken(s, text);
}

enum load_outcome
load_read_reply(struct load_session *s, const char *stage,
    enum load_verdict *verdict)
{
	struct wire_packet packet;

	for (;;) {
		if (!wire_read(&s->wire, &packet))
			return LOAD_BROKEN;
		if (opt.print)
			load_trace(stage, &packet);
		if (packet.code != 'p')
			return take_reply(s, stage, &packet, verdict);
		s->done[LOAD_PROGRESS]++;
	}
}

enum load_outcome
load_await(struct load_session *s, const char *stage, uint32_t no_reply,
    enum load_verdict *verdict)
{
	if ((s->steps & no_reply) != 0)
		return LOAD_GO_ON;
	if (!wire_flush(&s->wire))
		return LOAD_BROKEN;
	return load_read_reply(s, stage, verdict);
}

/* ---- opening ---- */

static void
forget_wanted(struct load_session *s)
{
	size_t i;

	for (i = 0; i < LOAD_SYMLISTS; i++) {
		free(s->wanted[i]);
		s->wanted[i] = NULL;
	}
}

/* The symbol lists behind the negotiation's numbers: stage, "a b {c}", NUL. */
static void
remember_wanted(struct load_session *s, struct span lists)
{
	struct strbuf words;
	struct span list, word;
	uint32_t stage;

	forget_wanted(s);
	while (lists.len > 4) {
		stage = wire_u32(lists.p);
		lists = span_skip(lists, 4);
		if (!span_cut(&lists, '\0', &list) || stage >= LOAD_SYMLISTS)
			return;
		words = (struct strbuf)STRBUF_INIT;
		strbuf_addc(&words, ' ');
		while (span_item(&list, &word)) {
			if (word.len > 2 && word.p[0] == '{')
				word = span_make(word.p + 1, word.len - 2);
			strbuf_addspan(&words, word);
			strbuf_addc(&words, ' ');
		}
		free(s->wanted[stage]);
		s->wanted[stage] = strbuf_detach(&words);
	}
}

static bool
check_agreement(struct load_session *s)
{
	if (s->version < 2 || s->version > (uint32_t)opt.version)
		return wire_fail(&s->wire, WIRE_PROTOCOL,
		    "the milter wants another protocol version");
	if ((s->steps & ~(uint32_t)opt.steps) != 0)
		return wire_fail(&s->wire, WIRE_PROTOCOL,
		    "the milter wants steps that were not offered");
	if ((s->actions & ~(uint32_t)opt.actions) != 0)
		return wire_fail(&s->wire, WIRE_PROTOCOL,
		    "the milter wants actions that were not offered");
	return true;
}

static bool
negotiate(struct load_session *s)
{
	struct wire *w = &s->wire;
	struct wire_packet packet;
	size_t start = wire_begin(w, 'O');

	wire_add_u32(w, (uint32_t)opt.version);
	wire_add_u32(w, (uint32_t)opt.actions);
	wire_add_u32(w, (uint32_t)opt.steps);
	if (!wire_end(w, start) || !wire_flush(w) || !wire_read(w, &packet))
		return false;
	if (packet.code != 'O' || packet.len < 12)
		return wire_fail(w, WIRE_PROTOCOL, "bad negotiation reply");
	s->version = wire_u32(packet.data);
	s->actions = wire_u32(packet.data + 4);
	s->steps = wire_u32(packet.data + 8);
	remember_wanted(s, span_make(packet.data + 12, packet.len - 12));
	if (opt.print)
		fprintf(stderr, "OPTNEG   version %u actions 0x%x steps 0x%x"
		    "%s\n", s->version, s->actions, s->steps,
		    packet.len > 12 ? " (with macro lists)" : "");
	return check_agreement(s);
}

static char
address_family(const char *client)
{
	unsigned char raw[16];

	if (inet_pton(AF_INET, client, raw) == 1)
		return '4';
	if (inet_pton(AF_INET6, client, raw) == 1)
		return '6';
	return *client == '/' ? 'L' : 'U';
}

static bool
send_connect(struct load_session *s, const struct load_transaction *t)
{
	struct wire *w = &s->wire;
	size_t start = wire_begin(w, 'C');
	char family = address_family(t->client);
	uint16_t port = htons((uint16_t)opt.client_port);

	wire_add_text(w, opt.client_name);
	strbuf_addc(&w->out, family);
	if (family != 'U') {
		strbuf_add(&w->out, &port, sizeof(port));
		wire_add_text(w, t->client);
	}
	return wire_end(w, start);
}

static bool
send_text(struct load_session *s, char command, const char *text)
{
	size_t start = wire_begin(&s->wire, command);

	wire_add_text(&s->wire, text);
	return wire_end(&s->wire, start);
}

static enum load_outcome
greet(struct load_session *s, const struct load_transaction *t,
    enum load_verdict *verdict)
{
	enum load_outcome outcome;

	if (!load_send_macros(s, 'C', t))
		return LOAD_BROKEN;
	if ((s->steps & NO_CONNECT) == 0) {
		if (!send_connect(s, t))
			return LOAD_BROKEN;
		outcome = load_await(s, "CONNECT", NO_REPLY_CONNECT, verdict);
		if (outcome != LOAD_GO_ON)
			return outcome;
	}
	if (!load_send_macros(s, 'H', t))
		return LOAD_BROKEN;
	if ((s->steps & NO_HELO) != 0)
		return LOAD_GO_ON;
	if (!send_text(s, 'H', opt.helo))
		return LOAD_BROKEN;
	return load_await(s, "HELO", NO_REPLY_HELO, verdict);
}

static bool
quit(struct load_session *s, bool reuse)
{
	return wire_send(&s->wire, reuse ? 'K' : 'Q') && reuse;
}

const struct load_protocol load_milter = {
	.open = negotiate,
	.greet = greet,
	.transact = load_session_transact,
	.quit = quit,
};
