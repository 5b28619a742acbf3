#include "admin/table.h"

#include "admin/setup.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { MATCHES_MAX = 64, TRIED_MAX = 10000 };

struct values {
	struct setup_options setup;
};

struct tried {
	struct span text;
	unsigned line;		/* 0: no such row */
};

/* An address on its way through the tables. */
struct lookup {
	const struct sign_conf *conf;
	struct address sender;
	struct span domain;	/* d=, where one domain and one key are set */
	struct arena arena;
	struct tried *tried;
	size_t tried_count;
	struct signtable_match matches[MATCHES_MAX];
	size_t match_count;
};

/* What a match comes to in the end. */
struct found {
	struct dkim_sign_key key;
	struct strbuf err;	/* why there is no key */
	bool is_good;
	const char *path;	/* NULL: in the row */
};

static void
on_tried(void *arg, struct span text, unsigned line)
{
	struct lookup *lookup = arg;

	if (lookup->tried_count == TRIED_MAX)
		return;
	if ((lookup->tried_count & (lookup->tried_count - 1)) == 0)
		lookup->tried = xreallocarray(lookup->tried,
		    lookup->tried_count * 2 + 1, sizeof(*lookup->tried));
	lookup->tried[lookup->tried_count++] = (struct tried){
	    arena_dup(&lookup->arena, text), line };
}

/* One domain, one key: the row of the table of one. */
static void
lookup_single(struct lookup *lookup)
{
	struct signtable_match *match = &lookup->matches[0];
	const struct sign_conf *conf = lookup->conf;
	struct span listed;
	size_t i = 0;

	on_tried(lookup, lookup->sender.domain, 0);
	lookup->domain = lookup->sender.domain;
	if (!namelist_match(conf->domains, &lookup->sender, &listed)) {
		if (!conf->sub_domains || !namelist_match_parents(
		    conf->domains, lookup->sender.domain, &listed))
			return;
		lookup->domain = listed;
	}
	match->key = keytable_next(conf->keytable, &i);
	match->key_name = match->key->name;
	match->pattern = listed;
	match->line = match->key->line;
	lookup->match_count = 1;
}

static void
look_up(struct lookup *lookup)
{
	const struct sign_conf *conf = lookup->conf;

	if (conf->signtable == NULL) {
		lookup_single(lookup);
		return;
	}
	lookup->match_count = signtable_lookup(conf->signtable,
	    &lookup->sender, &lookup->arena, lookup->matches,
	    conf->multiple_signatures ? MATCHES_MAX : 1, on_tried, lookup);
}

static void
found_fill(struct found *found, struct lookup *lookup,
    const struct signtable_match *match)
{
	const struct keytable *keys = lookup->conf->keytable;

	memset(found, 0, sizeof(*found));
	if (match->key == NULL) {
		strbuf_addf(&found->err, "no key named %s in %s",
		    cli_quote(match->key_name), keytable_file(keys));
		return;
	}
	found->path = keytable_path(keys, match->key, lookup->sender.domain,
	    &lookup->arena);
	found->is_good = keytable_resolve(keys, match->key,
	    lookup->sender.domain, &lookup->arena, &found->key,
	    &found->err) == 0;
	found->key.identity = match->identity;
	if (lookup->domain.len > 0)
		found->key.domain = lookup->domain;
}

static void
found_clear(struct found *found)
{
	dkim_key_free(found->key.key);
	strbuf_clear(&found->err);
}

/* Where a "%" of the rows was replaced, and by what. */
static void
print_percent(const struct lookup *lookup, const struct signtable_match *match)
{
	const char *domain = cli_escape(lookup->sender.domain);
	const struct keytable_row *row = match->key;

	if (match->is_key_by_sender)
		printf("  %%       the key's name is the sender's domain, %s\n",
		    domain);
	if (match->is_identity_by_sender)
		printf("  %%       in the identity is %s\n", domain);
	if (row != NULL && span_is(row->domain, "%"))
		printf("  %%       d= is the sender's domain, %s\n", domain);
	if (row != NULL && row->is_path && span_has(row->key, '%'))
		printf("  %%       in the path %s is %s\n",
		    cli_escape(row->key), span_is(row->domain, "%") ? domain :
		    cli_escape(row->domain));
}

static void
print_match(struct lookup *lookup, const struct signtable_match *match)
{
	const struct sign_conf *conf = lookup->conf;
	struct found found;

	found_fill(&found, lookup, match);
	printf("%s:%u  %s -> %s\n", cli_escape(span_of(conf->signtable !=
	    NULL ? signtable_file(conf->signtable) :
	    keytable_file(conf->keytable))), match->line,
	    cli_escape(match->pattern), cli_escape(match->key_name));
	if (match->key != NULL)
		printf("  key     %s:%u  %s\n", cli_escape(span_of(
		    keytable_file(conf->keytable))), match->key->line,
		    cli_escape(match->key->name));
	print_percent(lookup, match);
	if (found.path != NULL)
		printf("  file    %s\n", cli_escape(span_of(found.path)));
	if (found.is_good)
		printf("  signs   a=%s d=%s s=%s%s%s\n", dkim_algorithm_name(
		    dkim_key_algorithm(found.key.key)),
		    cli_escape(found.key.domain),
		    cli_escape(found.key.selector),
		    found.key.identity.len > 0 ? " i=" : "",
		    cli_escape(found.key.identity));
	else
		printf("  trouble %s\n", cli_escape(strbuf_span(&found.err)));
	found_clear(&found);
}

