#include "common/spf/mechanism.h"

#include "common/base/mem.h"
#include "common/spf/macro.h"

#include <arpa/inet.h>

/* ---- the parts of a term ---- */

/* 1*DIGIT without a leading zero, at most max. */
static bool
read_bits(struct span digits, unsigned max, unsigned char *bits)
{
	uint64_t value;

	if (digits.len == 0 || (digits.len > 1 && digits.p[0] == '0') ||
	    !span_number(digits, max, &value))
		return false;
	*bits = (unsigned char)value;
	return true;
}

/* Takes "/digits" off the end of *rest; false where there is none. */
static bool
cut_prefix_length(struct span *rest, struct span *digits)
{
	size_t i = rest->len;

	while (i > 0 && is_digit(rest->p[i - 1]))
		i--;
	if (i == 0 || i == rest->len || rest->p[i - 1] != '/')
		return false;
	*digits = span_skip(*rest, i);
	rest->len = i - 1;
	return true;
}

/* dual-cidr-length, off the end of *rest. */
static bool
cut_dual_lengths(struct span *rest, struct spf_term *term)
{
	struct span digits;

	term->ip4_bits = 32;
	term->ip6_bits = 128;
	if (!cut_prefix_length(rest, &digits))
		return true;
	if (rest->len > 0 && rest->p[rest->len - 1] == '/') {
		rest->len--;
		if (!read_bits(digits, 128, &term->ip6_bits))
			return false;
		if (!cut_prefix_length(rest, &digits))
			return true;
	}
	return read_bits(digits, 32, &term->ip4_bits);
}

/* ---- mechanisms ---- */

/* value is what follows the name: "", ":...", "/...". */

static bool
read_nothing(struct span value, struct spf_term *term)
{
	(void)term;
	return value.len == 0;
}

static bool
read_spec(struct span value, struct spf_term *term)
{
	if (value.len == 0 || value.p[0] != ':')
		return false;
	term->spec = span_skip(value, 1);
	return spf_domain_spec_check(term->spec);
}

static bool
read_optional_spec(struct span value, struct spf_term *term)
{
	return value.len == 0 || read_spec(value, term);
}

static bool
read_spec_and_lengths(struct span value, struct spf_term *term)
{
	return cut_dual_lengths(&value, term) &&
	    read_optional_spec(value, term);
}

/* Four qnums: numbers up to 255 without leading zeros. */
static bool
is_dotted_quad(struct span s)
{
	struct span part;
	unsigned char octet;
	unsigned count = 0;
	bool more;

	do {
		more = span_cut(&s, '.', &part);
		if (!read_bits(part, 255, &octet))
			return false;
		count++;
	} while (more);
	return count == 4;
}

static bool
read_ip4(struct span value, struct spf_term *term)
{
	unsigned char bits = 32;
	struct span digits;

	if (value.len == 0 || value.p[0] != ':')
		return false;
	value = span_skip(value, 1);
	if (cut_prefix_length(&value, &digits) &&
	    !read_bits(digits, 32, &bits))
		return false;
	if (!is_dotted_quad(value) || !ipaddr_parse(value, &term->network))
		return false;
	term->network = ipaddr_mask(term->network, bits);
	return true;
}

/*
 * An address of RFC 4291 2.2. Not by ipaddr_parse(), which takes more and makes
 * an IPv4-mapped one an IPv4 address: here it stays IPv6, which the clients it
 * seems to mean are not (5.6).
 */
static bool
parse_ip6(struct span s, struct ipaddr *address)
{
	char text[IPADDR_TEXT];

	if (s.len >= sizeof(text))
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	*address = (struct ipaddr){ .family = 6, .bits = 128 };
	return strlen(text) == s.len &&
	    inet_pton(AF_INET6, text, address->octets) == 1;
}

static bool
read_ip6(struct span value, struct spf_term *term)
{
	unsigned char bits = 128;
	struct span digits;

	if (value.len == 0 || value.p[0] != ':')
		return false;
	value = span_skip(value, 1);
	if (cut_prefix_length(&value, &digits) &&
	    !read_bits(digits, 128, &bits))
		return false;
	if (!parse_ip6(value, &term->network))
		return false;
	term->network = ipaddr_mask(term->network, bits);
	return true;
}

static const struct mechanism {
	const char *name;
	bool (*read)(struct span value, struct spf_term *term);
	bool is_counted;
} mechanisms[] = {
	[SPF_ALL] = { "all", read_nothing, false },
	[SPF_INCLUDE] = { "include", read_spec, true },
	[SPF_A] = { "a", read_spec_and_lengths, true },
	[SPF_MX] = { "mx", read_spec_and_lengths, true },
	[SPF_PTR] = { "ptr", read_optional_spec, true },
	[SPF_IP4] = { "ip4", read_ip4, false },
	[SPF_IP6] = { "ip6", read_ip6, false },
	[SPF_EXISTS] = { "exists", read_spec, true },
};

bool
spf_mechanism_is_counted(enum spf_mechanism mechanism)
{
	return mechanisms[mechanism].is_counted;
}

bool
spf_term_parse(struct span text, struct spf_term *term, const char **reason)
{
	struct span name;
	size_t i, len;

	*term = (struct spf_term){ .qualifier = '+', .text = text,
	    .spec = SPAN_LIT("") };
	if (text.len > 0 && span_has(SPAN_LIT("+-~?"), text.p[0])) {
		term->qualifier = text.p[0];
		text = span_skip(text, 1);
	}
	for (len = 0; len < text.len && text.p[len] != ':' &&
	    text.p[len] != '/'; len++)
		;
	name = span_first(text, len);
	for (i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (span_is_nocase(name, mechanisms[i].name))
			break;
	*reason = "unknown mechanism";
	if (i == ARRAY_LEN(mechanisms))
		return false;
	term->mechanism = (enum spf_mechanism)i;
	*reason = "syntax error in a mechanism";
	return mechanisms[i].read(span_skip(text, len), term);
}
