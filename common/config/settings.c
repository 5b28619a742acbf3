#include "common/config/settings.h"

#include "common/base/escape.h"
#include "common/base/file.h"
#include "common/base/nearest.h"
#include "common/config/value.h"

#include <assert.h>
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
	const char *path;
	unsigned line;
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

/* "Name=value" and "Name: value" are what other programs' files look like. */
static const char *
name_before_sign(const struct config_schema *schema, struct span name,
    char sign)
{
	const struct setting *setting;
	struct span head;

	if (!span_cut(&name, sign, &head))
		return NULL;
	setting = find_setting(schema, head);
	return setting != NULL ? setting->name : NULL;
}

static void
report_unknown(const struct load *load, struct span name, const char *file,
    unsigned line)
{
	const struct config_schema *schema = load->schema;
	const char *quoted, *meant = name_before_sign(schema, name, '=');
	struct nearest nearest;
	size_t i;

	if (diag_skip(load->diag, DIAG_ERROR))
		return;
	quoted = diag_quote(load->diag, name);
	if (meant == NULL)
		meant = name_before_sign(schema, name, ':');
	if (meant != NULL) {
		diag_error(load->diag, file, line, "%s: a blank separates "
		    "name and value; write \"%s VALUE\"", quoted, meant);
		return;
	}
	nearest_start(&nearest, name);
	nearest_offer(&nearest, "Include");
	for (i = 0; i < schema->count; i++)
		nearest_offer(&nearest, schema->settings[i].name);
	if (nearest.best != NULL)
		diag_error(load->diag, file, line, "%s is no known setting; "
		    "do you mean %s?", quoted, nearest.best);
	else
		diag_error(load->diag, file, line, "%s is no known setting, "
		    "and none is like it; --show-config lists all", quoted);
}

static void
report_foreign(const struct load *load, const struct setting_foreign *foreign,
    const char *file, unsigned line)
{
	if (foreign->is_harmless)
		diag_note(load->diag, file, line, "%s is passed over: %s",
		    foreign->name, foreign->advice);
	else
		diag_error(load->diag, file, line, "%s is not supported: %s",
		    foreign->name, foreign->advice);
}

static void
report_value(const struct load *load, const struct setting *setting,
    struct span value, const char *file, unsigned line)
{
	struct strbuf expected = STRBUF_INIT;

	value_expect(setting, &expected);
	diag_error(load->diag, file, line, "%s: %s must be %s", setting->name,
	    diag_quote(load->diag, value), strbuf_str(&expected));
	strbuf_clear(&expected);
}

static void
warn_again(const struct load *load, const struct setting *setting,
    const struct config_origin *before, const char *file, unsigned line)
{
	if (strcmp(before->file, file) == 0)
		diag_warning(load->diag, file, line, "%s was set on line %u "
		    "already; this line replaces it", setting->name,
		    before->line);
	else
		diag_warning(load->diag, file, line, "%s was set at %s:%u "
		    "already; this line replaces it", setting->name,
		    before->file, before->line);
}

/* There is no quoting, as there is none in opendkim.conf. */
static void
warn_quotes(const struct load *load, const struct setting *setting,
    struct span value, const char *file, unsigned line)
{
	if (value.len >= 2 && value.p[0] == value.p[value.len - 1] &&
	    (value.p[0] == '"' || value.p[0] == '\''))
		diag_warning(load->diag, file, line, "%s: the quotes are taken "
		    "as part of the value; leave them out", setting->name);
}

static void
set_value(const struct load *load, const struct setting *setting,
    struct span value, const char *file, unsigned line)
{
	size_t row = (size_t)(setting - load->schema->settings);
	struct config_origin *origin = &load->origins[row];
	bool again = origin->file != NULL && line != 0;

	if (again && (setting->flags & SETTING_REPEATS) != 0) {
		if (!value_join(setting, value, load->values, load->arena))
			diag_error(load->diag, file, line, "%s: too long, "
			    "together with what line %u and the lines after "
			    "it say", setting->name, origin->line);
		return;
	}
	if (!value_read(setting, value, load->values, load->arena)) {
		report_value(load, setting, value, file, line);
		return;
	}
	if (again)
		warn_again(load, setting, origin, file, line);
	warn_quotes(load, setting, value, file, line);
	*origin = (struct config_origin){ file, line };
}

/* A byte that nobody types into a value on purpose, or '#', which a line
 * cannot have in one; value.len where there is none. */
static size_t
find_bad_byte(struct span value)
{
	size_t i;

	for (i = 0; i < value.len; i++)
		if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') ||
		    value.p[i] == '\x7f' || value.p[i] == '#')
			break;
	return i;
}

