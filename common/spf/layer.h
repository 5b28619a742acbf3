/*
 * layer.h - libspf2, and all that it gets to see.
 *
 * The library evaluates: the order of terms, qualifiers, what include and
 * redirect come to, the comparison of addresses. It never sees text from
 * outside (its parsers have overflowed before, CVE-2021-20314 and
 * CVE-2023-42118, and it ends the process where it is surprised): what it
 * compiles is a record of ours, of the terms of the one published with numbers
 * for names, and what it asks DNS for are these numbers.
 *
 * So "v=spf1 ip4:192.0.2.1 a:%{d}/24 include:b.example -all" becomes, for a
 * client that is not 192.0.2.1, "v=spf1 +a:0.1.x/24 +include:0.2.x
 * -exists:0.3.x": number of the frame, number of the term. A term that needs no
 * DNS is left out or, where it matches, ends the record as an exists that does;
 * so does the default. Thereby the last term that the library asked about in a
 * record is the one that decided it, which it does not say otherwise; and no
 * record is longer than the 511 octets that it can hold, compiled: ten terms
 * that need DNS and the one beyond the limit are the most there can be.
 */
#ifndef POSTERN_SPF_LAYER_H
#define POSTERN_SPF_LAYER_H

#include "common/spf/frame.h"

/*
 * Evaluates the record of domain. Afterwards the evaluation is stopped, with a
 * result or as pending.
 */
void spf_layer_run(struct spf_evaluation *evaluation, struct span domain);

#endif
