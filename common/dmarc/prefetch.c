#include "common/dmarc/prefetch.h"

#include "common/dmarc/align.h"
#include "common/mail/domain.h"

enum { PREFETCH_MAX = 4 };	/* questions for identifiers */

/* What alignment would ask, up to max questions; how many that were. */
static size_t
prefetch_identifier(struct span author, struct span identifier,
    struct lookups *lookups, size_t max)
{
	struct dmarc_published found;
	struct dmarc_path path;
	size_t i;

	dmarc_path_make(identifier, DMARC_TREEWALK, &path);
	for (i = 0; i < path.count && i < max &&
	    span_has(path.names[i], '.') &&
	    !domain_is_within(author, path.names[i]); i++)
		dmarc_published_get(path.names[i], lookups, &found);
	return i;
}

/* What the walk for the policy, and the question whether the domain exists,
 * cannot need of our share. */
static size_t
spare_questions(struct span author)
{
	struct dmarc_path path;
	size_t needed, spare;

	dmarc_path_make(author, DMARC_TREEWALK, &path);
	needed = path.count + 1;
	spare = needed < LOOKUPS_RESERVED_DMARC ?
	    LOOKUPS_RESERVED_DMARC - needed : 0;
	return spare < PREFETCH_MAX ? spare : PREFETCH_MAX;
}

/* Two labels in common, at least. */
static bool
look_related(struct span a, struct span b)
{
	struct dmarc_path path;
	size_t i;

	dmarc_path_make(b, DMARC_TREEWALK, &path);
	for (i = 0; i < path.count; i++)
		if (span_has(path.names[i], '.') &&
		    domain_is_within(a, path.names[i]))
			return true;
	return false;
}

/*
 * The first name that the author's walk and the identifier's have in common is
 * where alignment begins, be it only "com". The author's walk may end below it.
 */
static void
prefetch_meeting(struct span author, struct span identifier,
    struct lookups *lookups)
{
	struct dmarc_published found;
	struct dmarc_path path;
	size_t i = 0;

	dmarc_path_make(author, DMARC_TREEWALK, &path);
	while (i < path.count && !domain_is_within(identifier, path.names[i]))
		i++;
	if (i < path.count && !span_eq(author, identifier))
		dmarc_published_get(path.names[i], lookups, &found);
}

void
dmarc_prefetch(const struct dmarc_authors *authors,
    const struct span *identifiers, size_t count,
    enum dmarc_discovery discovery, struct lookups *lookups,
    struct arena *arena)
{
	size_t i, left;
	struct span domain;

	for (i = 0; i < authors->count; i++)
		dmarc_walk_ask(authors->domains[i], discovery, lookups);
	if (authors->trouble != NULL || discovery == DMARC_PSL)
		return;
	left = spare_questions(authors->domains[0]);
	for (i = 0; i < count; i++) {
		domain = dmarc_normalize(identifiers[i], arena);
		prefetch_meeting(authors->domains[0], domain, lookups);
		if (left > 0 && look_related(authors->domains[0], domain))
			left -= prefetch_identifier(authors->domains[0],
			    domain, lookups, left);
	}
}

void
dmarc_prefetch_next(const struct dmarc_authors *authors,
    enum dmarc_discovery discovery, struct lookups *lookups,
    struct arena *arena)
{
	struct dmarc_walk walk;
	size_t i;

	for (i = 0; i < authors->count; i++)
		dmarc_walk(authors->domains[i], discovery, DMARC_WALK_POLICY,
		    lookups, arena, &walk);
}
