#include "common/dns/answer.h"

#include "common/base/mem.h"
#include "common/dns/lookups.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
	/* A parsed public key is the largest: what OpenSSL takes for it. */
	DERIVED_SIZE = 3072,
	/* What grows most with the text are the terms of SPF. */
	DERIVED_FACTOR = 8
};

struct counted {
	struct dns_answer answer;	/* first: this is what callers hold */
	atomic_uint refs;
	size_t size;
};

struct dns_derived {
	struct dns_derived *next;
	const struct dns_derivation *derivation;
	void *made;
};

static struct counted *
counted_of(const struct dns_answer *answer)
{
	return (struct counted *)(uintptr_t)answer;
}

/* ---- copies ---- */

static size_t
text_size(const struct dns_answer *answer, size_t count)
{
	size_t size = answer->canonical_name.len + 1, i;

	if (answer->detail != NULL)
		size += strlen(answer->detail) + 1;
	for (i = 0; i < count; i++)
		size += answer->records[i].data.len;
	return size;
}

static const char *
put(char **at, const void *data, size_t len)
{
	char *p = *at;

	if (len > 0)
		memcpy(p, data, len);
	*at += len;
	return p;
}

static struct span
put_text(char **at, struct span text)
{
	const char *p = put(at, text.p, text.len);

	put(at, "", 1);
	return span_make(p, text.len);
}

const struct dns_answer *
dns_answer_copy(const struct dns_answer *from)
{
	size_t count = from->count < DNS_RECORDS_MAX ? from->count :
	    DNS_RECORDS_MAX;
	size_t size = sizeof(struct counted) +
	    count * sizeof(struct dns_record) + text_size(from, count);
	struct counted *counted = xmalloc(size);
	struct dns_answer *to = &counted->answer;
	struct dns_record *records = (struct dns_record *)(counted + 1);
	char *at = (char *)(records + count);
	size_t i;

	*to = (struct dns_answer){ .result = from->result,
	    .is_secure = from->is_secure, .ttl = from->ttl,
	    .records = records, .count = count };
	atomic_init(&counted->refs, 1);
	counted->size = size;
	to->canonical_name = put_text(&at, from->canonical_name);
	if (from->detail != NULL)
		to->detail = put_text(&at, span_of(from->detail)).p;
	for (i = 0; i < count; i++)
		records[i].data = span_make(put(&at, from->records[i].data.p,
		    from->records[i].data.len), from->records[i].data.len);
	return to;
}

const struct dns_answer *
dns_answer_failure(const char *detail)
{
	const struct dns_answer answer = { .result = DNS_SERVFAIL,
		.detail = detail };

	return dns_answer_copy(&answer);
}

const struct dns_answer *
dns_answer_ref(const struct dns_answer *answer)
{
	atomic_fetch_add_explicit(&counted_of(answer)->refs, 1,
	    memory_order_relaxed);
	return answer;
}

void
dns_answer_unref(const struct dns_answer *answer)
{
	if (answer == NULL || atomic_fetch_sub_explicit(
	    &counted_of(answer)->refs, 1, memory_order_acq_rel) != 1)
		return;
	dns_answer_forget(answer);
	free(counted_of(answer));
}

size_t
dns_answer_cost(const struct dns_answer *answer, enum dns_type type)
{
	size_t size = counted_of(answer)->size;

	if (type == DNS_TXT && answer->count > 0)
		size += DERIVED_SIZE + size * DERIVED_FACTOR;
	return size;
}

/* ---- what was derived ---- */

static const void *
find_derived(const struct dns_derived *derived,
    const struct dns_derivation *derivation)
{
	for (; derived != NULL; derived = derived->next)
		if (derived->derivation == derivation)
			return derived->made;
	return NULL;
}

const void *
dns_answer_derive(const struct dns_answer *answer,
    const struct dns_derivation *derivation)
{
	struct dns_derived *_Atomic *head =
	    &((struct dns_answer *)(uintptr_t)answer)->derived;
	struct dns_derived *first = atomic_load(head), *mine;
	const void *made = find_derived(first, derivation);

	if (made != NULL)
		return made;
	mine = xmalloc(sizeof(*mine));
	mine->derivation = derivation;
	mine->made = derivation->make(answer);
	do {
		/* Another thread may have been as quick as we. */
		made = find_derived(first, derivation);
		if (made != NULL) {
			derivation->free(mine->made);
			free(mine);
			return made;
		}
		mine->next = first;
	} while (!atomic_compare_exchange_weak(head, &first, mine));
	return mine->made;
}

void
dns_answer_forget(const struct dns_answer *answer)
{
	struct dns_answer *mutable = (struct dns_answer *)(uintptr_t)answer;
	struct dns_derived *derived = atomic_exchange(&mutable->derived, NULL);
	struct dns_derived *next;

	for (; derived != NULL; derived = next) {
		next = derived->next;
		derived->derivation->free(derived->made);
		free(derived);
	}
}
