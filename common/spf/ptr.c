#include "common/spf/ptr.h"

#include "common/dns/iprev.h"

struct names {
	struct span items[SPF_PTR_MAX];
	size_t count;
	bool is_void;
};

/* The first ten names of the PTR records: more are ignored (4.6.4). False:
 * stopped. */
static bool
get_names(struct spf_evaluation *evaluation, struct names *names)
{
	const struct dns_answer *answer = spf_ask(evaluation,
	    iprev_reverse_name(&evaluation->question->client,
	    evaluation->arena), DNS_PTR);
	size_t i;

	*names = (struct names){ .count = 0 };
	if (answer == NULL)
		return false;
	names->is_void = answer->result == DNS_NODATA ||
	    answer->result == DNS_NXDOMAIN;
	for (i = 0; i < answer->count && names->count < SPF_PTR_MAX; i++)
		if (dns_record_name(answer->records[i].data,
		    evaluation->arena, &names->items[names->count]))
			names->count++;
	return true;
}

/* All at once: none of them depends on another. */
static bool
ask_addresses(struct spf_evaluation *evaluation, const struct names *names)
{
	enum dns_type type = spf_address_type(evaluation);
	size_t i;

	for (i = 0; i < names->count; i++)
		if (lookups_get(evaluation->lookups, LOOKUP_SPF,
		    names->items[i], type) == NULL)
			evaluation->is_pending = true;
	evaluation->is_stopped |= evaluation->is_pending;
	return !evaluation->is_pending;
}

/* Whether the name leads back to the client. A DNS error is a no. */
static bool
leads_back(struct spf_evaluation *evaluation, struct span name)
{
	const struct dns_answer *answer = spf_ask(evaluation, name,
	    spf_address_type(evaluation));
	struct ipaddr address;
	size_t i;

	for (i = 0; answer != NULL && i < answer->count; i++)
		if (dns_record_address(answer->records[i].data, &address) &&
		    ipaddr_eq(&address, &evaluation->question->client))
			return true;
	return false;
}

/* Drops what does not lead back. False: stopped. */
static bool
validate(struct spf_evaluation *evaluation, struct names *names)
{
	size_t i, count = 0;

	if (!ask_addresses(evaluation, names))
		return false;
	for (i = 0; i < names->count; i++)
		if (leads_back(evaluation, names->items[i]))
			names->items[count++] = names->items[i];
	names->count = count;
	return !evaluation->is_stopped;
}

/* The same name, or one below domain. */
static bool
is_within(struct span name, struct span domain)
{
	return span_ends_nocase(name, domain) && (name.len == domain.len ||
	    (name.len > domain.len && domain.len > 0 &&
	    name.p[name.len - domain.len - 1] == '.'));
}

bool
spf_ptr_match(struct spf_evaluation *evaluation, struct span domain,
    bool *matches, bool *is_void)
{
	struct names names;
	size_t i, count = 0;

	if (!get_names(evaluation, &names))
		return false;
	for (i = 0; i < names.count; i++)
		if (is_within(names.items[i], domain))
			names.items[count++] = names.items[i];
	names.count = count;
	if (!validate(evaluation, &names))
		return false;
	*is_void = names.is_void;
	*matches = names.count > 0;
	return true;
}

bool
spf_client_name(struct spf_evaluation *evaluation, struct span domain,
    struct span *name)
{
	const struct span *exact = NULL, *below = NULL;
	struct names names;
	size_t i;

	*name = SPAN_LIT("unknown");
	if (!get_names(evaluation, &names) || !validate(evaluation, &names))
		return false;
	for (i = names.count; i-- > 0;) {
		if (span_eq_nocase(names.items[i], domain))
			exact = &names.items[i];
		else if (is_within(names.items[i], domain))
			below = &names.items[i];
	}
	if (exact != NULL)
		*name = *exact;
	else if (below != NULL)
		*name = *below;
	else if (names.count > 0)
		*name = names.items[0];
	return true;
}
