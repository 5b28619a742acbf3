#include "common/base/units.h"

#include "common/base/mem.h"

#include <inttypes.h>
#include <time.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static bool
read_with_unit(struct span s, const struct unit *units, size_t count,
    int64_t *result)
{
	struct span number = s, word;
	uint64_t n;
	size_t i, digits = 0;

	while (digits < s.len && is_digit(s.p[digits]))
		digits++;
	number.len = digits;
	word = span_trim(span_skip(s, digits));
	for (i = 0; i < count; i++) {
		if (!span_is_nocase(word, units[i].name))
			continue;
		if (!span_number(number, INT64_MAX / units[i].factor, &n))
			return false;
		*result = (int64_t)(n * units[i].factor);
		return true;
	}
	return false;
}

bool
units_seconds(struct span s, int64_t *seconds)
{
	static const struct unit units[] = {
		{ "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 },
		{ "d", 86400 }, { "w", 604800 },
	};

	return read_with_unit(s, units, ARRAY_LEN(units), seconds);
}

bool
units_bytes(struct span s, int64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 }, { "b", 1 },
		{ "k", 1 << 10 }, { "kb", 1 << 10 },
		{ "m", 1 << 20 }, { "mb", 1 << 20 },
		{ "g", 1 << 30 }, { "gb", 1 << 30 },
	};

	return read_with_unit(s, units, ARRAY_LEN(units), bytes);
}

bool
units_bool(struct span s, bool *value)
{
	static const char *const words[][2] = {
		{ "n", "y" }, { "no", "yes" }, { "f", "t" },
		{ "false", "true" }, { "0", "1" }, { "off", "on" },
	};
	size_t i, which;

	for (i = 0; i < ARRAY_LEN(words); i++)
		for (which = 0; which < 2; which++)
			if (span_is_nocase(s, words[i][which])) {
				*value = which == 1;
				return true;
			}
	return false;
}

bool
units_date(struct span s, int64_t *seconds)
{
	char copy[16];
	struct tm tm = { .tm_isdst = 0 }, read;
	const char *rest;
	int64_t start;

	if (s.len != 10 || !is_digit(s.p[0]))
		return false;
	memcpy(copy, s.p, s.len);
	copy[s.len] = '\0';
	rest = strptime(copy, "%Y-%m-%d", &tm);
	if (rest == NULL || *rest != '\0')
		return false;
	read = tm;
	start = (int64_t)timegm(&tm);
	/* February 30th, which strptime() takes, has become March 2nd. */
	if (tm.tm_mday != read.tm_mday || tm.tm_mon != read.tm_mon ||
	    start < 0)
		return false;
	*seconds = start;
	return true;
}

bool
units_hundredths(struct span s, int64_t *hundredths)
{
	bool is_negative = s.len != 0 && s.p[0] == '-';
	struct span whole;
	uint64_t units, parts = 0;

	if (s.len != 0 && (s.p[0] == '-' || s.p[0] == '+'))
		s = span_skip(s, 1);
	if (span_cut(&s, '.', &whole) &&
	    (s.len > 2 || !span_number(s, 99, &parts)))
		return false;
	if (!span_number(whole, INT64_MAX / 1000, &units))
		return false;
	if (s.len == 1)
		parts *= 10;
	*hundredths = (int64_t)(units * 100 + parts);
	if (is_negative)
		*hundredths = -*hundredths;
	return true;
}

struct shown_unit {
	int64_t factor;
	char letter;
};

/* Units from the largest down. */
static void
add_with_unit(struct strbuf *out, int64_t n, const struct shown_unit *units,
    size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (n != 0 && n % units[i].factor == 0) {
			strbuf_addf(out, "%" PRId64 "%c", n / units[i].factor,
			    units[i].letter);
			return;
		}
	strbuf_addf(out, "%" PRId64, n);
}

void
units_add_seconds(struct strbuf *out, int64_t seconds)
{
	static const struct shown_unit units[] = {
		{ 604800, 'w' }, { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' },
		{ 1, 's' },
	};

	add_with_unit(out, seconds, units, ARRAY_LEN(units));
}

void
units_add_bytes(struct strbuf *out, int64_t bytes)
{
	static const struct shown_unit units[] = {
		{ 1 << 30, 'G' }, { 1 << 20, 'M' }, { 1 << 10, 'k' },
	};

	add_with_unit(out, bytes, units, ARRAY_LEN(units));
}
