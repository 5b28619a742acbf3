/*
 * vitals.h - what every daemon counts about itself, and the file in which its
 * counters are published.
 */
#ifndef POSTERN_MILTER_VITALS_H
#define POSTERN_MILTER_VITALS_H

#include "common/milter/filter.h"

struct vitals;

/* Counters of its own beside the filter's, under the filter's name. */
struct vitals *vitals_new(const struct filter *filter);

struct counters *vitals_filter_counters(struct vitals *vitals);

/* May be called from any thread. */
void vitals_reloaded(struct vitals *vitals, bool is_ok);

/* Brings the file up to date; path NULL: there is none. A file that cannot be
 * written is logged once until it can be again. */
void vitals_publish(struct vitals *vitals, const char *path);

#endif
