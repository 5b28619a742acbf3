/*
 * load_policy.h - asks a policy service of Postfix (SMTPD_POLICY_README) about
 * each recipient, with the attributes Postfix 3.7 sends at RCPT. A message is
 * refused where every recipient is.
 */
#ifndef POSTERN_TESTS_LOAD_POLICY_H
#define POSTERN_TESTS_LOAD_POLICY_H

#include "tests/bench/load_session.h"

extern const struct load_protocol load_policy;

#endif
