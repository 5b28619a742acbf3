#include "common/base/ipaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static unsigned
full_bits(unsigned char family)
{
	return family == 4 ? 32 : 128;
}

static void
unmap(struct ipaddr *address)
{
	static const unsigned char prefix[12] =
	    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (address->family != 6 || address->bits < 96 ||
	    memcmp(address->octets, prefix, sizeof(prefix)) != 0)
		return;
	address->family = 4;
	address->bits = (unsigned char)(address->bits - 96);
	memmove(address->octets, address->octets + 12, 4);
	memset(address->octets + 4, 0, 12);
}

static bool
parse_plain(struct span s, struct ipaddr *address)
{
	char text[IPADDR_TEXT];

	memset(address, 0, sizeof(*address));
	if (s.len == 0 || s.len >= sizeof(text) || span_has(s, '\0'))
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	if (inet_pton(AF_INET, text, address->octets) == 1)
		address->family = 4;
	else if (inet_pton(AF_INET6, text, address->octets) == 1)
		address->family = 6;
	else
		return false;
	address->bits = (unsigned char)full_bits(address->family);
	return true;
}

static struct span
strip_brackets(struct span s)
{
	static const char tag[] = "ipv6:";

	if (s.len >= 2 && s.p[0] == '[' && s.p[s.len - 1] == ']')
		s = span_make(s.p + 1, s.len - 2);
	if (s.len > 5 && span_is_nocase(span_first(s, 5), tag))
		s = span_skip(s, 5);
	return s;
}

bool
ipaddr_parse(struct span s, struct ipaddr *address)
{
	if (!parse_plain(strip_brackets(s), address))
		return false;
	unmap(address);
	return true;
}

/* The prefix length a netmask stands for, or -1 where it has holes. */
static int
netmask_bits(const struct ipaddr *mask)
{
	unsigned bits = 0, max = full_bits(mask->family);
	struct ipaddr cut;

	while (bits < max &&
	    (mask->octets[bits / 8] & (0x80u >> bits % 8)) != 0)
		bits++;
	cut = ipaddr_mask(*mask, bits);
	return memcmp(cut.octets, mask->octets, sizeof(cut.octets)) == 0 ?
	    (int)bits : -1;
}

static bool
parse_prefix(struct span s, unsigned char family, unsigned *bits)
{
	struct ipaddr mask;
	uint64_t n;
	int from_mask;

	if (span_number(s, full_bits(family), &n)) {
		*bits = (unsigned)n;
		return true;
	}
	if (!parse_plain(s, &mask) || mask.family != family ||
	    (from_mask = netmask_bits(&mask)) < 0)
		return false;
	*bits = (unsigned)from_mask;
	return true;
}

bool
ipaddr_parse_network(struct span s, struct ipaddr *network,
    bool *had_host_bits)
{
	struct span address, prefix = strip_brackets(s);
	struct ipaddr full;
	unsigned bits;

	*had_host_bits = false;
	if (!span_cut(&prefix, '/', &address))
		return ipaddr_parse(address, network);
	if (!parse_plain(strip_brackets(address), &full) ||
	    !parse_prefix(prefix, full.family, &bits))
		return false;
	*network = ipaddr_mask(full, bits);
	*had_host_bits = memcmp(network->octets, full.octets,
	    sizeof(full.octets)) != 0;
	unmap(network);
	return true;
}

bool
ipaddr_from_sockaddr(const struct sockaddr *sa, struct ipaddr *address)
{
	memset(address, 0, sizeof(*address));
	if (sa == NULL)
		return false;
	if (sa->sa_family == AF_INET) {
		address->family = 4;
		memcpy(address->octets, &((const struct sockaddr_in *)
		    (const void *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		address->family = 6;
		memcpy(address->octets, &((const struct sockaddr_in6 *)
		    (const void *)sa)->sin6_addr, 16);
	} else {
		return false;
	}
	address->bits = (unsigned char)full_bits(address->family);
	unmap(address);
	return true;
}

struct ipaddr
ipaddr_mask(struct ipaddr address, unsigned bits)
{
	unsigned i, kept;

	if (bits >= address.bits)
		return address;
	address.bits = (unsigned char)bits;
	for (i = 0; i < sizeof(address.octets); i++) {
		kept = bits > i * 8 ? bits - i * 8 : 0;
		if (kept < 8)
			address.octets[i] &= (unsigned char)(0xff00u >> kept);
	}
	return address;
}

bool
ipaddr_eq(const struct ipaddr *a, const struct ipaddr *b)
{
	return a->family == b->family && a->bits == b->bits &&
	    memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

bool
ipaddr_in(const struct ipaddr *address, const struct ipaddr *network)
{
	struct ipaddr cut;

	if (address->family != network->family || address->family == 0 ||
	    address->bits < network->bits)
		return false;
	cut = ipaddr_mask(*address, network->bits);
	return ipaddr_eq(&cut, network);
}

void
ipaddr_add(struct strbuf *out, const struct ipaddr *address)
{
	char text[IPADDR_TEXT];

	if (address->family == 0 ||
	    inet_ntop(address->family == 4 ? AF_INET : AF_INET6,
	    address->octets, text, sizeof(text)) == NULL)
		return;
	strbuf_adds(out, text);
	if (address->bits < full_bits(address->family))
		strbuf_addf(out, "/%u", address->bits);
}
