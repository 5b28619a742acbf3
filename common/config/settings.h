/*
 * settings.h - "Name value" files into a struct, driven by a table of settings.
 *
 * Grammar (opendkim.conf's): one setting a line, the name, blanks, the value
 * to the end of the line; '#' starts a comment anywhere; blank lines do not
 * count; names ignore case; LF or CRLF ends a line. "Include FILE" reads
 * another file in that place; a relative FILE is looked for beside the file
 * that says so. A name that comes again replaces the value before it, with a
 * warning (a row flagged SETTING_REPEATS collects instead).
 *
 * The table is all there is to know of a setting: reader, default, bounds and
 * the word list are data, and --show-config, the manual's and the sample
 * file's tests read the same rows.
 */
#ifndef POSTERN_CONFIG_SETTINGS_H
#define POSTERN_CONFIG_SETTINGS_H

#include "common/base/arena.h"
#include "common/base/diag.h"

enum {
	CONFIG_FILE_MAX = 4 << 20,	/* octets of one file */
	CONFIG_VALUE_MAX = 65536,	/* octets of one value */
	CONFIG_DEPTH_MAX = 5,		/* levels of Include */
	CONFIG_FILES_MAX = 100		/* files read by one load */
};

enum setting_type {
	SETTING_STRING,	/* const char *; min and max bound its length */
	SETTING_PATH,	/* const char *, made absolute: see config_load() */
	SETTING_SPEC,	/* const char *: a table or list, see dataset.h; may be
			   long; paths in it are resolved by its loader */
	SETTING_NUMBER,	/* int64_t; decimal, min..max */
	SETTING_OCTAL,	/* int64_t; octal digits, min..max */
	SETTING_SECONDS,/* int64_t; units_seconds() */
	SETTING_BYTES,	/* int64_t; units_bytes() */
	SETTING_BOOL,	/* bool */
	SETTING_WORD,	/* int: the index in words[] */
	SETTING_LETTERS,/* int: bit n set for letter n of words[0], any order */
	SETTING_ROWS	/* struct config_rows: every line of that name, in
			   order; 1 to max of them; there is no default */
};

/* What the lines of a SETTING_ROWS say, each with its place. */
struct config_row {
	const char *text;
	const char *file;
	unsigned line;		/* 0: no line of a file */
};

struct config_rows {
	struct config_row *rows;
	size_t count;
};

enum {
	SETTING_REPEATS = 1,	/* STRING, SPEC: all values, joined by ',' */
	SETTING_AT_START = 2	/* a reload cannot change it (warning) */
};

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;		/* of its value in the struct */
	const char *value;	/* default, as one would write it; NULL: unset
				   (NULL, 0, false) */
	int64_t min;
	int64_t max;		/* 0, 0: no bounds but the type's; max 0: no
				   upper one */
	const char *const *words;	/* NULL-terminated */
	unsigned flags;
};

/*
 * A name that other software has and this program has not: what to tell the
 * admin. is_harmless: the setting is passed over with a note (its effect is
 * what happens here anyway); otherwise it is an error.
 */
struct setting_foreign {
	const char *name;
	bool is_harmless;
	const char *advice;
};

struct config_schema {
	const struct setting *settings;
	size_t count;
	const struct setting_foreign *foreign;
	size_t foreign_count;
};

/* Where a value came from: NULL file means the default; line 0 is no line of
 * a file ("command line"). */
struct config_origin {
	const char *file;
	unsigned line;
};

/*
 * Fills values, a struct laid out as the schema's offsets say, with defaults
 * and then with what path says; origins has schema->count members. Strings go
 * into the arena. Relative SETTING_PATHs are resolved against the setting
 * named "BaseDirectory", wherever in the file it stands; where the schema has
 * it and nothing sets it, it becomes the directory of the main file. (Without
 * path: the working directory.) Everything wrong goes to diag, and a value
 * that is wrong leaves the one before it; an unknown name is an error that
 * names the nearest known one, if any is near. path NULL: defaults only.
 * Returns false where path could not be read at all.
 */
bool config_load(const char *path, const struct config_schema *schema,
    void *values, struct config_origin *origins, struct arena *arena,
    struct diag *diag);

/*
 * Sets one value from text, as a line of the file would (for command line
 * options and tests). file and line are what diag and origins get; with line
 * 0 the value replaces what is there (all rows, too) without a warning, and a relative path is
 * resolved against BaseDirectory as it is now, or the working directory.
 */
void config_set(const struct config_schema *schema, struct span name,
    struct span value, const char *file, unsigned line, void *values,
    struct config_origin *origins, struct arena *arena, struct diag *diag);

/* The effective value as one would write it; of rows, a line each. */
void config_format(const struct setting *setting, const void *values,
    struct strbuf *out);

/*
 * Every setting, a line each: "Name value  # file:line" or "# default"; what
 * is not set, as a comment. Read as a file, it yields the same values.
 */
void config_show(const struct config_schema *schema, const void *values,
    const struct config_origin *origins, struct strbuf *out);

/* The origin of the setting of that name; {NULL, 0} where it is unknown. */
struct config_origin config_find_origin(const struct config_schema *schema,
    const struct config_origin *origins, const char *name);

#endif
