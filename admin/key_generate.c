#include "admin/key.h"

#include "admin/keychange.h"
#include "admin/keyfile.h"
#include "admin/zonetext.h"
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/dkim/record.h"
#include "common/mail/domain.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { MATCHES_MAX = 64 };

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
	struct keyfile file;
	struct arena arena;
	struct span domain, selector;
	struct span name;		/* of the row, and of the DNS record */
	struct span pattern;
	unsigned lines[KEYCHANGE_TABLES];
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

	if (domain.len > 1 && domain.p[domain.len - 1] == '.')
		domain.len--;
	if (domain_to_ascii(domain, &making->arena, &making->domain) &&
	    span_has(making->domain, '.'))
		return EX_OK;
	cli_error("%s is no valid domain name%s", cli_quote(span_of(text)),
	    span_has(domain, '@') ? "; give the domain alone, and the "
	    "addresses with --pattern" : "; write it like example.com");
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
		making->selector = dated_selector(making);
	} else if (domain_is_valid(span_of(text))) {
		making->selector = arena_duplower(&making->arena,
		    span_of(text));
	} else {
		cli_error("--selector: %s: must be letters, digits and "
		    "hyphens, with dots between (RFC 6376 3.1)",
		    cli_quote(span_of(text)));
		return EX_USAGE;
	}
	making->name = span_of(arena_printf(&making->arena,
	    "%.*s._domainkey.%.*s", SPAN_ARG(making->selector),
	    SPAN_ARG(making->domain)));
	if (making->name.len <= DOMAIN_MAX)
		return EX_OK;
	cli_error("%.*s is longer than a DNS name can be; choose a shorter "
	    "--selector", SPAN_ARG(making->name));
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
		making->pattern = making->change.tables[
		    KEYCHANGE_SENDERS].type != DATASET_REFILE ?
		    making->domain : span_of(arena_printf(&making->arena,
		    "*@%.*s", SPAN_ARG(making->domain)));
		return EX_OK;
	}
	for (i = 0; i < pattern.len; i++)
		if ((unsigned char)pattern.p[i] <= ' ' ||
		    pattern.p[i] == '#') {
			cli_error("--pattern: %s: a pattern has neither "
			    "blanks nor \"#\"", cli_quote(pattern));
			return EX_USAGE;
		}
	making->pattern = pattern;
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
	if (keyfile_place(&making->file, root, making->domain,
	    making->selector, &making->err))
		return EX_OK;
	return fail(making, EX_USAGE);
}

/* ---- the rows ---- */

static struct span
key_row(struct making *making)
{
	return span_of(arena_printf(&making->arena, "%.*s\t%.*s:%.*s:%s",
	    SPAN_ARG(making->name), SPAN_ARG(making->domain),
	    SPAN_ARG(making->selector), making->file.path.s));
}

static struct span
sender_row(struct making *making)
{
	return span_of(arena_printf(&making->arena, "%.*s\t%.*s",
	    SPAN_ARG(making->pattern), SPAN_ARG(making->name)));
}

/* An address that the pattern is for, and hardly any other for it alone. */
static bool
sample_sender(struct making *making, struct address *sender)
{
	struct strbuf text = STRBUF_INIT;
	struct span domain = making->pattern, local;
	size_t i;

	if (!span_cut(&domain, '@', &local)) {
		domain = local;
		local = SPAN_LIT("*");
	}
	for (i = 0; i < local.len; i++)
		strbuf_adds(&text, local.p[i] == '*' ? "postern-sample" :
		    (char[]){ local.p[i], '\0' });
	sender->local = arena_dup(&making->arena, strbuf_span(&text));
	strbuf_reset(&text);
	if (domain.len > 0 && domain.p[0] == '.')
		strbuf_adds(&text, "postern-sample");
	for (i = 0; i < domain.len; i++)
		strbuf_adds(&text, domain.p[i] == '*' ? "postern-sample" :
		    (char[]){ domain.p[i], '\0' });
	i = domain_to_ascii(strbuf_span(&text), &making->arena,
	    &sender->domain);
	strbuf_clear(&text);
	return i != 0;
}

