#include "tests/bench/load_step.h"

#include "common/base/mem.h"
#include "tests/bench/bench.h"
#include "tests/bench/load_options.h"

#include <sys/socket.h>
#include <unistd.h>

static const struct action {
	char code;
	uint32_t permission;	/* SMFIF_*; 0: needs none */
	unsigned strings;
	bool has_index;
} actions[LOAD_ACTIONS] = {
	{ 'h', 0x1, 2, false },
	{ 'i', 0x1, 2, true },
	{ 'm', 0x10, 2, true },
	{ '+', 0x4, 1, false },
	{ '-', 0x8, 1, false },
	{ '2', 0x80, 1, false },
	{ 'e', 0x40, 1, false },
	{ 'b', 0x2, 0, false },
	{ 'q', 0x20, 1, false },
	{ 'p', 0, 0, false },
	{ 's', 0, 0, false },
};
const char *const load_action_names[LOAD_ACTIONS] = {
	"addheader", "insheader", "chgheader", "addrcpt", "delrcpt",
	"addrcpt_par", "chgfrom", "replbody", "quarantine", "progress", "skip"
};

static size_t
find_action(char code)
{
	size_t i = 0;

	while (i < LOAD_ACTIONS && actions[i].code != code)
		i++;
	return i;
}

static bool
send_path(struct load_session *s, char command, const char *address,
    const struct load_list *args)
{
	struct wire *w = &s->wire;
	size_t i, start = wire_begin(w, command);

	strbuf_addf(&w->out, "<%s>", address);
	strbuf_addc(&w->out, '\0');
	for (i = 0; args != NULL && i < args->count; i++)
		wire_add_text(w, args->items[i]);
	return wire_end(w, start);
}

static enum load_outcome
send_mail(struct load_session *s, const struct load_transaction *t,
    enum load_verdict *verdict)
{
	if (!load_send_macros(s, 'M', t))
		return LOAD_BROKEN;
	if ((s->steps & NO_MAIL) != 0)
		return LOAD_GO_ON;
	if (!send_path(s, 'M', t->from, &opt.mail_args))
		return LOAD_BROKEN;
	return load_await(s, "MAIL", NO_REPLY_MAIL, verdict);
}

static enum load_outcome
send_rcpt(struct load_session *s, const struct load_transaction *t,
    enum load_verdict *verdict)
{
	if (!load_send_macros(s, 'R', t))
		return LOAD_BROKEN;
	if ((s->steps & NO_RCPT) != 0)
		return LOAD_GO_ON;
	if (!send_path(s, 'R', t->rcpt, NULL))
		return LOAD_BROKEN;
	return load_await(s, "RCPT", NO_REPLY_RCPT, verdict);
}

bool
load_verdict_refuses(enum load_verdict verdict)
{
	return verdict == LOAD_REJECT || verdict == LOAD_TEMPFAIL ||
	    verdict == LOAD_REPLY4XX || verdict == LOAD_REPLY5XX;
}

const char *
load_session_rcpt(size_t i, char *scratch, size_t size)
{
	if (opt.generated_rcpts == 0)
		return i < opt.rcpts.count ? opt.rcpts.items[i] : NULL;
	snprintf(scratch, size, "rcpt%zu@dest.example", i);
	return i < (size_t)opt.generated_rcpts ? scratch : NULL;
}

/* A refused recipient ends the message only when none is left. */
static enum load_outcome
send_recipients(struct load_session *s, struct load_transaction *t,
    enum load_verdict *verdict)
{
	enum load_outcome outcome;
	const char *rcpt;
	char address[64];
	size_t i, refused = 0;

	for (i = 0; (rcpt = load_session_rcpt(i, address, sizeof(address))) !=
	    NULL; i++) {
		t->rcpt = rcpt;
		outcome = send_rcpt(s, t, verdict);
		t->rcpt = "";
		if (outcome == LOAD_DONE && load_verdict_refuses(*verdict))
			refused++;
		else if (outcome == LOAD_DONE || outcome == LOAD_BROKEN)
			return outcome;
	}
	return refused > 0 && refused == i ? LOAD_DONE : LOAD_GO_ON;
}

static enum load_outcome
send_data(struct load_session *s, const struct load_transaction *t,
    enum load_verdict *verdict)
{
	if (!load_send_macros(s, 'T', t))
		return LOAD_BROKEN;
	if ((s->steps & NO_DATA) != 0 || s->version < 4)
		return LOAD_GO_ON;
	if (!wire_send(&s->wire, 'T'))
		return LOAD_BROKEN;
	return load_await(s, "DATA", NO_REPLY_DATA, verdict);
}

