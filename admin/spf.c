#include "admin/spf.h"

#include "admin/dnstrace.h"
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/spf/spf.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

struct values {
	struct dnstrace_options dns;
	const char *client_address, *helo, *sender;
	bool json;
};

/* ---- what is asked ---- */

/* An address as the MTA would have it; what it would not take is cut at the
 * last '@', and a domain alone stands for its postmaster. */
static void
read_sender(const char *text, struct arena *arena, struct address *sender)
{
	struct span path = span_trim(span_of(text));
	enum address_result result = address_parse_path(path, arena, sender);
	size_t at;

	if (result == ADDRESS_OK || result == ADDRESS_EMPTY ||
	    result == ADDRESS_LITERAL)
		return;
	if (path.len >= 2 && path.p[0] == '<' && path.p[path.len - 1] == '>')
		path = span_make(path.p + 1, path.len - 2);
	at = span_rfind(path, '@');
	if (at == path.len)
		*sender = (struct address){ SPAN_LIT(""), path };
	else
		*sender = (struct address){ span_first(path, at),
		    span_skip(path, at + 1) };
}

static int
read_question(const struct values *values, struct arena *arena,
    struct spf_question *question)
{
	if (values->client_address == NULL) {
		cli_error("--client-addr is missing: whose mail is it?");
		return EX_USAGE;
	}
	if (!ipaddr_parse(span_of(values->client_address),
	    &question->client)) {
		cli_error("--client-addr: %s: no IP address",
		    cli_quote(span_of(values->client_address)));
		return EX_USAGE;
	}
	if (values->helo == NULL && values->sender == NULL) {
		cli_error("--mail-from or --helo is missing: what shall be "
		    "checked?");
		return EX_USAGE;
	}
	question->helo = span_of(values->helo);
	read_sender(values->sender != NULL ? values->sender : "", arena,
	    &question->sender);
	question->scope = question->sender.domain.len > 0 ?
	    SPF_SCOPE_MAILFROM : SPF_SCOPE_HELO;
	question->now = clock_wall();
	return EX_OK;
}

static const struct spf_outcome *
check(const struct spf_question *question, struct lookups *lookups,
    struct arena *arena)
{
	struct spf_check *check = spf_check_new(question, lookups, arena);
	const struct spf_outcome *outcome;

	while ((outcome = spf_check_advance(check)) == NULL)
		dnstrace_wait(lookups);
	return outcome;
}

/* ---- telling ---- */

static void
print_line(const char *label, const char *text)
{
	if (text[0] != '\0')
		printf("%-13s%s\n", label, text);
}

static void
print_steps(const struct spf_outcome *outcome)
{
	const struct spf_step *step;
	size_t i;

	printf("\nevaluation:\n");
	for (i = 0; i < outcome->step_count; i++) {
		step = &outcome->steps[i];
		printf("%*s%s: %s%s%s\n", 2 + 2 * (int)step->depth, "",
		    cli_escape(step->domain), cli_escape(step->term),
		    step->term.len > 0 ? ": " : "", step->outcome);
	}
	printf("  %u of %u terms that need DNS, %u of %u void\n",
	    outcome->terms, SPF_TERMS_MAX, outcome->voids, SPF_VOID_MAX);
}

static void
print_text(const struct spf_question *question,
    const struct spf_outcome *outcome, const struct dnstrace *trace,
    struct arena *arena)
{
	print_line("result", spf_result_name(outcome->result));
	print_line("identity", arena_printf(arena, "%s (%s)",
	    question->scope == SPF_SCOPE_HELO ? cli_escape(outcome->domain) :
	    cli_escape(address_format(&outcome->sender, arena)),
	    spf_scope_name(question->scope)));
	if (outcome->term.len > 0)
		print_line("term", arena_printf(arena, "%s (record of %s)",
		    cli_escape(outcome->term),
		    cli_escape(outcome->term_domain)));
	print_line("reason", outcome->reason);
	print_line("explanation", cli_escape(outcome->explanation));
	if (outcome->step_count > 0)
		print_steps(outcome);
	if (lookups_count(trace->lookups) > 0) {
		printf("\nDNS:\n");
		dnstrace_print(trace, "  ");
	}
}

