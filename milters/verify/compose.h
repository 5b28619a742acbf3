/*
 * compose.h - the header fields we write, and the forged ones we take out.
 */
#ifndef POSTERN_MILTERS_VERIFY_COMPOSE_H
#define POSTERN_MILTERS_VERIFY_COMPOSE_H

#include "milters/verify/verify.h"

/* Records the deletion of every Authentication-Results field that bears our
 * id or one of RemoveARFrom; report->removed counts them. */
void compose_removals(struct filter_context *ctx,
    struct verify_report *report);

/* Records our field at index 0 (and Received-SPF below it, where wanted). */
void compose_results(struct filter_context *ctx,
    struct verify_report *report);

#endif
