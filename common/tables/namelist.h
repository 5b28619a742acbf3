/*
 * namelist.h - lists of domains and of addresses: Domain, ExemptDomains,
 * DontSignMailTo.
 *
 * An entry is a domain (that domain only), ".domain" or "*.domain" (below it),
 * "user@domain", "user@*.domain", "user@*", "*@domain", "*@*.domain" or "*";
 * "!" in front excludes. Case is ignored; U-labels are accepted. In a list of
 * domains an entry with "@" is an error. The most specific entry decides:
 * user@domain, the domain, for each parent from the longest user@*.parent and
 * .parent, then user@*, then those with other uses of "*", in file order, then
 * "*" alone.
 */
#ifndef POSTERN_TABLES_NAMELIST_H
#define POSTERN_TABLES_NAMELIST_H

#include "common/mail/address.h"
#include "common/tables/dataset.h"

enum namelist_kind { NAMELIST_DOMAINS, NAMELIST_ADDRESSES };

struct namelist;

/* As hostlist_load(). */
struct namelist *namelist_load(const char *spec, enum namelist_kind kind,
    const struct dataset_place *place, struct diag *diag);
void namelist_free(struct namelist *list);

/* As hostlist_match(); for NAMELIST_DOMAINS local may be empty. Both parts
 * as struct address has them. */
bool namelist_match(const struct namelist *list,
    const struct address *address, struct span *entry);

/* With the parents of the domain too, nearest first (SubDomains): *domain gets
 * the one that is listed. */
bool namelist_match_parents(const struct namelist *list, struct span domain,
    struct span *listed);

size_t namelist_count(const struct namelist *list);

#endif
