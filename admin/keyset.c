#include "admin/keyset.h"

#include "admin/zonetext.h"
#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/mail/domain.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_SUFFIX	".private"

void
keyset_init(struct keyset *set, const struct setup_options *options)
{
	memset(set, 0, sizeof(*set));
	set->options = options;
}

void
keyset_clear(struct keyset *set)
{
	keytable_free(set->table);
	setup_clear(&set->setup);
	arena_clear(&set->arena);
	free(set->keys);
	memset(set, 0, sizeof(*set));
}

static struct keyset_key *
add_key(struct keyset *set)
{
	if (set->count == set->cap) {
		set->cap = set->cap != 0 ? set->cap * 2 : 16;
		set->keys = xreallocarray(set->keys, set->cap,
		    sizeof(*set->keys));
	}
	set->keys[set->count] = (struct keyset_key){ .line = 0 };
	return &set->keys[set->count++];
}

/* ---- rows of the KeyTable ---- */

static int
need_table(struct keyset *set)
{
	int rc;

	if (set->table != NULL)
		return EX_OK;
	rc = setup_read(&set->setup, set->options);
	if (rc != EX_OK)
		return rc;
	set->table = setup_keytable(&set->setup);
	return set->table != NULL ? EX_OK : EX_CONFIG;
}

static bool
is_open(struct span domain)
{
	return span_is(domain, "%");
}

static void
add_row(struct keyset *set, const struct keytable_row *row,
    struct span sender_domain)
{
	struct keyset_key *key = add_key(set);

	key->name = row->name;
	key->domain = is_open(row->domain) && sender_domain.len > 0 ?
	    sender_domain : row->domain;
	key->selector = row->selector;
	key->line = row->line;
	key->row = row;
	key->path = keytable_path(set->table, row, key->domain, &set->arena);
}

int
keyset_add_all(struct keyset *set)
{
	const struct keytable_row *row;
	size_t i = 0;
	int rc;

	rc = need_table(set);
	if (rc != EX_OK)
		return rc;
	while ((row = keytable_next(set->table, &i)) != NULL)
		add_row(set, row, SPAN_LIT(""));
	return EX_OK;
}

static size_t
add_rows_of(struct keyset *set, struct span domain, struct span sender_domain)
{
	const struct keytable_row *row;
	size_t i = 0, before = set->count;

	while ((row = keytable_next(set->table, &i)) != NULL)
		if (span_eq(row->domain, domain))
			add_row(set, row, sender_domain);
	return set->count - before;
}

/* Rows of that very domain; where there are none, those for any. */
static bool
add_domain(struct keyset *set, struct span domain)
{
	return add_rows_of(set, domain, domain) > 0 ||
	    add_rows_of(set, SPAN_LIT("%"), domain) > 0;
}

static int
hint_domain(struct keyset *set, const struct keyset_hints *hints,
    struct span *domain)
{
	*domain = SPAN_LIT("");
	if (hints->domain == NULL || domain_to_ascii(span_of(hints->domain),
	    &set->arena, domain))
		return EX_OK;
	cli_error("--domain: %s is no valid domain name",
	    cli_quote(span_of(hints->domain)));
	return EX_USAGE;
}

/* ---- key files ---- */

/* What stands between the path's last slash and its suffix. */
static struct span
stem(const char *path)
{
	struct span name = span_of(path);
	size_t slash = span_rfind(name, '/');

	if (slash < name.len)
		name = span_skip(name, slash + 1);
	if (span_ends_nocase(name, SPAN_LIT(KEY_SUFFIX)))
		name.len -= sizeof(KEY_SUFFIX) - 1;
	return name;
}

/* "mail._domainkey", "mail._domainkey.example.com." and, for the first one,
 * the comment "----- DKIM key mail for example.com". */
static void
read_owner(struct keyset_key *key, const struct zonetext *record,
    struct arena *arena)
{
	static const struct span mark = { "._domainkey", 11 };
	struct span owner = record->owner, word, rest = record->comment;
	const char *at = memmem(owner.p, owner.len, mark.p, mark.len);
	bool is_for = false;

	if (at == NULL)
		return;
	key->selector = span_first(owner, (size_t)(at - owner.p));
	owner = span_skip(owner, key->selector.len + mark.len);
	if (owner.len > 1 && owner.p[0] == '.') {
		owner = span_skip(owner, 1);
		if (owner.p[owner.len - 1] == '.')
			owner.len--;
		if (!domain_to_ascii(owner, arena, &key->domain))
			key->domain = SPAN_LIT("");
		return;
	}
	while (span_item(&rest, &word)) {
		if (is_for && domain_to_ascii(word, arena, &key->domain))
			return;
		is_for = span_is(word, "for");
	}
}

static void
read_text_file(struct keyset_key *key, struct arena *arena)
{
	struct strbuf path = STRBUF_INIT, text = STRBUF_INIT,
	    err = STRBUF_INIT;
	struct span name = span_of(key->path);
	struct zonetext record;

	if (span_ends_nocase(name, SPAN_LIT(KEY_SUFFIX)))
		name.len -= sizeof(KEY_SUFFIX) - 1;
	strbuf_addspan(&path, name);
	strbuf_adds(&path, ".txt");
	if (file_read(path.s, ZONETEXT_FILE_MAX, &text, NULL, &err) == 0 &&
	    zonetext_parse(strbuf_span(&text), arena, &record)) {
		key->published = record.value;
		read_owner(key, &record, arena);
	}
	strbuf_clear(&path);
	strbuf_clear(&text);
	strbuf_clear(&err);
}

