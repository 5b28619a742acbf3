/*
 * load_chain.h - the milters of one MTA, one or several: each gets the message
 * as the one before it left it. One that says "accept" is done with it; the
 * others are not.
 *
 * The envelope goes to a milter when its turn comes, whereas Postfix sends each
 * command to all of them in turn. The time a message takes is the same.
 */
#ifndef POSTERN_TESTS_LOAD_CHAIN_H
#define POSTERN_TESTS_LOAD_CHAIN_H

#include "tests/bench/load_session.h"

enum { LOAD_CHAIN_MAX = 8 };

struct load_chain {
	struct load_session sessions[LOAD_CHAIN_MAX];
	const struct load_session *broken;	/* whose trouble ended it */
	struct load_message edited;	/* as the milters so far want it */
};

/* Reads the milters' places from the options; exits where one is bad. */
void load_chain_init(void);

void load_chain_start(struct load_chain *chain);	/* all closed */
/* These are load_session.h's, for every milter. */
bool load_chain_open(struct load_chain *chain);
enum load_outcome load_chain_greet(struct load_chain *chain,
    const struct load_transaction *t, enum load_verdict *verdict);
enum load_outcome load_chain_transact(struct load_chain *chain,
    struct load_transaction *t, enum load_verdict *verdict);
/* Seconds of the last message that were our own. */
double load_chain_paused(const struct load_chain *chain);
/* QUIT, or QUIT_NC where the connections are to be used again. */
bool load_chain_quit(struct load_chain *chain, bool reuse);
bool load_chain_flush(struct load_chain *chain);
void load_chain_close(struct load_chain *chain);

/* Sums over the milters. */
void load_chain_add_done(const struct load_chain *chain,
    uint64_t done[LOAD_ACTIONS], uint64_t *body_bytes);

#endif
