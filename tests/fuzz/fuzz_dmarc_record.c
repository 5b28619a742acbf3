#include "tests/fuzz/fuzz.h"

#include "common/base/mem.h"
#include "common/dmarc/record.h"

static void
check_uris(struct span text, const struct span *uris, size_t count)
{
	size_t i;

	MUST(count <= DMARC_URIS_MAX);
	for (i = 0; i < count; i++) {
		MUST(uris[i].p >= text.p &&
		    uris[i].p + uris[i].len <= text.p + text.len);
		MUST(span_has(uris[i], ':') && !span_has(uris[i], '!') &&
		    !span_has(uris[i], ',') && !span_has(uris[i], ' '));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct dmarc_record record;
	enum dmarc_record_result result;

	result = dmarc_record_parse(span_make(data, size), &arena, &record);
	MUST((result == DMARC_RECORD_OK) ==
	    (record.p != DMARC_POLICY_UNSET));
	MUST(result == DMARC_RECORD_OK || record.note != NULL);
	MUST(result != DMARC_RECORD_OK || size <= DMARC_RECORD_MAX);
	MUST(result != DMARC_RECORD_INVALID || record.rua_count == 0);
	check_uris(record.text, record.rua, record.rua_count);
	check_uris(record.text, record.ruf, record.ruf_count);
	MUST(record.fo != 0 && (record.fo & 3) != 3);
	arena_clear(&arena);
	return 0;
}
