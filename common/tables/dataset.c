#include "common/tables/dataset.h"

#include "common/base/file.h"
#include "common/base/ipaddr.h"
#include "common/base/mem.h"

#include <stdlib.h>

struct type {
	const char *name;
	enum dataset_type type;
	const char *remedy;	/* NULL: we have it */
};

#define DUMP(tool)	"dump it to a text file (" tool " PATH | sed -n "     \
	"'/^ /{N;s/^ //;s/\\n / /;p}' > FILE) and write file:FILE"
#define EXPORT		"export its rows to a text file, a key, a blank and " \
	"a value on each line, and write file:FILE"

static const struct type types[] = {
	{ "file", DATASET_FILE, NULL },
	{ "refile", DATASET_REFILE, NULL },
	{ "csl", DATASET_CSL, NULL },
	{ "db", DATASET_FILE, DUMP("db_dump -p") },
	{ "mdb", DATASET_FILE, DUMP("mdb_dump -p") },
	{ "dsn", DATASET_FILE, EXPORT },
	{ "ldap", DATASET_FILE, EXPORT },
	{ "ldaps", DATASET_FILE, EXPORT },
	{ "ldapi", DATASET_FILE, EXPORT },
	{ "lua", DATASET_FILE, EXPORT },
	{ "memcache", DATASET_FILE, EXPORT },
	{ "erlang", DATASET_FILE, EXPORT },
	{ "socket", DATASET_FILE, EXPORT },
};

/* Whether a list starts with an address: "fd00::/8" has a colon, not a type. */
static bool
starts_with_address(struct span spec)
{
	struct ipaddr network;
	struct span item;
	bool host_bits;

	if (!span_item(&spec, &item))
		return false;
	if (item.len > 0 && item.p[0] == '!')
		item = span_skip(item, 1);
	return ipaddr_parse_network(item, &network, &host_bits);
}

/* The word before the first colon where it can be a type; false: none. */
static bool
cut_type(struct span spec, struct span *word, struct span *rest)
{
	size_t i;

	*rest = spec;
	if (!span_cut(rest, ':', word) || word->len == 0)
		return false;
	for (i = 0; i < word->len; i++)
		if (!is_alpha(word->p[i]))
			return false;
	return true;
}

static const struct type *
find_type(struct span word)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++)
		if (span_is_nocase(word, types[i].name))
			return &types[i];
	return NULL;
}

static int
fail(const struct dataset_place *place, struct diag *diag, struct span what,
    const char *text)
{
	diag_error(diag, place->file, place->line, "%s: %s: %s",
	    place->setting, diag_quote(diag, what), text);
	return -1;
}

/* What kind of data set spec is, and *rest, where or what it is. */
static int
guess_type(struct span spec, const struct dataset_place *place,
    enum dataset_type *type, struct span *rest, struct diag *diag)
{
	const struct type *found;
	struct span word;

	*rest = spec;
	*type = DATASET_CSL;
	if (starts_with_address(spec))
		return 0;
	if (dataset_is_path(spec))
		*type = DATASET_FILE;
	if (*type == DATASET_FILE || !span_has(spec, ':')) {
		if (!span_ends_nocase(spec, SPAN_LIT(".db")))
			return 0;
		return fail(place, diag, spec, "a Berkeley DB file by its "
		    "name, and those are not read; " DUMP("db_dump -p")
		    "; if it is a text file, write file: before it");
	}
	if (!cut_type(spec, &word, rest)) {
		*rest = spec;
		return 0;
	}
	found = find_type(word);
	if (found == NULL && dataset_is_path(*rest))
		return fail(place, diag, word, "no such type of data set; "
		    "there are file:, refile: and csl:");
	if (found == NULL) {
		*rest = spec;
		return 0;
	}
	if (found->remedy != NULL) {
		diag_error(diag, place->file, place->line,
		    "%s: data sets of type %s: are not read; %s",
		    place->setting, found->name, found->remedy);
		return -1;
	}
	*type = found->type;
	*rest = span_trim(*rest);
	return 0;
}

static int
read_file(struct dataset *set, struct span path,
    const struct dataset_place *place, struct diag *diag)
{
	struct arena arena = ARENA_INIT;
	struct strbuf err = STRBUF_INIT;
	int rc;

	set->name = xstrdup(dataset_resolve(place->base_directory, path,
	    &arena));
	set->line = 0;
	arena_clear(&arena);
	rc = file_read(set->name, DATASET_FILE_MAX, &set->text, NULL, &err);
	if (rc != 0)
		diag_error(diag, place->file, place->line, "%s: %s%s",
		    place->setting, strbuf_str(&err), span_has(path, ',') ?
		    "; a file stands alone: move what follows the comma into "
		    "the file" : "");
	strbuf_clear(&err);
	return rc;
}

