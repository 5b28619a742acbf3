#include "admin/key.h"

#include "common/base/mem.h"

#include <stdio.h>

struct values {
	struct setup_options setup;
};

static size_t
widest_name(const struct keyset *set)
{
	size_t i, widest = 0;

	for (i = 0; i < set->count; i++)
		if (set->keys[i].name.len > widest && set->keys[i].name.len <
		    60)
			widest = set->keys[i].name.len;
	return widest;
}

static void
print_line(const struct keyset_key *key, const struct key_facts *facts,
    int width)
{
	printf("%-*s  ", width, cli_escape(key->name));
	if (facts->key != NULL)
		printf("%-14s", facts->what.s);
	if (facts->key != NULL && key->path == NULL)
		printf("  in the table");
	else if (facts->key != NULL && key->row != NULL)
		printf("  %s", cli_escape(span_of(key->path)));
	else if (facts->key != NULL && key->domain.len > 0)
		printf("  %s", cli_escape(key->domain));
	if (facts->trouble.len > 0)
		printf("%s%s", facts->key != NULL ? "; " : "",
		    cli_escape(strbuf_span(&facts->trouble)));
	putchar('\n');
}

static int
list(struct keyset *set, bool json_wanted)
{
	struct strbuf out = STRBUF_INIT;
	int width = (int)widest_name(set), rc = EX_OK;
	struct key_facts facts;
	struct json json;
	size_t i;

	json_start(&json, &out);
	json_array(&json, NULL);
	for (i = 0; i < set->count; i++) {
		key_facts_find(&facts, set, &set->keys[i]);
		if (facts.trouble.len > 0)
			rc = EXIT_NO;
		if (json_wanted) {
			json_object(&json, NULL);
			key_json(&json, set, &set->keys[i], &facts);
			json_object_end(&json);
		} else {
			print_line(&set->keys[i], &facts, width);
		}
		key_facts_clear(&facts);
	}
	json_array_end(&json);
	if (json_wanted)
		cli_print(&out);
	strbuf_clear(&out);
	return rc;
}

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct keyset set;
	int rc;

	keyset_init(&set, &values->setup);
	rc = count > 0 ? keyset_add_directory(&set, args[0]) :
	    keyset_add_all(&set);
	if (rc == EX_OK && set.count == 0 && !values->setup.json)
		cli_error("%s: no keys; make one with: postern key generate "
		    "DOMAIN", count > 0 ? args[0] : keytable_file(set.table));
	if (rc == EX_OK)
		rc = list(&set, values->setup.json);
	keyset_clear(&set);
	return rc;
}

static const struct cli_option options[] = {
	SETUP_TABLES(struct values, setup),
	SETUP_JSON(struct values, setup),
};

const struct cli_command key_list_command = {
	.name = "list",
	.arguments = "[DIRECTORY]",
	.least = 0,
	.most = 1,
	.summary = "list the keys of the KeyTable, or of a directory",
	.description =
	    "Lists the keys of the KeyTable, or the files NAME.private of a "
	    "directory as\nopendkim-genkey leaves them, with what is wrong "
	    "with them. Exit status 1: one of\nthem cannot be used.",
	.examples =
	    "  postern key list\n"
	    "  postern key list --json\n"
	    "  postern key list /etc/dkimkeys\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.run = run,
};
