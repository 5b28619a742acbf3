#include "common/milter/daemon_settings.h"

#include "common/base/log.h"

const char *const log_target_words[] = {
	"auto", "stderr", "syslog", "json", NULL
};

const char *const log_level_words[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	NULL
};