static enum load_outcome
send_field(struct load_session *s, const struct load_transaction *t,
    const struct load_field *field, enum load_verdict *verdict)
{
	char scratch[400];
	const char *value = load_transaction_value(t, field, scratch,
	    sizeof(scratch));
	size_t start;

	if ((s->steps & LEADING_SPACE) == 0 && *value == ' ')
		value++;
	if (!load_send_macros(s, 'L', t))
		return LOAD_BROKEN;
	start = wire_begin(&s->wire, 'L');
	wire_add_text(&s->wire, field->name);
	wire_add_text(&s->wire, value);
	if (!wire_end(&s->wire, start))
		return LOAD_BROKEN;
	return load_await(s, "HEADER", NO_REPLY_HEADER, verdict);
}

static enum load_outcome
send_header(struct load_session *s, const struct load_transaction *t,
    enum load_verdict *verdict)
{
	enum load_outcome outcome = LOAD_GO_ON;
	size_t i;

	if ((s->steps & NO_HEADERS) != 0)
		return LOAD_GO_ON;
	for (i = 0; i < t->message->field_count && outcome == LOAD_GO_ON; i++)
		outcome = send_field(s, t, &t->message->fields[i], verdict);
	return outcome;
}

static enum load_outcome
send_end_of_header(struct load_session *s, const struct load_transaction *t,
    enum load_verdict *verdict)
{
	if (!load_send_macros(s, 'N', t))
		return LOAD_BROKEN;
	if ((s->steps & NO_EOH) != 0)
		return LOAD_GO_ON;
	if (!wire_send(&s->wire, 'N'))
		return LOAD_BROKEN;
	return load_await(s, "EOH", NO_REPLY_EOH, verdict);
}

static enum load_outcome
send_body(struct load_session *s, const struct load_transaction *t,
    enum load_verdict *verdict)
{
	struct span rest = strbuf_span(&t->message->body), piece;
	enum load_outcome outcome = LOAD_GO_ON;

	if ((s->steps & NO_BODY) != 0)
		return LOAD_GO_ON;
	while (rest.len > 0 && outcome == LOAD_GO_ON) {
		piece = span_first(rest, (size_t)opt.chunk);
		rest = span_skip(rest, piece.len);
		if (!wire_send_chunk(&s->wire, 'B', piece))
			return LOAD_BROKEN;
		s->body_bytes += piece.len;
		outcome = load_await(s, "BODY", NO_REPLY_BODY, verdict);
	}
	return outcome;
}

/* ---- the end of a message: what the milter wants changed ---- */

static bool
has_strings(struct span data, unsigned wanted)
{
	struct span one;

	while (wanted-- > 0)
		if (!span_cut(&data, '\0', &one))
			return false;
	return true;
}

static void
edit_field(struct load_session *s, char code, uint32_t index, const char *name)
{
	const char *raw = name + strlen(name) + 1;
	struct strbuf value = STRBUF_INIT;

	if (*raw != '\0' && (s->steps & LEADING_SPACE) == 0)
		strbuf_addc(&value, ' ');
	strbuf_adds(&value, raw);
	if (code == 'h')
		load_message_insert(s->edited, SIZE_MAX, name,
		    strbuf_str(&value));
	else if (code == 'i')
		load_message_insert(s->edited, index > 1 ? index - 1 : 0,
		    name, strbuf_str(&value));
	else
		load_message_change(s->edited, index, name,
		    strbuf_str(&value));
	strbuf_clear(&value);
}

static void
edit_body(struct load_session *s, struct span piece)
{
	if (!s->body_replaced)
		load_message_empty_body(s->edited);
	s->body_replaced = true;
	strbuf_addspan(&s->edited->body, piece);
}

static bool
carry_out(struct load_session *s, const struct action *action,
    const struct wire_packet *packet)
{
	struct span data = span_make(packet->data, packet->len);
	uint32_t index = 0;

	if ((s->actions & action->permission) != action->permission)
		return wire_fail(&s->wire, WIRE_PROTOCOL,
		    "an action that was not negotiated");
	if (action->has_index && data.len >= 4) {
		index = wire_u32(data.p);
		data = span_skip(data, 4);
	}
	if (!has_strings(data, action->strings))
		return wire_fail(&s->wire, WIRE_PROTOCOL, "malformed action");
	if (s->edited != NULL && action->code == 'b')
		edit_body(s, data);
	else if (s->edited != NULL && action->strings == 2)
		edit_field(s, action->code, index, data.p);
	return true;
}

