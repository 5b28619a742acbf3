/*
 * counters.h - what a daemon counts, as a Prometheus text file.
 */
#ifndef POSTERN_MILTER_COUNTERS_H
#define POSTERN_MILTER_COUNTERS_H

#include "common/base/strbuf.h"

enum counter_kind { COUNTER, GAUGE };

struct counter_row {
	const char *metric;	/* "postern_sign_messages_total" */
	const char *labels;	/* "result=\"signed\"", or NULL */
	const char *help;	/* on the first row of a metric */
	enum counter_kind kind;
};

/* Rows of one metric stand together. */
struct counter_schema {
	const struct counter_row *rows;
	size_t count;
};

struct counters;

struct counters *counters_new(const struct counter_schema *schema);
void counters_free(struct counters *counters);

/* i: the row's number. Any thread; lock-free; a NULL counters is ignored. */
void counters_add(struct counters *counters, size_t i, int64_t n);
void counters_set(struct counters *counters, size_t i, int64_t value);
int64_t counters_get(const struct counters *counters, size_t i);

void counters_format(const struct counters *counters, struct strbuf *out);

#endif