static void
print_lookup(struct lookup *lookup)
{
	size_t i;

	for (i = 0; i < lookup->tried_count; i++) {
		printf("tried  %s", cli_escape(lookup->tried[i].text));
		if (lookup->tried[i].line != 0)
			printf("  (line %u)", lookup->tried[i].line);
		putchar('\n');
	}
	for (i = 0; i < lookup->match_count; i++)
		print_match(lookup, &lookup->matches[i]);
	if (lookup->match_count == 0)
		puts("no row matches: mail from this address is not signed");
}

static void
json_match(struct json *json, struct lookup *lookup,
    const struct signtable_match *match)
{
	struct found found;

	found_fill(&found, lookup, match);
	json_object(json, NULL);
	json_string(json, "pattern", match->pattern);
	json_number(json, "line", match->line);
	json_string(json, "key", match->key_name);
	json_bool(json, "key_by_sender", match->is_key_by_sender);
	json_bool(json, "identity_by_sender", match->is_identity_by_sender);
	if (match->key != NULL) {
		json_number(json, "key_line", match->key->line);
		json_string(json, "row_domain", match->key->domain);
	}
	if (found.path != NULL)
		json_cstring(json, "file", found.path);
	if (found.is_good) {
		json_cstring(json, "algorithm", dkim_algorithm_name(
		    dkim_key_algorithm(found.key.key)));
		json_string(json, "domain", found.key.domain);
		json_string(json, "selector", found.key.selector);
	} else {
		json_string(json, "trouble", strbuf_span(&found.err));
	}
	if (match->identity.len > 0)
		json_string(json, "identity", match->identity);
	json_object_end(json);
	found_clear(&found);
}

static void
print_lookup_json(struct lookup *lookup)
{
	const struct sign_conf *conf = lookup->conf;
	struct strbuf out = STRBUF_INIT;
	struct json json;
	size_t i;

	json_start(&json, &out);
	json_object(&json, NULL);
	json_string(&json, "address", address_format(&lookup->sender,
	    &lookup->arena));
	if (conf->signtable != NULL)
		json_cstring(&json, "signing_table",
		    signtable_file(conf->signtable));
	json_cstring(&json, "key_table", keytable_file(conf->keytable));
	json_array(&json, "tried");
	for (i = 0; i < lookup->tried_count; i++) {
		json_object(&json, NULL);
		json_string(&json, "text", lookup->tried[i].text);
		if (lookup->tried[i].line != 0)
			json_number(&json, "line", lookup->tried[i].line);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_array(&json, "matches");
	for (i = 0; i < lookup->match_count; i++)
		json_match(&json, lookup, &lookup->matches[i]);
	json_array_end(&json);
	json_object_end(&json);
	cli_print(&out);
}

static int
lookup_address(const struct sign_conf *conf, const char *text,
    bool json_wanted)
{
	struct lookup lookup = { .conf = conf };
	enum address_result result;
	int rc;

	result = address_parse_path(span_of(text), &lookup.arena,
	    &lookup.sender);
	if (result != ADDRESS_OK) {
		cli_error("%s is no address to look up: %s",
		    cli_quote(span_of(text)), address_result_text(result));
		arena_clear(&lookup.arena);
		return EX_USAGE;
	}
	look_up(&lookup);
	if (json_wanted)
		print_lookup_json(&lookup);
	else
		print_lookup(&lookup);
	rc = lookup.match_count > 0 ? EX_OK : EXIT_NO;
	free(lookup.tried);
	arena_clear(&lookup.arena);
	return rc;
}

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct snapshot *snapshot;
	struct setup setup;
	int rc;

	(void)count;
	rc = setup_read(&setup, &values->setup);
	if (rc == EX_OK) {
		snapshot = setup_snapshot(&setup, false);
		rc = snapshot != NULL ? lookup_address(snapshot->conf,
		    args[0], values->setup.json) : cli_report(&setup.diag);
		snapshot_unref(snapshot);
	}
	setup_clear(&setup);
	return rc;
}

static const struct cli_option options[] = {
	SETUP_TABLES(struct values, setup),
	SETUP_USER(struct values, setup),
	SETUP_JSON(struct values, setup),
};

const struct cli_command table_lookup_command = {
	.name = "lookup",
	.arguments = "ADDRESS",
	.least = 1,
	.most = 1,
	.summary = "tell which row and which key an address gets",
	.description =
	    "Looks a sender up in the SigningTable: what was tried in which "
	    "order, which row\nmatched, which key it names, what \"%\" became, "
	    "and what the signature would say. Exit\nstatus 1: no row "
	    "matches.",
	.examples =
	    "  postern table lookup alice@example.com\n"
	    "  postern table lookup --json alice@lists.example.com\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.run = run,
};
