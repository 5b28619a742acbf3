#include "admin/trial.h"

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/milter/daemon_settings.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_MAX = 1 << 30 };

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
fill_envelope(struct trial *trial, const struct trial_options *options)
{
	struct file_envelope *envelope = &trial->envelope;
	const char **recipients;
	size_t i;
	int rc = EX_OK;

	trial->macros = arena_alloc(&trial->arena,
	    (options->macros.count + 2) * sizeof(*trial->macros));
	recipients = arena_alloc(&trial->arena,
	    (options->recipients.count + 1) * sizeof(*recipients));
	for (i = 0; i < options->recipients.count; i++)
		recipients[i] = in_brackets(trial,
		    options->recipients.items[i]);
	*envelope = (struct file_envelope){
		.client_address = options->client_address,
		.client_name = options->client_name,
		.helo = options->helo,
		.sender = in_brackets(trial, options->sender),
		.recipients = recipients,
		.recipient_count = options->recipients.count,
		.macros = trial->macros,
		.now = clock_wall(),
		.explain = &trial->explain,
	};
	if (options->auth != NULL) {
		add_macro(trial, "{auth_type}", "PLAIN");
		add_macro(trial, "{auth_authen}", options->auth);
	}
	for (i = 0; i < options->macros.count && rc == EX_OK; i++)
		rc = read_macro(trial, options->macros.items[i]);
	if (rc == EX_OK && options->at != NULL)
		rc = read_time(options->at, &envelope->now);
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

int
trial_check_envelope(const struct trial_options *trial)
{
	if (trial->client_address == NULL)
		cli_error("--client-addr is missing: the address that the "
		    "message came from");
	else if (trial->helo == NULL)
		cli_error("--helo is missing: what the client said in EHLO");
	else if (trial->sender == NULL)
		cli_error("--mail-from is missing: the envelope's sender; "
		    "\"\" for a bounce");
	else
		return EX_OK;
	return EX_USAGE;
}

int
trial_start(struct trial *trial, const struct trial_options *options,
    const char *path)
{
	int rc;

	memset(trial, 0, sizeof(*trial));
	rc = fill_envelope(trial, options);
	return rc == EX_OK ? read_message(&trial->text, path) : rc;
}

int
trial_run(struct trial *trial, const struct filter *filter,
    const struct snapshot *snapshot)
{
	struct strbuf err = STRBUF_INIT;
	int rc = EX_OK;

	trial->envelope.max_header_bytes = (size_t)daemon_settings_of(filter,
	    snapshot->conf)->max_header_bytes;
	if (file_run(filter, snapshot, &trial->envelope,
	    strbuf_span(&trial->text), &trial->arena, &trial->result,
	    &err) != 0) {
		cli_error("%s", strbuf_str(&err));
		rc = EX_USAGE;
	}
	strbuf_clear(&err);
	return rc;
}

void
trial_clear(struct trial *trial)
{
	strbuf_clear(&trial->text);
	strbuf_clear(&trial->explain);
	arena_clear(&trial->arena);
}

/* ---- the outcome ---- */

/* status 0: the command's own */
static const struct {
	const char *word;
	int status;
} actions[] = {
	[VERDICT_CONTINUE] = { "accept", 0 },
	[VERDICT_ACCEPT] = { "accept", 0 },
	[VERDICT_SKIP_BODY] = { "accept", 0 },
	[VERDICT_REJECT] = { "reject", EX_DATAERR },
	[VERDICT_TEMPFAIL] = { "tempfail", EX_TEMPFAIL },
	[VERDICT_DISCARD] = { "discard", EX_DATAERR },
	[VERDICT_QUARANTINE] = { "quarantine", 0 },
};

const char *
trial_action(const struct trial *trial)
{
	return actions[trial->result.verdict.action].word;
}

int
trial_status(const struct trial *trial, int passes)
{
	int status = actions[trial->result.verdict.action].status;

	return status != 0 ? status : passes;
}

bool
trial_passes(const struct trial *trial)
{
	return actions[trial->result.verdict.action].status == 0;
}

unsigned
trial_code(const struct verdict *verdict)
{
	if (verdict->action == VERDICT_REJECT)
		return verdict->code != 0 ? verdict->code : 550;
	if (verdict->action == VERDICT_TEMPFAIL)
		return verdict->code != 0 ? verdict->code : 451;
	return 250;
}

void
trial_add_verdict(struct strbuf *out, const char *label,
    const struct verdict *verdict)
{
	unsigned code = trial_code(verdict);

	strbuf_addf(out, "%s: %s", label, verdict_word(verdict));
	if (code >= 400)
		strbuf_addf(out, " %u %s", code, verdict->enhanced != NULL ?
		    verdict->enhanced : code >= 500 ? "5.7.1" : "4.7.1");
	if (verdict->text != NULL)
		strbuf_addf(out, code >= 400 ? " %s" : " (%s)",
		    cli_escape(span_of(verdict->text)));
}

void
trial_json_verdict(const struct verdict *verdict, struct json *json)
{
	json_object(json, "verdict");
	json_cstring(json, "action", verdict_word(verdict));
	json_number(json, "code", trial_code(verdict));
	json_cstring(json, "text", verdict->text != NULL ? verdict->text :
	    "");
	json_object_end(json);
}

void
trial_unfold(struct span value, struct strbuf *out)
{
	struct span line;
	bool is_first = true;

	while (span_line(&value, &line)) {
		if (!is_first)
			strbuf_addc(out, ' ');
		strbuf_addspan(out, span_trim(line));
		is_first = false;
	}
}

void
trial_print_path(const struct trial *trial)
{
	struct span rest = strbuf_span(&trial->explain), line;

	while (span_line(&rest, &line))
		printf("%s\n", cli_escape(line));
}

void
trial_json_path(const struct trial *trial, struct json *json)
{
	struct span rest = strbuf_span(&trial->explain), line;

	json_array(json, "path");
	while (span_line(&rest, &line))
		json_string(json, NULL, line);
	json_array_end(json);
}
