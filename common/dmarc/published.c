#include "common/dmarc/published.h"

#include "common/base/mem.h"
#include "common/mail/domain.h"

#include <stdlib.h>

/* What an answer comes to, in one piece of memory. */
struct derived {
	bool has_record;
	const char *note;
	struct dmarc_record record;
	char text[];		/* of the record, and its note as a C string */
};

static void
move(struct span *s, const char *from, const char *to)
{
	s->p = to + (s->p - from);
}

/* A copy without the arena. */
static struct derived *
keep_record(const struct dmarc_record *record)
{
	size_t len = record->text.len, i;
	const char *note = record->note != NULL ? record->note : "";
	struct derived *derived = xmalloc(sizeof(*derived) + len +
	    strlen(note) + 1);
	struct dmarc_record *copy = &derived->record;
	char *text = derived->text;

	*copy = *record;
	memcpy(text, record->text.p, len);
	memcpy(text + len, note, strlen(note) + 1);
	copy->text.p = text;
	copy->note = record->note != NULL ? text + len : NULL;
	for (i = 0; i < copy->rua_count; i++)
		move(&copy->rua[i], record->text.p, text);
	for (i = 0; i < copy->ruf_count; i++)
		move(&copy->ruf[i], record->text.p, text);
	derived->has_record = true;
	derived->note = text + len;
	return derived;
}

static struct derived *
keep_note(const char *note)
{
	size_t size = strlen(note) + 1;
	struct derived *derived = xmalloc(sizeof(*derived) + size);

	memcpy(derived->text, note, size);
	derived->has_record = false;
	derived->note = derived->text;
	return derived;
}

/* Records of something else do not count, and of two of ours none does. */
static void *
derive(const struct dns_answer *answer)
{
	struct dmarc_record record = { .note = NULL }, other;
	enum dmarc_record_result result = DMARC_RECORD_NOT_DMARC, found;
	const char *note = "no DMARC record";
	struct arena arena = ARENA_INIT;
	struct derived *derived;
	size_t i, count = 0;
	struct span text;

	for (i = 0; i < answer->count && count < 2; i++) {
		if (!dns_txt_join(answer->records[i].data, &arena, &text))
			continue;
		found = dmarc_record_parse(text, &arena, &other);
		if (found == DMARC_RECORD_NOT_DMARC)
			continue;
		result = found;
		record = other;
		count++;
	}
	if (count > 1)
		note = "several records: none counts";
	else if (count == 1)
		note = record.note;
	derived = count == 1 && result != DMARC_RECORD_SYNTAX ?
	    keep_record(&record) : keep_note(note);
	arena_clear(&arena);
	return derived;
}

static const struct dns_derivation derivation = { derive, free };

static void
read_answer(const struct dns_answer *answer, struct span domain,
    struct dmarc_published *published)
{
	const struct derived *derived;

	published->answer = answer;
	switch (answer->result) {
	case DNS_FOUND:
		derived = dns_answer_derive(answer, &derivation);
		published->note = derived->note;
		if (derived->has_record) {
			published->state = DMARC_PRESENT;
			published->record = &derived->record;
		}
		return;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		published->note = "no record";
		return;
	default:
		published->note = dns_result_text(answer->result);
		if (answer->result == DNS_MALFORMED &&
		    !domain_is_valid_owner(domain))
			return;		/* no name: nothing can be there */
		published->state = answer->result == DNS_REFUSED ?
		    DMARC_UNASKED : DMARC_TROUBLE;
	}
}

bool
dmarc_published_get(struct span domain, struct lookups *lookups,
    struct dmarc_published *published)
{
	static const char prefix[] = "_dmarc.";
	const size_t skip = sizeof(prefix) - 1;
	const struct dns_answer *answer;
	char name[DOMAIN_MAX];

	*published = (struct dmarc_published){ .state = DMARC_ABSENT,
	    .note = "too long for a name" };
	if (domain.len > sizeof(name) - skip)
		return true;
	memcpy(name, prefix, skip);
	memcpy(name + skip, domain.p, domain.len);
	answer = lookups_get(lookups, LOOKUP_DMARC,
	    span_make(name, skip + domain.len), DNS_TXT);
	if (answer == NULL)
		return false;
	read_answer(answer, domain, published);
	return true;
}
