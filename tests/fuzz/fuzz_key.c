#include "tests/fuzz/fuzz.h"

#include "common/dkim/key.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	struct dkim_key *key = dkim_key_parse(span_make(data, size), &err);

	MUST((key == NULL) == (err.len != 0));
	if (key != NULL) {
		MUST(dkim_key_bits(key) <= DKIM_RSA_BITS_MAX);
		MUST(dkim_key_format_public(key, &out, &err) == 0 ||
		    err.len != 0);
	}
	dkim_key_free(key);
	strbuf_clear(&out);
	strbuf_clear(&err);
	return 0;
}
