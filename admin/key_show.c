#include "admin/key.h"

#include "admin/zonetext.h"
#include "common/base/mem.h"
#include "common/dkim/record.h"

#include <pwd.h>
#include <stdio.h>

struct values {
	struct setup_options setup;
	struct keyset_hints hints;
};

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

/* All there is to show. */
struct view {
	const struct keyset *set;
	const struct keyset_key *key;
	struct key_facts facts;
	struct key_use *uses;
	size_t use_count;
	struct span record_name;	/* empty: not known, or no key */
	struct strbuf record;
};

static void
print_place(const struct view *view)
{
	const struct keyset_key *key = view->key;
	struct strbuf owner = STRBUF_INIT;
	size_t i;

	if (key->path != NULL) {
		describe_file(key->path, &owner);
		printf("file      %s%s\n", cli_escape(span_of(key->path)),
		    strbuf_str(&owner));
		strbuf_clear(&owner);
	}
	if (key->row == NULL)
		return;
	printf("row       %s:%u\n", cli_escape(span_of(
	    keytable_file(view->set->table))), key->line);
	for (i = 0; i < view->use_count; i++)
		printf("%s  line %u: %s\n", i == 0 ? "used by " : "        ",
		    view->uses[i].line, cli_escape(view->uses[i].pattern));
	if (view->set->setup.conf.signing_table == NULL)
		puts("used by   Domain in the configuration");
	else if (view->use_count == 0)
		puts("used by   no row of the SigningTable");
}

static void
print_text(const struct view *view)
{
	const struct keyset_key *key = view->key;
	struct strbuf text = STRBUF_INIT;

	printf("name      %s\n", cli_escape(key->name));
	printf("domain    %s\n", key->domain.len > 0 ?
	    cli_escape(key->domain) : "not known");
	printf("selector  %s\n", cli_escape(key->selector));
	if (view->facts.key != NULL)
		printf("key       %s\n", view->facts.what.s);
	print_place(view);
	if (view->facts.trouble.len > 0)
		printf("trouble   %s\n",
		    cli_escape(strbuf_span(&view->facts.trouble)));
	if (view->record_name.len > 0) {
		zonetext_format(ZONETEXT_BIND, view->record_name,
		    strbuf_span(&view->record), &text);
		printf("\n%s\n", text.s);
	}
	strbuf_clear(&text);
}

static void
print_json(const struct view *view)
{
	struct strbuf out = STRBUF_INIT;
	struct json json;
	size_t i;

	json_start(&json, &out);
	json_object(&json, NULL);
	key_json(&json, view->set, view->key, &view->facts);
	json_array(&json, "used_by");
	for (i = 0; i < view->use_count; i++) {
		json_object(&json, NULL);
		json_string(&json, "pattern", view->uses[i].pattern);
		json_number(&json, "line", view->uses[i].line);
		json_object_end(&json);
	}
	json_array_end(&json);
	if (view->record_name.len > 0) {
		json_object(&json, "dns");
		zonetext_json(&json, view->record_name,
		    strbuf_span(&view->record));
		json_object_end(&json);
	}
	json_object_end(&json);
	cli_print(&out);
}

static int
show(struct keyset *set, bool json_wanted)
{
	struct view view = { .set = set, .key = &set->keys[0] };
	struct strbuf err = STRBUF_INIT;
	int rc;

	if (view.key->row != NULL && key_uses(&set->setup, view.key->name,
	    &set->arena, &view.uses, &view.use_count) != 0)
		return EX_CONFIG;
	key_facts_find(&view.facts, set, view.key);
	if (view.facts.key == NULL ||
	    !keyset_record_name(set, view.key, &view.record_name, &err) ||
	    dkim_record_format(view.facts.key, "", &view.record, &err) != 0)
		view.record_name = SPAN_LIT("");
	(json_wanted ? print_json : print_text)(&view);
	rc = view.facts.trouble.len > 0 ? EXIT_NO : EX_OK;
	key_facts_clear(&view.facts);
	strbuf_clear(&view.record);
	strbuf_clear(&err);
	return rc;
}

static int
run(const void *arg, const char *const *args, size_t count)
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

static const struct cli_option options[] = {
	KEY_HINTS(struct values, hints),
	SETUP_TABLES(struct values, setup),
	SETUP_JSON(struct values, setup),
};

const struct cli_command key_show_command = {
	.name = "show",
	.arguments = "NAME|DOMAIN",
	.least = 1,
	.most = 1,
	.summary = "show a key, who uses it and its DNS record",
	.description =
	    "Shows what a key is, where its file is, which rows of the "
	    "SigningTable use it, and\nits DNS record. NAME is a row of the "
	    "KeyTable, a domain that has one key, or the path\nof a key file. "
	    "The private key itself is never printed. Exit status 1: the key\n"
	    "cannot be used.",
	.examples =
	    "  postern key show s202611._domainkey.example.com\n"
	    "  postern key show --json s202611._domainkey.example.com\n"
	    "  postern key show /etc/dkimkeys/mail.private\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.run = run,
};