/* The row that gets mail which the new one was made for; 0: none does. */
static unsigned
find_rival(struct making *making, const struct snapshot *snapshot,
    struct span *pattern)
{
	const struct sign_conf *conf = snapshot->conf;
	size_t max = conf->multiple_signatures ? MATCHES_MAX : 1;
	struct signtable_match matches[MATCHES_MAX];
	struct address sender;
	size_t i, count;

	if (!sample_sender(making, &sender))
		return 0;
	count = signtable_lookup(conf->signtable, &sender, &making->arena,
	    matches, max, NULL, NULL);
	for (i = 0; i < count; i++)
		if (matches[i].line == making->lines[KEYCHANGE_SENDERS])
			return 0;
	*pattern = count > 0 ? arena_dup(&making->arena, matches[0].pattern) :
	    SPAN_LIT("");
	return count > 0 ? matches[0].line : 0;
}

/* Faults anywhere, and what is odd about the new rows. */
static int
report(const struct making *making, const struct diag *diag)
{
	const struct diag_item *item;
	struct strbuf line = STRBUF_INIT;
	size_t i;
	int k;

	for (i = 0; i < diag->count; i++) {
		item = &diag->items[i];
		for (k = 0; k < KEYCHANGE_TABLES; k++)
			if (item->file != NULL && item->line != 0 &&
			    item->line == making->lines[k] && strcmp(
			    item->file, making->change.tables[k].path) == 0)
				break;
		if (item->level != DIAG_ERROR && k == KEYCHANGE_TABLES)
			continue;
		strbuf_reset(&line);
		diag_format(item, &line);
		fprintf(stderr, "%s\n", line.s);
	}
	strbuf_clear(&line);
	return diag_failed(diag) ? EX_CONFIG : EX_OK;
}

static int
check_free(const struct making *making, const struct keychange_view *view)
{
	const struct keytable_row *row;

	row = view->keys != NULL ?
	    keytable_find(view->keys, making->name) : NULL;
	if (row == NULL)
		return EX_OK;
	cli_error("%s:%u: there is a key named %.*s already; choose another "
	    "--selector, or remove that one with: postern key remove %.*s",
	    making->change.tables[KEYCHANGE_KEYS].path, row->line,
	    SPAN_ARG(making->name), SPAN_ARG(making->name));
	return EX_CANTCREAT;
}

/* Before anything is changed: tables that are faulty already, and a name that
 * is taken, are no place for a new key. */
static int
check_before(struct making *making)
{
	struct keychange_view view;
	int rc;

	keychange_look(&making->change, &view);
	rc = check_free(making, &view);
	if (rc == EX_OK)
		rc = report(making, &view.diag);
	keychange_view_clear(&view);
	if (rc == EX_CONFIG)
		cli_error("the tables have these faults already; correct "
		    "them first, nothing was changed");
	return rc;
}

/* In a table where the first match counts, a row behind one for everybody
 * would never be used: it goes in front of that one. */
static int
move_to_front(struct making *making, unsigned line)
{
	struct tablefile *table = &making->change.tables[KEYCHANGE_SENDERS];

	tablefile_delete(table, &making->lines[KEYCHANGE_SENDERS], 1);
	making->lines[KEYCHANGE_SENDERS] = tablefile_insert(table, line,
	    sender_row(making));
	return keychange_stage(&making->change);
}

/* The line of the row that still decides for the new row's senders, 0 where the
 * new one does; -1 where the signer would refuse the tables. */
static int64_t
try_out(struct making *making, struct diag *diag, struct span *pattern)
{
	struct snapshot *snapshot;
	int64_t rival = -1;

	snapshot = keychange_try(&making->change, diag);
	if (snapshot != NULL)
		rival = find_rival(making, snapshot, pattern);
	snapshot_unref(snapshot);
	return rival;
}

