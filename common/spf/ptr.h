/*
 * ptr.h - the validated names of the client (RFC 7208 5.5): what its address
 * leads to by PTR and what leads back to it. For the ptr mechanism and %{p}.
 */
#ifndef POSTERN_SPF_PTR_H
#define POSTERN_SPF_PTR_H

#include "common/spf/evaluation.h"

/*
 * Whether a validated name is domain or below it; where DNS fails, none is.
 * Names elsewhere are not looked up: they could not match. *is_void where there
 * is no PTR record. False: stopped.
 */
bool spf_ptr_match(struct spf_evaluation *evaluation, struct span domain,
    bool *matches, bool *is_void);

/*
 * What %{p} stands for: domain itself if it is among the validated names, else
 * one below it, else any, else "unknown". False: stopped.
 */
bool spf_client_name(struct spf_evaluation *evaluation, struct span domain,
    struct span *name);

#endif
