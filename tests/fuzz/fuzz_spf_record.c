#include "tests/fuzz/fuzz.h"

#include "common/spf/macro.h"
#include "common/spf/record.h"
#include "common/spf/spf.h"

static const struct spf_macros macros = {
	.sender = { { "a.b-c+d", 7 }, { "sender.example", 14 } },
	.helo = { "he lo\xff", 6 },
	.domain = { "domain.example", 14 },
	.receiver = { "mx.example", 10 },
	.validated = { "unknown", 7 },
	.client = { .family = 6, .bits = 128,
	    .octets = { 0x20, 1, 0xd, 0xb8 } },
	.now = 1234567,
};

static void
expand(struct span spec, const struct spf_published *published)
{
	struct arena arena = ARENA_INIT;
	struct span name;

	MUST(spec.p >= published->text);
	MUST(spf_domain_spec_check(spec));
	name = spf_macro_name(spec, &macros, &arena);
	MUST(name.len <= SPF_NAME_MAX);
	spf_name_is_askable(name);
	spf_macro_uses(spec, 'p');
	arena_clear(&arena);
}

static void
check_record(const struct spf_published *published)
{
	const struct spf_record *record = &published->record;
	const struct spf_term *term;
	size_t i;

	for (i = 0; i < record->count; i++) {
		term = &record->terms[i];
		MUST(term->text.len > 0);
		MUST(term->ip4_bits <= 32 && term->ip6_bits <= 128);
		MUST(term->mechanism != SPF_ALL || i == record->count - 1);
		if (term->spec.len > 0)
			expand(term->spec, published);
	}
	if (record->redirect.text.len > 0)
		expand(record->redirect.spec, published);
	if (record->exp.text.len > 0)
		expand(record->exp.spec, published);
}

static void
check_text(struct span text)
{
	struct strbuf out = STRBUF_INIT;

	if (!spf_macro_check(text, SPF_MACRO_IN_TEXT, true))
		return;
	spf_macro_expand(text, &macros, &out);
	MUST(out.len <= SPF_EXPANSION_MAX);
	strbuf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size);
	struct spf_published published;

	if (spf_record_parse(text, &published))
		check_record(&published);
	else
		MUST(published.reason[0] != '\0');
	spf_published_clear(&published);
	check_text(text);
	return 0;
}
