#include "admin/dmarc.h"

#include "admin/dnstrace.h"
#include "common/base/mem.h"
#include "common/dmarc/walk.h"
#include "common/mail/domain.h"
#include "common/mail/taglist.h"

#include <stdio.h>

struct values {
	struct dnstrace_options dns;
	int discovery;			/* enum dmarc_discovery */
	bool json;
};

static int
read_domain(const char *text, struct arena *arena, struct span *domain)
{
	struct span s = span_of(text);

	if (s.len > 1 && s.p[s.len - 1] == '.')
		s.len--;
	if (domain_to_ascii(s, arena, domain))
		return EX_OK;
	cli_error("%s: no domain name", cli_quote(span_of(text)));
	return EX_USAGE;
}

static int
status(const struct dmarc_walk *walk)
{
	if (walk->result != DMARC_WALK_DONE || walk->is_uncertain)
		return EX_TEMPFAIL;
	return walk->record != NULL ? EX_OK : EXIT_NO;
}

/* ---- telling ---- */

static void
print_line(const char *label, const char *text)
{
	if (text != NULL && text[0] != '\0')
		printf("%-15s%s\n", label, text);
}

static void
print_uris(const char *label, const struct span *uris, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		print_line(label, cli_escape(uris[i]));
}

static void
print_record(const struct dmarc_walk *walk, struct arena *arena)
{
	const struct dmarc_record *record = walk->record;
	const char *policy = dmarc_policy_name(walk->policy);

	print_line("policy", arena_printf(arena, "%s (%s=)%s", policy,
	    walk->source, walk->is_uncertain ? ", or that of np=" : ""));
	print_line("published at", arena_printf(arena, "_dmarc.%s",
	    cli_escape(walk->policy_domain)));
	if (record->is_testing)
		print_line("testing", "yes (t=y): one level less is asked for");
	print_line("record", cli_escape(record->text));
	print_line("note", record->note);
	print_uris("reports (rua)", record->rua, record->rua_count);
	print_uris("failures (ruf)", record->ruf, record->ruf_count);
}

static void
print_step(const struct dmarc_step *step)
{
	const struct dmarc_record *record = step->found.record;
	const char *note = cli_escape(span_of(step->found.note));

	printf("  _dmarc.%s: ", cli_escape(step->domain));
	if (record == NULL)
		printf("%s\n", note);
	else if (note[0] == '\0')
		printf("%s\n", cli_escape(record->text));
	else
		printf("%s (%s)\n", cli_escape(record->text), note);
}

static void
print_text(const struct dmarc_walk *walk, const struct dnstrace *trace,
    struct arena *arena)
{
	size_t i;

	print_line("domain", cli_escape(walk->domain));
	if (walk->record != NULL)
		print_record(walk, arena);
	else
		print_line("policy", walk->result == DMARC_WALK_DONE ?
		    "no policy applies" : "not known");
	print_line("organization", walk->organizational_domain.len > 0 ?
	    cli_escape(walk->organizational_domain) : "not known");
	print_line("exists", walk->does_not_exist ?
	    "no: there is no such name in DNS" : NULL);
	print_line("reason", cli_escape(span_of(walk->reason)));
	printf("\nwalk:\n");
	for (i = 0; i < walk->step_count; i++)
		print_step(&walk->steps[i]);
	printf("\nDNS:\n");
	dnstrace_print(trace, "  ");
}

/* ---- JSON ---- */

/* Every tag as it was published, those we do not know too. */
static void
add_tags(struct json *json, const struct dmarc_record *record)
{
	struct span rest = record->text;
	struct strbuf name = STRBUF_INIT;
	struct tag tag;
	int rc;

	json_object(json, "tags");
	while ((rc = tag_next(&rest, &tag)) != 0) {
		if (rc < 0)
			continue;
		strbuf_reset(&name);
		strbuf_addlower(&name, tag.name);
		json_string(json, name.s, tag.value);
	}
	json_object_end(json);
	strbuf_clear(&name);
}

static void
add_uris(struct json *json, const char *name, const struct span *uris,
    size_t count)
{
	size_t i;

	json_array(json, name);
	for (i = 0; i < count; i++)
		json_string(json, NULL, uris[i]);
	json_array_end(json);
}

