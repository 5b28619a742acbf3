#include "milters/policy/check.h"

#include "common/base/mem.h"

const struct policy_check *const policy_checks[] = {
	&access_check, &rate_check, &warmup_check, &reputation_check,
	&greylist_check, &hostname_check, &dnslist_check,
};
const size_t policy_check_count = ARRAY_LEN(policy_checks);

_Static_assert(ARRAY_LEN(policy_checks) <= POLICY_CHECKS_MAX,
    "a message's own[] has no room");
