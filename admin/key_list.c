#include "admin/key.h"

#include "admin/zonetext.h"
#include "common/base/mem.h"
#include "common/dkim/record.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>

struct values {
	struct setup_options setup;
	struct keyset_hints hints;
};

/* What is printed of one key. */
struct facts {
	struct dkim_key *key;	/* NULL: trouble says why */
	struct strbuf trouble;
	struct strbuf what;	/* "RSA, 2048 bits" */
	struct strbuf record;	/* to be published */
};

static void
facts_clear(struct facts *facts)
{
	dkim_key_free(facts->key);
	strbuf_clear(&facts->trouble);
	strbuf_clear(&facts->what);
	strbuf_clear(&facts->record);
}

/* Whether the .txt file beside a key is the key's: its p= counts. */
static bool
is_published_key(const struct keyset_key *key, const struct dkim_key *private)
{
	struct dkim_record record;
	bool same;

	same = dkim_record_parse(key->published, &record) == DKIM_RECORD_OK &&
	    dkim_record_matches(&record, private);
	dkim_record_clear(&record);
	return same;
}

static void
facts_find(struct facts *facts, const struct keyset *set,
    const struct keyset_key *key)
{
	memset(facts, 0, sizeof(*facts));
	facts->key = keyset_load(set, key, &facts->trouble);
	if (facts->key == NULL)
		return;
	key_describe(facts->key, &facts->what);
	dkim_record_format(facts->key, "", &facts->record, &facts->trouble);
	if (key->published.len > 0 && !is_published_key(key, facts->key))
		strbuf_adds(&facts->trouble, "the .txt file beside it is of "
		    "another key");
}

static void
json_facts(struct json *json, const struct facts *facts)
{
	if (facts->key != NULL) {
		json_cstring(json, "type",
		    dkim_algorithm_key_type(dkim_key_algorithm(facts->key)));
		json_number(json, "bits", dkim_key_bits(facts->key));
	}
	if (facts->trouble.len > 0)
		json_string(json, "trouble", strbuf_span(&facts->trouble));
}

static void
json_key(struct json *json, const struct keyset *set,
    const struct keyset_key *key)
{
	json_string(json, "name", key->name);
	if (key->domain.len > 0)
		json_string(json, "domain", key->domain);
	json_string(json, "selector", key->selector);
	if (key->path != NULL)
		json_cstring(json, "file", key->path);
	if (key->line != 0) {
		json_cstring(json, "table", keytable_file(set->table));
		json_number(json, "line", key->line);
	}
}

/* ---- list ---- */

static size_t
widest_name(const struct keyset *set)
{
	size_t i, widest = 0;

	for (i = 0; i < set->count; i++)
		if (set->keys[i].name.len > widest && set->keys[i].name.len <
		    60)
			widest = set->keys[i].name.len;
	return widest;
}

static void
print_line(const struct keyset_key *key, const struct facts *facts, int width)
{
	printf("%-*s  ", width, cli_escape(key->name));
	if (facts->key != NULL)
		printf("%-14s", facts->what.s);
	if (facts->key != NULL && key->path == NULL)
		printf("  in the table");
	else if (facts->key != NULL && key->row != NULL)
		printf("  %s", cli_escape(span_of(key->path)));
	else if (facts->key != NULL && key->domain.len > 0)
		printf("  %s", cli_escape(key->domain));
	if (facts->trouble.len > 0)
		printf("%s%s", facts->key != NULL ? "; " : "",
		    cli_escape(strbuf_span(&facts->trouble)));
	putchar('\n');
}

static int
list(struct keyset *set, bool json_wanted)
{
	struct strbuf out = STRBUF_INIT;
	int width = (int)widest_name(set), rc = EX_OK;
	struct facts facts;
	struct json json;
	size_t i;

	json_start(&json, &out);
	json_array(&json, NULL);
	for (i = 0; i < set->count; i++) {
		facts_find(&facts, set, &set->keys[i]);
		if (facts.trouble.len > 0)
			rc = EXIT_NO;
		if (json_wanted) {
			json_object(&json, NULL);
			json_key(&json, set, &set->keys[i]);
			json_facts(&json, &facts);
			json_object_end(&json);
		} else {
			print_line(&set->keys[i], &facts, width);
		}
		facts_clear(&facts);
	}
	json_array_end(&json);
	if (json_wanted)
		cli_print(&out);
	strbuf_clear(&out);
	return rc;
}

static int
run_list(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct keyset set;
	int rc;

	keyset_init(&set, &values->setup);
	rc = count > 0 ? keyset_add_directory(&set, args[0]) :
	    keyset_add_all(&set);
	if (rc == EX_OK && set.count == 0 && !values->setup.json)
		cli_error("%s: no keys; make one with: postern key generate "
		    "DOMAIN", count > 0 ? args[0] : keytable_file(set.table));
	if (rc == EX_OK)
		rc = list(&set, values->setup.json);
	keyset_clear(&set);
	return rc;
}

static const struct cli_option list_options[] = {
	SETUP_TABLES(struct values, setup),
	SETUP_JSON(struct values, setup),
};

const struct cli_command key_list_command = {
	.name = "list",
	.arguments = "[DIRECTORY]",
	.least = 0,
	.most = 1,
	.summary = "list the keys of the KeyTable, or of a directory",
	.description =
	    "Lists the keys of the KeyTable, or the files NAME.private of a "
	    "directory as\nopendkim-genkey leaves them, with what is wrong "
	    "with them. Exit status 1: one of\nthem cannot be used.",
	.examples =
	    "  postern key list\n"
	    "  postern key list --json\n"
	    "  postern key list /etc/dkimkeys\n",
	.options = list_options,
	.option_count = ARRAY_LEN(list_options),
	.values_size = sizeof(struct values),
	.run = run_list,
};

