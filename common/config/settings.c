#include "common/config/settings.h"

#include "common/base/file.h"
#include "common/config/complain.h"
#include "common/config/value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* A load under way. */
struct load {
	const struct config_schema *schema;
	void *values;
	struct config_origin *origins;
	struct arena *arena;
	struct diag *diag;
	const struct source *source;	/* the file being read */
	unsigned files;			/* read so far */
};

/* A file that is open, and the one that includes it. */
struct source {
	const struct source *outer;
	struct config_origin at;	/* its path, the line being read */
	unsigned depth;
	dev_t device;
	ino_t inode;
};

static const struct setting *
find_setting(const struct config_schema *schema, struct span name)
{
	size_t i;

	for (i = 0; i < schema->count; i++)
		if (span_is_nocase(name, schema->settings[i].name))
			return &schema->settings[i];
	return NULL;
}

static const struct setting_foreign *
find_foreign(const struct config_schema *schema, struct span name)
{
	size_t i;

	for (i = 0; i < schema->foreign_count; i++)
		if (span_is_nocase(name, schema->foreign[i].name))
			return &schema->foreign[i];
	return NULL;
}

static void
set_value(const struct load *load, const struct setting *setting,
    struct span value, const struct config_origin *at)
{
	size_t row = (size_t)(setting - load->schema->settings);
	struct config_origin *origin = &load->origins[row];
	bool again = origin->file != NULL && at->line != 0;

	if (setting->type == SETTING_ROWS) {
		if (!value_add_row(setting, value, at, load->values,
		    load->arena))
			diag_error(load->diag, at->file, at->line, "%s: more "
			    "than %" PRId64 " lines", setting->name,
			    setting->max);
		else if (!again)
			*origin = *at;
		return;
	}
	if (again && (setting->flags & SETTING_REPEATS) != 0) {
		if (!value_join(setting, value, load->values, load->arena))
			diag_error(load->diag, at->file, at->line, "%s: too "
			    "long, together with what line %u and the lines "
			    "after it say", setting->name, origin->line);
		return;
	}
	if (!value_read(setting, value, load->values, load->arena)) {
		complain_value(setting, value, at, load->diag);
		return;
	}
	if (again)
		complain_again(setting, origin, at, load->diag);
	complain_quotes(setting, value, at, load->diag);
	*origin = *at;
}

/* A file that cannot be read; errno is the system's reason, 0: not its. */
static void
say_unread(const struct load *load, const char *text)
{
	const struct source *source = load->source;

	if (source != NULL)
		diag_error(load->diag, source->at.file, source->at.line,
		    "Include: %s", text);
	else
		diag_error(load->diag, NULL, 0, "%s%s", text,
		    errno == ENOENT ? "; name the configuration with -c FILE" :
		    errno == EACCES ? "; whoever runs this, the daemon's user "
		    "too, must be able to read it" : "");
}

/* Whether a line can hold that value at all. */
static bool
check_value(const struct load *load, const struct setting *setting,
    struct span value, const struct config_origin *at)
{
	size_t bad = value_bad_byte(value);

	if (value.len == 0)
		diag_error(load->diag, at->file, at->line, "%s has no value; "
		    "give it one or take the line out", setting->name);
	else if (value.len > CONFIG_VALUE_MAX)
		diag_error(load->diag, at->file, at->line, "%s: the value has "
		    "%zu octets, more than the %d that are read; put a list "
		    "into a file", setting->name, value.len, CONFIG_VALUE_MAX);
	else if (bad < value.len)
		diag_error(load->diag, at->file, at->line, "%s: the value "
		    "cannot hold the byte 0x%02x (at its position %zu)",
		    setting->name, (unsigned char)value.p[bad], bad + 1);
	else if (value.p[0] == '=')
		diag_error(load->diag, at->file, at->line, "%s: a blank "
		    "separates name and value; leave the \"=\" out",
		    setting->name);
	else
		return true;
	return false;
}

static void
set_by_name(const struct load *load, struct span name, struct span value,
    const struct config_origin *at)
{
	const struct setting *setting = find_setting(load->schema, name);
	const struct setting_foreign *foreign;

	if (setting != NULL) {
		if (check_value(load, setting, value, at))
			set_value(load, setting, value, at);
		return;
	}
	foreign = find_foreign(load->schema, name);
	if (foreign != NULL)
		complain_foreign(foreign, at, load->diag);
	else
		complain_unknown(load->schema, name, at, load->diag);
}

/* The directory of path, without '/' at its end unless it is the root. */
static struct span
directory_of(const char *path)
{
	struct span s = span_of(path);
	size_t slash = span_rfind(s, '/');

	if (slash == s.len)
		return span_of(".");
	return span_first(s, slash != 0 ? slash : 1);
}

static const char *
join_path(struct span directory, const char *path, struct arena *arena)
{
	struct strbuf joined = STRBUF_INIT;
	const char *result;

	if (path[0] == '/')
		return path;
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	strbuf_addspan(&joined, directory);
	if (directory.len == 0 || directory.p[directory.len - 1] != '/')
		strbuf_addc(&joined, '/');
	strbuf_adds(&joined, path);
	result = arena_strdup(arena, strbuf_str(&joined));
	strbuf_clear(&joined);
	return result;
}

static void read_source(struct load *load, struct source *source,
    struct span text);

static bool
is_open(const struct source *source, const struct stat *st)
{
	for (; source != NULL; source = source->outer)
		if (source->device == st->st_dev && source->inode == st->st_ino)
			return true;
	return false;
}

