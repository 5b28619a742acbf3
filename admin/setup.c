#include "admin/setup.h"

#include "common/mail/domain.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

/* A table named on the command line: a file, and relative to where we are. */
static const char *
absolute_table(struct setup *setup, const char *text)
{
	struct span type, path = span_of(text);
	char here[PATH_MAX];

	if (!span_cut(&path, ':', &type)) {
		path = type;
		type = SPAN_LIT("file");
	} else if (span_is_nocase(type, "csl")) {
		return text;
	}
	if (span_starts(path, SPAN_LIT("/")) ||
	    getcwd(here, sizeof(here)) == NULL)
		return arena_printf(&setup->arena, "%.*s:%.*s",
		    SPAN_ARG(type), SPAN_ARG(path));
	return arena_printf(&setup->arena, "%.*s:%s/%.*s", SPAN_ARG(type),
	    here, SPAN_ARG(path));
}

static void
override(struct setup *setup, const char *option, const char *setting,
    const char *value)
{
	if (value == NULL)
		return;
	setup->overrides[setup->override_count++] =
	    (struct snapshot_override){ setting, value };
	config_set(&sign_schema, span_of(setting), span_of(value), option, 0,
	    &setup->conf, setup->origins, &setup->arena, &setup->diag);
}

static void
apply_options(struct setup *setup, const struct setup_options *options)
{
	if (options->key_table != NULL)
		override(setup, "--key-table", "KeyTable",
		    absolute_table(setup, options->key_table));
	if (options->signing_table != NULL)
		override(setup, "--signing-table", "SigningTable",
		    absolute_table(setup, options->signing_table));
	override(setup, "--user", "UserID", options->user);
}

/* The file to read; NULL where the command line says all there is to know. */
static const char *
choose_file(struct setup *setup, const struct setup_options *options)
{
	const char *file = arena_printf(&setup->arena, "%s/postern/%s",
	    SYSCONFDIR, sign_filter.default_config);

	if (options->config != NULL)
		return options->config;
	if (options->key_table != NULL && options->signing_table != NULL &&
	    access(file, F_OK) != 0 && errno == ENOENT)
		return NULL;
	return file;
}

static int
find_identity(struct setup *setup)
{
	struct config_origin origin = config_find_origin(&sign_schema,
	    setup->load.origins, "UserID");
	const char *user = setup->conf.daemon.user;
	struct strbuf err = STRBUF_INIT;
	int rc = 0;

	setup->identity = (struct identity){ geteuid(), getegid(), "" };
	if (user != NULL) {
		rc = identity_parse(user, &setup->identity, &err);
		if (rc != 0)
			diag_error(&setup->diag, origin.file, origin.line,
			    "UserID: %s", err.s);
	} else if (geteuid() == 0 &&
	    identity_parse(sign_filter.name, &setup->identity, &err) != 0) {
		setup->identity = (struct identity){ 0, 0, "root" };
	}
	strbuf_clear(&err);
	setup->load.uid = setup->identity.uid;
	setup->load.gid = setup->identity.gid;
	return rc;
}

int
setup_load(struct setup *setup, const struct setup_options *options)
{
	memset(setup, 0, sizeof(*setup));
	setup->file = choose_file(setup, options);
	setup->origins = arena_zalloc(&setup->arena,
	    sign_schema.count * sizeof(*setup->origins));
	setup->load = (struct filter_load){
		.filter = &sign_filter,
		.conf = &setup->conf,
		.origins = setup->origins,
		.file = setup->file,
		.arena = &setup->arena,
		.diag = &setup->diag,
	};
	if (!config_load(setup->file, &sign_schema, &setup->conf,
	    setup->origins, &setup->arena, &setup->diag) &&
	    options->config == NULL)
		diag_note(&setup->diag, NULL, 0, "--key-table and "
		    "--signing-table name tables without a "
		    "configuration");
	apply_options(setup, options);
	find_identity(setup);
	return diag_failed(&setup->diag) ? EX_CONFIG : EX_OK;
}

int
setup_read(struct setup *setup, const struct setup_options *options)
{
	int rc = setup_load(setup, options);

	if (rc != EX_OK)
		cli_report(&setup->diag);
	return rc;
}

void
setup_clear(struct setup *setup)
{
	diag_clear(&setup->diag);
	arena_clear(&setup->arena);
}

struct snapshot *
setup_snapshot(struct setup *setup, bool check_all)
{
	struct snapshot_options options = {
		.file = setup->file,
		.check_all = check_all,
		.uid = setup->identity.uid,
		.gid = setup->identity.gid,
		.overrides = setup->overrides,
		.override_count = setup->override_count,
	};

	/* The settings are read again, and so is what is wrong with them. */
	diag_clear(&setup->diag);
	find_identity(setup);
	return snapshot_load(&sign_filter, &options, &setup->diag);
}

/* "%" where Domain is a list: the message decides. */
static struct keytable *
single_table(struct setup *setup, const struct keytable_options *options)
{
	struct sign_conf *conf = &setup->conf;
	struct dataset_place place = filter_place(&setup->load, "KeyFile");
	struct span ascii;
	const char *domain = "%";

	if (conf->domain == NULL || conf->selector == NULL ||
	    conf->key_file == NULL) {
		diag_error(&setup->diag, setup->file, 0, "neither KeyTable "
		    "nor Domain, Selector and KeyFile are set: there is no "
		    "key");
		return NULL;
	}
	if (domain_to_ascii(span_trim(span_of(conf->domain)), &setup->arena,
	    &ascii))
		domain = arena_strdup(&setup->arena, ascii.p);
	return keytable_single(domain, conf->selector, conf->key_file, &place,
	    options, &setup->diag);
}

struct keytable *
setup_keytable(struct setup *setup)
{
	struct keytable_options options = sign_key_options(&setup->load);
	struct dataset_place place = filter_place(&setup->load, "KeyTable");
	struct keytable *table;

	options.eager_keys = 0;
	table = setup->conf.key_table != NULL ?
	    keytable_load(setup->conf.key_table, &place, &options,
	    &setup->diag) : single_table(setup, &options);
	if (table == NULL)
		cli_report(&setup->diag);
	return table;
}
