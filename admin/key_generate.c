#include "admin/key.h"

#include "admin/keyentry.h"
#include "admin/keyfile.h"
#include "admin/zonetext.h"
#include "common/base/clock.h"
#include "common/base/ipaddr.h"
#include "common/base/mem.h"
#include "common/dkim/record.h"
#include "common/mail/domain.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct values {
	struct setup_options setup;
	const char *selector, *pattern, *directory;
	int type;
	int64_t bits;
};

struct type {
	enum dkim_algorithm algorithm;
	char letter;		/* of the default selector, so that a domain
				   can have both in one month */
};

static const char *const type_words[] = { "rsa", "ed25519", NULL };
static const struct type types[] = {
	{ DKIM_RSA_SHA256, 's' },
	{ DKIM_ED25519_SHA256, 'e' },
};

/* A key in the making. */
struct making {
	const struct values *values;
	const struct type *type;
	struct setup setup;
	struct keychange change;
	struct keyentry entry;
	struct keyfile file;
	struct arena arena;
	struct dkim_key *key;
	struct strbuf record;
	struct strbuf err;
};

static int
fail(struct making *making, int rc)
{
	cli_error("%s", strbuf_str(&making->err));
	return rc;
}

/* ---- names ---- */

static int
take_domain(struct making *making, const char *text)
{
	struct span domain = span_of(text);
	struct ipaddr address;

	if (domain.len > 1 && domain.p[domain.len - 1] == '.')
		domain.len--;
	if (domain_to_ascii(domain, &making->arena, &making->entry.domain) &&
	    span_has(making->entry.domain, '.') &&
	    !ipaddr_parse(domain, &address))
		return EX_OK;
	cli_error("%s is no valid domain name; %s", cli_quote(span_of(text)),
	    span_has(domain, '@') ? "give the domain alone, and the "
	    "addresses with --pattern" : "write it like example.com");
	return EX_USAGE;
}

static struct span
dated_selector(struct making *making)
{
	time_t now = (time_t)clock_wall();
	struct tm tm;

	gmtime_r(&now, &tm);
	return span_of(arena_printf(&making->arena, "%c%04d%02d",
	    making->type->letter, tm.tm_year + 1900, tm.tm_mon + 1));
}

static int
take_selector(struct making *making)
{
	const char *text = making->values->selector;

	if (text == NULL) {
		making->entry.selector = dated_selector(making);
	} else if (domain_is_valid(span_of(text))) {
		making->entry.selector = arena_duplower(&making->arena,
		    span_of(text));
	} else {
		cli_error("--selector: %s: must be letters, digits and "
		    "hyphens, with dots between (RFC 6376 3.1)",
		    cli_quote(span_of(text)));
		return EX_USAGE;
	}
	making->entry.name = span_of(arena_printf(&making->arena,
	    "%.*s._domainkey.%.*s", SPAN_ARG(making->entry.selector),
	    SPAN_ARG(making->entry.domain)));
	if (making->entry.name.len <= DOMAIN_MAX)
		return EX_OK;
	cli_error("%.*s is longer than a DNS name can be; choose a shorter "
	    "--selector", SPAN_ARG(making->entry.name));
	return EX_USAGE;
}

/* Which senders: what is asked for, else the whole domain, in the words of the
 * table's type. */
static int
take_pattern(struct making *making)
{
	const char *text = making->values->pattern;
	struct span pattern = span_of(text);
	size_t i;

	if (text == NULL) {
		making->entry.pattern = making->change.tables[
		    KEYCHANGE_SENDERS].type != DATASET_REFILE ?
		    making->entry.domain : span_of(arena_printf(&making->arena,
		    "*@%.*s", SPAN_ARG(making->entry.domain)));
		return EX_OK;
	}
	for (i = 0; i < pattern.len; i++)
		if ((unsigned char)pattern.p[i] <= ' ' ||
		    pattern.p[i] == '#') {
			cli_error("--pattern: %s: a pattern has neither "
			    "blanks nor \"#\"", cli_quote(pattern));
			return EX_USAGE;
		}
	making->entry.pattern = pattern;
	return EX_OK;
}

