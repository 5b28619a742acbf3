/*
 * postern-sign - signs outgoing mail with DKIM.
 */
#include "milters/sign/sign.h"

#include "common/milter/daemon.h"

int
main(int argc, char **argv)
{
	return daemon_main(argc, argv, &sign_filter);
}
