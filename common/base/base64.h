/*
 * base64.h - base64 (RFC 4648 4) as mail has it: blanks and line folds may
 * stand anywhere (RFC 6376 2.10).
 */
#ifndef POSTERN_BASE_BASE64_H
#define POSTERN_BASE_BASE64_H

#include "common/base/strbuf.h"

/* Appends the text of data, padded, in one piece. */
void base64_encode(struct span data, struct strbuf *out);

/*
 * Appends the octets of s; WSP, CR and LF are passed over. The padding may be
 * absent, for there are key records without it, but not wrong. False, out as
 * it was, where s is not base64 of at least one octet.
 */
bool base64_decode(struct span s, struct strbuf *out);

#endif