static int
check_after(struct making *making)
{
	const struct tablefile *senders =
	    &making->change.tables[KEYCHANGE_SENDERS];
	struct diag diag = DIAG_INIT;
	struct span pattern;
	int64_t rival;
	int rc;

	rival = try_out(making, &diag, &pattern);
	if (rival > 0 && senders->type == DATASET_REFILE &&
	    !span_eq_nocase(pattern, making->pattern)) {
		diag_clear(&diag);
		if (move_to_front(making, (unsigned)rival) != 0)
			return EX_CANTCREAT;
		rival = try_out(making, &diag, &pattern);
	}
	rc = report(making, &diag);
	diag_clear(&diag);
	if (rc != EX_OK)
		cli_error("the signer would refuse this; nothing was changed");
	else if (rival > 0)
		cli_error("note: %s:%u still decides for these senders; the "
		    "new key signs once that row is gone (postern key "
		    "remove), or beside it with MultipleSignatures yes",
		    senders->path, (unsigned)rival);
	return rc;
}

static int
change_tables(struct making *making)
{
	struct tablefile *tables = making->change.tables;
	int rc;

	making->lines[KEYCHANGE_KEYS] = tablefile_insert(
	    &tables[KEYCHANGE_KEYS], 0, key_row(making));
	making->lines[KEYCHANGE_SENDERS] = tablefile_insert(
	    &tables[KEYCHANGE_SENDERS], 0, sender_row(making));
	if (keychange_stage(&making->change) != 0)
		return EX_CANTCREAT;
	rc = check_after(making);
	/* Keys first: no row may name a key that is not there yet. */
	if (rc == EX_OK &&
	    keychange_commit(&making->change, KEYCHANGE_KEYS) != 0)
		rc = EX_CANTCREAT;
	return rc;
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
	struct strbuf out = STRBUF_INIT;
	struct json json;

	json_start(&json, &out);
	json_object(&json, NULL);
	json_string(&json, "name", making->name);
	json_string(&json, "domain", making->domain);
	json_string(&json, "selector", making->selector);
	json_cstring(&json, "type",
	    dkim_algorithm_key_type(making->type->algorithm));
	json_number(&json, "bits", dkim_key_bits(making->key));
	json_string(&json, "file", strbuf_span(&making->file.path));
	json_cstring(&json, "key_table", tables[KEYCHANGE_KEYS].path);
	json_number(&json, "key_table_line", making->lines[KEYCHANGE_KEYS]);
	json_cstring(&json, "signing_table", tables[KEYCHANGE_SENDERS].path);
	json_number(&json, "signing_table_line",
	    making->lines[KEYCHANGE_SENDERS]);
	json_string(&json, "pattern", making->pattern);
	json_object(&json, "dns");
	zonetext_json(&json, making->name, strbuf_span(&making->record));
	json_object_end(&json);
	json_object_end(&json);
	cli_print(&out);
}

/* The record alone on standard output, so that it can go into a zone file. */
static void
print_text(const struct making *making)
{
	const struct tablefile *tables = making->change.tables;
	const struct identity *owner = &making->setup.identity;
	struct strbuf out = STRBUF_INIT;

	key_describe(making->key, &out);
	fprintf(stderr, "key    %.*s (%s)\n", SPAN_ARG(making->name), out.s);
	fprintf(stderr, "file   %s (owner %s, mode 0600)\n",
	    cli_escape(strbuf_span(&making->file.path)),
	    geteuid() != 0 ? "yourself" : owner->name[0] != '\0' ?
	    owner->name : "by number");
	fprintf(stderr, "row    %s:%u\nrow    %s:%u (%s)\n\n"
	    "To be published in DNS (other forms: postern key dns --help):"
	    "\n\n",
	    cli_escape(span_of(tables[KEYCHANGE_KEYS].path)),
	    making->lines[KEYCHANGE_KEYS],
	    cli_escape(span_of(tables[KEYCHANGE_SENDERS].path)),
	    making->lines[KEYCHANGE_SENDERS], cli_escape(making->pattern));
	strbuf_reset(&out);
	zonetext_format(ZONETEXT_BIND, making->name,
	    strbuf_span(&making->record), &out);
	cli_print(&out);
	fflush(stdout);
	fprintf(stderr, "\nThen:\n"
	    "    postern key test %.*s\n"
	    "    systemctl reload postern-sign\n", SPAN_ARG(making->name));
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
	if (rc == EX_OK)
		rc = take_pattern(making);
	if (rc == EX_OK)
		rc = take_place(making);
	if (rc == EX_OK)
		rc = check_before(making);
	if (rc == EX_OK)
		rc = make_key(making);
	if (rc == EX_OK)
		rc = change_tables(making);
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
