#include "admin/keychange.h"

static const char *const settings[KEYCHANGE_TABLES] = {
	"KeyTable", "SigningTable"
};

static const char *
spec_of(const struct keychange *change, int i)
{
	const struct sign_conf *conf = &change->setup->conf;

	return i == KEYCHANGE_KEYS ? conf->key_table : conf->signing_table;
}

/* The settings say one domain and one key: there is no table to change. */
static bool
is_single(const struct sign_conf *conf)
{
	return conf->key_table == NULL && conf->signing_table == NULL &&
	    conf->key_file != NULL;
}

int
keychange_open(struct keychange *change, struct setup *setup)
{
	struct dataset_place place;
	int i;

	*change = (struct keychange){ .setup = setup,
	    .tables = { { .lock = -1 }, { .lock = -1 } } };
	if (is_single(&setup->conf)) {
		cli_error("%s: Domain, Selector and KeyFile name one key; for "
		    "more, set KeyTable and SigningTable instead",
		    setup->file);
		return EX_CONFIG;
	}
	for (i = 0; i < KEYCHANGE_TABLES; i++) {
		place = filter_place(&setup->load, settings[i]);
		tablefile_open(&change->tables[i], spec_of(change, i), &place,
		    &setup->diag);
	}
	if (diag_failed(&setup->diag))
		return cli_report(&setup->diag);
	if (tablefile_lock(change->tables, &setup->diag) != 0) {
		cli_report(&setup->diag);
		return EX_CANTCREAT;
	}
	return EX_OK;
}

void
keychange_close(struct keychange *change)
{
	int i;

	for (i = 0; i < KEYCHANGE_TABLES; i++)
		tablefile_close(&change->tables[i]);
}

/* How a loader gets at the table: "" where there is nothing yet. */
static const char *
spec_now(const struct keychange *change, int i)
{
	const struct tablefile *table = &change->tables[i];

	if (!table->exists && !table->is_staged)
		return "csl:";
	return tablefile_staged_spec(table, &change->setup->arena);
}

void
keychange_look(struct keychange *change, struct keychange_view *view)
{
	struct setup *setup = change->setup;
	struct keytable_options options = sign_key_options(&setup->load);
	struct dataset_place place = filter_place(&setup->load, "KeyTable");
	int i;

	*view = (struct keychange_view){ .diag = DIAG_INIT };
	options.eager_keys = 0;
	view->keys = keytable_load(spec_now(change, KEYCHANGE_KEYS), &place,
	    &options, &view->diag);
	place = filter_place(&setup->load, "SigningTable");
	if (view->keys != NULL)
		view->senders = signtable_load(spec_now(change,
		    KEYCHANGE_SENDERS), &place, view->keys,
		    setup->conf.multiple_signatures, &view->diag);
	for (i = 0; i < KEYCHANGE_TABLES; i++)
		tablefile_rename(&change->tables[i], &view->diag);
}

void
keychange_view_clear(struct keychange_view *view)
{
	signtable_free(view->senders);
	keytable_free(view->keys);
	diag_clear(&view->diag);
}

struct snapshot *
keychange_try(struct keychange *change, struct diag *diag)
{
	const struct snapshot_override overrides[KEYCHANGE_TABLES] = {
		{ settings[0], spec_now(change, 0) },
		{ settings[1], spec_now(change, 1) },
	};
	const struct snapshot_options options = {
		.file = change->setup->file,
		.uid = change->setup->identity.uid,
		.gid = change->setup->identity.gid,
		.overrides = overrides,
		.override_count = KEYCHANGE_TABLES,
	};
	struct snapshot *snapshot;
	int i;

	snapshot = snapshot_load(&sign_filter, &options, diag);
	for (i = 0; i < KEYCHANGE_TABLES; i++)
		tablefile_rename(&change->tables[i], diag);
	return snapshot;
}

int
keychange_stage(struct keychange *change)
{
	int i;

	for (i = 0; i < KEYCHANGE_TABLES; i++)
		if (tablefile_stage(&change->tables[i],
		    &change->setup->diag) != 0) {
			cli_report(&change->setup->diag);
			return -1;
		}
	return 0;
}

int
keychange_commit(struct keychange *change, int first)
{
	if (tablefile_commit(&change->tables[first],
	    &change->tables[1 - first], &change->setup->diag) == 0)
		return 0;
	cli_report(&change->setup->diag);
	return -1;
}
