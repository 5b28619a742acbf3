#include "tests/fuzz/fuzz.h"

#include "common/dkim/record.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size);
	struct dkim_record record;
	enum dkim_record_result result = dkim_record_parse(text, &record);

	MUST(dkim_record_result_text(result) != NULL);
	MUST(result == DKIM_RECORD_TOO_LONG || size <= DKIM_RECORD_MAX);
	if (result == DKIM_RECORD_OK)
		MUST(record.public_key.len != 0);
	dkim_record_clear(&record);
	return 0;
}
