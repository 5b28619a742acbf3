#include "admin/trialload.h"

#include "common/base/log.h"

#include <errno.h>
#include <unistd.h>

/* NULL: there is none, and the defaults do. */
static const char *
choose_file(const struct filter *filter, const char *wanted,
    struct arena *arena)
{
	const char *file = arena_printf(arena, "%s/postern/%s", SYSCONFDIR,
	    filter->default_config);

	if (wanted != NULL)
		return wanted;
	return access(file, F_OK) != 0 && errno == ENOENT ? NULL : file;
}

/* MessageTimeout as the file has it; what is wrong with the file is told when
 * it is loaded. */
static int64_t
message_timeout(const struct filter *filter, const char *file,
    struct arena *arena)
{
	const struct config_schema *schema = filter->schema;
	struct config_origin *origins = arena_zalloc(arena,
	    schema->count * sizeof(*origins));
	char *conf = arena_zalloc(arena, filter->conf_size);
	struct diag diag = DIAG_INIT;
	int64_t seconds = 0;
	size_t i;

	config_load(file, schema, conf, origins, arena, &diag);
	diag_clear(&diag);
	for (i = 0; i < schema->count; i++)
		if (strcmp(schema->settings[i].name, "MessageTimeout") == 0)
			memcpy(&seconds, conf + schema->settings[i].offset,
			    sizeof(seconds));
	return seconds;
}

static struct snapshot *
load(const struct trialload_judge *judge, const struct trialload *how,
    struct arena *arena, struct diag *diag)
{
	struct snapshot_override overrides[3];
	struct snapshot_options options = {
		.file = choose_file(judge->filter, how->config, arena),
		.check_all = judge->looks_only,
		.uid = geteuid(),
		.gid = getegid(),
		.overrides = overrides,
	};
	const char *seconds = arena_printf(arena, "%lld",
	    (long long)how->timeout);

	if (how->nameservers != NULL)
		overrides[options.override_count++] =
		    (struct snapshot_override){ "Nameservers",
		    how->nameservers };
	if (how->timeout != 0)
		overrides[options.override_count++] =
		    (struct snapshot_override){ "DNSTimeout", seconds };
	/* All of a message is not to end before one answer. */
	if (message_timeout(judge->filter, options.file, arena) < how->timeout)
		overrides[options.override_count++] =
		    (struct snapshot_override){ "MessageTimeout", seconds };
	return snapshot_load(judge->filter, &options, diag);
}

/* What is printed, while it is made. */
struct view {
	const struct trialload_judge *judge;
	const struct trial *trial;
	bool wants_json;
	struct strbuf text;
};

static void
observe(void *arg, const struct filter_context *ctx)
{
	struct view *view = arg;
	struct json json;

	if (!view->wants_json) {
		view->judge->add_text(&view->text, view->trial, ctx);
		return;
	}
	json_start(&json, &view->text);
	json_object(&json, NULL);
	view->judge->add_json(&json, view->trial, ctx);
	json_object_end(&json);
}

static int
run_trial(struct view *view, struct trial *trial,
    const struct snapshot *snapshot, bool explain)
{
	int rc;

	if (view->judge->prepare != NULL)
		view->judge->prepare(snapshot->conf);
	trial->envelope.observe = observe;
	trial->envelope.observe_arg = view;
	rc = trial_run(trial, view->judge->filter, snapshot);
	if (rc == EX_OK) {
		if (explain && !view->wants_json)
			trial_print_path(trial);
		cli_print(&view->text);
		rc = trial_status(trial, EX_OK);
	}
	strbuf_clear(&view->text);
	return rc;
}

int
trialload_run(const struct trialload_judge *judge,
    const struct trialload *how, const struct trial_options *options,
    bool wants_json, const char *path)
{
	struct trial trial = { .macros = NULL };
	struct view view = { judge, &trial, wants_json, STRBUF_INIT };
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot = NULL;
	int rc;

	/* What is printed says it all; the log line would say it again. */
	log_open("postern", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	rc = trial_start(&trial, options, path);
	if (rc == EX_OK) {
		snapshot = load(judge, how, &trial.arena, &diag);
		rc = snapshot != NULL ? run_trial(&view, &trial, snapshot,
		    options->explain) : cli_report(&diag);
	}
	snapshot_unref(snapshot);
	diag_clear(&diag);
	trial_clear(&trial);
	return rc;
}
