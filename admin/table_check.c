#include "admin/table.h"

#include "admin/setup.h"
#include "common/base/mem.h"

#include <stdio.h>

static void
print_findings(const struct diag *diag, const struct sign_conf *conf)
{
	struct strbuf out = STRBUF_INIT;
	const struct diag_item *item;
	struct json json;
	size_t i;

	json_start(&json, &out);
	json_object(&json, NULL);
	json_bool(&json, "ok", !diag_failed(diag));
	json_number(&json, "errors", (int64_t)diag->found[DIAG_ERROR]);
	json_number(&json, "warnings", (int64_t)diag->found[DIAG_WARNING]);
	if (conf != NULL)
		json_number(&json, "keys",
		    (int64_t)keytable_count(conf->keytable));
	if (conf != NULL && conf->signtable != NULL)
		json_number(&json, "signing_rows",
		    (int64_t)signtable_count(conf->signtable));
	json_array(&json, "findings");
	for (i = 0; i < diag->count; i++) {
		item = &diag->items[i];
		json_object(&json, NULL);
		json_cstring(&json, "level", diag_level_name(item->level));
		if (item->file != NULL)
			json_cstring(&json, "file", item->file);
		if (item->line != 0)
			json_number(&json, "line", item->line);
		json_cstring(&json, "text", item->text);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_object_end(&json);
	cli_print(&out);
}

static void
print_summary(const struct diag *diag, const struct sign_conf *conf)
{
	cli_report(diag);
	if (conf != NULL && conf->signtable != NULL)
		printf("%zu keys in %s, %zu rows in %s: ",
		    keytable_count(conf->keytable),
		    cli_escape(span_of(keytable_file(conf->keytable))),
		    signtable_count(conf->signtable),
		    cli_escape(span_of(signtable_file(conf->signtable))));
	printf("%zu errors, %zu warnings\n", diag->found[DIAG_ERROR],
	    diag->found[DIAG_WARNING]);
}

struct values {
	struct setup_options setup;
};

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	const struct sign_conf *conf;
	struct snapshot *snapshot;
	struct setup setup;
	int rc;

	(void)args;
	(void)count;
	setup_load(&setup, &values->setup);
	snapshot = setup_snapshot(&setup, true);
	conf = snapshot != NULL ? snapshot->conf : NULL;
	if (values->setup.json)
		print_findings(&setup.diag, conf);
	else
		print_summary(&setup.diag, conf);
	rc = diag_failed(&setup.diag) ? EX_CONFIG : EX_OK;
	snapshot_unref(snapshot);
	setup_clear(&setup);
	return rc;
}

static const struct cli_option options[] = {
	SETUP_TABLES(struct values, setup),
	SETUP_USER(struct values, setup),
	SETUP_JSON(struct values, setup),
};

const struct cli_command table_check_command = {
	.name = "check",
	.arguments = "",
	.summary = "find everything that is wrong with the tables and keys",
	.description =
	    "Loads the signer's configuration, its tables and every key as "
	    "postern-sign -n does,\nand prints all that is wrong, with file "
	    "and line. Nothing is changed. Exit status:\n0, or 78 where there "
	    "is an error; warnings do not count.",
	.examples =
	    "  postern table check && systemctl reload postern-sign\n"
	    "  postern table check --json\n"
	    "  postern table check --key-table KeyTable.new "
	    "--signing-table refile:SigningTable.new\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.run = run,
};
