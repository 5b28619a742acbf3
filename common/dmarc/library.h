/*
 * library.h - libopendmarc as a second opinion: from a policy and what is
 * aligned to a verdict. It sees nothing that came from outside but the author
 * domain, and asks no DNS.
 */
#ifndef POSTERN_DMARC_LIBRARY_H
#define POSTERN_DMARC_LIBRARY_H

#include "common/base/span.h"

/*
 * What libopendmarc would do with a message of author, a valid domain, under
 * p=policy: "pass", or the name of the policy; "?" where it gives no verdict.
 */
const char *dmarc_library_verdict(struct span author, const char *policy,
    bool by_spf, bool by_dkim);

#endif
