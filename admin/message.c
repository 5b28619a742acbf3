#include "admin/message.h"

#include "admin/setup.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/milter/file_driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_MAX = 1 << 30 };

struct values {
	struct setup_options setup;
	const char *client_address, *client_name, *auth, *helo, *sender;
	const char *at;
	struct cli_list recipients, macros;
	bool explain;
};

/* A message on its way through the signer. */
struct trial {
	const struct values *values;
	struct file_envelope envelope;
	struct file_macro *macros;
	struct strbuf text;
	struct strbuf explain;
	struct file_result result;
	struct arena arena;
};

/* ---- the envelope ---- */

/* Seconds since 1970, or 2026-11-21T12:00:00Z. */
static int
read_time(const char *text, int64_t *when)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *rest;
	uint64_t seconds;

	if (span_number(span_of(text), INT64_MAX, &seconds)) {
		*when = (int64_t)seconds;
		return EX_OK;
	}
	rest = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (rest != NULL && *rest == '\0') {
		*when = timegm(&tm);
		return EX_OK;
	}
	cli_error("--at: %s: write seconds since 1970, or "
	    "2026-11-21T12:00:00Z", cli_quote(span_of(text)));
	return EX_USAGE;
}

static const char *
in_brackets(struct trial *trial, const char *address)
{
	if (address == NULL || address[0] == '<')
		return address;
	return arena_printf(&trial->arena, "<%s>", address);
}

static void
add_macro(struct trial *trial, const char *name, const char *value)
{
	trial->macros[trial->envelope.macro_count++] =
	    (struct file_macro){ name, value };
}

/* NAME=VALUE; a name of more than one letter has its braces added. */
static int
read_macro(struct trial *trial, const char *text)
{
	struct span value = span_of(text), name;

	if (!span_cut(&value, '=', &name) || name.len == 0) {
		cli_error("--macro: %s: write NAME=VALUE",
		    cli_quote(span_of(text)));
		return EX_USAGE;
	}
	add_macro(trial, arena_printf(&trial->arena,
	    name.len == 1 || name.p[0] == '{' ? "%.*s" : "{%.*s}",
	    SPAN_ARG(name)), value.p);
	return EX_OK;
}

static int
fill_envelope(struct trial *trial)
{
	const struct values *values = trial->values;
	struct file_envelope *envelope = &trial->envelope;
	const char **recipients;
	size_t i;
	int rc = EX_OK;

	trial->macros = arena_alloc(&trial->arena,
	    (values->macros.count + 2) * sizeof(*trial->macros));
	recipients = arena_alloc(&trial->arena,
	    (values->recipients.count + 1) * sizeof(*recipients));
	for (i = 0; i < values->recipients.count; i++)
		recipients[i] = in_brackets(trial,
		    values->recipients.items[i]);
	*envelope = (struct file_envelope){
		.client_address = values->client_address,
		.client_name = values->client_name,
		.helo = values->helo,
		.sender = in_brackets(trial, values->sender),
		.recipients = recipients,
		.recipient_count = values->recipients.count,
		.macros = trial->macros,
		.now = clock_wall(),
		.explain = &trial->explain,
	};
	if (values->auth != NULL) {
		add_macro(trial, "{auth_type}", "PLAIN");
		add_macro(trial, "{auth_authen}", values->auth);
	}
	for (i = 0; i < values->macros.count && rc == EX_OK; i++)
		rc = read_macro(trial, values->macros.items[i]);
	if (rc == EX_OK && values->at != NULL)
		rc = read_time(values->at, &envelope->now);
	return rc;
}

/* ---- the message ---- */

static int
read_stdin(struct strbuf *text)
{
	ssize_t n;

	for (;;) {
		strbuf_reserve(text, 65536);
		n = read(STDIN_FILENO, text->s + text->len,
		    text->cap - text->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cli_error("standard input: %s", strerror(errno));
			return EX_NOINPUT;
		}
		if (n == 0)
			return EX_OK;
		text->len += (size_t)n;
		text->s[text->len] = '\0';
		if (text->len > MESSAGE_MAX) {
			cli_error("standard input: larger than %d bytes",
			    MESSAGE_MAX);
			return EX_DATAERR;
		}
	}
}

static int
read_message(struct strbuf *text, const char *path)
{
	struct strbuf err = STRBUF_INIT;
	int rc = EX_OK;

	if (strcmp(path, "-") == 0)
		return read_stdin(text);
	if (file_read(path, MESSAGE_MAX, text, NULL, &err) != 0) {
		cli_error("%s", err.s);
		rc = EX_NOINPUT;
	}
	strbuf_clear(&err);
	return rc;
}

/* ---- the outcome ---- */

