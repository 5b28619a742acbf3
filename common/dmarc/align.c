#include "common/dmarc/align.h"

#include "common/dmarc/psl.h"
#include "common/mail/domain.h"

/* What a part of a walk came to. */
enum part {
	PART_NO,
	PART_YES,
	PART_TROUBLE,
	PART_UNASKED,
	PART_MISSING		/* an answer is */
};

struct meeting {
	struct dmarc_path author, identifier;
	size_t shared;			/* names both have, at the end */
	struct lookups *lookups;
};

static const struct {
	enum dmarc_match match;
	const char *how;
} outcomes[] = {
	[PART_NO] = { DMARC_NOT_ALIGNED, "another organization" },
	[PART_YES] = { DMARC_ALIGNED, "same organization" },
	[PART_TROUBLE] = { DMARC_MATCH_TROUBLE, "DNS trouble" },
	[PART_UNASKED] = { DMARC_MATCH_UNASKED, "not examined: too many DNS "
	    "questions for one message" },
};

static bool
is_plain(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80 ||
		    (s.p[i] >= 'A' && s.p[i] <= 'Z'))
			return false;
	return true;
}

struct span
dmarc_normalize(struct span domain, struct arena *arena)
{
	struct span ascii;

	if (domain.len > 0 && domain.p[domain.len - 1] == '.')
		domain.len--;
	if (is_plain(domain))
		return domain;
	return domain_to_ascii(domain, arena, &ascii) ? ascii :
	    arena_duplower(arena, domain);
}

static void
meeting_init(struct meeting *meeting, const struct dmarc_pair *pair,
    struct lookups *lookups)
{
	struct dmarc_path *a = &meeting->author, *b = &meeting->identifier;
	size_t n = 0;

	dmarc_path_make(pair->author, pair->discovery, a);
	dmarc_path_make(pair->identifier, pair->discovery, b);
	while (n < a->count && n < b->count && span_eq(
	    a->names[a->count - 1 - n], b->names[b->count - 1 - n]))
		n++;
	meeting->shared = n;
	meeting->lookups = lookups;
}

static struct span
lowest(const struct meeting *meeting)
{
	return meeting->author.names[meeting->author.count - meeting->shared];
}

static enum part
worse(enum part a, enum part b)
{
	return a > b ? a : b;
}

static bool
is_unknown(const struct dmarc_published *found)
{
	return found->state == DMARC_TROUBLE || found->state == DMARC_UNASKED;
}

static enum part
unknown(const struct dmarc_published *found)
{
	return found->state == DMARC_UNASKED ? PART_UNASKED : PART_TROUBLE;
}

/* Whether a walk ends at one of the first count names. */
static enum part
ends_early(const struct dmarc_path *path, size_t count,
    struct lookups *lookups)
{
	struct dmarc_published found;
	enum part part = PART_NO;
	size_t i;

	for (i = 0; i < count; i++) {
		if (!dmarc_published_get(path->names[i], lookups, &found))
			part = PART_MISSING;
		else if (dmarc_step_stops(&found))
			return PART_YES;
		else if (is_unknown(&found))
			part = worse(part, unknown(&found));
	}
	return part;
}

static enum part
one_ends_early(const struct meeting *meeting)
{
	const struct dmarc_path *a = &meeting->author;
	const struct dmarc_path *b = &meeting->identifier;
	enum part first, second;

	first = ends_early(a, a->count - meeting->shared, meeting->lookups);
	if (first == PART_YES)
		return PART_YES;
	second = ends_early(b, b->count - meeting->shared, meeting->lookups);
	return second == PART_YES ? PART_YES : worse(first, second);
}

/*
 * Whether a shared name has a record, from the lowest one up. Trouble at the
 * lowest is trouble in any case: psd=y there parts what is below it.
 */
static enum part
share_record(const struct meeting *meeting, struct dmarc_step *at)
{
	const struct dmarc_path *path = &meeting->author;
	size_t i, first = path->count - meeting->shared;
	struct dmarc_published found;
	enum part part = PART_NO;

	for (i = first; i < path->count; i++) {
		if (!dmarc_published_get(path->names[i], meeting->lookups,
		    &found))
			return PART_MISSING;
		if (found.state == DMARC_ABSENT)
			continue;
		if (is_unknown(&found)) {
			part = worse(part, unknown(&found));
			if (i == first)
				return part;
			continue;
		}
		*at = (struct dmarc_step){ path->names[i], found };
		return PART_YES;
	}
	return part;
}

/*
 * psd=y where the walks meet: each organizational domain is below it, where
 * the shortcut of long names may still have the two be one; unless it is where
 * a walk began.
 */
static enum part
below_suffix(const struct meeting *meeting)
{
	const struct dmarc_path *paths[2] = { &meeting->author,
	    &meeting->identifier };
	struct dmarc_step steps[DMARC_WALK_MAX];
	enum part part = PART_YES;
	struct span orgs[2];
	size_t i, k;

	for (k = 0; k < 2; k++) {
		for (i = 0; i <= paths[k]->count - meeting->shared; i++) {
			steps[i].domain = paths[k]->names[i];
			if (!dmarc_published_get(steps[i].domain,
			    meeting->lookups, &steps[i].found))
				return PART_MISSING;
			if (is_unknown(&steps[i].found))
				part = worse(part, unknown(&steps[i].found));
			if (dmarc_step_stops(&steps[i].found)) {
				i++;
				break;
			}
		}
		orgs[k] = dmarc_organization(paths[k]->names[0], steps, i);
	}
	return span_eq(orgs[0], orgs[1]) ? part : PART_NO;
}

static enum part
relaxed(const struct meeting *meeting, struct dmarc_step *at)
{
	enum part upper, lower;

	upper = share_record(meeting, at);
	if (upper == PART_NO)
		return PART_NO;
	if (upper == PART_MISSING && meeting->shared < 2)
		return PART_MISSING;	/* it will most likely be NO */
	if (upper == PART_YES && at->found.record->psd == DMARC_PSD_YES &&
	    at->domain.len == lowest(meeting).len)
		return below_suffix(meeting);
	lower = one_ends_early(meeting);
	return lower == PART_YES ? PART_NO : worse(upper, lower);
}

/* By the suffix list there is nothing to ask. */
static enum part
same_by_list(const struct dmarc_pair *pair, struct span *org)
{
	*org = psl_organizational_domain(pair->author);
	return span_eq(*org, psl_organizational_domain(pair->identifier)) ?
	    PART_YES : PART_NO;
}

bool
dmarc_align(const struct dmarc_pair *pair, struct lookups *lookups,
    struct dmarc_aligned *aligned)
{
	struct dmarc_step at = { .domain = SPAN_LIT("") };
	struct meeting meeting;
	enum part part;

	*aligned = (struct dmarc_aligned){ .match = DMARC_ALIGNED,
	    .how = "same domain", .meeting = SPAN_LIT("") };
	if (span_eq(pair->author, pair->identifier))
		return true;
	if (pair->mode == DMARC_STRICT) {
		aligned->match = DMARC_NOT_ALIGNED;
		aligned->how = "strict: another name";
		return true;
	}
	if (pair->discovery == DMARC_PSL) {
		part = same_by_list(pair, &at.domain);
	} else {
		meeting_init(&meeting, pair, lookups);
		part = relaxed(&meeting, &at);
	}
	if (part == PART_MISSING)
		return false;
	aligned->match = outcomes[part].match;
	aligned->how = outcomes[part].how;
	if (part == PART_YES)
		aligned->meeting = at.domain;
	return true;
}
