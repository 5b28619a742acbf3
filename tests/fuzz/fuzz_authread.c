/*
 * Any octets as a field of our own: what is read is bounded and lies within its
 * memory. Then, cut at newlines, as what authres.c writes: that reads back.
 */
#include "tests/fuzz/fuzz.h"

#include "common/mail/authread.h"
#include "common/mail/authres.h"
#include "common/mail/quote.h"

static size_t
touch(struct span s)
{
	size_t i, sum = 0;

	for (i = 0; i < s.len; i++)
		sum += (unsigned char)s.p[i];
	return sum;
}

static void
check_name(struct span name)
{
	size_t i;

	MUST(name.len != 0);
	for (i = 0; i < name.len; i++)
		MUST(is_digit(name.p[i]) || name.p[i] == '-' ||
		    name.p[i] == '_' || name.p[i] == '.' ||
		    (is_alpha(name.p[i]) &&
		    ascii_lower(name.p[i]) == name.p[i]));
}

static void
check_any(struct span text, struct arena *arena)
{
	struct auth_result *results;
	struct span value;
	size_t i, j, count;

	if (!authread_parse(text, arena, &results, &count)) {
		MUST(count == 0);
		return;
	}
	MUST(count <= AUTHREAD_RESULTS_MAX);
	for (i = 0; i < count; i++) {
		check_name(results[i].method);
		check_name(results[i].result);
		MUST(results[i].property_count <= AUTHREAD_PROPERTIES_MAX);
		for (j = 0; j < results[i].property_count; j++) {
			check_name(results[i].properties[j].name);
			value = results[i].properties[j].value;
			MUST(touch(value) <= value.len * 255);
		}
	}
}

/* got is want as quote.h escapes it, or as much of it as there was room
 * for, with tail behind it. */
static void
check_value(struct span got, struct span want, const char *tail)
{
	struct strbuf text = STRBUF_INIT;
	struct span start, end = span_of(tail);

	quote_escape(want, &text);
	MUST(got.len >= end.len && span_ends_nocase(got, end));
	start = span_first(got, got.len - end.len);
	if (!span_eq(start, strbuf_span(&text))) {
		MUST(span_ends_nocase(start, SPAN_LIT("...")));
		MUST(span_starts(strbuf_span(&text),
		    span_first(start, start.len - 3)));
	}
	strbuf_clear(&text);
}

static void
check_written(const struct span part[5], struct arena *arena)
{
	struct address address = { part[4], SPAN_LIT("example.com") };
	struct strbuf out = STRBUF_INIT;
	struct auth_result *results;
	struct authres authres;
	size_t count, n = 0;

	authres_start(&authres, part[0], &out);
	authres_method(&authres, "dkim", "pass");
	authres_comment(&authres, part[1]);
	authres_reason(&authres, part[2]);
	authres_property(&authres, "header.s", part[3]);
	authres_address(&authres, "smtp.mailfrom", &address);
	authres_method(&authres, "spf", "none");
	authres_end(&authres);
	MUST(authread_parse(strbuf_span(&out), arena, &results, &count));
	MUST(count == 2 && results[1].property_count == 0);
	MUST(span_is(results[0].method, "dkim"));
	MUST(span_is(results[1].result, "none"));
	MUST(results[0].property_count == 1u + (part[3].len != 0));
	/* One with an '@' is taken for an address: its parts are cut apart. */
	if (part[3].len != 0 && !span_has(part[3], '@'))
		check_value(results[0].properties[n].value, part[3], "");
	n += part[3].len != 0;
	check_value(results[0].properties[n].value, part[4], "@example.com");
	strbuf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make(data, size), part[5];
	struct arena arena = ARENA_INIT;
	size_t i;

	check_any(rest, &arena);
	for (i = 0; i < 5; i++)
		span_cut(&rest, '\n', &part[i]);
	check_written(part, &arena);
	arena_clear(&arena);
	return 0;
}
