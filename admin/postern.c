/*
 * postern.c - the admin's command.
 */
#include "admin/dmarc.h"
#include "admin/key.h"
#include "admin/message.h"
#include "admin/policy.h"
#include "admin/spf.h"
#include "admin/table.h"
#include "common/base/mem.h"

#include <signal.h>

static const struct cli_group *const groups[] = {
	&key_group, &table_group, &message_group,
	&spf_group, &dmarc_group,
	&limit_group, &warmup_group, &greylist_group, &reputation_group,
	&cache_group,
};

int
main(int argc, char **argv)
{
	/* A reader that has enough ("| head") is no reason to die midway
	 * through a change. */
	signal(SIGPIPE, SIG_IGN);
	return cli_main(argc, argv, groups, ARRAY_LEN(groups));
}
