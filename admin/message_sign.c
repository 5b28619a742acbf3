#include "admin/message.h"

#include "admin/setup.h"
#include "admin/trial.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <stdio.h>

struct values {
	struct setup_options setup;
	struct trial_options trial;
};

static size_t
count_signatures(const struct edits *edits)
{
	const struct edit *edit;
	size_t count = 0;

	for (edit = edits->first; edit != NULL; edit = edit->next)
		count += edit->kind == EDIT_INSERT_HEADER;
	return count;
}

/* The last step of the decision path is what it came to. */
static struct span
last_step(const struct trial *trial)
{
	struct span rest = strbuf_span(&trial->explain), line, last;

	last = SPAN_LIT("");
	while (span_line(&rest, &line))
		last = line;
	return last;
}

static void
print_json(const struct trial *trial)
{
	const struct edits *edits = &trial->result.edits;
	struct strbuf out = STRBUF_INIT;
	const struct edit *edit;
	struct json json;

	json_start(&json, &out);
	json_object(&json, NULL);
	json_bool(&json, "signed", count_signatures(edits) > 0);
	json_cstring(&json, "action", trial_action(trial));
	json_bool(&json, "body_was_read", trial->result.body_was_read);
	json_array(&json, "signatures");
	for (edit = edits->first; edit != NULL; edit = edit->next)
		if (edit->kind == EDIT_INSERT_HEADER)
			json_string(&json, NULL, edit->value);
	json_array_end(&json);
	trial_json_path(trial, &json);
	json_object_end(&json);
	cli_print(&out);
}

/* Byte for byte what the MTA would pass on; nothing where it would not. */
static void
print_message(struct trial *trial)
{
	struct strbuf out = STRBUF_INIT;

	if (count_signatures(&trial->result.edits) == 0)
		cli_error("%.*s", SPAN_ARG(last_step(trial)));
	if (!trial_passes(trial))
		return;
	file_apply(strbuf_span(&trial->text), &trial->result.edits, &out);
	fwrite(strbuf_str(&out), 1, out.len, stdout);
	strbuf_clear(&out);
}

static int
run_trial(struct trial *trial, const struct values *values,
    const struct snapshot *snapshot)
{
	int rc = trial_run(trial, &sign_filter, snapshot);

	if (rc != EX_OK)
		return rc;
	if (values->setup.json)
		print_json(trial);
	else if (values->trial.explain)
		trial_print_path(trial);
	else
		print_message(trial);
	return count_signatures(&trial->result.edits) > 0 ? EX_OK :
	    trial_status(trial, EXIT_NO);
}

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct trial trial = { .macros = NULL };
	struct snapshot *snapshot;
	struct setup setup;
	int rc;

	(void)count;
	/* The decision path says it all; the log line would say it again. */
	log_open("postern", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	rc = setup_read(&setup, &values->setup);
	if (rc == EX_OK)
		rc = trial_start(&trial, &values->trial, args[0]);
	if (rc == EX_OK) {
		snapshot = setup_snapshot(&setup, false);
		rc = snapshot != NULL ? run_trial(&trial, values, snapshot) :
		    cli_report(&setup.diag);
		snapshot_unref(snapshot);
	}
	setup_clear(&setup);
	trial_clear(&trial);
	return rc;
}

static const struct cli_option options[] = {
	TRIAL_ENVELOPE(struct values, trial,
	    "the client (default: 127.0.0.1); \"unknown\": none",
	    "its name (default: localhost or unknown)"),
	TRIAL_AT(struct values, trial, "sign"),
	TRIAL_EXPLAIN(struct values, trial, "message"),
	SETUP_TABLES(struct values, setup),
	SETUP_USER(struct values, setup),
	SETUP_JSON(struct values, setup),
};

const struct cli_command message_sign_command = {
	.name = "sign",
	.arguments = "FILE",
	.least = 1,
	.most = 1,
	.summary = "sign a message file as postern-sign would",
	.description =
	    "Hands a message (FILE, or - for standard input) to the signer's "
	    "own code, with its\nconfiguration and the envelope given here, "
	    "and prints the message as it would leave.\nWithout --client-addr "
	    "the message comes from this host. The keys must be readable\n"
	    "for you.\n\n"
	    "Exit status: 0 it was signed; 1 it passes unsigned; 65 it would "
	    "be rejected or\ndiscarded; 75 it would be deferred.",
	.examples =
	    "  postern message sign message.eml\n"
	    "  postern message sign --explain --client-addr 192.0.2.1 "
	    "message.eml\n"
	    "  postern message sign --auth=alice --client-addr 192.0.2.1 - "
	    "< message.eml\n"
	    "  postern message sign --macro daemon_name=submission --json "
	    "message.eml\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.run = run,
};
