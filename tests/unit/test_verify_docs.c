#include "tests/unit/docs.h"

#include "milters/verify/verify.h"

int
main(void)
{
	static const struct docs docs = {
		.schema = &verify_schema,
		.settings_page = "man/verify.conf.5",
		.daemon_page = "man/postern-verify.8",
		.sample = "etc/verify.conf",
	};

	return docs_run(&docs);
}