static enum load_outcome
read_final_reply(struct load_session *s, enum load_verdict *verdict)
{
	switch (load_read_reply(s, "EOM", verdict)) {
	case LOAD_GO_ON:
		*verdict = LOAD_CONTINUE;
		return LOAD_DONE;
	case LOAD_SKIPPED:
		return load_broken(s, "skip at the end of a message");
	case LOAD_DONE:
		return LOAD_DONE;
	default:
		return LOAD_BROKEN;
	}
}

static enum load_outcome
finish(struct load_session *s, const struct load_transaction *t,
    enum load_verdict *verdict)
{
	struct wire_packet packet;
	size_t i;

	if (!load_send_macros(s, 'E', t) || !wire_send(&s->wire, 'E') ||
	    !wire_flush(&s->wire))
		return LOAD_BROKEN;
	for (;;) {
		if (!wire_read(&s->wire, &packet))
			return LOAD_BROKEN;
		i = find_action(packet.code);
		if (i == LOAD_ACTIONS || packet.code == 's') {
			wire_unread(&s->wire, &packet);
			return read_final_reply(s, verdict);
		}
		s->done[i]++;
		if (opt.print)
			load_trace("EOM", &packet);
		if (!carry_out(s, &actions[i], &packet))
			return LOAD_BROKEN;
	}
}

/* The milter has what came so far while the client takes its time. */
static enum load_outcome
pause_for_client(struct load_session *s)
{
	double start = bench_now();

	if (opt.pause <= 0)
		return LOAD_GO_ON;
	if (!wire_flush(&s->wire))
		return LOAD_BROKEN;
	usleep((useconds_t)(opt.pause * 1e6));
	s->paused += bench_now() - start;
	return LOAD_GO_ON;
}

static enum load_outcome
pause_and_recipients(struct load_session *s, struct load_transaction *t,
    enum load_verdict *verdict)
{
	if (pause_for_client(s) == LOAD_BROKEN)
		return LOAD_BROKEN;
	return send_recipients(s, t, verdict);
}

static enum load_outcome
pause_and_data(struct load_session *s, const struct load_transaction *t,
    enum load_verdict *verdict)
{
	enum load_outcome outcome;

	if (pause_for_client(s) == LOAD_BROKEN)
		return LOAD_BROKEN;
	outcome = send_data(s, t, verdict);
	if (outcome == LOAD_GO_ON)
		outcome = pause_for_client(s);
	return outcome;
}

typedef enum load_outcome step(struct load_session *s,
    const struct load_transaction *t, enum load_verdict *verdict);

static enum load_outcome
send_message(struct load_session *s, struct load_transaction *t,
    enum load_verdict *verdict)
{
	static step *const steps[] = {
		pause_and_data, send_header, send_end_of_header, send_body,
	};
	enum load_outcome outcome;
	size_t i;

	outcome = send_mail(s, t, verdict);
	if (outcome == LOAD_GO_ON)
		outcome = pause_and_recipients(s, t, verdict);
	for (i = 0; i < ARRAY_LEN(steps); i++) {
		if (outcome == LOAD_DONE || outcome == LOAD_BROKEN)
			return outcome;
		outcome = steps[i](s, t, verdict);
	}
	return outcome == LOAD_SKIPPED ? LOAD_GO_ON : outcome;
}

static bool
is_turn(long every, long number)
{
	return every != 0 && number % every == every - 1;
}

enum load_outcome
load_session_transact(struct load_session *s, struct load_transaction *t,
    enum load_verdict *verdict)
{
	enum load_outcome outcome;

	s->body_replaced = false;
	s->paused = 0;
	outcome = send_message(s, t, verdict);
	if (outcome == LOAD_GO_ON && is_turn(opt.drop_every, t->number)) {
		*verdict = LOAD_ABORTED;
		shutdown(s->wire.fd, SHUT_RDWR);
		return LOAD_DONE;
	}
	if (outcome == LOAD_GO_ON && !is_turn(opt.abort_every, t->number))
		return finish(s, t, verdict);
	if (outcome == LOAD_GO_ON) {
		*verdict = LOAD_ABORTED;
		outcome = LOAD_DONE;
	}
	if (outcome == LOAD_DONE && !wire_send(&s->wire, 'A'))
		return LOAD_BROKEN;
	return outcome;
}
