#include "common/config/value.h"

#include "common/base/mem.h"
#include "common/base/units.h"

#include <assert.h>
#include <inttypes.h>

static bool
parse_number(struct span text, int64_t *n)
{
	bool negative = text.len > 0 && text.p[0] == '-';
	uint64_t value;

	if (!span_number(span_skip(text, negative ? 1 : 0), INT64_MAX, &value))
		return false;
	*n = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static bool
parse_octal(struct span text, int64_t *n)
{
	int64_t value = 0;
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '7' || value > INT64_MAX / 8)
			return false;
		value = value * 8 + (text.p[i] - '0');
	}
	if (text.len != 0)
		*n = value;
	return text.len != 0;
}

static void
add_number(struct strbuf *out, int64_t n)
{
	strbuf_addf(out, "%" PRId64, n);
}

static void
add_octal(struct strbuf *out, int64_t n)
{
	strbuf_addf(out, "%04" PRIo64, (uint64_t)n);
}

/* The types that are an int64_t. */
static const struct number_type {
	bool (*parse)(struct span text, int64_t *n);
	void (*add)(struct strbuf *out, int64_t n);
	const char *what;
} number_types[] = {
	[SETTING_NUMBER] = { parse_number, add_number, "a number" },
	[SETTING_OCTAL] = { parse_octal, add_octal, "an octal number" },
	[SETTING_SECONDS] = { units_seconds, units_add_seconds,
	    "a time (90s, 5m, 2h, 1d, 1w)" },
	[SETTING_BYTES] = { units_bytes, units_add_bytes,
	    "a size (512, 64k, 10M)" },
};

static bool
is_bounded(const struct setting *setting)
{
	return setting->min != 0 || setting->max != 0;
}

static bool
is_within(const struct setting *setting, int64_t n)
{
	return !is_bounded(setting) || (n >= setting->min &&
	    (setting->max == 0 || n <= setting->max));
}

static bool
read_number(const struct setting *setting, struct span text, int64_t *slot)
{
	int64_t n;

	if (!number_types[setting->type].parse(text, &n) ||
	    !is_within(setting, n))
		return false;
	*slot = n;
	return true;
}

static bool
read_word(const struct setting *setting, struct span text, int *slot)
{
	int i;

	for (i = 0; setting->words[i] != NULL; i++)
		if (span_is_nocase(text, setting->words[i])) {
			*slot = i;
			return true;
		}
	return false;
}

static bool
read_letters(const struct setting *setting, struct span text, int *slot)
{
	struct span letters = span_of(setting->words[0]);
	unsigned bits = 0;
	size_t i, at;

	for (i = 0; i < text.len; i++) {
		at = span_find(letters, ascii_lower(text.p[i]));
		if (at == letters.len)
			return false;
		bits |= 1u << at;
	}
	if (text.len != 0)
		*slot = (int)bits;
	return text.len != 0;
}

/*
 * Text is kept with room up to the next power of two, so that value_join()
 * copies each octet twice at most, however often a setting comes.
 */
static size_t
text_room(size_t len)
{
	size_t room = 16;

	while (room < len + 1)
		room *= 2;
	return room;
}

static char *
copy_text(struct span text, struct arena *arena)
{
	char *copy = arena_alloc(arena, text_room(text.len));

	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	return copy;
}

static bool
read_text(const struct setting *setting, struct span text, const char **slot,
    struct arena *arena)
{
	if (text.len == 0 || !is_within(setting, (int64_t)text.len))
		return false;
	*slot = copy_text(text, arena);
	return true;
}

bool
value_add_row(const struct setting *setting, struct span text,
    const struct config_origin *at, void *values, struct arena *arena)
{
	struct config_rows *rows = value_slot(setting, values);
	struct config_row *more;

	if (at->line == 0)
		rows->count = 0;
	if (rows->count >= (size_t)setting->max)
		return false;
	/* A power of two is when the array is full. */
	if ((rows->count & (rows->count - 1)) == 0) {
		more = arena_alloc(arena, (rows->count == 0 ? 1 :
		    rows->count * 2) * sizeof(*more));
		if (rows->count != 0)
			memcpy(more, rows->rows,
			    rows->count * sizeof(*more));
		rows->rows = more;
	}
	rows->rows[rows->count++] = (struct config_row){
		.text = arena_dup(arena, text).p,
		.file = at->file,
		.line = at->line,
	};
	return true;
}

bool
value_read(const struct setting *setting, struct span text, void *values,
    struct arena *arena)
{
	void *slot = value_slot(setting, values);