static void
add_record(struct json *json, const struct dmarc_walk *walk)
{
	const struct dmarc_record *record = walk->record;

	if (record == NULL) {
		json_null(json, "testing");
		json_null(json, "tags");
		json_null(json, "record");
		return;
	}
	json_bool(json, "testing", record->is_testing);
	add_tags(json, record);
	json_string(json, "record", record->text);
	json_text(json, "note", span_of(record->note));
	add_uris(json, "rua", record->rua, record->rua_count);
	add_uris(json, "ruf", record->ruf, record->ruf_count);
}

static void
add_walk(struct json *json, const struct dmarc_walk *walk)
{
	const struct dmarc_step *step;
	size_t i;

	json_array(json, "walk");
	for (i = 0; i < walk->step_count; i++) {
		step = &walk->steps[i];
		json_object(json, NULL);
		json_string(json, "domain", step->domain);
		json_text(json, "record", step->found.record != NULL ?
		    step->found.record->text : SPAN_LIT(""));
		json_text(json, "note", span_of(step->found.note));
		json_object_end(json);
	}
	json_array_end(json);
}

static void
print_json(const struct dmarc_walk *walk, const struct dnstrace *trace)
{
	static const char *const results[] = {
		[DMARC_WALK_DONE] = "done",
		[DMARC_WALK_TEMPERROR] = "temperror",
		[DMARC_WALK_PERMERROR] = "permerror",
	};
	struct strbuf out = STRBUF_INIT;
	struct json json;

	json_start(&json, &out);
	json_object(&json, NULL);
	json_string(&json, "domain", walk->domain);
	json_cstring(&json, "result", results[walk->result]);
	json_text(&json, "policy_domain", walk->policy_domain);
	json_text(&json, "organizational_domain",
	    walk->organizational_domain);
	json_text(&json, "policy", span_of(dmarc_policy_name(walk->policy)));
	json_text(&json, "source", span_of(walk->source));
	add_record(&json, walk);
	json_text(&json, "reason", span_of(walk->reason));
	add_walk(&json, walk);
	lookups_add_json(&json, "queries", trace->lookups);
	json_object_end(&json);
	cli_print(&out);
}

/* ---- the command ---- */

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct arena arena = ARENA_INIT;
	struct dmarc_walk walk;
	struct dnstrace trace;
	struct span domain;
	int rc;

	(void)count;
	rc = read_domain(args[0], &arena, &domain);
	if (rc == EX_OK)
		rc = dnstrace_open(&trace, &values->dns);
	if (rc != EX_OK) {
		arena_clear(&arena);
		return rc;
	}
	while (!dmarc_walk(domain, (enum dmarc_discovery)values->discovery,
	    DMARC_WALK_ALL, trace.lookups, &arena, &walk))
		dnstrace_wait(trace.lookups);
	if (values->json)
		print_json(&walk, &trace);
	else
		print_text(&walk, &trace, &arena);
	rc = status(&walk);
	dnstrace_close(&trace);
	arena_clear(&arena);
	return rc;
}

static const struct values defaults = { .dns = DNSTRACE_DEFAULTS };

static const struct cli_option options[] = {
	{ .name = "discovery", .kind = CLI_WORD,
	    .offset = offsetof(struct values, discovery),
	    .argument = "treewalk|psl", .words = dmarc_discovery_words,
	    .help = "find the organizational domain by the walk of RFC 9989\n"
	    "(default), or with the public suffix list" },
	DNSTRACE_ROWS(struct values, dns),
	{ .name = "json", .kind = CLI_FLAG,
	    .offset = offsetof(struct values, json),
	    .help = "print JSON" },
};

static const struct cli_command command = {
	.arguments = "DOMAIN",
	.least = 1,
	.most = 1,
	.summary = "find the DMARC policy that applies to a domain",
	.description =
	    "Finds the DMARC policy (RFC 9989) for mail with DOMAIN in its "
	    "From field, as\npostern-verify does, and prints it, where it "
	    "comes from (p=, sp= or np=), the\norganizational domain, the "
	    "addresses for reports, each step of the walk, and each\nDNS "
	    "question with its answer. DOMAIN may be an internationalized "
	    "name.\n\n"
	    "Exit status: 0 there is a policy; 1 there is none; 75 DNS failed "
	    "where it matters for\nthe policy.",
	.examples =
	    "  postern dmarc example.com\n"
	    "  postern dmarc news.example.com --discovery psl\n"
	    "  postern dmarc example.com --nameserver 192.0.2.53 --json\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.defaults = &defaults,
	.run = run,
};

const struct cli_group dmarc_group = {
	.name = "dmarc",
	.summary = "check senders and policies",
	.only = &command,
};
