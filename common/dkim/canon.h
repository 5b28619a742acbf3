/*
 * canon.h - the canonical forms of RFC 6376 3.4, for signing and verifying.
 *
 * Bodies are streamed: they come in pieces cut anywhere, and the outcome does
 * not depend on the cuts. Memory does not grow with the body: pending white
 * space and empty lines are counted, not kept.
 */
#ifndef POSTERN_DKIM_CANON_H
#define POSTERN_DKIM_CANON_H

#include "common/base/strbuf.h"
#include "common/mail/header.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

const char *canon_name(enum canon canon);
/* "simple", "relaxed", case ignored. False where it is neither. */
bool canon_parse(struct span s, enum canon *canon);
/* "relaxed/simple"; one word sets the header's, the body's is then simple
 * (RFC 6376 3.5, c=). */
bool canon_parse_pair(struct span s, enum canon *header, enum canon *body);

/* Appends the field in canonical form, CRLF at its end included. */
void canon_header(enum canon canon, const struct header_field *field,
    struct strbuf *out);

/* Gets canonical bytes in order, in pieces of any size, never empty ones. */
typedef void canon_sink(void *arg, const void *data, size_t len);

enum { CANON_BUFFER = 8192 };

/* What the end of a piece leaves open in the relaxed form. */
enum canon_carry {
	CANON_CARRY_NONE,
	CANON_CARRY_WSP,	/* it ended in WSP */
	CANON_CARRY_WSP_CR	/* in WSP, CR */
};

struct canon_body {
	enum canon canon;
	canon_sink *sink;
	void *arg;
	uint64_t line_ends;	/* CRLFs held back: at the end only one stays */
	bool pending_cr;	/* a CR held back: LF may follow */
	bool any;		/* a byte went out */
	enum canon_carry carry;
	size_t used;
	char buffer[CANON_BUFFER];	/* relaxed: what is to go out */
};

void canon_body_start(struct canon_body *body, enum canon canon,
    canon_sink *sink, void *arg);
void canon_body_add(struct canon_body *body, struct span piece);
/* Ends the body: a missing last CRLF is added as the canonical form says
 * (simple: an empty body is one CRLF; relaxed: it is nothing). */
void canon_body_end(struct canon_body *body);

#endif
