#include "admin/table.h"

#include "common/base/mem.h"

static const struct cli_command *const commands[] = {
	&table_check_command, &table_lookup_command,
};

const struct cli_group table_group = {
	.name = "table",
	.summary = "check and ask KeyTable and SigningTable",
	.commands = commands,
	.count = ARRAY_LEN(commands),
};
