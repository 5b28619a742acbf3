#include "admin/tablefile.h"

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_WAIT_MS = 30000, LOCK_PAUSE_MS = 50, NEW_MODE = 0644 };

static int
fail(const struct tablefile *table, struct diag *diag, const char *path,
    const char *what)
{
	diag_error(diag, NULL, 0, "%s: %s: %s%s%s", table->setting,
	    diag_quote(diag, span_of(path)), what,
	    errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
	return -1;
}

static char *
directory_of(const char *path)
{
	size_t slash = span_rfind(span_of(path), '/');

	if (path[slash] == '\0')
		return xstrdup(".");
	return xmemdup0(path, slash != 0 ? slash : 1);
}

static char *
with_suffix(const char *path, const char *suffix)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s%s", path, suffix);
	return strbuf_detach(&text);
}

/* A rename must replace the file, not a link to it. A file that is not there
 * yet still has a directory. */
static char *
resolve_links(const char *path)
{
	char *real = realpath(path, NULL), *directory, *joined;
	size_t slash = span_rfind(span_of(path), '/');

	if (real != NULL)
		return real;
	directory = directory_of(path);
	real = realpath(directory, NULL);
	free(directory);
	if (real == NULL || path[slash] == '\0')
		joined = xstrdup(path);
	else
		joined = with_suffix(real, path + slash);
	free(real);
	return joined;
}

int
tablefile_open(struct tablefile *table, const char *spec,
    const struct dataset_place *place, struct diag *diag)
{
	struct arena arena = ARENA_INIT;
	const char *path;
	int rc;

	*table = (struct tablefile){ .setting = place->setting, .lock = -1 };
	if (spec == NULL) {
		diag_error(diag, place->file, 0, "%s is not set, so there is "
		    "no table to change; write \"%s /path/to/%s\"",
		    place->setting, place->setting, place->setting);
		return -1;
	}
	rc = dataset_locate(spec, place, &arena, &table->type, &path, diag);
	if (rc == 0 && path == NULL) {
		diag_error(diag, place->file, place->line, "%s: its rows "
		    "stand in the setting itself and cannot be changed from "
		    "here; move them to a file, a row a line, and write "
		    "\"%s file:/path/to/%s\"", place->setting, place->setting,
		    place->setting);
		rc = -1;
	} else if (rc == 0) {
		table->path = resolve_links(path);
		table->staged = with_suffix(table->path, ".new");
		table->backup = with_suffix(table->path, "~");
	}
	arena_clear(&arena);
	return rc;
}

void
tablefile_close(struct tablefile *table)
{
	if (table->is_staged)
		unlink(table->staged);
	if (table->lock >= 0)
		close(table->lock);
	free(table->path);
	free(table->staged);
	free(table->backup);
	strbuf_wipe(&table->old);	/* may hold keys */
	strbuf_wipe(&table->text);
	*table = (struct tablefile){ .lock = -1 };
}

/* ---- reading ---- */