static void
set_by_name(const struct load *load, struct span name, struct span value,
    const char *file, unsigned line)
{
	const struct setting *setting = find_setting(load->schema, name);
	const struct setting_foreign *foreign = find_foreign(load->schema,
	    name);
	size_t bad = find_bad_byte(value);

	if (setting == NULL && foreign != NULL)
		report_foreign(load, foreign, file, line);
	else if (setting == NULL)
		report_unknown(load, name, file, line);
	else if (value.len == 0)
		diag_error(load->diag, file, line, "%s has no value; give it "
		    "one or take the line out", setting->name);
	else if (value.len > CONFIG_VALUE_MAX)
		diag_error(load->diag, file, line, "%s: the value has %zu "
		    "octets, more than the %d that are read; put a list into "
		    "a file", setting->name, value.len, CONFIG_VALUE_MAX);
	else if (bad < value.len)
		diag_error(load->diag, file, line, "%s: the value cannot hold "
		    "the byte 0x%02x (at its position %zu)", setting->name,
		    (unsigned char)value.p[bad], bad + 1);
	else
		set_value(load, setting, value, file, line);
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
	const char *file = outer != NULL ? outer->path : NULL;
	unsigned line = outer != NULL ? outer->line : 0;
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	struct source source = { .outer = outer, .path = path };
	struct stat st;
	bool ok = false;

	source.depth = outer != NULL ? outer->depth + 1 : 0;
	if (source.depth > CONFIG_DEPTH_MAX)
		diag_error(load->diag, file, line, "Include: more than %d "
		    "levels deep", CONFIG_DEPTH_MAX);
	else if (load->files++ >= CONFIG_FILES_MAX)
		diag_error(load->diag, file, line, "Include: more than %d "
		    "files", CONFIG_FILES_MAX);
	else if (file_read(path, CONFIG_FILE_MAX, &text, &st, &err) != 0)
		diag_error(load->diag, file, line, "%s%s",
		    outer != NULL ? "Include: " : "", strbuf_str(&err));
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
	const struct source *source = load->source;

	if (value.len == 0 || value.len > CONFIG_VALUE_MAX ||
	    find_bad_byte(value) < value.len) {
		diag_error(load->diag, source->path, source->line,
		    "Include needs the path of a file");
		return;
	}
	read_file(load, join_path(directory_of(source->path),
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
		set_by_name(load, name, value, load->source->path,
		    load->source->line);
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
		source->line++;
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

	set_by_name(&load, name, span_trim(value), arena_strdup(arena, file),
	    line);
	resolve_all(&load, NULL);
}

/* Whether a line of a file can say that value. */
static bool
is_writable(struct span value)
{
	return value.len != 0 && find_bad_byte(value) == value.len &&
	    span_eq(span_trim(value), value);
}

static bool
is_set(const struct setting *setting, const struct config_origin *origin,
    struct span value)
{
	if (value_is_text(setting))
		return value.len != 0;
	return origin->file != NULL || setting->value != NULL;
}

static void
show_origin(const struct config_origin *origin, struct strbuf *out)
{
	strbuf_adds(out, "  # ");
	if (origin->file == NULL) {
		strbuf_adds(out, "default");
		return;
	}
	escape_add(out, span_of(origin->file), SIZE_MAX, ESCAPE_UTF8);
	if (origin->line != 0)
		strbuf_addf(out, ":%u", origin->line);
}

/* A directory's name may hold what a line cannot say: then it is a comment. */
static void
show_value(const struct setting *setting, struct span value,
    struct strbuf *out)
{
	if (is_writable(value)) {
		strbuf_addf(out, "%-22s ", setting->name);
		strbuf_addspan(out, value);
		return;
	}
	strbuf_addf(out, "# %-20s ", setting->name);
	escape_add(out, value, SIZE_MAX, ESCAPE_UTF8);
}

void
config_show(const struct config_schema *schema, const void *values,
    const struct config_origin *origins, struct strbuf *out)
{
	struct strbuf value = STRBUF_INIT;
	const struct setting *setting;
	size_t i;

	for (i = 0; i < schema->count; i++) {
		setting = &schema->settings[i];
		strbuf_reset(&value);
		config_format(setting, values, &value);
		if (is_set(setting, &origins[i], strbuf_span(&value))) {
			show_value(setting, strbuf_span(&value), out);
			show_origin(&origins[i], out);
		} else {
			strbuf_addf(out, "# %s is not set", setting->name);
		}
		strbuf_addc(out, '\n');
	}
	strbuf_clear(&value);
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
