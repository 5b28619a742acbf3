/*
 * anchors.h - files of DNSSEC trust anchors.
 */
#ifndef POSTERN_DNS_ANCHORS_H
#define POSTERN_DNS_ANCHORS_H

#include "common/base/strbuf.h"

/* Whether libunbound will make something of it; -1, a sentence in err. */
int anchors_check(const char *path, struct strbuf *err);

#endif
