#include "admin/table.h"

#include "common/base/mem.h"

static const struct cli_command *const commands[] = {
	&table_check_command, &table_lookup_command,
};

const struct cli_group table_group = {
	"table", "check and ask KeyTable and SigningTable", commands,
	ARRAY_LEN(commands)
};
