#include "admin/key.h"

#include "admin/keychange.h"
#include "common/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct values {
	struct setup_options setup;
	bool delete_key;
};

struct removal {
	struct setup setup;
	struct keychange change;
	struct arena arena;
	const char *name;
	unsigned line;			/* of the KeyTable */
	const char *path;		/* of the key's file; NULL: in the row,
					   or by the sender */
	bool is_shared;			/* another row has that file */
	struct key_use *uses;
	size_t use_count;
};

static int
find_row(struct removal *removal, const struct keychange_view *view)
{
	const struct keytable_row *row, *other;
	const char *path;
	size_t i = 0;

	row = view->keys != NULL ? keytable_find(view->keys,
	    span_of(removal->name)) : NULL;
	if (row == NULL) {
		cli_error("%s: no key of that name in %s; see: postern key "
		    "list", removal->name,
		    removal->change.tables[KEYCHANGE_KEYS].path);
		return EX_NOINPUT;
	}
	removal->line = row->line;
	removal->path = keytable_path(view->keys, row, row->domain,
	    &removal->arena);
	while (removal->path != NULL &&
	    (other = keytable_next(view->keys, &i)) != NULL) {
		path = other != row ? keytable_path(view->keys, other,
		    other->domain, &removal->arena) : NULL;
		if (path != NULL && strcmp(path, removal->path) == 0)
			removal->is_shared = true;
	}
	if (!removal->change.tables[KEYCHANGE_SENDERS].exists)
		return EX_OK;
	return key_uses(&removal->setup, span_of(removal->name),
	    &removal->arena, &removal->uses, &removal->use_count) == 0 ?
	    EX_OK : EX_CONFIG;
}

static void
take_out_rows(struct removal *removal)
{
	struct tablefile *tables = removal->change.tables;
	unsigned *lines;
	size_t i;

	tablefile_delete(&tables[KEYCHANGE_KEYS], &removal->line, 1);
	if (removal->use_count == 0)
		return;
	lines = arena_alloc(&removal->arena,
	    removal->use_count * sizeof(*lines));
	for (i = 0; i < removal->use_count; i++)
		lines[i] = removal->uses[i].line;
	tablefile_delete(&tables[KEYCHANGE_SENDERS], lines,
	    removal->use_count);
}

/* Tables that are faulty elsewhere can be changed, but not for the worse. */
static int
change_tables(struct removal *removal, size_t errors_before)
{
	struct keychange_view view;
	int rc = EX_OK;

	take_out_rows(removal);
	if (keychange_stage(&removal->change) != 0)
		return EX_CANTCREAT;
	keychange_look(&removal->change, &view);
	if (view.diag.found[DIAG_ERROR] > errors_before) {
		cli_report(&view.diag);
		cli_error("nothing was changed");
		rc = EX_CONFIG;
	}
	keychange_view_clear(&view);
	/* Senders first: between the two no row may name a key that is not
	 * there, should the signer reload just then. */
	if (rc == EX_OK && keychange_commit(&removal->change,
	    KEYCHANGE_SENDERS) != 0)
		rc = EX_CANTCREAT;
	return rc;
}

/* What became of the key's file, as a word. */
static const char *
remove_file(const struct removal *removal, bool wanted)
{
	if (removal->path == NULL)
		return "in the table";
	if (removal->is_shared)
		return "kept: another row uses it";
	if (!wanted)
		return "kept";
	if (unlink(removal->path) == 0)
		return "deleted";
	cli_error("%s: cannot be deleted: %s", removal->path,
	    strerror(errno));
	return "kept";
}

static void
report(const struct removal *removal, const char *file, bool json_wanted)
{
	const struct tablefile *tables = removal->change.tables;
	struct strbuf out = STRBUF_INIT;
	struct json json;
	size_t i;

	if (json_wanted) {
		json_start(&json, &out);
		json_object(&json, NULL);
		json_cstring(&json, "name", removal->name);
		if (removal->path != NULL)
			json_cstring(&json, "file", removal->path);
		json_cstring(&json, "file_state", file);
		json_number(&json, "signing_rows_removed",
		    (int64_t)removal->use_count);
		json_object_end(&json);
		cli_print(&out);
		return;
	}
	printf("removed  %s:%u %s\n", cli_escape(span_of(
	    tables[KEYCHANGE_KEYS].path)), removal->line,
	    cli_escape(span_of(removal->name)));
	for (i = 0; i < removal->use_count; i++)
		printf("removed  %s:%u %s\n", cli_escape(span_of(
		    tables[KEYCHANGE_SENDERS].path)), removal->uses[i].line,
		    cli_escape(removal->uses[i].pattern));
	if (removal->path != NULL)
		printf("file     %s (%s)\n",
		    cli_escape(span_of(removal->path)), file);
	fflush(stdout);
	fprintf(stderr, "\nReload the signer (systemctl reload postern-sign). "
	    "Leave the DNS record in place\nuntil mail that was signed with "
	    "the key is delivered, a week or so.\n");
}

static int
remove_key(struct removal *removal, const struct values *values)
{
	struct keychange_view view;
	size_t errors;
	int rc;

	rc = keychange_open(&removal->change, &removal->setup);
	if (rc != EX_OK)
		return rc;
	keychange_look(&removal->change, &view);
	errors = view.diag.found[DIAG_ERROR];
	rc = find_row(removal, &view);
	keychange_view_clear(&view);
	if (rc == EX_OK)
		rc = change_tables(removal, errors);
	if (rc == EX_OK)
		report(removal, remove_file(removal, values->delete_key),
		    values->setup.json);
	return rc;
}

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct removal removal = { .name = args[0],
	    .change.tables = { { .lock = -1 }, { .lock = -1 } } };
	int rc;

	(void)count;
	rc = setup_read(&removal.setup, &values->setup);
	if (rc == EX_OK)
		rc = remove_key(&removal, values);
	keychange_close(&removal.change);
	setup_clear(&removal.setup);
	arena_clear(&removal.arena);
	return rc;
}

static const struct cli_option options[] = {
	{ .name = "delete-key", .kind = CLI_FLAG,
	    .offset = offsetof(struct values, delete_key),
	    .help = "delete the key's file too, unless another row uses\n"
	    "it; nobody can bring it back" },
	SETUP_TABLES(struct values, setup),
	SETUP_JSON(struct values, setup),
};

const struct cli_command key_remove_command = {
	.name = "remove",
	.arguments = "NAME",
	.least = 1,
	.most = 1,
	.summary = "take a key out of the tables",
	.description =
	    "Takes the key's row out of the KeyTable and the rows that name it "
	    "out of the\nSigningTable, both or none. The tables as they were "
	    "are kept as FILE~. The key's\nfile stays unless --delete-key is "
	    "given.",
	.examples =
	    "  postern key remove s202511._domainkey.example.com\n"
	    "  postern key remove s202511._domainkey.example.com "
	    "--delete-key\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.run = run,
};
