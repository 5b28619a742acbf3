#include "common/spf/terms.h"

#include "common/spf/ptr.h"

#include <stdlib.h>

static const struct spf_answer stop = { SPF_ANSWER_STOP, NULL };
static const struct spf_answer nothing = { SPF_ANSWER_NOTHING, NULL };
static const struct spf_answer match = { SPF_ANSWER_MATCH, NULL };

unsigned
spf_term_bits(const struct spf_evaluation *evaluation,
    const struct spf_term *term)
{
	return evaluation->question->client.family == 4 ? term->ip4_bits :
	    term->ip6_bits;
}

/* A question had no record: the term does not match, and it counts. */
static struct spf_answer
void_answer(struct spf_evaluation *evaluation, const struct spf_frame *frame)
{
	spf_step_outcome(evaluation, frame, "void");
	return spf_count_void(evaluation) ? nothing : stop;
}

/* Addresses to compare; with "/0" any one of the client's kind will do. */
static struct spf_answer
addresses(const struct spf_evaluation *evaluation,
    const struct spf_term *term, const struct dns_answer *answer)
{
	struct ipaddr address;
	size_t i;

	if (spf_term_bits(evaluation, term) > 0)
		return (struct spf_answer){ SPF_ANSWER_ADDRESSES, answer };
	for (i = 0; i < answer->count; i++)
		if (dns_record_address(answer->records[i].data, &address))
			return match;
	return nothing;
}

static struct spf_answer
ask_a(struct spf_evaluation *evaluation, struct spf_frame *frame,
    const struct spf_term *term, struct span name)
{
	const struct dns_answer *answer = spf_ask_surely(evaluation, name,
	    spf_address_type(evaluation));

	if (answer == NULL)
		return stop;
	if (answer->result != DNS_FOUND)
		return void_answer(evaluation, frame);
	return addresses(evaluation, term, answer);
}

/* Always A, whatever the client's kind (5.7). */
static struct spf_answer
ask_exists(struct spf_evaluation *evaluation, struct spf_frame *frame,
    const struct spf_term *term, struct span name)
{
	const struct dns_answer *answer = spf_ask_surely(evaluation, name,
	    DNS_A);

	(void)term;
	if (answer == NULL)
		return stop;
	return answer->result == DNS_FOUND ? match :
	    void_answer(evaluation, frame);
}

static struct spf_answer
ask_ptr(struct spf_evaluation *evaluation, struct spf_frame *frame,
    const struct spf_term *term, struct span name)
{
	bool matches, is_void;

	(void)term;
	if (!spf_ptr_match(evaluation, name, &matches, &is_void))
		return stop;
	if (is_void)
		return void_answer(evaluation, frame);
	return matches ? match : nothing;
}

/* ---- mx ---- */

struct host {
	unsigned preference;
	struct span name;
};

static int
compare_hosts(const void *a, const void *b)
{
	const struct host *left = a, *right = b;

	if (left->preference != right->preference)
		return left->preference < right->preference ? -1 : 1;
	return span_cmp(left->name, right->name);
}

/* The hosts, best first, so that the outcome does not depend on the order of
 * the records. A null MX (RFC 7505) has none. */
static void
keep_hosts(struct spf_evaluation *evaluation, struct spf_frame *frame,
    const struct dns_answer *answer)
{
	struct host hosts[SPF_MX_MAX], *host;
	size_t i, count = 0;

	for (i = 0; i < answer->count; i++) {
		host = &hosts[count];
		if (dns_record_mx(answer->records[i].data, evaluation->arena,
		    &host->preference, &host->name) &&
		    spf_name_is_askable(host->name))
			count++;
	}
	qsort(hosts, count, sizeof(*hosts), compare_hosts);
	frame->hosts = arena_alloc(evaluation->arena,
	    count * sizeof(*frame->hosts));
	frame->host_count = count;
	frame->has_address = false;
	for (i = 0; i < count; i++)
		frame->hosts[i] = hosts[i].name;
}

/* All at once: the answers are needed one after the other until one matches,
 * but their waits need not add up. */
static void
ask_hosts_ahead(struct spf_evaluation *evaluation,
    const struct spf_frame *frame)
{
	size_t i;

	for (i = 0; i < frame->host_count; i++)
		lookups_get(evaluation->lookups, LOOKUP_SPF, frame->hosts[i],
		    spf_address_type(evaluation));
}

static struct spf_answer
ask_mx(struct spf_evaluation *evaluation, struct spf_frame *frame,
    const struct spf_term *term, struct span name)
{
	const struct dns_answer *answer = spf_ask_surely(evaluation, name,
	    DNS_MX);

	(void)term;
	if (answer == NULL)
		return stop;
	if (answer->result != DNS_FOUND)
		return void_answer(evaluation, frame);
	if (answer->count > SPF_MX_MAX) {
		spf_stop(evaluation, SPF_PERMERROR,
		    "mx: more than 10 hosts");
		return stop;
	}
	keep_hosts(evaluation, frame, answer);
	ask_hosts_ahead(evaluation, frame);
	return (struct spf_answer){ SPF_ANSWER_HOSTS, NULL };
}

/* 4.6.4 limits the terms that nothing comes of, not their look-ups: an mx is
 * void where none of its hosts has an address. */
struct spf_answer
spf_host_answer(struct spf_evaluation *evaluation, struct spf_frame *frame,
    size_t i, size_t host)
{
	const struct dns_answer *answer = spf_ask_surely(evaluation,
	    frame->hosts[host], spf_address_type(evaluation));

	if (answer == NULL)
		return stop;
	if (answer->result == DNS_FOUND) {
		frame->has_address = true;
		return addresses(evaluation, &frame->record->terms[i],
		    answer);
	}
	if (host == frame->host_count - 1 && !frame->has_address)
		return void_answer(evaluation, frame);
	return nothing;
}

/* ---- all of them ---- */

static struct spf_answer (*const askers[])(struct spf_evaluation *,
    struct spf_frame *, const struct spf_term *, struct span) = {
	[SPF_A] = ask_a,
	[SPF_MX] = ask_mx,
	[SPF_PTR] = ask_ptr,
	[SPF_EXISTS] = ask_exists,
};

struct spf_answer
spf_term_answer(struct spf_evaluation *evaluation, struct spf_frame *frame,
    size_t i)
{
	const struct spf_record *record = frame->record;
	const struct spf_term *term;
	struct span name;

	/* The default, and what needs no DNS: those are there only where they
	 * match. */
	if (i == record->count)
		return match;
	term = &record->terms[i];
	if (!spf_mechanism_is_counted(term->mechanism))
		return match;
	if (!spf_count_term(evaluation) ||
	    !spf_target(evaluation, frame, term->spec, &name))
		return stop;
	if (!spf_name_is_askable(name))
		return nothing;
	return askers[term->mechanism](evaluation, frame, term, name);
}
