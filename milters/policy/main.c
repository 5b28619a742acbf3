/*
 * postern-policy - who may send how much, and whose mail waits.
 */
#include "milters/policy/policy.h"

#include "common/milter/daemon.h"

int
main(int argc, char **argv)
{
	return daemon_main(argc, argv, &policy_filter);
}
