#include "common/dkim/adsp.h"

#include "common/base/mem.h"
#include "common/mail/taglist.h"

/* What a practice means for a message without a signature of its author. */
static const struct {
	const char *word;
	enum adsp_result result;
} practices[] = {
	{ "unknown", ADSP_UNKNOWN },
	{ "all", ADSP_FAIL },
	{ "discardable", ADSP_DISCARD },
};

static void
settle(struct adsp *adsp, enum adsp_result result, const char *reason)
{
	adsp->result = result;
	adsp->reason = reason;
}

/* RFC 5617 4.2.1: dkim= comes first; a word that is not known is "unknown". */
static bool
read_practice(struct span text, enum adsp_result *result)
{
	struct tag tag;
	size_t i;

	if (tag_next(&text, &tag) != 1 || !span_is(tag.name, "dkim"))
		return false;
	*result = ADSP_UNKNOWN;
	for (i = 0; i < ARRAY_LEN(practices); i++)
		if (span_is(tag.value, practices[i].word))
			*result = practices[i].result;
	return true;
}

static void
read_records(const struct dns_answer *answer, struct arena *arena,
    struct adsp *adsp)
{
	enum adsp_result result = ADSP_UNKNOWN;
	struct span text;
	size_t i, found = 0;

	for (i = 0; i < answer->count; i++)
		if (dns_txt_join(answer->records[i].data, arena, &text) &&
		    read_practice(text, &result))
			found++;
	if (found == 1)
		settle(adsp, result, "");
	else if (found == 0)
		settle(adsp, ADSP_PERMERROR, "no valid ADSP record");
	else
		settle(adsp, ADSP_PERMERROR, "several ADSP records");
}

/* True where the author domain was shown to exist, or *adsp is settled. */
static bool
look_for_domain(struct span domain, struct lookups *lookups,
    struct adsp *adsp, bool *exists)
{
	const struct dns_answer *answer = lookups_get(lookups, LOOKUP_DKIM,
	    domain, DNS_MX);

	*exists = false;
	if (answer == NULL)
		return false;
	if (answer->result == DNS_FOUND || answer->result == DNS_NODATA)
		*exists = true;
	else if (answer->result == DNS_NXDOMAIN)
		settle(adsp, ADSP_NXDOMAIN, "the author domain does not "
		    "exist");
	else if (answer->result == DNS_MALFORMED ||
	    answer->result == DNS_REFUSED)
		settle(adsp, ADSP_PERMERROR, dns_result_text(answer->result));
	else
		settle(adsp, ADSP_TEMPERROR, dns_result_text(answer->result));
	return true;
}

bool
adsp_check(struct span author_domain, bool is_signed,
    struct lookups *lookups, struct arena *arena, struct adsp *adsp)
{
	const struct dns_answer *answer;
	struct span name;
	bool exists;

	if (is_signed) {
		settle(adsp, ADSP_PASS, "");
		return true;
	}
	name = span_of(arena_printf(arena, "_adsp._domainkey.%.*s",
	    SPAN_ARG(author_domain)));
	answer = lookups_get(lookups, LOOKUP_DKIM, name, DNS_TXT);
	if (!look_for_domain(author_domain, lookups, adsp, &exists) ||
	    answer == NULL)
		return false;
	if (!exists)
		return true;
	switch (answer->result) {
	case DNS_FOUND:
		read_records(answer, arena, adsp);
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		settle(adsp, ADSP_NONE, "");
		break;
	case DNS_MALFORMED:
	case DNS_REFUSED:
		settle(adsp, ADSP_PERMERROR,
		    dns_result_text(answer->result));
		break;
	default:
		settle(adsp, ADSP_TEMPERROR,
		    dns_result_text(answer->result));
		break;
	}
	return true;
}

const char *
adsp_result_name(enum adsp_result result)
{
	static const char *const names[] = {
		[ADSP_NONE] = "none",
		[ADSP_PASS] = "pass",
		[ADSP_UNKNOWN] = "unknown",
		[ADSP_FAIL] = "fail",
		[ADSP_DISCARD] = "discard",
		[ADSP_NXDOMAIN] = "nxdomain",
		[ADSP_TEMPERROR] = "temperror",
		[ADSP_PERMERROR] = "permerror",
	};

	return names[result];
}