	switch (setting->type) {
	case SETTING_STRING:
	case SETTING_PATH:
	case SETTING_SPEC:
		return read_text(setting, text, slot, arena);
	case SETTING_NUMBER:
	case SETTING_OCTAL:
	case SETTING_SECONDS:
	case SETTING_BYTES:
		return read_number(setting, text, slot);
	case SETTING_BOOL:
		return units_bool(text, slot);
	case SETTING_WORD:
		return read_word(setting, text, slot);
	case SETTING_LETTERS:
		return read_letters(setting, text, slot);
	case SETTING_ROWS:
		break;	/* value_add_row() */
	}
	assert(0);
	return false;
}

bool
value_join(const struct setting *setting, struct span text, void *values,
    struct arena *arena)
{
	char **slot = value_slot(setting, values);
	struct span old = span_of(*slot);
	size_t len = old.len + 1 + text.len;

	if (len > CONFIG_VALUE_MAX || !is_within(setting, (int64_t)len))
		return false;
	if (len + 1 > text_room(old.len)) {
		*slot = arena_alloc(arena, text_room(len));
		memcpy(*slot, old.p, old.len);
	}
	(*slot)[old.len] = ',';
	memcpy(*slot + old.len + 1, text.p, text.len);
	(*slot)[len] = '\0';
	return true;
}

size_t
value_bad_byte(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (((unsigned char)text.p[i] < ' ' && text.p[i] != '\t') ||
		    text.p[i] == '\x7f' || text.p[i] == '#')
			break;
	return i;
}

static void
expect_number(const struct setting *setting, struct strbuf *out)
{
	const struct number_type *type = &number_types[setting->type];

	strbuf_adds(out, type->what);
	if (!is_bounded(setting))
		return;
	strbuf_adds(out, setting->max != 0 ? " from " : " of at least ");
	type->add(out, setting->min);
	if (setting->max == 0)
		return;
	strbuf_adds(out, " to ");
	type->add(out, setting->max);
}

static void
expect_text(const struct setting *setting, struct strbuf *out)
{
	if (setting->max != 0)
		strbuf_addf(out, "%" PRId64 " to %" PRId64 " characters long",
		    setting->min > 0 ? setting->min : 1, setting->max);
	else
		strbuf_addf(out, "at least %" PRId64 " characters long",
		    setting->min);
}

static void
expect_word(const struct setting *setting, struct strbuf *out)
{
	size_t i;

	strbuf_adds(out, "one of ");
	for (i = 0; setting->words[i] != NULL; i++)
		strbuf_addf(out, "%s%s", i != 0 ? ", " : "", setting->words[i]);
}

void
value_expect(const struct setting *setting, struct strbuf *out)
{
	if (value_is_text(setting))
		expect_text(setting, out);
	else if (setting->type == SETTING_BOOL)
		strbuf_adds(out, "yes or no");
	else if (setting->type == SETTING_WORD)
		expect_word(setting, out);
	else if (setting->type == SETTING_LETTERS)
		strbuf_addf(out, "made of the letters \"%s\"",
		    setting->words[0]);
	else if (setting->type == SETTING_ROWS)
		strbuf_addf(out, "on %" PRId64 " lines at most",
		    setting->max);
	else
		expect_number(setting, out);
}

bool
value_is_text(const struct setting *setting)
{
	return setting->type == SETTING_STRING ||
	    setting->type == SETTING_PATH || setting->type == SETTING_SPEC;
}

static void
add_rows(const struct config_rows *rows, struct strbuf *out)
{
	size_t i;

	for (i = 0; i < rows->count; i++)
		strbuf_addf(out, "%s%s", i != 0 ? "\n" : "",
		    rows->rows[i].text);
}

static void
add_letters(const struct setting *setting, int bits, struct strbuf *out)
{
	const char *letters = setting->words[0];
	size_t i;

	for (i = 0; letters[i] != '\0'; i++)
		if (((unsigned)bits & 1u << i) != 0)
			strbuf_addc(out, letters[i]);
}

void
config_format(const struct setting *setting, const void *values,
    struct strbuf *out)
{
	const void *slot = (const char *)values + setting->offset;

	switch (setting->type) {
	case SETTING_STRING:
	case SETTING_PATH:
	case SETTING_SPEC:
		strbuf_addspan(out, span_of(*(const char *const *)slot));
		break;
	case SETTING_NUMBER:
	case SETTING_OCTAL:
	case SETTING_SECONDS:
	case SETTING_BYTES:
		number_types[setting->type].add(out, *(const int64_t *)slot);
		break;
	case SETTING_BOOL:
		strbuf_adds(out, *(const bool *)slot ? "yes" : "no");
		break;
	case SETTING_WORD:
		strbuf_adds(out, setting->words[*(const int *)slot]);
		break;
	case SETTING_LETTERS:
		add_letters(setting, *(const int *)slot, out);
		break;
	case SETTING_ROWS:
		add_rows(slot, out);
		break;
	}
}
