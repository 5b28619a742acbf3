#include "tests/fuzz/fuzz.h"

#include "common/base/escape.h"

static void
check_line(struct span s, bool utf8)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		MUST((s.p[i] >= ' ' && s.p[i] <= '~') ||
		    (utf8 && (unsigned char)s.p[i] >= 0x80));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_make(data, size);
	struct strbuf out = STRBUF_INIT;
	unsigned flags;

	for (flags = 0; flags < 8; flags++) {
		strbuf_reset(&out);
		escape_add(&out, s, 100, flags);
		check_line(strbuf_span(&out), (flags & ESCAPE_UTF8) != 0);
		MUST(out.len <= 4 * 100 + 5);
	}
	strbuf_reset(&out);
	escape_value(&out, s, 100);
	check_line(strbuf_span(&out), false);
	MUST(out.len > 0);
	strbuf_clear(&out);
	return 0;
}
