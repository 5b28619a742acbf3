#include "milters/policy/listcodes.h"

static const uint32_t loopback = UINT32_C(127) << 24;
static const uint32_t errors = UINT32_C(0x7fffff00);

static uint32_t
number_of(const struct ipaddr *address)
{
	const unsigned char *o = address->octets;

	return (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 |
	    (uint32_t)o[2] << 8 | o[3];
}

static bool
read_address(struct span text, uint32_t *number)
{
	struct ipaddr address;

	if (!ipaddr_parse(text, &address) || address.family != 4)
		return false;
	*number = number_of(&address);
	return true;
}

static bool
read_network(struct span text, struct listcode_range *range)
{
	struct ipaddr network;
	bool has_host_bits;

	if (!ipaddr_parse_network(text, &network, &has_host_bits) ||
	    network.family != 4 || network.bits == 0 || has_host_bits)
		return false;
	range->low = number_of(&network);
	range->high = range->low | (uint32_t)(UINT64_C(0xffffffff) >>
	    network.bits);
	return true;
}

static bool
read_range(struct span text, struct listcode_range *range)
{
	struct span first;
	uint64_t last;

	if (span_has(text, '/'))
		return read_network(text, range);
	if (!span_cut(&text, '-', &first)) {
		text = first;
		return read_address(text, &range->low) &&
		    read_address(text, &range->high);
	}
	if (!read_address(first, &range->low))
		return false;
	if (!span_number(text, 255, &last))
		return read_address(text, &range->high);
	range->high = (range->low & ~UINT32_C(255)) | (uint32_t)last;
	return true;
}

static bool
is_sensible(const struct listcode_range *range)
{
	return range->low <= range->high && range->low >= loopback &&
	    range->low < errors && range->high < UINT32_C(128) << 24;
}

bool
listcodes_read(struct span text, struct listcodes *codes, struct span *bad)
{
	struct listcode_range range;
	bool more;

	codes->count = 0;
	do {
		more = span_cut(&text, ',', bad);
		if (codes->count == LISTCODES_MAX ||
		    !read_range(*bad, &range) || !is_sensible(&range))
			return false;
		codes->ranges[codes->count++] = range;
	} while (more);
	return true;
}

bool
listcodes_is_answer(const struct ipaddr *address)
{
	uint32_t number = number_of(address);

	return address->family == 4 && number >> 24 == 127 &&
	    (number & ~UINT32_C(255)) != errors;
}

bool
listcodes_has(const struct listcodes *codes, const struct ipaddr *address)
{
	uint32_t number = number_of(address);
	size_t i;

	for (i = 0; i < codes->count; i++)
		if (number >= codes->ranges[i].low &&
		    number <= codes->ranges[i].high)
			return true;
	return codes->count == 0;
}