static void
add_file(struct keyset *set, const char *path)
{
	struct keyset_key *key = add_key(set);

	key->path = arena_strdup(&set->arena, path);
	key->name = span_of(key->path);
	key->selector = arena_dup(&set->arena, stem(path));
	read_text_file(key, &set->arena);
}

static int
compare_keys(const void *a, const void *b)
{
	const struct keyset_key *x = a, *y = b;

	return span_cmp(x->name, y->name);
}

int
keyset_add_directory(struct keyset *set, const char *directory)
{
	struct strbuf path = STRBUF_INIT;
	struct dirent *entry;
	DIR *dir = opendir(directory);

	if (dir == NULL) {
		cli_error("%s: %s", directory, strerror(errno));
		return errno == EACCES ? EX_NOPERM : EX_NOINPUT;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || !span_ends_nocase(
		    span_of(entry->d_name), SPAN_LIT(KEY_SUFFIX)))
			continue;
		strbuf_reset(&path);
		strbuf_addf(&path, "%s/%s", directory, entry->d_name);
		add_file(set, path.s);
	}
	closedir(dir);
	strbuf_clear(&path);
	if (set->count > 1)
		qsort(set->keys, set->count, sizeof(*set->keys), compare_keys);
	return EX_OK;
}

/* A name that can be none but a path, or one of a file. */
static bool
is_file(const char *name)
{
	return strchr(name, '/') != NULL ||
	    (span_ends_nocase(span_of(name), SPAN_LIT(KEY_SUFFIX)) &&
	    access(name, F_OK) == 0);
}

/* ---- one name ---- */

static int
say_unknown(const struct keyset *set, const char *name)
{
	const struct keytable_row *row = keytable_guess(set->table,
	    span_of(name), SPAN_LIT(""));

	cli_error("%s: no key of that name or domain in %s%s%s%s", name,
	    keytable_file(set->table),
	    row != NULL ? "; did you mean " : "",
	    row != NULL ? cli_escape(row->name) : "",
	    row != NULL ? "?" : "; see: postern key list");
	return EX_NOINPUT;
}

static int
say_several(const struct keyset *set, const char *name, size_t first)
{
	struct strbuf names = STRBUF_INIT;
	size_t i;

	for (i = first; i < set->count && i < first + 5; i++)
		strbuf_addf(&names, "%s%s", i > first ? ", " : "",
		    cli_escape(set->keys[i].name));
	cli_error("%s has %zu keys; say which one: %s%s", name,
	    set->count - first, names.s, i < set->count ? ", ..." : "");
	strbuf_clear(&names);
	return EX_USAGE;
}

static void
apply_hints(struct keyset_key *key, const struct keyset_hints *hints,
    struct span domain)
{
	if (domain.len > 0 && (is_open(key->domain) || key->line == 0))
		key->domain = domain;
	if (hints->selector != NULL && key->line == 0)
		key->selector = span_of(hints->selector);
}

int
keyset_add(struct keyset *set, const char *name,
    const struct keyset_hints *hints, bool many)
{
	const struct keytable_row *row;
	struct span domain, ascii;
	size_t first = set->count;
	int rc;

	rc = hint_domain(set, hints, &domain);
	if (rc != EX_OK)
		return rc;
	if (is_file(name)) {
		add_file(set, name);
		apply_hints(&set->keys[set->count - 1], hints, domain);
		return EX_OK;
	}
	rc = need_table(set);
	if (rc != EX_OK)
		return rc;
	row = keytable_find(set->table, span_of(name));
	if (row != NULL) {
		add_row(set, row, domain);
		return EX_OK;
	}
	if (!domain_to_ascii(span_of(name), &set->arena, &ascii) ||
	    !add_domain(set, ascii))
		return say_unknown(set, name);
	return many || set->count == first + 1 ? EX_OK :
	    say_several(set, name, first);
}

/* ---- what a key is ---- */

/* As the signer gets it: keys that several rows share are read once. */
static struct dkim_key *
load_as_signer(const struct keyset *set, const struct keyset_key *key,
    struct strbuf *err)
{
	struct arena scratch = ARENA_INIT;
	struct dkim_sign_key found;
	int rc;

	/* A key that does not depend on the domain is had with any. */
	rc = keytable_resolve(set->table, key->row, is_open(key->domain) ?
	    SPAN_LIT("example.org") : key->domain, &scratch, &found, err);
	arena_clear(&scratch);
	return rc == 0 ? found.key : NULL;
}

struct dkim_key *
keyset_load(const struct keyset *set, const struct keyset_key *key,
    struct strbuf *err)
{
	struct dkim_key *private;
	struct strbuf ignored = STRBUF_INIT;

	if (key->row == NULL)
		return dkim_key_load(key->path, NULL, err);
	if (key->path == NULL && key->row->is_path) {
		strbuf_adds(err, "its file depends on the sender's domain; "
		    "name one with --domain");
		return NULL;
	}
	private = load_as_signer(set, key, err);
	if (private != NULL || key->path == NULL)
		return private;
	private = dkim_key_load(key->path, NULL, &ignored);
	strbuf_clear(&ignored);
	return private;
}

bool
keyset_record_name(struct keyset *set, const struct keyset_key *key,
    struct span *name, struct strbuf *err)
{
	if (key->domain.len == 0 || is_open(key->domain)) {
		strbuf_adds(err, is_open(key->domain) ?
		    "it is for any domain; name one with --domain" :
		    "its domain is not known; name it with --domain");
		return false;
	}
	*name = span_of(arena_printf(&set->arena, "%.*s._domainkey.%.*s",
	    SPAN_ARG(key->selector), SPAN_ARG(key->domain)));
	if (domain_is_valid_owner(*name))
		return true;
	strbuf_addf(err, "%s is no valid DNS name", cli_quote(*name));
	return false;
}