/* ---- show ---- */

/* "root, mode 0600". */
static void
describe_file(const char *path, struct strbuf *out)
{
	struct passwd *pw;
	struct stat st;

	if (stat(path, &st) != 0)
		return;
	pw = getpwuid(st.st_uid);
	if (pw != NULL)
		strbuf_addf(out, " (owner %s", pw->pw_name);
	else
		strbuf_addf(out, " (owner %u", (unsigned)st.st_uid);
	strbuf_addf(out, ", mode %04o)", (unsigned)(st.st_mode & 07777));
}

static void
print_place(const struct keyset *set, const struct keyset_key *key,
    const struct key_use *uses, size_t use_count)
{
	struct strbuf owner = STRBUF_INIT;
	size_t i;

	if (key->path != NULL) {
		describe_file(key->path, &owner);
		printf("file      %s%s\n", cli_escape(span_of(key->path)),
		    strbuf_str(&owner));
	}
	if (key->row != NULL)
		printf("row       %s:%u\n",
		    cli_escape(span_of(keytable_file(set->table))), key->line);
	for (i = 0; i < use_count; i++)
		printf("%s  line %u: %s\n", i == 0 ? "used by " : "        ",
		    uses[i].line, cli_escape(uses[i].pattern));
	if (key->row != NULL && use_count == 0)
		puts("used by   no row of the SigningTable");
	strbuf_clear(&owner);
}

static void
print_key(const struct keyset *set, const struct keyset_key *key,
    const struct facts *facts, struct span record_name,
    const struct key_use *uses, size_t use_count)
{
	struct strbuf text = STRBUF_INIT;

	printf("name      %s\n", cli_escape(key->name));
	printf("domain    %s\n", key->domain.len > 0 ?
	    cli_escape(key->domain) : "not known");
	printf("selector  %s\n", cli_escape(key->selector));
	if (facts->key != NULL)
		printf("key       %s\n", facts->what.s);
	print_place(set, key, uses, use_count);
	if (facts->trouble.len > 0)
		printf("trouble   %s\n",
		    cli_escape(strbuf_span(&facts->trouble)));
	if (facts->key != NULL && record_name.len > 0) {
		zonetext_format(ZONETEXT_BIND, record_name,
		    strbuf_span(&facts->record), &text);
		printf("\n%s\n", text.s);
	}
	strbuf_clear(&text);
}

static void
print_json(const struct keyset *set, const struct keyset_key *key,
    const struct facts *facts, struct span record_name,
    const struct key_use *uses, size_t use_count)
{
	struct strbuf out = STRBUF_INIT;
	struct json json;
	size_t i;

	json_start(&json, &out);
	json_object(&json, NULL);
	json_key(&json, set, key);
	json_facts(&json, facts);
	json_array(&json, "used_by");
	for (i = 0; i < use_count; i++) {
		json_object(&json, NULL);
		json_string(&json, "pattern", uses[i].pattern);
		json_number(&json, "line", uses[i].line);
		json_object_end(&json);
	}
	json_array_end(&json);
	if (facts->key != NULL && record_name.len > 0) {
		json_object(&json, "dns");
		zonetext_json(&json, record_name, strbuf_span(&facts->record));
		json_object_end(&json);
	}
	json_object_end(&json);
	cli_print(&out);
}

static int
show(struct keyset *set, bool json_wanted)
{
	const struct keyset_key *key = &set->keys[0];
	struct strbuf err = STRBUF_INIT;
	struct key_use *uses = NULL;
	struct facts facts;
	struct span name;
	size_t count = 0;
	int rc;

	if (key->row != NULL && key_uses(&set->setup, key->name, &set->arena,
	    &uses, &count) != 0)
		return EX_CONFIG;
	if (!keyset_record_name(set, key, &name, &err))
		name = SPAN_LIT("");
	facts_find(&facts, set, key);
	if (json_wanted)
		print_json(set, key, &facts, name, uses, count);
	else
		print_key(set, key, &facts, name, uses, count);
	rc = facts.trouble.len > 0 ? EXIT_NO : EX_OK;
	facts_clear(&facts);
	strbuf_clear(&err);
	return rc;
}

static int
run_show(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct keyset set;
	int rc;

	(void)count;
	keyset_init(&set, &values->setup);
	rc = keyset_add(&set, args[0], &values->hints, false);
	if (rc == EX_OK)
		rc = show(&set, values->setup.json);
	keyset_clear(&set);
	return rc;
}

static const struct cli_option show_options[] = {
	KEY_HINTS(struct values, hints),
	SETUP_TABLES(struct values, setup),
	SETUP_JSON(struct values, setup),
};

const struct cli_command key_show_command = {
	.name = "show",
	.arguments = "NAME",
	.least = 1,
	.most = 1,
	.summary = "show a key, who uses it and its DNS record",
	.description =
	    "Shows what a key is, where its file is, which rows of the "
	    "SigningTable use it, and\nits DNS record. NAME is a row of the "
	    "KeyTable or the path of a key file. The private\nkey itself is "
	    "never printed. Exit status 1: the key cannot be used.",
	.examples =
	    "  postern key show s202611._domainkey.example.com\n"
	    "  postern key show --json s202611._domainkey.example.com\n"
	    "  postern key show /etc/dkimkeys/mail.private\n",
	.options = show_options,
	.option_count = ARRAY_LEN(show_options),
	.values_size = sizeof(struct values),
	.run = run_show,
};
