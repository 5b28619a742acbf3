/*
 * overrides.h - DMARCOverrides: what we do for some author domains whatever
 * their policy asks for.
 *
 *	domain		action		until		comment
 *	example.com	accept		2026-12-31	their lists, ticket 42
 *	.example.net	quarantine	-		also what is below it
 *
 * A domain is meant alone; ".domain" or "*.domain" means what is below it; the
 * most specific row decides. action is accept, quarantine or reject. until is
 * the last day (UTC) on which the row counts, "-" for ever: it is
 * looked at when a message comes, and a row that is past is told at load.
 */
#ifndef POSTERN_MILTERS_VERIFY_OVERRIDES_H
#define POSTERN_MILTERS_VERIFY_OVERRIDES_H

#include "common/dmarc/record.h"
#include "common/tables/dataset.h"

#include <time.h>

struct verify_overrides;

struct verify_override {
	enum dmarc_policy action;	/* accept: DMARC_POLICY_NONE */
	int64_t until;			/* first second past it; INT64_MAX */
	const char *comment;		/* "" without */
	const char *row;		/* "overrides:12", for log and A-R */
};

/* spec NULL: none. NULL only where diag got an error. now is for warnings. */
struct verify_overrides *verify_overrides_load(const char *spec,
    const struct dataset_place *place, int64_t now, struct diag *diag);
void verify_overrides_free(struct verify_overrides *overrides);

/* The row for that author domain that still counts, or NULL. */
const struct verify_override *verify_overrides_find(
    const struct verify_overrides *overrides, struct span domain,
    int64_t now);

#endif
