#include "admin/policy.h"

#include "common/base/mem.h"
#include "common/cache/cachekey.h"

#include <stdio.h>

static const struct cli_option options[] = { ASK_ROWS };

static int
show(const void *values, const char *const *args, size_t count)
{
	return ask_run(values, "cache", "show", args, count);
}

static const struct cli_command show_command = {
	.name = "show",
	.arguments = "",
	.least = 0,
	.most = 0,
	.summary = "how the cache does",
	.description =
	    "Prints where the cache is, how many questions it could answer, "
	    "and how full it is\nor which servers are away.",
	.examples =
	    "  postern cache show\n"
	    "  postern cache show --json\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct ask_options),
	.run = show,
};

static int
save(const void *values, const char *const *args, size_t count)
{
	return ask_run(values, "cache", "save", args, count);
}

static const struct cli_command save_command = {
	.name = "save",
	.arguments = "",
	.least = 0,
	.most = 0,
	.summary = "write the cache to its file now",
	.description =
	    "Writes a local cache to CacheFile, as the daemon does each "
	    "minute and when it\nstops.",
	.examples =
	    "  postern cache save && cp /var/lib/postern-policy/cache "
	    "/backup/\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct ask_options),
	.run = save,
};

static int
make_secret(const void *values, const char *const *args, size_t count)
{
	struct strbuf err = STRBUF_INIT;
	struct cache_secret secret;
	bool was_made;
	int rc;

	(void)values;
	(void)count;
	rc = cache_secret_load(args[0], true, &was_made, &secret, &err);
	if (rc != 0)
		cli_error("%s", strbuf_str(&err));
	else
		printf("%s: %s\n", cli_escape(span_of(args[0])), was_made ?
		    "a new secret; it must belong to the user the daemon "
		    "runs as" : "there is one already, and it can be used");
	strbuf_clear(&err);
	return rc == 0 ? EX_OK : EX_CANTCREAT;
}

static const struct cli_command secret_command = {
	.name = "secret",
	.arguments = "FILE",
	.least = 1,
	.most = 1,
	.summary = "make a CacheSecretFile",
	.description =
	    "Makes FILE with a new random secret, mode 0600, or looks whether "
	    "the one that is\nthere can be used; nothing is ever overwritten. "
	    "Machines that share memcached\nservers need the same secret: "
	    "make it once and copy it. No daemon is asked.",
	.examples =
	    "  postern cache secret /etc/postern/cache.secret\n",
	.values_size = 1,
	.run = make_secret,
};

static const struct cli_command *const commands[] = {
	&show_command, &save_command, &secret_command,
};

const struct cli_group cache_group = {
	.name = "cache",
	.summary = POLICY_SUMMARY,
	.commands = commands,
	.count = ARRAY_LEN(commands),
};