/* Reads path in place of the line where load->source stands. */
static bool
read_file(struct load *load, const char *path)
{
	const struct source *outer = load->source;
	const char *file = outer != NULL ? outer->at.file : NULL;
	unsigned line = outer != NULL ? outer->at.line : 0;
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	struct source source = { .outer = outer, .at = { path, 0 } };
	struct stat st;
	bool ok = false;

	errno = 0;	/* say_unread() looks at it */
	source.depth = outer != NULL ? outer->depth + 1 : 0;
	if (source.depth > CONFIG_DEPTH_MAX)
		diag_error(load->diag, file, line, "Include: more than %d "
		    "levels deep", CONFIG_DEPTH_MAX);
	else if (load->files++ >= CONFIG_FILES_MAX)
		diag_error(load->diag, file, line, "Include: more than %d "
		    "files", CONFIG_FILES_MAX);
	else if (file_read(path, CONFIG_FILE_MAX, &text, &st, &err) != 0)
		say_unread(load, strbuf_str(&err));
	else if (is_open(outer, &st))
		diag_error(load->diag, file, line, "Include: %s includes "
		    "itself", path);
	else {
		source.device = st.st_dev;
		source.inode = st.st_ino;
		read_source(load, &source, strbuf_span(&text));
		ok = true;
	}
	strbuf_clear(&text);
	strbuf_clear(&err);
	return ok;
}

static void
include(struct load *load, struct span value)
{
	const struct config_origin *at = &load->source->at;

	if (value.len == 0 || value.len > CONFIG_VALUE_MAX ||
	    value_bad_byte(value) < value.len)
		diag_error(load->diag, at->file, at->line,
		    "Include needs the path of a file");
	else
		read_file(load, join_path(directory_of(at->file),
		    arena_dup(load->arena, value).p, load->arena));
}

static void
read_line(struct load *load, struct span line)
{
	struct span name, value;
	size_t n = 0;

	line = span_trim(span_first(line, span_find(line, '#')));
	while (n < line.len && !is_wsp(line.p[n]))
		n++;
	name = span_first(line, n);
	value = span_trim(span_skip(line, n));
	if (name.len == 0)
		return;
	if (span_is_nocase(name, "Include"))
		include(load, value);
	else
		set_by_name(load, name, value, &load->source->at);
}

static void
read_source(struct load *load, struct source *source, struct span text)
{
	static const struct span byte_order_mark = { "\xef\xbb\xbf", 3 };
	struct span line;

	load->source = source;
	if (span_starts(text, byte_order_mark))
		text = span_skip(text, byte_order_mark.len);
	while (span_line(&text, &line)) {
		source->at.line++;
		read_line(load, line);
	}
	load->source = source->outer;
}

static void
set_defaults(const struct load *load)
{
	const struct setting *setting;
	size_t i;
	bool ok;

	for (i = 0; i < load->schema->count; i++) {
		setting = &load->schema->settings[i];
		load->origins[i] = (struct config_origin){ NULL, 0 };
		if (setting->value == NULL)
			continue;
		ok = value_read(setting, span_of(setting->value), load->values,
		    load->arena);
		assert(ok);	/* the table is ours */
		(void)ok;
	}
}

/* The working directory; "/" where it is gone or cannot be read. */
static struct span
working_directory(struct arena *arena)
{
	char *path = getcwd(NULL, 0);	/* of any length */
	struct span copy = arena_dup(arena, span_of(path != NULL ? path : "/"));

	free(path);
	return copy;
}

static const char **
base_directory(const struct load *load)
{
	const struct setting *setting = find_setting(load->schema,
	    SPAN_LIT("BaseDirectory"));

	return setting != NULL && value_is_text(setting) ?
	    value_slot(setting, load->values) : NULL;
}

static void
resolve_path(const struct load *load, const struct setting *setting,
    struct span directory)
{
	const char **slot = value_slot(setting, load->values);

	if (setting->type == SETTING_PATH && *slot != NULL)
		*slot = join_path(directory, *slot, load->arena);
}

/* Makes the paths and BaseDirectory absolute. */
static void
resolve_all(const struct load *load, const char *path)
{
	const char **base = base_directory(load);
	struct span directory = working_directory(load->arena);
	size_t i;

	if (path != NULL)
		directory = span_of(join_path(directory, arena_dup(load->arena,
		    directory_of(path)).p, load->arena));
	if (base != NULL && *base == NULL)
		*base = arena_dup(load->arena, directory).p;
	if (base != NULL) {
		*base = join_path(directory, *base, load->arena);
		directory = span_of(*base);
	}
	for (i = 0; i < load->schema->count; i++)
		resolve_path(load, &load->schema->settings[i], directory);
}

bool
config_load(const char *path, const struct config_schema *schema, void *values,
    struct config_origin *origins, struct arena *arena, struct diag *diag)
{
	struct load load = {
		.schema = schema,
		.values = values,
		.origins = origins,
		.arena = arena,
		.diag = diag,
	};
	bool ok;

	set_defaults(&load);
	ok = path == NULL || read_file(&load, arena_strdup(arena, path));
	resolve_all(&load, path);
	return ok;
}

void
config_set(const struct config_schema *schema, struct span name,
    struct span value, const char *file, unsigned line, void *values,
    struct config_origin *origins, struct arena *arena, struct diag *diag)
{
	struct load load = {
		.schema = schema,
		.values = values,
		.origins = origins,
		.arena = arena,
		.diag = diag,
	};
	struct config_origin at = { arena_strdup(arena, file), line };

	set_by_name(&load, name, span_trim(value), &at);
	resolve_all(&load, NULL);
}

struct config_origin
config_find_origin(const struct config_schema *schema,
    const struct config_origin *origins, const char *name)
{
	const struct setting *setting = find_setting(schema, span_of(name));

	if (setting == NULL)
		return (struct config_origin){ NULL, 0 };
	return origins[setting - schema->settings];
}
