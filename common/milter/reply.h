/*
 * reply.h - the SMTP reply that goes with a refusal, made fit for an MTA.
 */
#ifndef POSTERN_MILTER_REPLY_H
#define POSTERN_MILTER_REPLY_H

#include "common/milter/filter.h"

enum {
	REPLY_LINES = 4,
	REPLY_COLUMNS = 480	/* RFC 5321 4.5.3.1.5: 512 with code and CRLF */
};

struct reply {
	char code[4];
	char enhanced[12];
	/* Printable ASCII; a percent sign is written twice, for the MTA reads
	 * the text like printf(3). */
	char lines[REPLY_LINES][2 * REPLY_COLUMNS + 1];
	size_t count;
};

/*
 * Of a VERDICT_REJECT or VERDICT_TEMPFAIL; a code that does not fit the action
 * or is malformed is replaced by the usual one. False where the verdict says
 * nothing: the MTA's own words do then.
 */
bool reply_make(const struct verdict *verdict, struct reply *reply);

#endif