static const struct {
	const char *word;
	int status;
} actions[] = {
	[VERDICT_CONTINUE] = { "accept", EXIT_NO },
	[VERDICT_ACCEPT] = { "accept", EXIT_NO },
	[VERDICT_SKIP_BODY] = { "accept", EXIT_NO },
	[VERDICT_REJECT] = { "reject", EX_DATAERR },
	[VERDICT_TEMPFAIL] = { "tempfail", EX_TEMPFAIL },
	[VERDICT_DISCARD] = { "discard", EX_DATAERR },
	[VERDICT_QUARANTINE] = { "quarantine", EXIT_NO },
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
	struct span rest = strbuf_span(&trial->explain), line;
	struct strbuf out = STRBUF_INIT;
	const struct edit *edit;
	struct json json;

	json_start(&json, &out);
	json_object(&json, NULL);
	json_bool(&json, "signed", count_signatures(edits) > 0);
	json_cstring(&json, "action",
	    actions[trial->result.verdict.action].word);
	json_bool(&json, "body_was_read", trial->result.body_was_read);
	json_array(&json, "signatures");
	for (edit = edits->first; edit != NULL; edit = edit->next)
		if (edit->kind == EDIT_INSERT_HEADER)
			json_string(&json, NULL, edit->value);
	json_array_end(&json);
	json_array(&json, "path");
	while (span_line(&rest, &line))
		json_string(&json, NULL, line);
	json_array_end(&json);
	json_object_end(&json);
	cli_print(&out);
}

static void
print_path(const struct trial *trial)
{
	struct span rest = strbuf_span(&trial->explain), line;

	while (span_line(&rest, &line))
		printf("%s\n", cli_escape(line));
}

/* Byte for byte what the MTA would pass on; nothing where it would not. */
static void
print_message(struct trial *trial)
{
	enum verdict_action action = trial->result.verdict.action;
	struct strbuf out = STRBUF_INIT;

	if (count_signatures(&trial->result.edits) == 0)
		cli_error("%.*s", SPAN_ARG(last_step(trial)));
	if (action == VERDICT_REJECT || action == VERDICT_TEMPFAIL ||
	    action == VERDICT_DISCARD)
		return;
	file_apply(strbuf_span(&trial->text), &trial->result.edits, &out);
	fwrite(strbuf_str(&out), 1, out.len, stdout);
	strbuf_clear(&out);
}

static int
run_trial(struct trial *trial, const struct snapshot *snapshot)
{
	const struct sign_conf *conf = snapshot->conf;
	struct strbuf err = STRBUF_INIT;
	int rc;

	trial->envelope.max_header_bytes =
	    (size_t)conf->daemon.max_header_bytes;
	rc = file_run(&sign_filter, snapshot, &trial->envelope,
	    strbuf_span(&trial->text), &trial->arena, &trial->result, &err);
	if (rc != 0) {
		cli_error("%s", strbuf_str(&err));
		strbuf_clear(&err);
		return EX_USAGE;
	}
	if (trial->values->setup.json)
		print_json(trial);
	else if (trial->values->explain)
		print_path(trial);
	else
		print_message(trial);
	return count_signatures(&trial->result.edits) > 0 ? EX_OK :
	    actions[trial->result.verdict.action].status;
}

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct trial trial = { .values = values };
	struct snapshot *snapshot;
	struct setup setup;
	int rc;

	(void)count;
	/* The decision path says it all; the log line would say it again. */
	log_open("postern", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	rc = setup_read(&setup, &values->setup);
	if (rc == EX_OK)
		rc = fill_envelope(&trial);
	if (rc == EX_OK)
		rc = read_message(&trial.text, args[0]);
	if (rc == EX_OK) {
		snapshot = setup_snapshot(&setup, false);
		rc = snapshot != NULL ? run_trial(&trial, snapshot) :
		    cli_report(&setup.diag);
		snapshot_unref(snapshot);
	}
	setup_clear(&setup);
	strbuf_clear(&trial.text);
	strbuf_clear(&trial.explain);
	arena_clear(&trial.arena);
	return rc;
}

#define TEXT(field, nm, arg, text)					\
	{ .name = nm, .kind = CLI_TEXT,					\
	    .offset = offsetof(struct values, field), .argument = arg,	\
	    .help = text }

static const struct cli_option options[] = {
	TEXT(client_address, "client-addr", "IP",
	    "the client (default: 127.0.0.1); \"unknown\": none"),
	TEXT(client_name, "client-name", "NAME",
	    "its name (default: localhost or unknown)"),
	{ .name = "auth", .kind = CLI_OPTIONAL,
	    .offset = offsetof(struct values, auth), .argument = "USER",
	    .help = "the client has authenticated" },
	TEXT(helo, "helo", "NAME", "what it said in EHLO"),
	TEXT(sender, "mail-from", "ADDRESS", "the envelope's sender"),
	{ .name = "rcpt", .kind = CLI_LIST,
	    .offset = offsetof(struct values, recipients),
	    .argument = "ADDRESS", .help = "a recipient; may be repeated" },
	{ .name = "macro", .kind = CLI_LIST,
	    .offset = offsetof(struct values, macros),
	    .argument = "NAME=VALUE",
	    .help = "an MTA macro (daemon_name=submission); may be\n"
	    "repeated" },
	TEXT(at, "at", "TIME", "sign as of this time: seconds since 1970, or\n"
	    "2026-11-21T12:00:00Z"),
	{ .name = "explain", .kind = CLI_FLAG,
	    .offset = offsetof(struct values, explain),
	    .help = "print how it was decided instead of the message" },
	SETUP_TABLES(struct values, setup),
	SETUP_USER(struct values, setup),
	SETUP_JSON(struct values, setup),
};

static const struct cli_command sign_command = {
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

static const struct cli_command *const commands[] = { &sign_command };

const struct cli_group message_group = {
	.name = "message",
	.summary = "try a message file on the filters",
	.commands = commands,
	.count = ARRAY_LEN(commands),
};