static int
wait_for_lock(struct tablefile *table, struct diag *diag)
{
	static const struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000L };
	int64_t until = clock_monotonic_ms() + LOCK_WAIT_MS;

	while (flock(table->lock, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail(table, diag, table->path,
			    "its directory cannot be locked");
		if (clock_monotonic_ms() > until) {
			errno = 0;
			return fail(table, diag, table->path, "another postern "
			    "command is changing tables there; try again");
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* The lock is on the directory, so nothing is left behind. */
static int
open_directory(struct tablefile *table, struct stat *st, struct diag *diag)
{
	char *directory = directory_of(table->path);
	int rc = 0;

	table->lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (table->lock < 0 || fstat(table->lock, st) != 0)
		rc = fail(table, diag, directory, "the directory cannot be "
		    "opened");
	free(directory);
	return rc;
}

static int
read_table(struct tablefile *table, struct diag *diag)
{
	struct strbuf err = STRBUF_INIT;
	int rc;

	if (access(table->path, F_OK) != 0 && errno == ENOENT)
		return 0;
	rc = file_read(table->path, DATASET_FILE_MAX, &table->old, &table->st,
	    &err);
	if (rc != 0)
		diag_error(diag, NULL, 0, "%s: %s", table->setting, err.s);
	table->exists = rc == 0;
	strbuf_addspan(&table->text, strbuf_span(&table->old));
	strbuf_clear(&err);
	return rc;
}

static int
by_inode(const struct stat *a, const struct stat *b)
{
	if (a->st_dev != b->st_dev)
		return a->st_dev < b->st_dev ? -1 : 1;
	return a->st_ino < b->st_ino ? -1 : a->st_ino > b->st_ino;
}

/* Always in the same order, so that no two commands wait for each other; two
 * tables in one directory share its lock. */
static int
lock_both(struct tablefile tables[2], struct diag *diag)
{
	struct stat st[2];
	int order, first;

	if (open_directory(&tables[0], &st[0], diag) != 0 ||
	    open_directory(&tables[1], &st[1], diag) != 0)
		return -1;
	order = by_inode(&st[0], &st[1]);
	first = order > 0;
	if (wait_for_lock(&tables[first], diag) != 0)
		return -1;
	return order == 0 ? 0 : wait_for_lock(&tables[1 - first], diag);
}

int
tablefile_lock(struct tablefile tables[2], struct diag *diag)
{
	if (lock_both(tables, diag) != 0 ||
	    read_table(&tables[0], diag) != 0)
		return -1;
	return read_table(&tables[1], diag);
}

/* ---- changing ---- */

/* As the lines that are there end. */
static const char *
line_end(const struct tablefile *table)
{
	struct span text = strbuf_span(&table->text);
	size_t lf = span_find(text, '\n');

	return lf > 0 && lf < text.len && text.p[lf - 1] == '\r' ?
	    "\r\n" : "\n";
}

unsigned
tablefile_insert(struct tablefile *table, unsigned line, struct span row)
{
	struct strbuf text = STRBUF_INIT;
	const char *end = line_end(table);
	struct span rest = strbuf_span(&table->text), head;
	unsigned at = 1;

	for (; rest.len > 0 && at != line; at++) {
		head = span_first(rest, span_find(rest, '\n') + 1);
		strbuf_addspan(&text, head);
		rest = span_skip(rest, head.len);
		if (rest.len == 0 && head.p[head.len - 1] != '\n')
			strbuf_adds(&text, end);
	}
	strbuf_addspan(&text, row);
	strbuf_adds(&text, end);
	strbuf_addspan(&text, rest);
	strbuf_wipe(&table->text);
	table->text = text;
	table->is_changed = true;
	return at;
}

void
tablefile_delete(struct tablefile *table, const unsigned *lines, size_t count)
{
	struct strbuf text = STRBUF_INIT;
	struct span rest = strbuf_span(&table->text), head;
	unsigned at;
	size_t i = 0;

	for (at = 1; rest.len > 0; at++) {
		head = span_first(rest, span_find(rest, '\n') + 1);
		rest = span_skip(rest, head.len);
		while (i < count && lines[i] < at)
			i++;
		if (i == count || lines[i] != at)
			strbuf_addspan(&text, head);
	}
	strbuf_wipe(&table->text);
	table->text = text;
	table->is_changed = true;
}

/* ---- writing ---- */

static int
write_like(const struct tablefile *table, const char *path, struct span text,
    struct diag *diag)
{
	struct strbuf err = STRBUF_INIT;
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;
	mode_t mode = NEW_MODE;
	int rc;

	if (table->exists) {
		mode = table->st.st_mode & 07777;
		uid = table->st.st_uid != geteuid() ? table->st.st_uid : uid;
		gid = table->st.st_gid != getegid() ? table->st.st_gid : gid;
	}
	rc = file_replace(path, text, mode, uid, gid, &err);
	if (rc != 0)
		diag_error(diag, NULL, 0, "%s: %s", table->setting, err.s);
	strbuf_clear(&err);
	return rc;
}

const char *
tablefile_staged_spec(const struct tablefile *table, struct arena *arena)
{
	return arena_printf(arena, "%s:%s",
	    table->type == DATASET_REFILE ? "refile" : "file",
	    table->is_staged ? table->staged : table->path);
}

int
tablefile_stage(struct tablefile *table, struct diag *diag)
{
	if (!table->is_changed)
		return 0;
	if (write_like(table, table->staged, strbuf_span(&table->text),
	    diag) != 0)
		return -1;
	table->is_staged = true;
	return 0;
}

/* An editor knows nothing of our lock. */
static bool
is_as_read(const struct tablefile *table)
{
	struct stat st;

	if (stat(table->path, &st) != 0)
		return !table->exists && errno == ENOENT;
	return table->exists && st.st_ino == table->st.st_ino &&
	    st.st_size == table->st.st_size &&
	    st.st_mtim.tv_sec == table->st.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == table->st.st_mtim.tv_nsec;
}

static int
put_in_place(struct tablefile *table, struct diag *diag)
{
	if (!is_as_read(table)) {
		errno = 0;
		return fail(table, diag, table->path, "somebody else changed "
		    "it meanwhile; try again");
	}
	if (table->exists && write_like(table, table->backup,
	    strbuf_span(&table->old), diag) != 0)
		return -1;
	if (rename(table->staged, table->path) != 0)
		return fail(table, diag, table->path, "cannot be replaced");
	table->is_staged = false;
	return 0;
}

static void
undo(struct tablefile *table, struct diag *diag)
{
	if (table->exists)
		write_like(table, table->path, strbuf_span(&table->old), diag);
	else if (unlink(table->path) != 0)
		fail(table, diag, table->path, "cannot be removed again");
}

int
tablefile_commit(struct tablefile *first, struct tablefile *second,
    struct diag *diag)
{
	bool was_staged = first->is_staged;

	if (was_staged && put_in_place(first, diag) != 0)
		return -1;
	if (!second->is_staged || put_in_place(second, diag) == 0)
		return 0;
	if (was_staged)
		undo(first, diag);
	return -1;
}

static const char *
replace_name(struct diag *diag, const char *text, const char *from,
    const char *to)
{
	struct strbuf out = STRBUF_INIT;
	const char *hit, *result;

	for (; (hit = strstr(text, from)) != NULL; text = hit + strlen(from)) {
		strbuf_add(&out, text, (size_t)(hit - text));
		strbuf_adds(&out, to);
	}
	strbuf_adds(&out, text);
	result = arena_strdup(&diag->arena, strbuf_str(&out));
	strbuf_clear(&out);
	return result;
}

void
tablefile_rename(const struct tablefile *table, struct diag *diag)
{
	struct diag_item *item;
	size_t i;

	for (i = 0; i < diag->count; i++) {
		item = &diag->items[i];
		if (item->file != NULL)
			item->file = replace_name(diag, item->file,
			    table->staged, table->path);
		item->text = replace_name(diag, item->text, table->staged,
		    table->path);
	}
}
