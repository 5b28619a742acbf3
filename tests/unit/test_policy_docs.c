#include "tests/unit/docs.h"

#include "milters/policy/policy.h"

int
main(void)
{
	static const struct docs docs = {
		.schema = &policy_schema,
		.settings_page = "man/policy.conf.5",
		.daemon_page = "man/postern-policy.8",
		.sample = "etc/policy.conf",
	};

	return docs_run(&docs);
}