/* Keys go beside the KeyTable unless told otherwise. */
static int
take_place(struct making *making)
{
	const char *table = making->change.tables[KEYCHANGE_KEYS].path;
	const char *root = making->values->directory;
	size_t slash = span_rfind(span_of(table), '/');

	if (root == NULL)
		root = arena_printf(&making->arena, "%.*s/keys", (int)slash,
		    table);
	if (!keyfile_place(&making->file, root, making->entry.domain,
	    making->entry.selector, &making->err))
		return fail(making, EX_USAGE);
	making->entry.path = making->file.path.s;
	return EX_OK;
}

/* ---- the key ---- */

static int
make_key(struct making *making)
{
	unsigned bits = (unsigned)making->values->bits;
	int rc;

	if (bits == 0)
		bits = DKIM_RSA_BITS_GOOD;
	making->key = dkim_key_generate(making->type->algorithm, bits,
	    &making->err);
	if (making->key == NULL ||
	    dkim_key_probe(making->key, &making->err) != 0 ||
	    dkim_record_format(making->key, "", &making->record,
	    &making->err) != 0)
		return fail(making, EX_SOFTWARE);
	rc = keyfile_write(&making->file, making->key,
	    &making->setup.identity, &making->err);
	return rc == EX_OK ? EX_OK : fail(making, rc);
}

static void
print_json(const struct making *making)
{
	const struct tablefile *tables = making->change.tables;
	const struct keyentry *entry = &making->entry;
	struct strbuf out = STRBUF_INIT;
	struct json json;

	json_start(&json, &out);
	json_object(&json, NULL);
	json_string(&json, "name", entry->name);
	json_string(&json, "domain", entry->domain);
	json_string(&json, "selector", entry->selector);
	json_cstring(&json, "type",
	    dkim_algorithm_key_type(making->type->algorithm));
	json_number(&json, "bits", dkim_key_bits(making->key));
	json_string(&json, "file", strbuf_span(&making->file.path));
	json_cstring(&json, "key_table", tables[KEYCHANGE_KEYS].path);
	json_number(&json, "key_table_line", entry->lines[KEYCHANGE_KEYS]);
	json_cstring(&json, "signing_table", tables[KEYCHANGE_SENDERS].path);
	json_number(&json, "signing_table_line",
	    entry->lines[KEYCHANGE_SENDERS]);
	json_string(&json, "pattern", entry->pattern);
	json_object(&json, "dns");
	zonetext_json(&json, entry->name, strbuf_span(&making->record));
	json_object_end(&json);
	json_object_end(&json);
	cli_print(&out);
}

static const char *
owner_name(const struct identity *owner)
{
	if (geteuid() != 0)
		return "yourself";
	return owner->name[0] != '\0' ? owner->name : "a number";
}

/* The record alone on standard output, so that it can go into a zone file. */
static void
print_text(const struct making *making)
{
	const struct tablefile *tables = making->change.tables;
	const struct keyentry *entry = &making->entry;
	struct strbuf out = STRBUF_INIT;

	key_describe(making->key, &out);
	fprintf(stderr, "key    %.*s (%s)\n", SPAN_ARG(entry->name), out.s);
	fprintf(stderr, "file   %s (owner %s, mode 0600)\n",
	    cli_escape(strbuf_span(&making->file.path)),
	    owner_name(&making->setup.identity));
	fprintf(stderr, "row    %s:%u\nrow    %s:%u (%s)\n\n",
	    cli_escape(span_of(tables[KEYCHANGE_KEYS].path)),
	    entry->lines[KEYCHANGE_KEYS],
	    cli_escape(span_of(tables[KEYCHANGE_SENDERS].path)),
	    entry->lines[KEYCHANGE_SENDERS], cli_escape(entry->pattern));
	fprintf(stderr, "To be published in DNS (other forms: postern key dns "
	    "--help):\n\n");
	strbuf_reset(&out);
	zonetext_format(ZONETEXT_BIND, entry->name,
	    strbuf_span(&making->record), &out);
	cli_print(&out);
	fflush(stdout);
	fprintf(stderr, "\nThen:\n"
	    "    postern key test %.*s\n"
	    "    systemctl reload postern-sign\n", SPAN_ARG(entry->name));
}

/* Root writes where the signer may not get: the mode of a directory on the way
 * is easily overlooked. */
