/*
 * control.h - a Unix socket on which the admin's command asks the running
 * daemon, which alone knows its state.
 *
 * One request a connection. The request is a number of words, the answer an
 * exit status (sysexits(3)) and text for standard output or, with a status
 * other than 0, perhaps for standard error. On the wire a request is
 *
 *	"postern-control 1\n" count "\n" { length "\n" octets "\n" } ...
 *
 * and an answer
 *
 *	status " " length-of-output " " length-of-error "\n" output error
 *
 * with decimal numbers. Everything is bounded. Several clients may be connected;
 * their requests are answered one after another, and whoever has not asked, or
 * has not taken the answer, after CONTROL_SECONDS is left alone. Who may
 * connect may ask: the socket's mode says who that is.
 */
#ifndef POSTERN_MILTER_CONTROL_H
#define POSTERN_MILTER_CONTROL_H

#include "common/base/strbuf.h"

#include <sys/types.h>

enum {
	CONTROL_WORDS_MAX = 64,
	CONTROL_WORD_MAX = 4096,		/* octets of a word */
	CONTROL_OUTPUT_MAX = 16 << 20,		/* of an answer */
	CONTROL_CLIENTS_MAX = 16,		/* others wait their turn */
	CONTROL_SECONDS = 10,
	CONTROL_ASK_SECONDS = 30		/* for the daemon to answer */
};

struct control_answer {
	int status;
	struct strbuf output;
	struct strbuf error;	/* without "postern: ", escaped */
};

/* Fills answer (zeroed before). conf is the current snapshot's (NULL where
 * there is none). Called by one thread. */
typedef void control_handler(const void *conf, const struct span *words,
    size_t count, struct control_answer *answer);

/*
 * Listens on path, in a thread of its own, until control_stop(); once at a
 * time. mode and group are the socket's ((gid_t)-1: as it comes). A socket that
 * nobody answers on is replaced. -1, a sentence in err.
 */
int control_start(const char *path, mode_t mode, gid_t gid,
    control_handler *handler, struct strbuf *err);
/* The socket is removed; a request in hand is finished, but nobody is waited
 * for long. Nothing happens where control_start() was not called. */
void control_stop(void);

/*
 * The other end: asks the daemon at path. -1, a sentence in err, where nobody
 * answers or the answer makes no sense; answer's texts are the caller's to
 * clear in every case.
 */
int control_ask(const char *path, const struct span *words, size_t count,
    struct control_answer *answer, struct strbuf *err);

#endif
