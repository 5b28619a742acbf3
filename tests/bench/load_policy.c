#include "tests/bench/load_policy.h"

#include "common/base/escape.h"
#include "common/base/mem.h"
#include "tests/bench/load_options.h"

/* How an action begins, as access(5) has it; the first that fits. */
static const struct action {
	const char *word;
	enum load_verdict verdict;
} actions[] = {
	{ "DUNNO", LOAD_CONTINUE },
	{ "PREPEND", LOAD_CONTINUE },
	{ "OK", LOAD_ACCEPT },
	{ "DEFER", LOAD_TEMPFAIL },
	{ "4", LOAD_REPLY4XX },
	{ "REJECT", LOAD_REJECT },
	{ "5", LOAD_REPLY5XX },
	{ "DISCARD", LOAD_DISCARD },
};

static bool
open_policy(struct load_session *s)
{
	(void)s;
	return true;
}

static enum load_outcome
greet_policy(struct load_session *s, const struct load_transaction *t,
    enum load_verdict *verdict)
{
	(void)s;
	(void)t;
	(void)verdict;
	return LOAD_GO_ON;
}

static bool
send_request(struct load_session *s, const struct load_transaction *t)
{
	strbuf_addf(&s->wire.out, "request=smtpd_access_policy\n"
	    "protocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=%s\n"
	    "client_name=%s\nclient_port=%ld\nreverse_client_name=%s\n"
	    "server_address=192.0.2.1\nserver_port=25\nhelo_name=%s\n"
	    "sender=%s\nrecipient=%s\nrecipient_count=0\nqueue_id=\n"
	    "instance=%s\nsize=%ld\netrn_domain=\nstress=\n"
	    "sasl_method=%s\nsasl_username=%s\nsasl_sender=\n"
	    "ccert_subject=\nccert_issuer=\nccert_fingerprint=\n"
	    "ccert_pubkey_fingerprint=\nencryption_protocol=\n"
	    "encryption_cipher=\nencryption_keysize=0\npolicy_context=\n\n",
	    t->client, opt.client_name, opt.client_port, opt.client_name,
	    opt.helo, t->from, t->rcpt, t->queue_id, opt.size,
	    opt.auth != NULL ? "PLAIN" : "", opt.auth != NULL ? opt.auth : "");
	return wire_flush(&s->wire);
}

static bool
find_verdict(struct span text, enum load_verdict *verdict)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(actions); i++)
		if (span_starts(text, span_of(actions[i].word))) {
			*verdict = actions[i].verdict;
			return true;
		}
	return false;
}

static void
trace(struct span line)
{
	struct strbuf out = STRBUF_INIT;

	escape_add(&out, line, 1000, 0);
	fprintf(stderr, "RCPT     reply %s\n", strbuf_str(&out));
	strbuf_clear(&out);
}

/* "action=WORD text", and an empty line. */
static bool
read_answer(struct load_session *s, enum load_verdict *verdict)
{
	struct wire *w = &s->wire;
	struct span line, name;
	bool known = false;

	for (;;) {
		if (!wire_read_line(w, &line))
			return false;
		if (line.len == 0)
			break;
		if (opt.print)
			trace(line);
		if (span_cut(&line, '=', &name) && span_is(name, "action"))
			known = find_verdict(line, verdict);
	}
	return known || wire_fail(w, WIRE_PROTOCOL, "no action known to us");
}

static enum load_outcome
transact_policy(struct load_session *s, struct load_transaction *t,
    enum load_verdict *verdict)
{
	enum load_verdict answer = LOAD_CONTINUE;
	const char *rcpt;
	char address[64];
	bool answered, passed = false;
	size_t i;

	s->paused = 0;
	for (i = 0; (rcpt = load_session_rcpt(i, address, sizeof(address))) !=
	    NULL; i++) {
		t->rcpt = rcpt;
		answered = send_request(s, t) && read_answer(s, &answer);
		t->rcpt = "";
		if (!answered)
			return LOAD_BROKEN;
		if (!passed)
			*verdict = answer;
		passed = passed || !load_verdict_refuses(answer);
	}
	return LOAD_DONE;
}

static bool
quit_policy(struct load_session *s, bool reuse)
{
	(void)s;
	return reuse;
}

const struct load_protocol load_policy = {
	.open = open_policy,
	.greet = greet_policy,
	.transact = transact_policy,
	.quit = quit_policy,
};
