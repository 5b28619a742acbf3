/*
 * controlwire.h - requests and answers of a control socket as they are on the
 * wire (control.h), of which any part may have come so far.
 */
#ifndef POSTERN_MILTER_CONTROLWIRE_H
#define POSTERN_MILTER_CONTROLWIRE_H

#include "common/milter/control.h"

enum control_came {
	CONTROL_MALFORMED = -1,
	CONTROL_PART,			/* well-formed so far: more is to come */
	CONTROL_COMPLETE
};

/* words has room for CONTROL_WORDS_MAX; they point into text. */
enum control_came control_read_request(struct span text, struct span *words,
    size_t *count);
/* False, nothing added, where there are too many words or too long ones. */
bool control_add_request(struct strbuf *out, const struct span *words,
    size_t count);

struct control_reply {			/* texts point into what was read */
	int status;
	struct span output, error;
};

enum control_came control_read_answer(struct span text,
    struct control_reply *reply);
/* An answer that is too long becomes another one, which says so. */
void control_add_answer(struct strbuf *out,
    const struct control_answer *answer);

#endif
