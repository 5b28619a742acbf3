#include "tests/fuzz/fuzz.h"

#include "common/base/escape.h"
#include "common/base/strbuf.h"
#include "common/mail/address.h"
#include "common/mail/domain.h"

static void
check_local(struct span s)
{
	uint32_t code;
	size_t n;

	MUST(s.len <= ADDRESS_LOCAL_MAX);
	while (s.len > 0) {
		MUST(s.p[0] != '\0' && s.p[0] != '\r' && s.p[0] != '\n');
		n = (unsigned char)s.p[0] < 0x80 ? 1 : utf8_sequence(s, &code);
		MUST(n != 0);
		s = span_skip(s, n);
	}
}

static void
check_domain(struct span s)
{
	size_t i;

	MUST(domain_is_valid(s));
	for (i = 0; i < s.len; i++)
		MUST(s.p[i] == ascii_lower(s.p[i]));
}

static void
check_same(const struct address *a, const struct address *b)
{
	MUST(span_eq(a->local, b->local));
	MUST(span_eq(a->domain, b->domain));
}

/* What is formatted reads the same, in a field and in an envelope. */
static void
check_again(const struct address *address, enum address_result want,
    struct arena *arena)
{
	struct span text = address_format(address, arena);
	struct address_list list;
	struct address again;

	MUST(address_parse_path(text, arena, &again) == want);
	check_same(&again, address);
	address_list_parse(text, arena, &list);
	MUST(list.result == want);
	if (want != ADDRESS_OK)
		return;
	MUST(list.count == 1);
	check_same(&list.items[0], address);
}

static void
check_path(struct span s, struct arena *arena)
{
	struct address address;
	enum address_result result = address_parse_path(s, arena, &address);

	if (result != ADDRESS_OK && result != ADDRESS_LITERAL)
		return;
	check_local(address.local);
	if (result == ADDRESS_OK)
		check_domain(address.domain);
	check_again(&address, result, arena);
}

/* One more address in front, or a comment behind, changes nothing else. */
static void
check_neighbours(struct span s, const struct address_list *list,
    struct arena *arena)
{
	struct strbuf text = STRBUF_INIT;
	struct address_list more;
	size_t i;

	strbuf_adds(&text, "first@example.org,");
	strbuf_addspan(&text, s);
	if (list->result == ADDRESS_OK)
		strbuf_adds(&text, " (last)");
	address_list_parse(strbuf_span(&text), arena, &more);
	MUST(more.result == list->result || more.result == ADDRESS_TOO_LONG ||
	    (more.result == ADDRESS_OK && list->result == ADDRESS_EMPTY));
	MUST(more.count == list->count + 1 || more.result == ADDRESS_TOO_LONG);
	for (i = 0; i < list->count && i + 1 < more.count; i++)
		check_same(&list->items[i], &more.items[i + 1]);
	strbuf_clear(&text);
}

static void
check_list(struct span s, struct arena *arena)
{
	struct address_list list;
	size_t i;

	address_list_parse(s, arena, &list);
	MUST(address_result_text(list.result) != NULL);
	MUST(list.count <= ADDRESS_LIST_MAX);
	MUST(list.result != ADDRESS_OK || list.count > 0);
	MUST(list.result != ADDRESS_EMPTY || list.count == 0);
	MUST(list.result != ADDRESS_OK || !span_has(s, '\0'));
	for (i = 0; i < list.count; i++) {
		check_local(list.items[i].local);
		check_domain(list.items[i].domain);
		check_again(&list.items[i], ADDRESS_OK, arena);
	}
	check_neighbours(s, &list, arena);
}

static void
check_to_ascii(struct span s, struct arena *arena)
{
	struct span ascii, again;

	if (!domain_to_ascii(s, arena, &ascii))
		return;
	check_domain(ascii);
	MUST(domain_to_ascii(ascii, arena, &again));
	MUST(span_eq(ascii, again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_make(data, size);
	struct arena arena = ARENA_INIT;

	check_list(s, &arena);
	check_path(s, &arena);
	check_to_ascii(s, &arena);
	arena_clear(&arena);
	return 0;
}
