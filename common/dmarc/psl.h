/*
 * psl.h - organizational domains by the public suffix list (RFC 7489 3.2): the
 * newer one of the system's file and libpsl's own copy, read once a process.
 */
#ifndef POSTERN_DMARC_PSL_H
#define POSTERN_DMARC_PSL_H

#include "common/base/span.h"

/*
 * The part of domain, lower-case A-labels, that is one label longer than its
 * public suffix; domain itself where it is a public suffix, or too long for a
 * name. Any thread may ask.
 */
struct span psl_organizational_domain(struct span domain);

#endif
