/*
 * file_session.h - the session of the file driver: the client an envelope
 * tells of, and the macros an MTA would have sent for it.
 */
#ifndef POSTERN_MILTER_FILE_SESSION_H
#define POSTERN_MILTER_FILE_SESSION_H

#include "common/milter/file_driver.h"

/* Stages that macros come with. */
enum file_stage {
	STAGE_CONNECT = 1,
	STAGE_HELO = 2,
	STAGE_MAIL = 4,
	STAGE_RCPT = 8,
	STAGE_HEADERS = 16,
	STAGE_END = 32
};

struct file_session {
	struct session session;
	const struct filter *filter;
	const void *conf;
	const struct file_envelope *envelope;
	unsigned stages;		/* that were reached */
	const char *client_address;	/* {client_addr} */
	const char *sender;		/* {mail_addr}; NULL: not yet known */
	const char *recipient;		/* {rcpt_addr} */
};

/* All of the arguments are borrowed. -1, a sentence in err, where the client
 * address is none. */
int file_session_start(struct file_session *fs, const struct filter *filter,
    const void *conf, const struct file_envelope *envelope,
    struct strbuf *err);

#endif
