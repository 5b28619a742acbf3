/*
 * load_step.h - what load_session.c and load_transact.c share: one step of the
 * protocol and the reply to it.
 */
#ifndef POSTERN_TESTS_LOAD_STEP_H
#define POSTERN_TESTS_LOAD_STEP_H

#include "tests/bench/load_session.h"

/* SMFIP_* of libmilter, by their meaning for us. */
enum {
	NO_CONNECT = 0x1, NO_HELO = 0x2, NO_MAIL = 0x4, NO_RCPT = 0x8,
	NO_BODY = 0x10, NO_HEADERS = 0x20, NO_EOH = 0x40, NO_DATA = 0x200,
	NO_REPLY_HEADER = 0x80, NO_REPLY_CONNECT = 0x1000,
	NO_REPLY_HELO = 0x2000, NO_REPLY_MAIL = 0x4000,
	NO_REPLY_RCPT = 0x8000, NO_REPLY_DATA = 0x10000,
	NO_REPLY_EOH = 0x40000, NO_REPLY_BODY = 0x80000,
	LEADING_SPACE = 0x100000
};

/* The rows of load_action_names[] that are no edits. */
enum { LOAD_PROGRESS = 9, LOAD_SKIP = 10 };

/* What the milter wants to know at a stage; nothing where that is empty. */
bool load_send_macros(struct load_session *s, char stage,
    const struct load_transaction *t);

enum load_outcome load_read_reply(struct load_session *s, const char *stage,
    enum load_verdict *verdict);
/* The same, unless it was agreed that there is no reply. */
enum load_outcome load_await(struct load_session *s, const char *stage,
    uint32_t no_reply, enum load_verdict *verdict);
enum load_outcome load_broken(struct load_session *s, const char *problem);

void load_trace(const char *stage, const struct wire_packet *packet);

#endif
