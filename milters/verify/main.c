/*
 * postern-verify - checks incoming mail: SPF, DKIM, ARC, DMARC.
 */
#include "milters/verify/verify.h"

#include "common/milter/daemon.h"

int
main(int argc, char **argv)
{
	return daemon_main(argc, argv, &verify_filter);
}
