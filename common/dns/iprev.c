#include "common/dns/iprev.h"

#include "common/base/mem.h"
#include "common/mail/domain.h"

static void
add_ipv4(struct strbuf *out, const unsigned char *octets)
{
	int i;

	for (i = 3; i >= 0; i--)
		strbuf_addf(out, "%u.", octets[i]);
	strbuf_adds(out, "in-addr.arpa");
}

/* RFC 3596 2.5. */
static void
add_ipv6(struct strbuf *out, const unsigned char *octets)
{
	int i;

	for (i = 15; i >= 0; i--)
		strbuf_addf(out, "%x.%x.", octets[i] & 15u, octets[i] >> 4);
	strbuf_adds(out, "ip6.arpa");
}

struct span
iprev_reverse_name(const struct ipaddr *address, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT;
	struct span name;

	if (address->family == 4)
		add_ipv4(&text, address->octets);
	else if (address->family == 6)
		add_ipv6(&text, address->octets);
	name = arena_dup(arena, strbuf_span(&text));
	strbuf_clear(&text);
	return name;
}

static bool
set(struct iprev *iprev, enum iprev_result result, const char *reason)
{
	iprev->result = result;
	iprev->reason = reason;
	return true;
}

static bool
is_trouble(const struct dns_answer *answer)
{
	return answer->result == DNS_SERVFAIL ||
	    answer->result == DNS_TIMEOUT || answer->result == DNS_BOGUS;
}

/* The names of a PTR answer that can be a host's, IPREV_NAMES_MAX at most. */
static size_t
read_names(const struct dns_answer *answer, struct arena *arena,
    struct span names[IPREV_NAMES_MAX])
{
	size_t i, count = 0;

	for (i = 0; i < answer->count && count < IPREV_NAMES_MAX; i++)
		if (dns_record_name(answer->records[i].data, arena,
		    &names[count]) && domain_is_valid_owner(names[count]))
			count++;
	return count;
}

static bool
has_address(const struct dns_answer *answer, const struct ipaddr *client)
{
	struct ipaddr address;
	size_t i;

	for (i = 0; i < answer->count; i++)
		if (dns_record_address(answer->records[i].data, &address) &&
		    ipaddr_eq(&address, client))
			return true;
	return false;
}

static enum dns_type
address_type(const struct ipaddr *client)
{
	return client->family == 4 ? DNS_A : DNS_AAAA;
}

/* Asks for all names at once; the first in order that leads back counts. */
static bool
confirm(const struct ipaddr *client, const struct span *names, size_t count,
    struct lookups *lookups, struct iprev *iprev)
{
	const struct dns_answer *answers[IPREV_NAMES_MAX];
	bool trouble = false, refused = false, open = false;
	size_t i;

	for (i = 0; i < count; i++)
		answers[i] = lookups_get(lookups, LOOKUP_IPREV, names[i],
		    address_type(client));
	for (i = 0; i < count && !open; i++) {
		open = answers[i] == NULL;
		if (open || is_trouble(answers[i])) {
			trouble = true;
		} else if (answers[i]->result == DNS_REFUSED) {
			refused = true;
		} else if (has_address(answers[i], client)) {
			iprev->name = names[i];
			return set(iprev, IPREV_PASS, "");
		}
	}
	if (open)
		return false;
	if (trouble)
		return set(iprev, IPREV_TEMPERROR,
		    "the name of the address cannot be looked up now");
	if (refused)
		return set(iprev, IPREV_PERMERROR, "too many DNS questions");
	return set(iprev, IPREV_FAIL,
	    "the name of the address does not lead back to it");
}

/* "unknown" and "[192.0.2.1]" are no names of hosts. */
void
iprev_prefetch(const struct ipaddr *client, struct span name,
    struct lookups *lookups)
{
	if (client->family != 0 && span_has(name, '.') &&
	    domain_is_valid_owner(name))
		lookups_get(lookups, LOOKUP_IPREV, name,
		    address_type(client));
}

bool
iprev_check(const struct ipaddr *client, struct lookups *lookups,
    struct arena *arena, struct iprev *iprev)
{
	struct span names[IPREV_NAMES_MAX];
	const struct dns_answer *answer;
	size_t count;

	*iprev = (struct iprev){ .reason = "" };
	if (client->family == 0)
		return set(iprev, IPREV_PERMERROR, "no client address");
	answer = lookups_get(lookups, LOOKUP_IPREV,
	    iprev_reverse_name(client, arena), DNS_PTR);
	if (answer == NULL)
		return false;
	if (is_trouble(answer))
		return set(iprev, IPREV_TEMPERROR,
		    "the address cannot be looked up now");
	if (answer->result == DNS_REFUSED)
		return set(iprev, IPREV_PERMERROR, "too many DNS questions");
	count = read_names(answer, arena, names);
	if (count == 0)
		return set(iprev, IPREV_PERMERROR,
		    "the address has no name");
	return confirm(client, names, count, lookups, iprev);
}

const char *
iprev_result_name(enum iprev_result result)
{
	static const char *const names[] = {
		[IPREV_PASS] = "pass",
		[IPREV_FAIL] = "fail",
		[IPREV_TEMPERROR] = "temperror",
		[IPREV_PERMERROR] = "permerror",
	};

	return names[result];
}