static void
add_steps(struct json *json, const struct spf_outcome *outcome)
{
	const struct spf_step *step;
	size_t i;

	json_array(json, "steps");
	for (i = 0; i < outcome->step_count; i++) {
		step = &outcome->steps[i];
		json_object(json, NULL);
		json_string(json, "domain", step->domain);
		json_string(json, "term", step->term);
		json_cstring(json, "outcome", step->outcome);
		json_number(json, "depth", step->depth);
		json_object_end(json);
	}
	json_array_end(json);
}

static void
print_json(const struct spf_question *question,
    const struct spf_outcome *outcome, const struct dnstrace *trace,
    struct arena *arena)
{
	struct strbuf out = STRBUF_INIT;
	struct json json;

	json_start(&json, &out);
	json_object(&json, NULL);
	json_cstring(&json, "result", spf_result_name(outcome->result));
	json_string(&json, "explanation", outcome->explanation);
	json_string(&json, "term", outcome->term);
	json_string(&json, "term_domain", outcome->term_domain);
	json_cstring(&json, "reason", outcome->reason);
	json_cstring(&json, "scope", spf_scope_name(question->scope));
	json_string(&json, "domain", outcome->domain);
	json_string(&json, "sender", address_format(&outcome->sender, arena));
	json_number(&json, "dns_terms", outcome->terms);
	json_number(&json, "void_terms", outcome->voids);
	add_steps(&json, outcome);
	lookups_add_json(&json, "queries", trace->lookups);
	json_object_end(&json);
	cli_print(&out);
}

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	char receiver[HOST_NAME_MAX + 1] = "unknown";
	struct spf_question question = { .receiver = receiver };
	const struct spf_outcome *outcome;
	struct arena arena = ARENA_INIT;
	struct dnstrace trace;
	int rc;

	(void)args;
	(void)count;
	rc = read_question(values, &arena, &question);
	if (rc == EX_OK)
		rc = dnstrace_open(&trace, &values->dns);
	if (rc != EX_OK) {
		arena_clear(&arena);
		return rc;
	}
	gethostname(receiver, sizeof(receiver));
	outcome = check(&question, trace.lookups, &arena);
	if (values->json)
		print_json(&question, outcome, &trace, &arena);
	else
		print_text(&question, outcome, &trace, &arena);
	rc = outcome->result == SPF_TEMPERROR ? EX_TEMPFAIL : EX_OK;
	dnstrace_close(&trace);
	arena_clear(&arena);
	return rc;
}

static const struct values defaults = { .dns = DNSTRACE_DEFAULTS };

static const struct cli_option options[] = {
	{ .name = "client-addr", .kind = CLI_TEXT,
	    .offset = offsetof(struct values, client_address),
	    .argument = "IP", .help = "the client's address" },
	{ .name = "helo", .kind = CLI_STRING,
	    .offset = offsetof(struct values, helo),
	    .argument = "NAME", .help = "what it said in HELO or EHLO" },
	{ .name = "mail-from", .kind = CLI_STRING,
	    .offset = offsetof(struct values, sender),
	    .argument = "ADDRESS",
	    .help = "the envelope's sender; \"\", \"<>\" or none: the HELO\n"
	    "name is checked instead" },
	DNSTRACE_ROWS(struct values, dns),
	{ .name = "json", .kind = CLI_FLAG,
	    .offset = offsetof(struct values, json),
	    .help = "print JSON" },
};

static const struct cli_command command = {
	.arguments = "",
	.least = 0,
	.most = 0,
	.summary = "check a client's right to send for a domain (SPF)",
	.description =
	    "Evaluates SPF (RFC 7208) for a client, as postern-verify does, "
	    "and prints the result,\nthe term that decided, the domain's "
	    "explanation of a fail, each term in the order it\nwas looked at, "
	    "and each DNS question with its answer.\n\n"
	    "Exit status: 0 there is a result, whatever it is; 75 it is "
	    "temperror: DNS failed.",
	.examples =
	    "  postern spf --client-addr 192.0.2.1 --helo mail.example.com "
	    "\\\n      --mail-from alice@example.com\n"
	    "  postern spf --client-addr 2001:db8::1 --helo mail.example.com\n"
	    "  postern spf --client-addr 192.0.2.1 --mail-from "
	    "alice@example.com \\\n      --nameserver 192.0.2.53 --json\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.defaults = &defaults,
	.run = run,
};

const struct cli_group spf_group = {
	.name = "spf",
	.summary = "check senders and policies",
	.only = &command,
};
