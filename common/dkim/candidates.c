#include "common/dkim/candidates.h"

#include "common/dkim/signature.h"
#include "common/mail/domain.h"

enum rank { RANK_SAME, RANK_RELATED, RANK_NEAR, RANK_OTHER };

enum {
	RANKS = RANK_OTHER + 1,
	UNICODE_MAX = 64	/* U-labels are costly to convert; how many of
				   the fields may have some */
};

struct ranked {
	size_t fields[RANKS][DKIM_CANDIDATES_MAX];
	size_t counts[RANKS];
};

static bool
is_ascii(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* The last two labels of a domain; all of it where it has no more. */
static struct span
last_labels(struct span domain)
{
	size_t last = span_rfind(domain, '.');
	size_t dot = span_rfind(span_first(domain, last), '.');

	return dot < last ? span_skip(domain, dot + 1) : domain;
}

static enum rank
rank_against(struct span domain, struct span author)
{
	if (span_eq(domain, author))
		return RANK_SAME;
	if (domain_is_within(domain, author) ||
	    domain_is_within(author, domain))
		return RANK_RELATED;
	if (span_eq(last_labels(domain), last_labels(author)))
		return RANK_NEAR;
	return RANK_OTHER;
}

static enum rank
rank_domain(struct span domain, const struct span *authors, size_t count)
{
	enum rank best = RANK_OTHER, rank;
	size_t i;

	for (i = 0; i < count; i++) {
		rank = rank_against(domain, authors[i]);
		if (rank < best)
			best = rank;
	}
	return best;
}

static enum rank
rank_field(const struct header_field *field, const struct span *authors,
    size_t count, size_t *unicode)
{
	struct arena arena = ARENA_INIT;
	struct dkim_signature_peek peek;
	enum rank rank = RANK_OTHER;
	char lower[DOMAIN_MAX];
	struct span domain;
	size_t i;

	dkim_signature_peek(field->value, &peek);
	domain = peek.domain;
	if (is_ascii(domain)) {
		if (domain.len == 0 || domain.len > sizeof(lower))
			return RANK_OTHER;
		for (i = 0; i < domain.len; i++)
			lower[i] = ascii_lower(domain.p[i]);
		return rank_domain(span_make(lower, domain.len), authors,
		    count);
	}
	if (*unicode < UNICODE_MAX) {
		++*unicode;
		if (domain_to_ascii(domain, &arena, &domain))
			rank = rank_domain(domain, authors, count);
		arena_clear(&arena);
	}
	return rank;
}

static bool
is_signature(const struct header_field *field)
{
	return span_is_nocase(span_trim(field->name), "DKIM-Signature");
}

void
dkim_candidates_find(const struct header_field *fields, size_t count,
    const struct span *authors, size_t author_count,
    struct dkim_candidates *candidates)
{
	struct ranked ranked = { .counts = { 0 } };
	size_t i, unicode = 0;
	enum rank rank;

	candidates->count = 0;
	candidates->total = 0;
	for (i = 0; i < count; i++) {
		if (!is_signature(&fields[i]))
			continue;
		candidates->total++;
		rank = rank_field(&fields[i], authors, author_count, &unicode);
		if (ranked.counts[rank] < DKIM_CANDIDATES_MAX)
			ranked.fields[rank][ranked.counts[rank]++] = i;
	}
	for (rank = RANK_SAME; rank <= RANK_OTHER; rank++)
		for (i = 0; i < ranked.counts[rank] &&
		    candidates->count < DKIM_CANDIDATES_MAX; i++)
			candidates->fields[candidates->count++] =
			    ranked.fields[rank][i];
}
