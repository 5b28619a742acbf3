#include "tests/unit/docs.h"

#include "milters/sign/sign.h"

int
main(void)
{
	static const struct docs docs = {
		.schema = &sign_schema,
		.settings_page = "man/sign.conf.5",
		.daemon_page = "man/postern-sign.8",
		.sample = "etc/sign.conf",
	};

	return docs_run(&docs);
}
