#include "tests/fuzz/fuzz.h"

#include "common/dns/iprev.h"
#include "common/mail/domain.h"

/*
 * A stranger's records, through every reader of record data and through the
 * check of the client's name. The input is records of a length octet and that
 * many octets of data; PTR questions are answered with them, and so are those
 * for addresses.
 */
struct input {
	struct dns_record records[64];
	size_t count;
};

static void
read_txt(struct span data, struct arena *arena)
{
	struct span text;

	if (!dns_txt_join(data, arena, &text))
		return;
	MUST(data.len > 0 && text.len < data.len);
	MUST(text.p[text.len] == '\0' && !span_has(text, '\0'));
}

static void
read_names(struct span data, struct arena *arena)
{
	unsigned preference;
	struct span name;

	if (dns_record_name(data, arena, &name))
		MUST(name.len <= DOMAIN_MAX && (name.len + 2 == data.len ||
		    (name.len == 0 && data.len == 1)));
	if (dns_record_mx(data, arena, &preference, &name))
		MUST(name.len <= DOMAIN_MAX && preference <= 65535);
}

static void
read_address(struct span data)
{
	struct ipaddr address;

	if (dns_record_address(data, &address))
		MUST(address.family == (data.len == 4 ? 4 : 6));
	else
		MUST(data.len != 4 && data.len != 16);
}

static bool
answer_with_input(void *arg, struct span name, enum dns_type type,
    struct arena *arena, struct dns_answer *answer)
{
	struct input *input = arg;

	(void)type;
	(void)arena;
	MUST(name.len > 0 && name.len <= DOMAIN_MAX);
	answer->records = input->records;
	answer->count = input->count;
	answer->result = input->count > 0 ? DNS_FOUND : DNS_NODATA;
	return true;
}

static void
check_client(struct input *input, struct arena *arena)
{
	const struct lookups_options options = {
		.source = answer_with_input, .source_arg = input };
	struct lookups *lookups = lookups_new(&options);
	struct ipaddr client = { 0 };
	struct iprev iprev;

	if (input->count > 0)
		dns_record_address(input->records[0].data, &client);
	MUST(iprev_check(&client, lookups, arena, &iprev));
	MUST(lookups_count(lookups) <= 1 + IPREV_NAMES_MAX);
	if (iprev.result == IPREV_PASS)
		MUST(domain_is_valid_owner(iprev.name));
	else
		MUST(iprev.name.len == 0 && iprev.reason[0] != '\0');
	lookups_free(lookups);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make(data, size), item;
	struct input input = { .count = 0 };
	struct arena arena = ARENA_INIT;

	read_txt(rest, &arena);
	read_names(rest, &arena);
	read_address(rest);
	while (rest.len > 0 && input.count < 64) {
		item = span_first(span_skip(rest, 1),
		    (unsigned char)rest.p[0]);
		rest = span_skip(rest, 1 + item.len);
		read_txt(item, &arena);
		read_names(item, &arena);
		read_address(item);
		input.records[input.count++].data = item;
	}
	check_client(&input, &arena);
	arena_clear(&arena);
	return 0;
}
