#include "admin/message.h"

#include "common/base/mem.h"

static const struct cli_command *const commands[] = {
	&message_policy_command, &message_sign_command,
	&message_verify_command,
};

const struct cli_group message_group = {
	.name = "message",
	.summary = "try a message file on the filters",
	.commands = commands,
	.count = ARRAY_LEN(commands),
};