static void
check_reach(const struct making *making)
{
	const char *path = making->file.path.s;

	if (keyfile_is_readable_for(path, &making->setup.identity))
		return;
	cli_error("note: %s cannot be read by the signer's user%s%s: look at "
	    "the modes of the directories above it (namei -l %s)", path,
	    making->setup.identity.name[0] != '\0' ? " " : "",
	    making->setup.identity.name, path);
}

static int
generate(struct making *making)
{
	int rc;

	rc = keychange_open(&making->change, &making->setup);
	making->entry.change = &making->change;
	if (rc == EX_OK)
		rc = take_pattern(making);
	if (rc == EX_OK)
		rc = take_place(making);
	if (rc == EX_OK)
		rc = keyentry_check(&making->entry);
	if (rc == EX_OK)
		rc = make_key(making);
	if (rc == EX_OK)
		rc = keyentry_add(&making->entry);
	if (rc == EX_OK)
		check_reach(making);
	if (rc != EX_OK)
		keyfile_undo(&making->file);
	else if (making->values->setup.json)
		print_json(making);
	else
		print_text(making);
	return rc;
}

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct making making = { .values = values,
	    .type = &types[values->type],
	    .change.tables = { { .lock = -1 }, { .lock = -1 } } };
	int rc;

	(void)count;
	if (values->bits != 0 &&
	    making.type->algorithm != DKIM_RSA_SHA256) {
		cli_error("--bits: only RSA keys come in sizes");
		return EX_USAGE;
	}
	rc = take_domain(&making, args[0]);
	if (rc == EX_OK)
		rc = take_selector(&making);
	if (rc == EX_OK)
		rc = setup_read(&making.setup, &values->setup);
	if (rc == EX_OK)
		rc = generate(&making);
	dkim_key_free(making.key);
	keyentry_clear(&making.entry);
	keyfile_clear(&making.file);
	keychange_close(&making.change);
	setup_clear(&making.setup);
	strbuf_clear(&making.record);
	strbuf_clear(&making.err);
	arena_clear(&making.arena);
	return rc;
}

static const struct cli_option options[] = {
	{ .name = "selector", .kind = CLI_TEXT,
	    .offset = offsetof(struct values, selector),
	    .argument = "SELECTOR",
	    .help = "default: s and the month (s202611), e for Ed25519" },
	{ .name = "type", .kind = CLI_WORD,
	    .offset = offsetof(struct values, type), .argument = "TYPE",
	    .help = "rsa (default) or ed25519", .words = type_words },
	{ .name = "bits", .kind = CLI_NUMBER,
	    .offset = offsetof(struct values, bits), .argument = "BITS",
	    .help = "size of an RSA key (default: 2048)",
	    .min = DKIM_RSA_BITS_MIN, .max = DKIM_RSA_BITS_MAX },
	{ .name = "pattern", .kind = CLI_TEXT,
	    .offset = offsetof(struct values, pattern),
	    .argument = "PATTERN",
	    .help = "the senders that use the key (default: all of the\n"
	    "domain); see SigningTable(5)" },
	{ .name = "directory", .kind = CLI_TEXT,
	    .offset = offsetof(struct values, directory),
	    .argument = "DIRECTORY",
	    .help = "where keys are kept (default: \"keys\" beside the\n"
	    "KeyTable); the file is DOMAIN/SELECTOR.private there" },
	SETUP_USER(struct values, setup),
	SETUP_TABLES(struct values, setup),
	SETUP_JSON(struct values, setup),
};

const struct cli_command key_generate_command = {
	.name = "generate",
	.arguments = "DOMAIN",
	.least = 1,
	.most = 1,
	.summary = "make a key for a domain and enter it in the tables",
	.description =
	    "Makes a private key for DOMAIN, adds its row to the KeyTable and "
	    "one to the\nSigningTable, and prints the DNS record to publish. "
	    "The tables are checked with\nthe new rows before they are "
	    "replaced; what they were is kept as FILE~. An existing\nkey is "
	    "never overwritten.",
	.examples =
	    "  postern key generate example.com\n"
	    "  postern key generate example.com --type ed25519 --selector "
	    "ed2026\n"
	    "  postern key generate example.com --pattern "
	    "'news@example.com' --selector news\n"
	    "  postern key generate example.com >> "
	    "/etc/nsd/example.com.zone\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.run = run,
};
