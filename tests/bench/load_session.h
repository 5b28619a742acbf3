/*
 * load_session.h - one connection to the milter as Postfix conducts it: the
 * negotiation, the client, and one message after the other.
 */
#ifndef POSTERN_TESTS_LOAD_SESSION_H
#define POSTERN_TESTS_LOAD_SESSION_H

#include "tests/bench/load_message.h"
#include "tests/bench/load_wire.h"

/* How a message, or a connection, ended. */
enum load_verdict {
	LOAD_ACCEPT, LOAD_CONTINUE, LOAD_REJECT, LOAD_TEMPFAIL, LOAD_DISCARD,
	LOAD_REPLY4XX, LOAD_REPLY5XX, LOAD_CONNFAIL, LOAD_SHUTDOWN,
	LOAD_ABORTED,	/* by us */
	LOAD_VERDICTS
};
extern const char *const load_verdict_names[LOAD_VERDICTS];

/* What a milter asks for at the end of a message, and progress and skip. */
enum { LOAD_ACTIONS = 11 };
extern const char *const load_action_names[LOAD_ACTIONS];

enum load_outcome {
	LOAD_GO_ON,
	LOAD_SKIPPED,	/* the milter wants no more of this step */
	LOAD_DONE,	/* there is a verdict */
	LOAD_BROKEN	/* wire.trouble says why */
};

enum { LOAD_SYMLISTS = 7 };	/* stages a milter may choose macros for */

struct load_session {
	struct wire wire;
	uint32_t version, actions, steps;	/* agreed */
	char *wanted[LOAD_SYMLISTS];	/* " a b c "; NULL: all macros */
	uint64_t body_bytes;
	uint64_t done[LOAD_ACTIONS];
	struct load_message *edited;	/* carry edits out here, if not NULL */
	bool body_replaced;
	double paused;		/* seconds in this message, by us */
};

struct load_transaction {
	long number;
	const struct load_message *message;
	char queue_id[24], from[320], client[64], message_id[96];
	const char *rcpt;
};

void load_transaction_describe(struct load_transaction *t, long number,
    const struct load_messages *messages);
/* The value of a field as this message has it. */
const char *load_transaction_value(const struct load_transaction *t,
    const struct load_field *field, char *scratch, size_t size);

/* How a peer is talked to: load_milter, or load_policy (load_policy.h). */
struct load_protocol {
	/* On a connection that stands: what comes before everything else. */
	bool (*open)(struct load_session *s);
	/* CONNECT and HELO. LOAD_DONE: the verdict is about the connection. */
	enum load_outcome (*greet)(struct load_session *s,
	    const struct load_transaction *t, enum load_verdict *verdict);
	enum load_outcome (*transact)(struct load_session *s,
	    struct load_transaction *t, enum load_verdict *verdict);
	/* reuse: the connection is for another session. False: it cannot. */
	bool (*quit)(struct load_session *s, bool reuse);
};

extern const struct load_protocol load_milter;

enum load_outcome load_session_transact(struct load_session *s,
    struct load_transaction *t, enum load_verdict *verdict);
/* The i-th recipient of every message, written into scratch where there is no
 * such address yet; NULL where there are no more. */
const char *load_session_rcpt(size_t i, char *scratch, size_t size);
bool load_verdict_refuses(enum load_verdict verdict);

#endif