static void
skip_mark(struct span *text)
{
	static const struct span mark = { "\xef\xbb\xbf", 3 };

	if (span_starts(*text, mark))
		*text = span_skip(*text, mark.len);
}

int
dataset_open(const char *spec, const struct dataset_place *place,
    struct dataset *set, struct diag *diag)
{
	struct span rest, all = span_trim(span_of(spec));

	memset(set, 0, sizeof(*set));
	set->setting = place->setting;
	set->line = place->line;
	if (guess_type(all, place, &set->type, &rest, diag) != 0)
		return -1;
	if (set->type == DATASET_CSL) {
		set->name = xstrdup(place->file != NULL ? place->file :
		    place->setting);
		strbuf_addspan(&set->text, rest);
	} else if (rest.len == 0) {
		return fail(place, diag, all, "the path is missing");
	} else if (read_file(set, rest, place, diag) != 0) {
		dataset_close(set);
		return -1;
	}
	set->rest = strbuf_span(&set->text);
	skip_mark(&set->rest);
	return 0;
}

int
dataset_locate(const char *spec, const struct dataset_place *place,
    struct arena *arena, enum dataset_type *type, const char **path,
    struct diag *diag)
{
	struct span rest, all = span_trim(span_of(spec));

	*path = NULL;
	if (guess_type(all, place, type, &rest, diag) != 0)
		return -1;
	if (*type == DATASET_CSL)
		return 0;
	if (rest.len == 0)
		return fail(place, diag, all, "the path is missing");
	*path = dataset_resolve(place->base_directory, rest, arena);
	return 0;
}

const char *
dataset_fault(struct span row)
{
	size_t i;

	if (row.len > DATASET_LINE_MAX)
		return "the row is longer than 65536 bytes; shorten it";
	for (i = 0; i < row.len; i++)
		if ((unsigned char)row.p[i] < ' ' && !is_fws(row.p[i]))
			return "the row holds a control character; is this a "
			    "text file?";
	return NULL;
}

/* The next line that holds something, without comment and blanks around. */
static bool
next_line(struct dataset *set, struct span *line)
{
	struct span whole;

	while (span_line(&set->rest, &whole)) {
		set->line++;
		span_cut(&whole, '#', line);
		*line = span_trim(*line);
		if (line->len > 0)
			return true;
	}
	return false;
}

/* The next item between commas, or the next word of one without "=". */
static bool
next_item(struct dataset *set, struct span *item)
{
	if (span_item(&set->words, item))
		return true;
	while (set->rest.len > 0) {
		span_cut(&set->rest, ',', item);
		*item = span_trim(*item);
		if (span_has(*item, '='))
			return true;
		set->words = *item;
		if (span_item(&set->words, item))
			return true;
	}
	return false;
}

static void
split_row(struct span line, struct dataset_row *row)
{
	size_t n = 0;

	while (n < line.len && !is_wsp(line.p[n]))
		n++;
	row->key = span_first(line, n);
	row->value = span_trim(span_skip(line, n));
}

static void
split_item(struct span item, struct dataset_row *row)
{
	row->value = item;
	span_cut(&row->value, '=', &row->key);
	row->key = span_trim(row->key);
	row->value = span_trim(row->value);
}

bool
dataset_next(struct dataset *set, struct dataset_row *row, struct diag *diag)
{
	bool is_list = set->type == DATASET_CSL;
	struct span text;
	const char *why;

	while (is_list ? next_item(set, &text) : next_line(set, &text)) {
		row->line = set->line;
		why = dataset_fault(text);
		if (why == NULL && is_list)
			split_item(text, row);
		else if (why == NULL)
			split_row(text, row);
		if (why == NULL && row->key.len == 0)
			why = "nothing stands before \"=\"; write name=value";
		if (why == NULL)
			return true;
		diag_error(diag, set->name, set->line, "%s: %s", set->setting,
		    why);
	}
	return false;
}

void
dataset_close(struct dataset *set)
{
	strbuf_wipe(&set->text);
	free(set->name);
	memset(set, 0, sizeof(*set));
}

bool
dataset_is_path(struct span s)
{
	return span_starts(s, SPAN_LIT("/")) ||
	    span_starts(s, SPAN_LIT("./")) ||
	    span_starts(s, SPAN_LIT("../"));
}

const char *
dataset_resolve(const char *base, struct span path, struct arena *arena)
{
	struct strbuf full = STRBUF_INIT;
	const char *result;

	if (base != NULL && !span_starts(path, SPAN_LIT("/"))) {
		strbuf_adds(&full, base);
		strbuf_addc(&full, '/');
	}
	strbuf_addspan(&full, path);
	result = arena_dup(arena, strbuf_span(&full)).p;
	strbuf_clear(&full);
	return result;
}
