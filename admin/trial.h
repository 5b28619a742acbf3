/*
 * trial.h - a message file on its way through a daemon's own filter: what the
 * commands "postern message ..." have in common.
 */
#ifndef POSTERN_ADMIN_TRIAL_H
#define POSTERN_ADMIN_TRIAL_H

#include "admin/cli.h"
#include "common/base/json.h"
#include "common/milter/file_driver.h"

/* The envelope as the command line has it; what is not given is NULL. */
struct trial_options {
	const char *client_address, *client_name, *auth, *helo, *sender;
	const char *at;
	struct cli_list recipients, macros;
	bool explain;
};

#define TRIAL_ROW(type, member, field, nm, kd, arg, text)		\
	{ .name = nm, .kind = kd,					\
	    .offset = offsetof(type, member) +				\
	    offsetof(struct trial_options, field),			\
	    .argument = arg, .help = text }
#define TRIAL_ENVELOPE(type, member, client_text, name_text)		\
	TRIAL_ROW(type, member, client_address, "client-addr", CLI_TEXT, \
	    "IP", client_text),						\
	TRIAL_ROW(type, member, client_name, "client-name", CLI_TEXT,	\
	    "NAME", name_text),						\
	TRIAL_ROW(type, member, auth, "auth", CLI_OPTIONAL, "USER",	\
	    "the client has authenticated"),				\
	TRIAL_ROW(type, member, helo, "helo", CLI_TEXT, "NAME",		\
	    "what it said in EHLO"),					\
	TRIAL_ROW(type, member, sender, "mail-from", CLI_STRING,	\
	    "ADDRESS", "the envelope's sender; \"\" for a bounce"),	\
	TRIAL_ROW(type, member, recipients, "rcpt", CLI_LIST, "ADDRESS", \
	    "a recipient; may be repeated"),				\
	TRIAL_ROW(type, member, macros, "macro", CLI_LIST, "NAME=VALUE", \
	    "an MTA macro (daemon_name=submission); may be\n"		\
	    "repeated")
#define TRIAL_AT(type, member, what)					\
	TRIAL_ROW(type, member, at, "at", CLI_TEXT, "TIME",		\
	    what " as of this time: seconds since 1970, or\n"		\
	    "2026-11-21T12:00:00Z")
#define TRIAL_EXPLAIN(type, member, instead)				\
	TRIAL_ROW(type, member, explain, "explain", CLI_FLAG, NULL,	\
	    "print how it was decided instead of the " instead)

struct trial {
	struct file_envelope envelope;
	struct file_macro *macros;
	struct strbuf text;		/* the message */
	struct strbuf explain;		/* the decision path */
	struct file_result result;
	struct arena arena;
};

/* The exit status: without client, HELO and sender there is nothing to check,
 * or something else than was meant. */
int trial_check_envelope(const struct trial_options *options);

/*
 * Takes the envelope from options and reads the message from path ("-":
 * standard input). The exit status; what is wrong has been said.
 * trial_clear() in every case.
 */
int trial_start(struct trial *trial, const struct trial_options *options,
    const char *path);
/* Fills result and explain. The exit status as above. */
int trial_run(struct trial *trial, const struct filter *filter,
    const struct snapshot *snapshot);
void trial_clear(struct trial *trial);

/* "accept", "reject", "tempfail", "discard", "quarantine". */
const char *trial_action(const struct trial *trial);
/* What a command ends with that has no other opinion: passes for a message
 * that reaches somebody or the hold queue, 65 for one rejected or discarded, 75
 * for one deferred. */
int trial_status(const struct trial *trial, int passes);
/* Whether the MTA would pass the message on. */
bool trial_passes(const struct trial *trial);

/* The code of the MTA's answer to the message: 550, 451, or 250. */
unsigned trial_code(const struct verdict *verdict);
/* "label: reject 550 5.7.1 because", as the client is answered; "quarantine
 * (because)" where it need not know. */
void trial_add_verdict(struct strbuf *out, const char *label,
    const struct verdict *verdict);
/* The same as the object "verdict". */
void trial_json_verdict(const struct verdict *verdict, struct json *json);

/* A field's value as it reads without its folds. */
void trial_unfold(struct span value, struct strbuf *out);

/* The decision path, a line a step. */
void trial_print_path(const struct trial *trial);
/* The same as the array "path". */
void trial_json_path(const struct trial *trial, struct json *json);

#endif
