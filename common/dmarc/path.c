#include "common/dmarc/path.h"

#include "common/dmarc/psl.h"
#include "common/mail/domain.h"

const char *const dmarc_discovery_words[] = { "treewalk", "psl", NULL };

enum { SHORTCUT_LABELS = 7 };	/* what is left of a longer name */

static size_t
count_labels(struct span name)
{
	size_t i, count = 1;

	for (i = 0; i < name.len; i++)
		count += name.p[i] == '.';
	return count;
}

static void
path_psl(struct span domain, struct dmarc_path *path)
{
	struct span org = psl_organizational_domain(domain);

	path->names[path->count++] = domain;
	if (org.len < domain.len)
		path->names[path->count++] = org;
}

/* 4.10: from eight labels on, the next name has seven. */
void
dmarc_path_make(struct span domain, enum dmarc_discovery discovery,
    struct dmarc_path *path)
{
	size_t labels = count_labels(domain);

	path->count = 0;
	if (discovery == DMARC_PSL) {
		path_psl(domain, path);
		return;
	}
	while (domain.len > 0 && path->count < DMARC_WALK_MAX) {
		path->names[path->count++] = domain;
		do {
			domain = domain_parent(domain);
			labels--;
		} while (labels > SHORTCUT_LABELS);
	}
}
