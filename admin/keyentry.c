#include "admin/keyentry.h"

#include "common/mail/domain.h"

#include <stdio.h>

enum { MATCHES_MAX = 64 };

static struct span
key_row(struct keyentry *entry)
{
	return span_of(arena_printf(&entry->arena, "%.*s\t%.*s:%.*s:%s",
	    SPAN_ARG(entry->name), SPAN_ARG(entry->domain),
	    SPAN_ARG(entry->selector), entry->path));
}

static struct span
sender_row(struct keyentry *entry)
{
	return span_of(arena_printf(&entry->arena, "%.*s\t%.*s",
	    SPAN_ARG(entry->pattern), SPAN_ARG(entry->name)));
}

static void
add_sample(struct strbuf *text, struct span pattern)
{
	size_t i;

	for (i = 0; i < pattern.len; i++)
		if (pattern.p[i] == '*')
			strbuf_adds(text, "postern-sample");
		else
			strbuf_addc(text, pattern.p[i]);
}

/* An address that the pattern is for, and hardly any other for it alone. */
static bool
sample_sender(struct keyentry *entry, struct address *sender)
{
	struct span domain = entry->pattern, local;
	struct strbuf text = STRBUF_INIT;
	bool ok;

	if (!span_cut(&domain, '@', &local)) {
		domain = local;
		local = SPAN_LIT("*");
	}
	add_sample(&text, local);
	sender->local = arena_dup(&entry->arena, strbuf_span(&text));
	strbuf_reset(&text);
	if (span_starts(domain, SPAN_LIT(".")))
		add_sample(&text, SPAN_LIT("*"));
	add_sample(&text, domain);
	ok = domain_to_ascii(strbuf_span(&text), &entry->arena,
	    &sender->domain);
	strbuf_clear(&text);
	return ok;
}

/* The row that gets mail which the new one was made for; 0: none does. */
static unsigned
find_rival(struct keyentry *entry, const struct snapshot *snapshot,
    struct span *pattern)
{
	const struct sign_conf *conf = snapshot->conf;
	size_t max = conf->multiple_signatures ? MATCHES_MAX : 1;
	struct signtable_match matches[MATCHES_MAX];
	struct address sender;
	size_t i, count;

	if (!sample_sender(entry, &sender))
		return 0;
	count = signtable_lookup(conf->signtable, &sender, &entry->arena,
	    matches, max, NULL, NULL);
	for (i = 0; i < count; i++)
		if (matches[i].line == entry->lines[KEYCHANGE_SENDERS])
			return 0;
	*pattern = count > 0 ? arena_dup(&entry->arena, matches[0].pattern) :
	    SPAN_LIT("");
	return count > 0 ? matches[0].line : 0;
}

/* Faults anywhere, and what is odd about the new rows. */
static int
report(const struct keyentry *entry, const struct diag *diag)
{
	const struct diag_item *item;
	struct strbuf line = STRBUF_INIT;
	size_t i;
	int k;

	for (i = 0; i < diag->count; i++) {
		item = &diag->items[i];
		for (k = 0; k < KEYCHANGE_TABLES; k++)
			if (item->file != NULL && item->line != 0 &&
			    item->line == entry->lines[k] && strcmp(
			    item->file, entry->change->tables[k].path) == 0)
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
check_free(const struct keyentry *entry, const struct keychange_view *view)
{
	const struct keytable_row *row;

	row = view->keys != NULL ?
	    keytable_find(view->keys, entry->name) : NULL;
	if (row == NULL)
		return EX_OK;
	cli_error("%s:%u: there is a key named %.*s already; choose another "
	    "--selector, or remove that one with: postern key remove %.*s",
	    entry->change->tables[KEYCHANGE_KEYS].path, row->line,
	    SPAN_ARG(entry->name), SPAN_ARG(entry->name));
	return EX_CANTCREAT;
}

/* In a table where the first match counts, a row behind one for everybody
 * would never be used: it goes in front of that one. */
static int
move_to_front(struct keyentry *entry, unsigned line)
{
	struct tablefile *table = &entry->change->tables[KEYCHANGE_SENDERS];

	tablefile_delete(table, &entry->lines[KEYCHANGE_SENDERS], 1);
	entry->lines[KEYCHANGE_SENDERS] = tablefile_insert(table, line,
	    sender_row(entry));
	return keychange_stage(entry->change);
}

/* The line of the row that still decides for the new row's senders, 0 where the
 * new one does; -1 where the signer would refuse the tables. */
static int64_t
try_out(struct keyentry *entry, struct diag *diag, struct span *pattern)
{
	struct snapshot *snapshot;
	int64_t rival = -1;

	snapshot = keychange_try(entry->change, diag);
	if (snapshot != NULL)
		rival = find_rival(entry, snapshot, pattern);
	snapshot_unref(snapshot);
	return rival;
}

static int
try_new_rows(struct keyentry *entry)
{
	const struct tablefile *senders =
	    &entry->change->tables[KEYCHANGE_SENDERS];
	struct diag diag = DIAG_INIT;
	struct span pattern;
	int64_t rival;
	int rc;

	rival = try_out(entry, &diag, &pattern);
	if (rival > 0 && senders->type == DATASET_REFILE &&
	    !span_eq_nocase(pattern, entry->pattern)) {
		diag_clear(&diag);
		if (move_to_front(entry, (unsigned)rival) != 0)
			return EX_CANTCREAT;
		rival = try_out(entry, &diag, &pattern);
	}
	rc = report(entry, &diag);
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

int
keyentry_check(struct keyentry *entry)
{
	struct keychange_view view;
	int rc;

	keychange_look(entry->change, &view);
	rc = check_free(entry, &view);
	if (rc == EX_OK)
		rc = report(entry, &view.diag);
	keychange_view_clear(&view);
	if (rc == EX_CONFIG)
		cli_error("the tables have these faults already; correct "
		    "them first, nothing was changed");
	return rc;
}

int
keyentry_add(struct keyentry *entry)
{
	struct tablefile *tables = entry->change->tables;
	int rc;

	entry->lines[KEYCHANGE_KEYS] = tablefile_insert(
	    &tables[KEYCHANGE_KEYS], 0, key_row(entry));
	entry->lines[KEYCHANGE_SENDERS] = tablefile_insert(
	    &tables[KEYCHANGE_SENDERS], 0, sender_row(entry));
	if (keychange_stage(entry->change) != 0)
		return EX_CANTCREAT;
	rc = try_new_rows(entry);
	/* Keys first: no row may name a key that is not there yet. */
	if (rc == EX_OK &&
	    keychange_commit(entry->change, KEYCHANGE_KEYS) != 0)
		rc = EX_CANTCREAT;
	return rc;
}

void
keyentry_clear(struct keyentry *entry)
{
	arena_clear(&entry->arena);
}
