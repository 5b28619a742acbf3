#include "tests/fuzz/fuzz.h"

#include "admin/zonetext.h"

/* What is read never is longer than what was there, and a value of plain
 * characters survives being written and read. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct zonetext record, again;
	struct strbuf text = STRBUF_INIT;
	size_t i;

	if (zonetext_parse(span_make(data, size), &arena, &record)) {
		MUST(record.owner.len + record.value.len +
		    record.comment.len <= size);
		for (i = 0; i < record.value.len; i++)
			if (memchr("\"\\", record.value.p[i], 2) != NULL)
				goto out;
		zonetext_format(ZONETEXT_BIND, SPAN_LIT("a.b"), record.value,
		    &text);
		MUST(zonetext_parse(strbuf_span(&text), &arena, &again));
		MUST(span_eq(again.value, record.value));
		MUST(span_is(again.owner, "a.b."));
	}
out:
	strbuf_clear(&text);
	arena_clear(&arena);
	return 0;
}
