/*
 * escape.h - the one way by which outside bytes get into a log line, a header
 * field or a message to the admin.
 *
 * Printable ASCII stays as it is. A backslash becomes "\\", every other byte
 * (controls, NUL, DEL, 8-bit) "\xHH". What is over max bytes of input is cut
 * and marked with "...". So the result is printable ASCII and one line,
 * whatever went in, and at most 4 * max + 5 bytes.
 */
#ifndef POSTERN_BASE_ESCAPE_H
#define POSTERN_BASE_ESCAPE_H

#include "common/base/strbuf.h"

enum {
	ESCAPE_QUOTE = 1,	/* '"' becomes "\"" too */
	ESCAPE_UTF8 = 2,	/* keeps well-formed UTF-8, but for C1 controls,
				   line separators and bidi controls */
	ESCAPE_AGAIN = 4,	/* went through here before: '\\' stays */
	ESCAPE_MAX = 512	/* a good max for one value in a line */
};

void escape_add(struct strbuf *out, struct span s, size_t max, unsigned flags);

/* The value of a key=value pair: as it is where it is one plain word, else in
 * double quotes and escaped. The empty value is "". */
void escape_value(struct strbuf *out, struct span s, size_t max);

/*
 * The length (2 to 4) of the well-formed UTF-8 sequence of more than one byte
 * that s starts with (RFC 3629), *code set to its scalar value; 0 where there
 * is none.
 */
size_t utf8_sequence(struct span s, uint32_t *code);

#endif
