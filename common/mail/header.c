#include "common/mail/header.h"

/*
 * What a value may not hold besides its folds. Two passes of memchr() beat one
 * of a loop.
 */
static bool
is_clean(struct span s)
{
	return !span_has(s, '\r') && !span_has(s, '\0');
}

static char *
put(char *to, const char *from, size_t len)
{
	if (len != 0)
		memcpy(to, from, len);
	return to + len;
}

/*
 * Copies value to out, which has room for it twice. A line end that is no fold
 * stays as it came. False where one does, or where a CR or NUL is left.
 */
static bool
copy_value(struct span value, char *out, size_t *len)
{
	struct span rest = value, line;
	bool clean = true;
	char *to = out;

	while (span_cut(&rest, '\n', &line)) {
		bool has_cr = line.len != 0 && line.p[line.len - 1] == '\r';

		if (rest.len == 0 || !is_wsp(rest.p[0])) {
			to = put(to, line.p, line.len);
			*to++ = '\n';
			clean = false;
			continue;
		}
		line.len -= has_cr;
		clean = clean && is_clean(line);
		to = put(to, line.p, line.len);
		*to++ = '\r';
		*to++ = '\n';
	}
	clean = clean && is_clean(line);
	to = put(to, line.p, line.len);
	*len = (size_t)(to - out);
	return clean;
}

static size_t
count_char(struct span s, char c)
{
	struct span head;
	size_t n = 0;

	while (span_cut(&s, c, &head))
		n++;
	return n;
}

void
header_normalize(struct span name, struct span value, struct arena *arena,
    struct header_field *field)
{
	size_t room = value.len + count_char(value, '\n'), len;
	char *out = arena_alloc(arena, name.len + 1 + room + 1);
	char *text = put(out, name.p, name.len);

	*text++ = '\0';
	field->is_malformed = !copy_value(value, text, &len) ||
	    !header_name_is_valid(name);
	text[len] = '\0';
	field->name = span_make(out, name.len);
	field->value = span_make(text, len);
}

bool
header_name_is_valid(struct span name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ':')
			return false;
	return name.len != 0 && name.len <= HEADER_NAME_MAX;
}

static bool
is_named(const struct header_field *field, struct span name)
{
	struct span own = field->name;

	while (own.len > name.len && is_wsp(own.p[own.len - 1]))
		own.len--;
	return span_eq_nocase(own, name);
}

size_t
header_find(const struct header_field *fields, size_t count,
    struct span name, size_t n)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (is_named(&fields[i], name) && n-- == 0)
			break;
	return i;
}

size_t
header_count(const struct header_field *fields, size_t count,
    struct span name)
{
	size_t i, n = 0;

	for (i = 0; i < count; i++)
		n += is_named(&fields[i], name);
	return n;
}
