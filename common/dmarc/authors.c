#include "common/dmarc/authors.h"

#include "common/mail/domain.h"

enum { SCANNED_MAX = 1000 };	/* '@'s of one field that are looked at */

static bool
is_from(struct span name)
{
	return name.len >= 4 && ascii_lower(name.p[0]) == 'f' &&
	    span_is_nocase(span_trim(name), "from");
}

static void
add_domain(struct dmarc_authors *authors, struct span domain)
{
	size_t i;

	for (i = 0; i < authors->count; i++)
		if (span_eq(authors->domains[i], domain))
			return;
	if (authors->count == DMARC_AUTHOR_DOMAINS_MAX)
		authors->is_over = true;
	else
		authors->domains[authors->count++] = domain;
}

static size_t
domain_run(struct span s)
{
	size_t n = 0;

	while (n < s.len && (is_alpha(s.p[n]) || is_digit(s.p[n]) ||
	    s.p[n] == '-' || s.p[n] == '.' || (unsigned char)s.p[n] >= 0x80))
		n++;
	while (n > 0 && s.p[n - 1] == '.')
		n--;
	return n;
}

static void
scan(struct dmarc_authors *authors, struct span value, struct arena *arena)
{
	struct span domain, head;
	size_t i;

	value = span_first(value, ADDRESS_FIELD_MAX);
	for (i = 0; i < SCANNED_MAX && !authors->is_over &&
	    span_cut(&value, '@', &head); i++)
		if (domain_to_ascii(span_first(value, domain_run(value)),
		    arena, &domain))
			add_domain(authors, domain);
}

static void
read_field(struct dmarc_authors *authors, const struct header_field *field,
    struct arena *arena)
{
	struct address_list list;
	size_t i;

	address_list_parse(field->value, arena, &list);
	for (i = 0; i < list.count && !authors->is_over; i++)
		add_domain(authors, list.items[i].domain);
	if (list.result == ADDRESS_OK)
		return;
	scan(authors, field->value, arena);
	if (authors->trouble == NULL)
		authors->trouble = arena_printf(arena, "From: %s",
		    address_result_text(list.result));
}

void
dmarc_authors_find(const struct header_field *fields, size_t count,
    struct arena *arena, struct dmarc_authors *authors)
{
	size_t i;

	*authors = (struct dmarc_authors){ .count = 0 };
	for (i = 0; i < count; i++) {
		if (!is_from(fields[i].name))
			continue;
		authors->from_fields++;
		if (!authors->is_over)
			read_field(authors, &fields[i], arena);
	}
	if (authors->from_fields == 0)
		authors->trouble = "no From field";
	else if (authors->from_fields > 1)
		authors->trouble = "several From fields";
	else if (authors->trouble == NULL && authors->count > 1)
		authors->trouble = "authors of several domains";
}
