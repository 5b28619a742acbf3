/*
 * quoted.h - dkim-quoted-printable (RFC 6376 2.11): how i= and z= hold any
 * octet.
 */
#ifndef POSTERN_DKIM_QUOTED_H
#define POSTERN_DKIM_QUOTED_H

#include "common/mail/fold.h"

/* Appends text so written: what is no dkim-safe-char, and '|', which separates
 * the copies of z=, is "=XX". */
void dkim_quoted_encode(struct span text, struct strbuf *out);

/* Adds what was so written to a line, broken between octets where it must. */
void dkim_quoted_fold(struct fold *fold, struct span encoded);

/* Appends the octets value means; WSP, CR and LF are passed over. False, out
 * undefined, where an '=' has no two hexadecimal digits behind it. */
bool dkim_quoted_decode(struct span value, struct strbuf *out);

#endif
